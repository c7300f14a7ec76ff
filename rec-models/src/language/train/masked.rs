//! Masked language modelling.

use burn::tensor::Tensor;
use rec_core::rng::Rng;
use rec_core::sampling::{Masked, TokenMasking};
use rec_core::text::{SpecialRole, Tokenizer};

use super::{Corpus, Objective, TextTokens};
use crate::language::batch::id_tensor;
use crate::language::{Batch, MaskedLm, Noise};
use crate::ops::{CrossEntropy, Packed, cross_entropy};
use crate::{Error, Result};

/// Predicts tokens behind a mask (Devlin et al. 2019), drawn anew at every pass (Liu et al. 2019).
/// Whole words are masked where the corpus knows the words (Cui et al. 2021 for Chinese).
///
/// Only masked positions go through the vocabulary.
#[derive(Clone, Debug, PartialEq)]
pub struct MaskedObjective {
    /// What is masked, and how.
    pub masking: TokenMasking,
}

impl MaskedObjective {
    /// 15 % of tokens, of which 80 % behind the tokenizer's mask and 10 % replaced.
    ///
    /// # Errors
    /// A tokenizer without a mask token.
    pub fn new(tokenizer: &Tokenizer) -> Result<Self> {
        let special = tokenizer.special_tokens();
        let mask = special.get(SpecialRole::Mask).ok_or_else(|| {
            Error::data("the tokenizer", "it has no mask token; train one with [MASK] or <mask>")
        })?;
        let masking = TokenMasking::new(mask.id, tokenizer.vocab_size() as u32, special.ids());
        Ok(Self { masking })
    }
}

/// Texts after masking.
pub struct MaskedPass {
    pub(super) masked: Masked,
    pub(super) rows: Packed,
}

impl<M: MaskedLm> Objective<M> for MaskedObjective {
    type Data = Corpus;
    type Pass = MaskedPass;

    fn name(&self) -> &'static str {
        "masked LM"
    }

    fn check(&self, _: &M) -> Result<()> {
        self.masking.check()
    }

    fn usable(&self, corpus: &Corpus, row: usize) -> bool {
        self.masking.allows(corpus.text(row).ids)
    }

    fn prepare(&self, corpus: &Corpus, rows: &[usize], rng: &mut Rng) -> MaskedPass {
        MaskedPass::draw(&self.masking, corpus, rows, rng)
    }

    fn predictions(&self, pass: &MaskedPass) -> usize {
        pass.masked.targets.len()
    }

    fn loss(&self, model: &M, pass: &MaskedPass, noise: Noise) -> Tensor<1> {
        let ids = pass.masked.ids.clone();
        let hidden = model.hidden(&Batch { ids, type_ids: None, rows: pass.rows.clone(), noise });
        let device = hidden.device();
        let at = id_tensor(&pass.masked.positions, &device);
        let features = model.mlm_features(hidden.select(0, at));
        let (vectors, biases) = model.mlm_vocabulary();
        let targets = id_tensor(&pass.masked.targets, &device);
        cross_entropy(features, vectors, biases, targets, None, CrossEntropy::default())
    }
}

impl MaskedPass {
    /// Some texts of a corpus, whole words masked where it knows the words.
    pub(super) fn draw(
        masking: &TokenMasking,
        corpus: &Corpus,
        rows: &[usize],
        rng: &mut Rng,
    ) -> Self {
        let texts = corpus.texts(rows);
        let ids: Vec<u32> = texts.iter().flat_map(|text| text.ids).copied().collect();
        let words = words(&texts);
        Self {
            masked: masking.mask(&ids, words.as_deref(), rng),
            rows: Packed::from_lengths(texts.iter().map(|text| text.ids.len())),
        }
    }
}

/// The words of all tokens, where every text has them. Words of neighbouring texts are apart by the
/// special tokens between them or, without any, by their numbers.
fn words(texts: &[TextTokens<'_>]) -> Option<Vec<u32>> {
    let mut all = Vec::new();
    let mut first = 0;
    for text in texts {
        let words = text.words?;
        all.extend(words.iter().map(|word| first + word));
        first += words.iter().max().map_or(0, |most| most + 1);
    }
    Some(all)
}
