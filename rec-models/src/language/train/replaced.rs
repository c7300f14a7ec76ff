//! Replaced token detection.

use burn::tensor::activation::log_sigmoid;
use burn::tensor::{Tensor, TensorData};
use rand::RngExt;
use rayon::prelude::*;
use rec_core::rng::Rng;
use rec_core::sampling::{Masked, TokenMasking};
use rec_core::text::Tokenizer;

use super::{Corpus, MaskedObjective, MaskedPass, Objective};
use crate::language::batch::id_tensor;
use crate::language::{Backbone, Batch, ElectraPair, Noise};
use crate::ops::{self, Activation, CrossEntropy, Packed, cross_entropy};
use crate::{Error, Result};

/// A generator predicts tokens behind a mask, tokens drawn from what it says take their place, and
/// a discriminator tells of each token whether it is the text's own (Clark et al. 2020, "ELECTRA").
/// Every token of a text teaches, not 15 % of them.
///
/// The loss of a pass is `generator + weight · discriminator`: the mean negative log-likelihood of
/// the masked tokens, and the mean binary cross-entropy of all tokens, in nats. A token that is
/// drawn as it was counts as the text's own. As in the paper, nothing is walked back through the
/// draw. Whole words are masked where the corpus knows the words, which is not in the paper.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplacedTokens {
    /// What is masked: all of it by the mask token.
    pub masking: TokenMasking,
    /// λ, what the discriminator's loss is multiplied by.
    pub weight: f64,
}

impl ReplacedTokens {
    /// 15 % of tokens, a weight of 50: the paper's.
    ///
    /// # Errors
    /// A tokenizer without a mask token.
    pub fn new(tokenizer: &Tokenizer) -> Result<Self> {
        let MaskedObjective { masking } = MaskedObjective::new(tokenizer)?;
        let masking = TokenMasking { masked: 1.0, random: 0.0, ..masking };
        Ok(Self { masking, weight: 50.0 })
    }
}

/// Texts after masking, and what chooses the tokens that take the masks' place.
pub struct ReplacedPass {
    masked: MaskedPass,
    /// A number in [0, 1) for each mask.
    draws: Vec<f64>,
}

impl ReplacedPass {
    /// Texts that were masked elsewhere, with a number in [0, 1) for each mask: the token is drawn
    /// at which the generator's probabilities, summed in the order of the vocabulary, pass it.
    ///
    /// # Errors
    /// [`Error::Shape`] where there are not as many numbers as masks.
    pub fn new(masked: Masked, rows: Packed, draws: Vec<f64>) -> Result<Self> {
        match draws.len() == masked.positions.len() {
            true => Ok(Self { masked: MaskedPass { masked, rows }, draws }),
            false => Err(Error::shape("draws", masked.positions.len(), draws.len())),
        }
    }
}

impl Objective<ElectraPair> for ReplacedTokens {
    type Data = Corpus;
    type Pass = ReplacedPass;

    fn name(&self) -> &'static str {
        "replaced tokens"
    }

    fn check(&self, _: &ElectraPair) -> Result<()> {
        self.masking.check()?;
        match self.weight > 0.0 && self.weight.is_finite() {
            true => Ok(()),
            false => Err(Error::parameter("weight", self.weight, "above 0; usual is 50")),
        }
    }

    fn usable(&self, corpus: &Corpus, row: usize) -> bool {
        self.masking.allows(corpus.text(row).ids)
    }

    fn prepare(&self, corpus: &Corpus, rows: &[usize], rng: &mut Rng) -> ReplacedPass {
        let masked = MaskedPass::draw(&self.masking, corpus, rows, rng);
        let draws = masked.masked.positions.iter().map(|_| rng.random()).collect();
        ReplacedPass { masked, draws }
    }

    fn predictions(&self, pass: &ReplacedPass) -> usize {
        pass.masked.masked.targets.len()
    }

    fn loss(&self, model: &ElectraPair, pass: &ReplacedPass, noise: Noise) -> Tensor<1> {
        let MaskedPass { masked, rows } = &pass.masked;
        let device = model.device();
        let batch = |ids: Vec<u32>, place: usize| {
            let noise = noise.at(place);
            Batch { ids, type_ids: None, rows: rows.clone(), noise }
        };
        let at = id_tensor(&masked.positions, &device);
        let features = model.generator_features(&batch(masked.ids.clone(), 0), at);
        let (vectors, biases) = model.generator_vocabulary();
        let drawn = {
            let (features, vectors) = (features.clone().detach(), vectors.clone().detach());
            let biases = biases.clone().map(Tensor::detach);
            draw(ops::linear(features, vectors, biases, Activation::Identity), &pass.draws)
        };
        let targets = id_tensor(&masked.targets, &device);
        let generator =
            cross_entropy(features, vectors, biases, targets, None, CrossEntropy::default());

        let (ids, replaced) = pass.masked.filled(&drawn);
        let hidden = model.hidden(&batch(ids, 1));
        let logits = model.discriminator.replaced_logits(hidden);
        let shape = logits.dims();
        let targets = TensorData::new(replaced, shape).convert_dtype(logits.dtype());
        let targets = Tensor::<2>::from_data(targets, (&device, logits.dtype()));
        let own = (targets.clone().neg() + 1.0) * log_sigmoid(logits.clone().neg());
        let discriminator = (targets * log_sigmoid(logits) + own).neg().mean();
        generator + discriminator * self.weight
    }
}

impl MaskedPass {
    /// The texts' tokens with `drawn` in the masks' place, and for each whether it is another than
    /// the text's own (1) or not (0).
    fn filled(&self, drawn: &[u32]) -> (Vec<u32>, Vec<f32>) {
        let mut ids = self.masked.ids.clone();
        let mut replaced = vec![0.0; ids.len()];
        let truth = self.masked.positions.iter().zip(&self.masked.targets);
        for ((&position, &own), &new) in truth.zip(drawn) {
            ids[position as usize] = new;
            replaced[position as usize] = f32::from(u8::from(new != own));
        }
        (ids, replaced)
    }
}

/// A token for each row of logits, `[n, words]`, by its softmax: the first at which the sum of the
/// probabilities passes the row's number.
fn draw(logits: Tensor<2>, numbers: &[f64]) -> Vec<u32> {
    let [_, words] = logits.dims();
    let logits: Vec<f32> = logits.into_data().iter().collect();
    let one = |(logits, number): (&[f32], &f64)| {
        let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weight = |logit: &f32| f64::from((logit - most).exp());
        let total: f64 = logits.iter().map(weight).sum();
        let mut left = number * total;
        let passes = |logit: &f32| {
            left -= weight(logit);
            left < 0.0
        };
        // Rounding may leave a last bit; logits that are no numbers choose any word, and the loss,
        // which is then none either, ends the run.
        logits.iter().position(passes).unwrap_or(words - 1) as u32
    };
    logits.par_chunks(words).zip(numbers).map(one).collect()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn tokens_are_drawn_by_their_probabilities() {
        let shares = [0.1_f32, 0.6, 0.0, 0.3];
        let n = 4000;
        let row: Vec<f32> = shares.iter().map(|share| share.ln() + 5.0).collect();
        let data = TensorData::new(row.repeat(n), [n, 4]);
        let logits = Tensor::from_data(data, &Device::flex());
        let numbers: Vec<f64> = (0..n).map(|i| i as f64 / n as f64).collect();
        let drawn = draw(logits, &numbers);
        for (word, share) in shares.iter().enumerate() {
            let got = drawn.iter().filter(|&&d| d == word as u32).count() as f64 / n as f64;
            assert!((got - f64::from(*share)).abs() < 1e-3, "{word}: {got}");
        }
    }
}
