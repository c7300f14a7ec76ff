use ndarray::Array2;
use rec_core::objective::{SkipGram, WordFactors};

use super::*;
use crate::ops::simd::{Level, Task};
use crate::vectors::rows::Shared;

struct Step<'a>(&'a mut Scratch, [Shared<'a>; 2], [usize; 2]);

impl Task for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        let Self(scratch, [x, y], [n, m]) = self;
        let [x, y] = [(x, n), (y, m)]
            .map(|(table, n)| (0..n as u32).map(|row| table.row(row)).collect::<Vec<_>>());
        let labels: Vec<f32> = (0..m).map(|row| if row == 0 { 1.0 } else { 0.0 }).collect();
        let outputs = Outputs { rows: &y, labels: &labels, rates: &vec![0.25; m] };
        scratch.step(s, &x, outputs);
    }
}

#[test]
fn a_step_is_against_the_gradient_of_the_objective() {
    for dim in [1, 3, 16, 100, 257] {
        for (n, m) in [(1, 1), (2, 6), (3, 4), (7, 3), (16, 21)] {
            let value = |at: usize, salt: usize| ((at * 37 + salt) % 23) as f64 / 23.0 - 0.5;
            let at = WordFactors {
                inputs: Array2::from_shape_fn((n, dim), |(r, c)| value(r * dim + c, 5)),
                outputs: Array2::from_shape_fn((m, dim), |(r, c)| value(r * dim + c, 11)),
            };
            let context: Vec<u32> = (0..n as u32).collect();
            let negatives: Vec<u32> = (1..m as u32).collect();
            let by = SkipGram::SkipGram.gradient(&at, &context, 0, &negatives);
            let want = [&at.inputs - 0.25 * by.inputs, &at.outputs - 0.25 * by.outputs];
            for level in Level::all() {
                let mut scratch = Scratch::new(dim);
                let flat = |a: &Array2<f64>| a.iter().map(|&v| v as f32).collect::<Vec<_>>();
                let mut x = Rows::padded(&flat(&at.inputs), dim);
                let mut y = Rows::padded(&flat(&at.outputs), dim);
                level.run(Step(&mut scratch, [x.share(), y.share()], [n, m]));
                for (got, want) in [x, y].iter().zip(&want) {
                    for (got, want) in got.packed().iter().zip(want) {
                        assert!((got - *want as f32).abs() < 2e-5, "{level:?} {got} {want}");
                    }
                }
            }
        }
    }
}
