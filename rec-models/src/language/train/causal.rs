//! Causal language modelling.

use burn::tensor::Tensor;
use rec_core::rng::Rng;

use super::{Corpus, Objective};
use crate::Result;
use crate::language::batch::id_tensor;
use crate::language::{Batch, Causal, Noise};
use crate::ops::{CrossEntropy, cross_entropy};

/// Predicts every token from those before it (Radford et al. 2018). A text's first token is
/// predicted by nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CausalObjective;

/// Texts, the rows that predict, and what they predict.
pub struct CausalPass {
    batch: Batch,
    rows: Vec<u32>,
    targets: Vec<u32>,
}

impl<M: Causal> Objective<M> for CausalObjective {
    type Data = Corpus;
    type Pass = CausalPass;

    fn name(&self) -> &'static str {
        "causal LM"
    }

    fn check(&self, _: &M) -> Result<()> {
        Ok(())
    }

    fn usable(&self, corpus: &Corpus, row: usize) -> bool {
        corpus.text(row).ids.len() > 1
    }

    fn prepare(&self, corpus: &Corpus, rows: &[usize], _: &mut Rng) -> CausalPass {
        let texts: Vec<&[u32]> = rows.iter().map(|&row| corpus.text(row).ids).collect();
        let batch = Batch::new(&texts);
        let rows = batch.rows.ranges().flat_map(|range| range.start..range.end - 1);
        let rows: Vec<u32> = rows.map(|row| row as u32).collect();
        let targets = texts.iter().flat_map(|text| &text[1..]).copied().collect();
        CausalPass { batch, rows, targets }
    }

    fn predictions(&self, pass: &CausalPass) -> usize {
        pass.targets.len()
    }

    fn loss(&self, model: &M, pass: &CausalPass, noise: Noise) -> Tensor<1> {
        let hidden = model.hidden(&pass.batch.clone().with_noise(noise));
        let device = hidden.device();
        let hidden = hidden.select(0, id_tensor(&pass.rows, &device));
        let targets = id_tensor(&pass.targets, &device);
        cross_entropy(hidden, model.head(), None, targets, None, CrossEntropy::default())
    }
}
