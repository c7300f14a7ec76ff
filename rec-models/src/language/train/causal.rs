//! Causal language modelling.

use burn::tensor::Tensor;
use rec_core::rng::Rng;

use super::{Objective, TextTokens};
use crate::Result;
use crate::language::batch::id_tensor;
use crate::language::{Batch, Causal};
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
    type Pass = CausalPass;

    fn name(&self) -> &'static str {
        "causal LM"
    }

    fn check(&self, _: &M) -> Result<()> {
        Ok(())
    }

    fn usable(&self, text: TextTokens<'_>) -> bool {
        text.ids.len() > 1
    }

    fn prepare(&self, texts: &[TextTokens<'_>], _: &mut Rng) -> CausalPass {
        let texts: Vec<&[u32]> = texts.iter().map(|text| text.ids).collect();
        let batch = Batch::new(&texts);
        let rows = batch.rows.ranges().flat_map(|range| range.start..range.end - 1);
        let rows: Vec<u32> = rows.map(|row| row as u32).collect();
        let targets = texts.iter().flat_map(|text| &text[1..]).copied().collect();
        CausalPass { batch, rows, targets }
    }

    fn predictions(&self, pass: &CausalPass) -> usize {
        pass.targets.len()
    }

    fn loss(&self, model: &M, pass: &CausalPass) -> Tensor<1> {
        let hidden = model.hidden(&pass.batch);
        let device = hidden.device();
        let hidden = hidden.select(0, id_tensor(&pass.rows, &device));
        let targets = id_tensor(&pass.targets, &device);
        cross_entropy(hidden, model.head(), None, targets, None, CrossEntropy::default())
    }
}
