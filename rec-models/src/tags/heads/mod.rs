//! A linear head on the vectors of an encoder that stays as it is.

mod model;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rec_core::parallel;
use serde::{Deserialize, Serialize};

pub use model::EncoderTags;
pub(super) use model::{KIND, Settings, write_encoder};

use super::class_weights::ClassWeights;
use super::classifier::TagClassifier;
use super::labels::Labelled;
use super::regression::{Columns, Linear, Regression, Stop};
use super::train::check_plain;
use crate::fit::FitContext;
use crate::language::{Encode, TextEncoder, Vectors};
use crate::{Error, Result};

/// Trains logistic regression on the vectors of a [`TextEncoder`], which stays as it is: texts are
/// encoded once, and a head takes seconds.
///
/// Multinomial with one label a text, one regression a label with several, by L-BFGS on
/// standardised columns. The cost `C` is the one whose held-out texts are likeliest, fold by fold;
/// calibration and thresholds are fitted on the same held-out scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HeadTagger {
    /// Costs of an error against the size of the weights, in ascending order; of several the best
    /// is taken, of one that one.
    pub c: Vec<f64>,
    /// Parts of the training texts that are held out in turn; 0 trains once, with the first cost,
    /// and takes scores as logits.
    pub folds: usize,
    /// How much an error in a text of each label weighs.
    pub class_weights: ClassWeights,
    /// The solver stops where no entry of the gradient of the mean loss is larger.
    pub tolerance: f64,
    /// And after so many iterations.
    pub max_iterations: usize,
}

impl Default for HeadTagger {
    fn default() -> Self {
        Self {
            c: vec![0.003, 0.01, 0.03, 0.1, 0.3],
            folds: 4,
            class_weights: ClassWeights::Uniform,
            tolerance: 1e-4,
            max_iterations: 300,
        }
    }
}

impl HeadTagger {
    /// Encodes the texts and trains on their labels. Empty texts are no error as long as others
    /// have words.
    ///
    /// # Errors
    /// [`Error::Parameter`] for parameters outside their domain, [`Error::Shape`] where texts and
    /// labels differ in number, [`Error::Empty`] where no text has a word, [`Error::Cancelled`] when
    /// told to stop, and those of [`TextEncoder::encode`].
    pub fn fit<S: AsRef<str> + Sync>(
        &self,
        encoder: Arc<TextEncoder>,
        texts: &[S],
        labelled: &Labelled,
        ctx: &FitContext<'_>,
    ) -> Result<TagClassifier> {
        self.check()?;
        check_plain(texts.len(), labelled)?;
        check_words(texts)?;
        let options = Encode {
            threads: ctx.threads,
            progress: ctx.progress.clone(),
            cancel: ctx.cancel.clone(),
            ..Encode::default()
        };
        let vectors = encoder.encode(texts, &options)?;
        parallel::install(ctx.threads, || {
            let regression = self.regression((&vectors, Columns::Standardised));
            let held_out = regression.held_out(labelled, &self.c, self.folds, ctx)?;
            let c = held_out.as_ref().map_or(self.c[0], |held_out| held_out.c);
            let head = regression.fit(labelled, c, ctx)?;
            let model = Box::new(EncoderTags::new(labelled.labels.clone(), encoder, head)?);
            match held_out {
                Some(found) => TagClassifier::calibrated(model, &found.scores, &labelled.rows),
                None => Ok(TagClassifier::new(model)),
            }
        })
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.c.is_empty() || self.c.iter().any(|c| !(c.is_finite() && *c > 0.0)) {
            let why = "one finite number above 0 or more are needed; 0.03 is usual";
            return Err(Error::parameter("c", format!("{:?}", self.c), why));
        }
        if self.folds == 1 {
            let why = "choose 2 or more parts to hold out in turn, or 0 for none";
            return Err(Error::parameter("folds", 1, why));
        }
        if !(self.tolerance.is_finite() && self.tolerance > 0.0) {
            return Err(Error::parameter("tolerance", self.tolerance, "choose above 0"));
        }
        if self.max_iterations == 0 {
            return Err(Error::parameter("max_iterations", 0, "at least 1 is needed"));
        }
        Ok(())
    }

    /// The head for one cost.
    pub(super) fn train(
        &self,
        vectors: (&Vectors, Columns),
        labelled: &Labelled,
        c: f64,
        ctx: &FitContext<'_>,
    ) -> Result<Linear> {
        self.regression(vectors).fit(labelled, c, ctx)
    }

    fn regression<'a>(&'a self, (vectors, columns): (&'a Vectors, Columns)) -> Regression<'a> {
        Regression {
            vectors,
            columns,
            offsets: None,
            class_weights: &self.class_weights,
            stop: Stop { tolerance: self.tolerance, max_iterations: self.max_iterations },
        }
    }
}

/// That a text has a word at all.
pub(super) fn check_words<S: AsRef<str>>(texts: &[S]) -> Result<()> {
    if texts.iter().any(|text| text.as_ref().chars().any(char::is_alphanumeric)) {
        return Ok(());
    }
    Err(Error::empty("the training texts", "no text has a letter or digit; check the texts"))
}
