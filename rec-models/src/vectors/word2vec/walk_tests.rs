use ndarray::Array2;
use rec_core::objective::{SkipGram, WordFactors};

use super::*;
use crate::ops::simd::Level;
use crate::vectors::rows::Rows;

struct Step<'a>(Shop<'a>, &'a mut Scratch, &'a Drawn);

const CONTEXT: [u32; 3] = [0, 2, 2];
const OUTPUTS: [u32; 3] = [1, 0, 3];
const RATE: f32 = 0.25;

impl Task for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        let Self(shop, scratch, drawn) = self;
        match shop.bag {
            None => shop.skip_gram(s, scratch, &CONTEXT, drawn),
            Some(bag) => shop.bag(s, scratch, (&CONTEXT, bag), drawn),
        }
    }
}

fn factors(dim: usize) -> WordFactors {
    let value = |at: usize, salt: usize| ((at * 37 + salt) % 23) as f64 / 23.0 - 0.5;
    WordFactors {
        inputs: Array2::from_shape_fn((4, dim), |(r, c)| value(r * dim + c, 5)),
        outputs: Array2::from_shape_fn((4, dim), |(r, c)| value(r * dim + c, 11)),
    }
}

/// What `step` makes of the vectors, with these targets.
fn stepped(
    at: &WordFactors,
    bag: Option<Bag>,
    targets: Targets<'_>,
    step: impl FnOnce(Shop<'_>, &mut Scratch),
) -> [Vec<f32>; 2] {
    let dim = at.inputs.ncols();
    let flat = |a: &Array2<f64>| a.iter().map(|&v| v as f32).collect::<Vec<_>>();
    let mut inputs = Rows::padded(&flat(&at.inputs), dim);
    let mut outputs = Rows::padded(&flat(&at.outputs), dim);
    let subsampling = Subsampling::new(&[1; 4], 0.0).unwrap();
    let shop = Shop {
        inputs: inputs.share(),
        outputs: outputs.share(),
        subsampling: &subsampling,
        windows: Windows::new(5, false).unwrap(),
        targets,
        bag,
        parts: None,
        shuffles: false,
    };
    step(shop, &mut Scratch::new(dim));
    [inputs.packed(), outputs.packed()]
}

fn assert_stepped(got: &[Vec<f32>; 2], at: &WordFactors, gradient: &WordFactors, times: f64) {
    let want = [
        &at.inputs - &gradient.inputs * (times * f64::from(RATE)),
        &at.outputs - &gradient.outputs * f64::from(RATE),
    ];
    for (got, want) in got.iter().flatten().zip(want.iter().flatten()) {
        assert!((f64::from(*got) - want).abs() < 2e-5, "{got} is not {want}");
    }
}

/// How many times the gradient's step each word takes: one, with skip-gram; that of the whole
/// mean, which is three words' shares, with a mean; its share, with a sum.
#[test]
fn a_window_moves_its_rows_against_the_gradient() {
    for dim in [1, 20, 100] {
        let at = factors(dim);
        // A sum of three is the mean of vectors three times as long, whose gradient by the
        // longer vectors is the sum's by the vectors, in three shares.
        let tripled = WordFactors { inputs: &at.inputs * 3.0, ..at.clone() };
        for (bag, objective, from, times) in [
            (None, SkipGram::SkipGram, &at, 1.0),
            (Some(Bag::Mean), SkipGram::Cbow, &at, 3.0),
            (Some(Bag::Sum), SkipGram::Cbow, &tripled, 1.0),
        ] {
            let noise = AliasTable::new(&[1.0; 4]).unwrap();
            let tree = HuffmanTree::new(&[9, 4, 2, 1]).unwrap();
            let mut by_path = Drawn::default();
            push_path(&tree, 2, RATE, &mut by_path);
            let mut by_negatives = Drawn::default();
            for (at, &row) in OUTPUTS.iter().enumerate() {
                by_negatives.push(row, if at == 0 { 1.0 } else { 0.0 }, RATE);
            }
            for (drawn, targets, gradient) in [
                (
                    &by_negatives,
                    Targets::Negatives(&noise, 2),
                    objective.gradient(from, &CONTEXT, OUTPUTS[0], &OUTPUTS[1..]),
                ),
                (
                    &by_path,
                    Targets::Paths(&tree),
                    objective.path_gradient(from, &CONTEXT, tree.path(2)),
                ),
            ] {
                for level in Level::all() {
                    let got = stepped(&at, bag, targets, |shop, scratch| {
                        level.run(Step(shop, scratch, drawn));
                    });
                    assert_stepped(&got, &at, &gradient, times);
                }
            }
        }
    }
}

/// A word of parts predicts all words of its window at once: the sum over the window of what each
/// alone would give, the same negatives for each.
#[test]
fn a_word_of_parts_steps_for_its_whole_window() {
    let (at, noise) = (factors(20), AliasTable::new(&[1.0; 4]).unwrap());
    let tree = HuffmanTree::new(&[9, 4, 2, 1]).unwrap();
    let window = [1, 3, 1];
    for targets in [Targets::Negatives(&noise, 4), Targets::Paths(&tree)] {
        let mut drawn = Drawn::default();
        let got = stepped(&at, Some(Bag::Mean), targets, |shop, scratch| {
            shop.draw_all(&window, RATE, &mut rec_core::rng::stream(3, "test", 0), &mut drawn);
            Level::best().run(Step(shop, scratch, &drawn));
        });
        let negatives: Vec<u32> = drawn.rows.get(3..).unwrap_or(&[]).to_vec();
        let mut sum = WordFactors { inputs: &at.inputs * 0.0, outputs: &at.outputs * 0.0 };
        for target in window {
            let gradient = match targets {
                Targets::Negatives(..) => {
                    assert_eq!(negatives.len(), 4);
                    SkipGram::Cbow.gradient(&at, &CONTEXT, target, &negatives)
                }
                Targets::Paths(tree) => {
                    SkipGram::Cbow.path_gradient(&at, &CONTEXT, tree.path(target))
                }
            };
            sum.inputs += &gradient.inputs;
            sum.outputs += &gradient.outputs;
        }
        assert_stepped(&got, &at, &sum, 3.0);
    }
}
