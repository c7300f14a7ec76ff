//! The layers, forward and backward.

use rayon::prelude::*;
use rec_core::data::Csr;
use rec_core::rank::dot;

use crate::graph::weights::Weights;
use crate::ops::dropout::{Draw, Dropout};
use crate::ops::gemm::{Matrix, product};
use crate::ops::spmm::cpu::{Into, Only, multiply};

/// Slope of LeakyReLU below 0.
const SLOPE: f32 = 0.2;
/// Rows a thread takes at a time.
const ROWS: usize = 256;

/// Weights of one layer, `[factors, factors]` each.
pub(super) struct Layer {
    /// `W₁`, of a node and its neighbours.
    pub(super) sum: Weights,
    /// `W₂`, of what both have.
    pub(super) both: Weights,
}

/// Weights of all layers.
pub(super) struct Layers {
    pub(super) layers: Vec<Layer>,
    d: usize,
}

/// What a step drops, layer by layer.
#[derive(Clone, Copy, Default)]
pub(super) struct Dropped {
    messages: Option<Draw>,
    nodes: Option<Draw>,
}

/// What a layer gathered, `L (m ⊙ E)` with the nodes' factors `m`, and gave.
pub(super) struct Pass {
    gathered: Vec<f32>,
    pub(super) out: Vec<f32>,
}

/// Gradients by `W₁` and `W₂` of a layer.
pub(super) type ByWeights = [Vec<f32>; 2];

impl Dropped {
    /// By the shares of messages and nodes.
    pub(super) fn new(messages: f64, nodes: f64, seed: u64) -> Self {
        let draw = |probability, seed| Draw::new(Dropout { probability, seed });
        Self { messages: draw(messages, seed), nodes: draw(nodes, !seed) }
    }

    /// Drops numbers of what a layer gives, or of the gradient by it.
    fn messages(self, layer: usize, rows: &mut [f32], d: usize) {
        let Some(draw) = self.messages.map(|draw| draw.plane(layer)) else { return };
        rows.par_chunks_exact_mut(d).enumerate().with_min_len(ROWS).for_each(|(at, row)| {
            draw.apply(at, 0, row);
        });
    }

    /// What each node's messages in a layer are multiplied by.
    fn nodes(self, layer: usize, n: usize) -> Option<Vec<f32>> {
        let mut factors = vec![1f32; n];
        self.nodes?.apply(layer, 0, &mut factors);
        Some(factors)
    }
}

impl Layers {
    pub(super) fn new(layers: usize, d: usize, seed: u64) -> Self {
        let layer = |at: usize| Layer {
            sum: Weights::new([d, d], seed, &format!("ngcf.sum.{at}")),
            both: Weights::new([d, d], seed, &format!("ngcf.both.{at}")),
        };
        Self { layers: (0..layers).map(layer).collect(), d }
    }

    /// All weights by name.
    pub(super) fn named(&self) -> impl Iterator<Item = (String, &Weights)> {
        self.layers.iter().enumerate().flat_map(|(at, layer)| {
            [(format!("sum.{at}"), &layer.sum), (format!("both.{at}"), &layer.both)]
        })
    }

    /// The same, to be changed.
    pub(super) fn named_mut(&mut self) -> impl Iterator<Item = (String, &mut Weights)> {
        self.layers.iter_mut().enumerate().flat_map(|(at, layer)| {
            [(format!("sum.{at}"), &mut layer.sum), (format!("both.{at}"), &mut layer.both)]
        })
    }

    /// One layer's rows from those before and what they gathered, with all its numbers.
    pub(super) fn rows(&self, layer: usize, x: &[f32], gathered: &[f32]) -> Vec<f32> {
        let (Layer { sum, both }, d) = (&self.layers[layer], self.d);
        let shape = [x.len() / d.max(1), d];
        let mut out = product(Matrix::new(&zip(x, gathered, |x, s| x + s), shape), sum.matrix());
        let alike = product(Matrix::new(&zip(x, gathered, |x, s| x * s), shape), both.matrix());
        each(&mut out, &alike, |out, alike| {
            let x = *out + alike;
            *out = if x > 0.0 { x } else { SLOPE * x };
        });
        out
    }

    /// From initial embeddings `[n, d]`: what each layer did.
    pub(super) fn forward(&self, edges: &Csr, start: &[f32], dropped: Dropped) -> Vec<Pass> {
        let mut passes: Vec<Pass> = Vec::with_capacity(self.layers.len());
        for layer in 0..self.layers.len() {
            let x = passes.last().map_or(start, |pass| &pass.out);
            let factors = dropped.nodes(layer, edges.n_cols());
            let sent = factors.map(|factors| scaled(x, &factors, self.d));
            let mut gathered = vec![0f32; x.len()];
            along(edges, sent.as_deref().unwrap_or(x), self.d, &mut gathered);
            let mut out = self.rows(layer, x, &gathered);
            dropped.messages(layer, &mut out, self.d);
            passes.push(Pass { gathered, out });
        }
        passes
    }

    /// From gradients by the initial embeddings and what each layer gave, as far as these were read,
    /// to that by the initial embeddings, and those by the weights. `edges` is its own transpose.
    pub(super) fn backward(
        &self,
        edges: &Csr,
        (start, passes): (&[f32], &[Pass]),
        mut by_layers: Vec<Vec<f32>>,
        dropped: Dropped,
    ) -> (Vec<f32>, Vec<ByWeights>) {
        let (d, mut by_weights) = (self.d, Vec::with_capacity(passes.len()));
        let mut by_out = by_layers.pop().unwrap_or_default();
        for (layer, pass) in passes.iter().enumerate().rev() {
            let x = layer.checked_sub(1).map_or(start, |before| &passes[before].out);
            dropped.messages(layer, &mut by_out, d);
            each(&mut by_out, &pass.out, |by, out| *by *= if out < 0.0 { SLOPE } else { 1.0 });
            let shape = [x.len() / d.max(1), d];
            let by = Matrix::new(&by_out, shape);
            let of = |input: Vec<f32>| product(Matrix::new(&input, shape).transposed(), by);
            by_weights.push([
                of(zip(x, &pass.gathered, |x, s| x + s)),
                of(zip(x, &pass.gathered, |x, s| x * s)),
            ]);
            let Layer { sum, both } = &self.layers[layer];
            let by_sum = product(by, sum.matrix().transposed());
            let by_both = product(by, both.matrix().transposed());
            let mut by_gathered = zip(&by_both, x, |by, x| by * x);
            each(&mut by_gathered, &by_sum, |to, x| *to += x);
            let mut by_sent = vec![0f32; x.len()];
            along(edges, &by_gathered, d, &mut by_sent);
            if let Some(factors) = dropped.nodes(layer, edges.n_cols()) {
                by_sent = scaled(&by_sent, &factors, d);
            }
            let mut by_x = by_layers.pop().unwrap_or_default();
            each(&mut by_x, &zip(&by_both, &pass.gathered, |by, s| by * s), |to, x| *to += x);
            each(&mut by_x, &by_sum, |to, x| *to += x);
            each(&mut by_x, &by_sent, |to, x| *to += x);
            by_out = by_x;
        }
        by_weights.reverse();
        (by_out, by_weights)
    }
}

/// Appends a row scaled to length 1; a row of zeros stays one.
pub(super) fn push_unit(to: &mut Vec<f32>, row: &[f32]) {
    let length = dot(row, row).sqrt();
    let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
    to.extend(row.iter().map(|x| scale * x));
}

/// The gradient by a row from that by its direction.
pub(super) fn through_unit(row: &[f32], by: &[f32]) -> Vec<f32> {
    let length = dot(row, row).sqrt();
    if length == 0.0 {
        return vec![0.0; row.len()];
    }
    let along = dot(by, row) / (length * length);
    row.iter().zip(by).map(|(x, by)| (by - along * x) / length).collect()
}

fn along(edges: &Csr, x: &[f32], d: usize, out: &mut [f32]) {
    multiply(edges, x, d, Only::default(), Into { product: Some(out), sum: None });
}

fn scaled(x: &[f32], factors: &[f32], d: usize) -> Vec<f32> {
    let mut out = x.to_vec();
    out.par_chunks_exact_mut(d).zip(factors).with_min_len(ROWS).for_each(|(row, factor)| {
        row.iter_mut().for_each(|x| *x *= factor);
    });
    out
}

fn zip(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32 + Sync) -> Vec<f32> {
    let mut out = a.to_vec();
    each(&mut out, b, |to, b| *to = f(*to, b));
    out
}

fn each(to: &mut [f32], x: &[f32], f: impl Fn(&mut f32, f32) + Sync) {
    to.par_iter_mut().zip(x).with_min_len(1 << 14).for_each(|(to, &x)| f(to, x));
}
