//! What the views of a batch's users teach each other.

use rayon::prelude::*;

use crate::graph::lightgcn::loss::Directions;
use crate::ops::gemm::{Matrix, product};
use crate::ops::simd::exp_minus;

/// How the views are brought to agree.
#[derive(Clone, Copy)]
pub(super) struct Agreement {
    pub(super) temperature: f32,
    pub(super) positives: usize,
}

/// Gradients by the directions of the three views and of the fourth, each `[users, d]`.
pub(super) struct ByDirections {
    pub(super) views: [Vec<f32>; 3],
    pub(super) fourth: Vec<f32>,
}

impl Agreement {
    /// The loss, summed over views and users, and its gradients. Rows of `views` and `fourth` are the
    /// same users in the same order.
    pub(super) fn loss(
        self,
        views: [&Directions; 3],
        fourth: &Directions,
        d: usize,
    ) -> (f64, ByDirections) {
        let n = fourth.unit.len() / d;
        let with = Matrix::new(&fourth.unit, [n, d]);
        let cosines = views.map(|view| product(Matrix::new(&view.unit, [n, d]), with.transposed()));
        let softmaxes = cosines.each_ref().map(|cosines| softmax(cosines, n));
        let mut loss = 0.0;
        let mut by = ByDirections { views: Default::default(), fourth: vec![0f32; n * d] };
        for (at, mut scores) in cosines.into_iter().enumerate() {
            let (a, b) = (&softmaxes[(at + 1) % 3], &softmaxes[(at + 2) % 3]);
            let losses: Vec<f64> = scores
                .par_chunks_exact_mut(n)
                .zip(a.par_chunks_exact(n).zip(b.par_chunks_exact(n)))
                .map(|(row, (a, b))| self.row(row, &most_alike(a, b, self.positives)))
                .collect();
            loss += losses.iter().sum::<f64>();
            let scores = Matrix::new(&scores, [n, n]);
            by.views[at] = product(scores, with);
            let back = product(scores.transposed(), Matrix::new(&views[at].unit, [n, d]));
            by.fourth.iter_mut().zip(&back).for_each(|(by, x)| *by += x);
        }
        (loss, by)
    }

    /// Turns a row of cosines into the gradient by them: `(softmax over all − softmax over the
    /// positives)/τ`; the loss before.
    fn row(self, row: &mut [f32], positives: &[u32]) -> f64 {
        let (tau, most) = (self.temperature, 1.0 / self.temperature);
        row.iter_mut().for_each(|x| *x /= tau);
        let sum = exp_minus(row, most);
        let of_positives: f32 = positives.iter().map(|&p| row[p as usize]).sum();
        // The largest cosines are about 1 a row; one far below underflows to a loss that is still a
        // number.
        let of_positives = of_positives.max(f32::MIN_POSITIVE);
        let held: Vec<f32> = positives.iter().map(|&p| row[p as usize] / of_positives).collect();
        row.iter_mut().for_each(|x| *x /= sum * tau);
        for (&p, held) in positives.iter().zip(held) {
            row[p as usize] -= held / tau;
        }
        f64::from(sum).ln() - f64::from(of_positives).ln()
    }
}

/// Rows' softmaxes.
fn softmax(scores: &[f32], n: usize) -> Vec<f32> {
    let mut out = scores.to_vec();
    out.par_chunks_exact_mut(n).for_each(|row| {
        let sum = exp_minus(row, 1.0);
        row.iter_mut().for_each(|x| *x /= sum);
    });
    out
}

/// The places of the `k` largest of the mean of two rows; ties go to the first.
fn most_alike(a: &[f32], b: &[f32], k: usize) -> Vec<u32> {
    let mean: Vec<f32> = a.iter().zip(b).map(|(a, b)| a + b).collect();
    let mut places: Vec<u32> = (0..mean.len() as u32).collect();
    let order = |x: &u32, y: &u32| mean[*y as usize].total_cmp(&mean[*x as usize]).then(x.cmp(y));
    if k < places.len() {
        places.select_nth_unstable_by(k - 1, order);
        places.truncate(k);
    }
    places
}
