//! Cross-entropy in pure Rust: scores of a chunk of rows, their losses and gradients in place.

use burn::backend::Flex;
use burn::backend::tensor::{FloatTensor, IntTensor};
use rayon::prelude::*;

use super::product::product;
use super::rows::Rows;
use super::{CrossEntropy, CrossEntropyKernels, Scored};
use crate::ops::flex::{contiguous, dims, floats, ints, tensor};
use crate::ops::simd::Level;

/// Scores held at a time.
const SCORES: usize = 1 << 23;

impl CrossEntropyKernels for Flex {
    fn losses(
        scored: &Scored<Self>,
        targets: &IntTensor<Self>,
        options: CrossEntropy,
        scales: Option<&FloatTensor<Self>>,
    ) -> (FloatTensor<Self>, Option<Scored<Self>>) {
        let hidden = contiguous(scored.hidden.clone());
        let weight = contiguous(scored.weight.clone());
        let bias = scored.bias.clone().map(contiguous);
        let scales = scales.cloned().map(contiguous);
        let ((rows, d), (classes, _)) = (dims(&hidden), dims(&weight));
        let targets = ints(targets);
        let chunk = chunk_rows(rows, classes);
        let mut work = Work {
            d,
            classes,
            weight: floats(&weight),
            bias: bias.as_ref().map(floats),
            scores: vec![0.0; chunk * classes],
            losses: vec![0.0; rows],
            gradients: scales.as_ref().map(|_| Sums {
                hidden: vec![0.0; rows * d],
                weight: vec![0.0; classes * d],
                bias: bias.as_ref().map(|_| vec![0.0; classes]),
            }),
        };
        for from in (0..rows).step_by(chunk.max(1)) {
            let to = rows.min(from + chunk);
            let hidden = &floats(&hidden)[from * d..to * d];
            let scales = scales.as_ref().map(|scales| &floats(scales)[from..to]);
            work.chunk(from, hidden, &targets[from..to], scales, options);
        }
        let gradients = work.gradients.map(|sums| Scored {
            hidden: tensor(sums.hidden, [rows, d]),
            weight: tensor(sums.weight, [classes, d]),
            bias: sums.bias.map(|bias| tensor(bias, [classes])),
        });
        (tensor(work.losses, [rows]), gradients)
    }

    fn total(losses: FloatTensor<Self>, scales: FloatTensor<Self>) -> FloatTensor<Self> {
        let (losses, scales) = (contiguous(losses), contiguous(scales));
        let terms = floats(&losses).iter().zip(floats(&scales));
        let sum: f64 = terms.map(|(loss, scale)| f64::from(*loss) * f64::from(*scale)).sum();
        tensor(vec![sum as f32], [1])
    }

    fn scaled(gradients: Scored<Self>, by: FloatTensor<Self>) -> Scored<Self> {
        let by = floats(&contiguous(by)).first().copied().unwrap_or(1.0);
        if by == 1.0 {
            return gradients;
        }
        let scale = |x: FloatTensor<Self>| {
            let shape = x.layout().shape().clone();
            tensor(floats(&x).par_iter().map(|x| x * by).collect(), shape)
        };
        Scored {
            hidden: scale(gradients.hidden),
            weight: scale(gradients.weight),
            bias: gradients.bias.map(scale),
        }
    }
}

/// Rows whose scores are held at a time: a multiple of 16 within [`SCORES`]. Fewer would save
/// memory, but every chunk adds to the whole gradient of the weight.
pub(super) fn chunk_rows(rows: usize, classes: usize) -> usize {
    (SCORES / classes / 16 * 16).clamp(16, 2048).min(rows)
}

struct Sums {
    hidden: Vec<f32>,
    weight: Vec<f32>,
    bias: Option<Vec<f32>>,
}

struct Work<'a> {
    d: usize,
    classes: usize,
    weight: &'a [f32],
    bias: Option<&'a [f32]>,
    scores: Vec<f32>,
    losses: Vec<f32>,
    gradients: Option<Sums>,
}

impl Work<'_> {
    fn chunk(
        &mut self,
        from: usize,
        hidden: &[f32],
        targets: &[i64],
        scales: Option<&[f32]>,
        options: CrossEntropy,
    ) {
        let (rows, d, classes) = (targets.len(), self.d, self.classes);
        let scores = &mut self.scores[..rows * classes];
        if let Some(bias) = self.bias {
            scores.par_chunks_exact_mut(classes).for_each(|row| row.copy_from_slice(bias));
        }
        let add = self.bias.is_some();
        product(scores, [rows, d, classes], (hidden, [d, 1]), (self.weight, [1, d]), add);
        Rows {
            scores: &mut *scores,
            classes,
            targets,
            smoothing: options.label_smoothing as f32,
            scales,
            losses: &mut self.losses[from..from + rows],
        }
        .run(Level::best());
        let Some(sums) = &mut self.gradients else { return };
        let out = &mut sums.hidden[from * d..(from + rows) * d];
        product(out, [rows, classes, d], (scores, [classes, 1]), (self.weight, [d, 1]), false);
        let by_class = (&*scores, [1, classes]);
        product(&mut sums.weight, [classes, rows, d], by_class, (hidden, [d, 1]), true);
        if let Some(bias) = &mut sums.bias {
            add_columns(bias, scores);
        }
    }
}

/// Adds every column's sum.
fn add_columns(sums: &mut [f32], values: &[f32]) {
    const WIDTH: usize = 512;
    let columns = sums.len();
    sums.par_chunks_mut(WIDTH).enumerate().for_each(|(i, sums)| {
        for row in values.chunks_exact(columns) {
            for (sum, value) in sums.iter_mut().zip(&row[i * WIDTH..]) {
                *sum += value;
            }
        }
    });
}
