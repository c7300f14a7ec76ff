//! What a network knows before it has seen a label.

use rayon::prelude::*;

use super::Recipe;
use super::language::{GruLanguageModel, Learned};
use crate::Result;
use crate::fit::FitContext;
use crate::tags::features::{Bag, NgramOptions, Vocabulary};
use crate::vectors::{Architecture, Word2Vec, vectors_of_ids};

/// The tokens that have an embedding of their own, and what was learned of them.
pub(crate) struct Start {
    pub(super) vocabulary: Vocabulary,
    /// The vectors that skip-gram found, `[tokens + 1, dim]`, the last that of all others; none where
    /// embeddings start at random, for want of pretraining or of words.
    pub(super) vectors: Option<Vec<f32>>,
    /// What the units learned of the language; none where they did not.
    pub(super) learned: Option<Learned>,
}

impl Recipe {
    /// Of the texts with labels and, where there is pretraining, of those without; from a language that was
    /// learned before, where one is named, whose tokens must be those that `features` finds.
    pub(in crate::tags::learn) fn begin(
        &self,
        features: &NgramOptions,
        bags: &[&Bag],
        unlabelled: &[Bag],
        ctx: &FitContext<'_>,
    ) -> Result<Start> {
        let texts: Vec<&[u64]> = bags.iter().map(|bag| self.tokens.of(bag)).collect();
        let unlabelled: Vec<&[u64]> = unlabelled.iter().map(|bag| self.tokens.of(bag)).collect();
        let start = match &self.language {
            Some(folder) => GruLanguageModel::load(folder)?.start(self, features)?,
            None => self.vocabulary_and_vectors(&texts, &unlabelled, ctx)?,
        };
        if self.language_passes == 0 {
            return Ok(start);
        }
        let ids = |text: &&[u64]| start.vocabulary.columns(text, self.max_len);
        let all: Vec<Vec<u32>> = texts.iter().chain(&unlabelled).map(ids).collect();
        let learned = self.learn_language(&start, &all, ctx)?;
        Ok(Start { learned, ..start })
    }

    pub(super) fn vocabulary_and_vectors(
        &self,
        texts: &[&[u64]],
        unlabelled: &[&[u64]],
        ctx: &FitContext<'_>,
    ) -> Result<Start> {
        let start = |vocabulary, vectors| Start { vocabulary, vectors, learned: None };
        let all = || texts.iter().chain(unlabelled).copied();
        if self.pretraining == 0 {
            let unlabelled = if self.language_passes == 0 { &[] } else { unlabelled };
            let read = texts.iter().chain(unlabelled);
            let read = read.map(|text| &text[..text.len().min(self.max_len)]);
            return Ok(start(self.vocabulary(read), None));
        }
        let vocabulary = self.vocabulary(all());
        let other = vocabulary.len() as u32;
        let id = |&token: &u64| vocabulary.column(token).unwrap_or(other);
        let ids: Vec<Vec<u32>> = all().map(|text| text.iter().map(id).collect()).collect();
        if ids.iter().all(Vec::is_empty) {
            return Ok(start(vocabulary, None));
        }
        let word2vec = Word2Vec {
            vector_size: self.dim,
            window: self.window,
            architecture: Architecture::SkipGram,
            epochs: self.pretraining,
            workers: 1,
            ..Word2Vec::default()
        };
        let sentences = ids.iter().map(Vec::as_slice);
        let mut vectors = vectors_of_ids(&word2vec, sentences, vocabulary.len() + 1, ctx)?;
        scale(&mut vectors, self.scale);
        Ok(start(vocabulary, Some(vectors)))
    }

    /// Tokens that occur often enough.
    fn vocabulary<'t>(&self, texts: impl Iterator<Item = &'t [u64]>) -> Vocabulary {
        let mut all: Vec<u64> = texts.flatten().copied().collect();
        all.par_sort_unstable();
        let kept = all.chunk_by(|a, b| a == b).filter(|same| same.len() >= self.min_count);
        Vocabulary::new(kept.map(|same| same[0]).collect())
    }
}

/// Brings numbers to a root mean square.
fn scale(values: &mut [f32], to: f32) {
    let square = values.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
    let by = to / (square / values.len().max(1) as f64).sqrt().max(1e-12) as f32;
    values.iter_mut().for_each(|x| *x *= by);
}
