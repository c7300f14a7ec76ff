//! The layers of a network, forward and backward.
//!
//! A layer takes rows for the nodes of a [`Block`]'s source side to its target side, which is the
//! first part of the source: `Z = A (H W) [+ H_target V]`, `A` the block's matrix, `V` GraphSAGE's
//! weights of a node itself.

use rec_core::data::Csr;

use super::{LinkPredictor, Network};
use crate::graph::weights::Weights;
use crate::ops::gemm::{Matrix, product};
use crate::ops::spmm::cpu::{Into, Only, multiply};

/// How rows of one layer reach those of the next: `[targets, sources]`, and turned round.
pub(super) struct Block {
    pub(super) forward: Csr,
    backward: Csr,
}

impl Block {
    pub(super) fn new(forward: Csr) -> Self {
        Self { backward: forward.transpose(), forward }
    }

    fn targets(&self) -> usize {
        self.forward.n_rows()
    }
}

/// One layer's weights: of the gathered rows, and, in GraphSAGE, of a node's own.
pub(super) struct Layer {
    pub(super) gathered: Weights,
    pub(super) own: Option<Weights>,
}

/// All layers.
pub(super) struct Layers {
    pub(super) layers: Vec<Layer>,
    normalize: bool,
}

/// What goes into a layer.
pub(super) enum Input<'a> {
    /// Features, and themselves turned round.
    Sparse(&'a Csr, &'a Csr),
    /// Rows of the layer before.
    Dense(&'a [f32]),
}

/// What a layer gave, kept for the way back.
pub(super) struct Pass {
    /// After ReLU and normalisation, `[targets, outputs]`.
    pub(super) out: Vec<f32>,
    /// Lengths of rows before normalisation.
    lengths: Vec<f32>,
}

/// Gradients by the weights of a layer.
pub(super) struct LayerGradient {
    pub(super) gathered: Vec<f32>,
    pub(super) own: Option<Vec<f32>>,
}

impl Layers {
    pub(super) fn new(config: &LinkPredictor, features: usize, seed: u64) -> Self {
        let layer = |at: usize| {
            let inputs = if at == 0 { features } else { config.hidden };
            let outputs = if at + 1 == config.layers { config.factors } else { config.hidden };
            let shape = [inputs, outputs];
            Layer {
                gathered: Weights::new(shape, seed, &format!("link.gathered.{at}")),
                own: matches!(config.network, Network::Sage { .. })
                    .then(|| Weights::new(shape, seed, &format!("link.own.{at}"))),
            }
        };
        Self {
            layers: (0..config.layers).map(layer).collect(),
            normalize: matches!(config.network, Network::Sage { normalize: true, .. }),
        }
    }

    /// All weights by name.
    pub(super) fn named(&self) -> Vec<(String, &Weights)> {
        let mut all = Vec::new();
        for (at, layer) in self.layers.iter().enumerate() {
            all.push((format!("gathered.{at}"), &layer.gathered));
            all.extend(layer.own.iter().map(|own| (format!("own.{at}"), own)));
        }
        all
    }

    /// The same, to be changed.
    pub(super) fn named_mut(&mut self) -> Vec<(String, &mut Weights)> {
        let mut all = Vec::new();
        for (at, layer) in self.layers.iter_mut().enumerate() {
            all.push((format!("gathered.{at}"), &mut layer.gathered));
            if let Some(own) = &mut layer.own {
                all.push((format!("own.{at}"), own));
            }
        }
        all
    }

    /// Whether a ReLU follows a layer.
    pub(super) fn rectified(&self, layer: usize) -> bool {
        layer + 1 < self.layers.len()
    }

    /// ReLU and normalisation of a layer's rows, in place; lengths of rows before, if normalised.
    pub(super) fn finish(&self, layer: usize, rows: &mut [f32]) -> Vec<f32> {
        if self.rectified(layer) {
            rows.iter_mut().for_each(|x| *x = x.max(0.0));
        }
        if !self.normalize {
            return Vec::new();
        }
        let width = self.layers[layer].gathered.width();
        let scaled = |row: &mut [f32]| {
            let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
            if length > 0.0 {
                row.iter_mut().for_each(|x| *x /= length);
            }
            length
        };
        rows.chunks_exact_mut(width).map(scaled).collect()
    }

    /// From features of the first block's sources to rows of the last one's targets; one block a
    /// layer. What each layer gave, in order.
    pub(super) fn forward(&self, features: (&Csr, &Csr), blocks: &[&Block]) -> Vec<Pass> {
        let mut passes: Vec<Pass> = Vec::with_capacity(blocks.len());
        for (at, (layer, block)) in self.layers.iter().zip(blocks).enumerate() {
            let input = match passes.last() {
                None => Input::Sparse(features.0, features.1),
                Some(pass) => Input::Dense(&pass.out),
            };
            let width = layer.gathered.width();
            let products = input.times(&layer.gathered);
            let mut out = vec![0f32; block.targets() * width];
            sparse(&block.forward, &products, width, &mut out);
            if let Some(own) = &layer.own {
                let rows = input.times(own);
                out.iter_mut().zip(&rows).for_each(|(out, x)| *out += x);
            }
            let lengths = self.finish(at, &mut out);
            passes.push(Pass { out, lengths });
        }
        passes
    }

    /// Gradients by all weights, from that of the last layer's rows.
    pub(super) fn backward(
        &self,
        features: (&Csr, &Csr),
        blocks: &[&Block],
        passes: &[Pass],
        mut by_out: Vec<f32>,
    ) -> Vec<LayerGradient> {
        let mut gradients = Vec::with_capacity(blocks.len());
        for at in (0..blocks.len()).rev() {
            let (layer, block) = (&self.layers[at], blocks[at]);
            let width = layer.gathered.width();
            self.through_finish(at, &passes[at], &mut by_out);
            let mut by_products = vec![0f32; block.forward.n_cols() * width];
            sparse(&block.backward, &by_out, width, &mut by_products);
            let input = match at.checked_sub(1) {
                None => Input::Sparse(features.0, features.1),
                Some(before) => Input::Dense(&passes[before].out),
            };
            let mut by_own = None;
            if layer.own.is_some() {
                // A node's own row is one of the first; the others have no part in it.
                by_out.resize(by_products.len(), 0.0);
                by_own = Some(input.transposed_times(&by_out, layer.gathered.shape()));
            }
            gradients.push(LayerGradient {
                gathered: input.transposed_times(&by_products, layer.gathered.shape()),
                own: by_own,
            });
            if at > 0 {
                let shape = [block.forward.n_cols(), width];
                let back = |by: &[f32], weights: &Weights| {
                    product(Matrix::new(by, shape), weights.matrix().transposed())
                };
                let mut by_input = back(&by_products, &layer.gathered);
                if let Some(own) = &layer.own {
                    let rows = back(&by_out, own);
                    by_input.iter_mut().zip(&rows).for_each(|(to, x)| *to += x);
                }
                by_out = by_input;
            }
        }
        gradients.reverse();
        gradients
    }

    /// Turns a gradient by what a layer gave into one by what went into its ReLU.
    fn through_finish(&self, layer: usize, pass: &Pass, by: &mut [f32]) {
        let width = self.layers[layer].gathered.width();
        let rows = by.chunks_exact_mut(width).zip(pass.out.chunks_exact(width));
        for ((by, out), &length) in rows.zip(&pass.lengths).filter(|(_, length)| **length > 0.0) {
            let along: f32 = by.iter().zip(out).map(|(by, out)| by * out).sum();
            by.iter_mut().zip(out).for_each(|(by, out)| *by = (*by - along * out) / length);
        }
        if self.rectified(layer) {
            by.iter_mut()
                .zip(&pass.out)
                .filter(|(_, out)| **out <= 0.0)
                .for_each(|(by, _)| *by = 0.0);
        }
    }

    /// A step of Adam for all weights.
    pub(super) fn step(&mut self, gradients: &[LayerGradient], rates: (f32, f32), step: u64) {
        for (layer, gradient) in self.layers.iter_mut().zip(gradients) {
            layer.gathered.step(&gradient.gathered, rates, step);
            if let (Some(own), Some(by)) = (&mut layer.own, &gradient.own) {
                own.step(by, rates, step);
            }
        }
    }
}

impl Input<'_> {
    /// `H W`.
    pub(super) fn times(&self, weights: &Weights) -> Vec<f32> {
        let [inputs, outputs] = weights.shape();
        match self {
            Self::Sparse(features, _) => {
                let mut out = vec![0f32; features.n_rows() * outputs];
                sparse(features, &weights.values, outputs, &mut out);
                out
            }
            Self::Dense(rows) => {
                product(Matrix::new(rows, [rows.len() / inputs, inputs]), weights.matrix())
            }
        }
    }

    /// `Hᵀ G`.
    fn transposed_times(&self, by: &[f32], [inputs, outputs]: [usize; 2]) -> Vec<f32> {
        match self {
            Self::Sparse(_, transposed) => {
                let mut out = vec![0f32; inputs * outputs];
                sparse(transposed, by, outputs, &mut out);
                out
            }
            Self::Dense(rows) => {
                let n = rows.len() / inputs;
                product(Matrix::new(rows, [n, inputs]).transposed(), Matrix::new(by, [n, outputs]))
            }
        }
    }
}

fn sparse(matrix: &Csr, x: &[f32], width: usize, out: &mut [f32]) {
    multiply(matrix, x, width, Only::default(), Into { product: Some(out), sum: None });
}
