//! A linear head on the vectors of an encoder that stays as it is.

mod lbfgs;
mod linear;
mod model;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rec_core::data::Csr;
use rec_core::parallel;
use serde::{Deserialize, Serialize};

pub(crate) use linear::{Columns, Linear};
pub use model::EncoderTags;
pub(super) use model::{KIND, Settings, write_encoder};

use self::lbfgs::Stop;
use self::linear::Problem;
use super::classifier::TagClassifier;
use super::folds::{folds, select};
use super::labels::{Labelled, Task};
use super::train::{ClassWeights, check_pairs};
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
        check_pairs(texts.len(), labelled)?;
        check_words(texts)?;
        let options = Encode {
            threads: ctx.threads,
            progress: ctx.progress.clone(),
            cancel: ctx.cancel.clone(),
            ..Encode::default()
        };
        let vectors = encoder.encode(texts, &options)?;
        parallel::install(ctx.threads, || {
            let held_out = self.held_out(&vectors, labelled, ctx)?;
            let c = held_out.as_ref().map_or(self.c[0], |held_out| held_out.c);
            let head = self.train((&vectors, Columns::Standardised), labelled, c, ctx)?;
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
        let weights = self.class_weights.of(labelled)?;
        let problem = self.problem(vectors, labelled, &weights, ctx);
        Ok(problem.linear(&problem.solve(c, problem.zero())?))
    }

    fn problem<'a>(
        &self,
        vectors: (&Vectors, Columns),
        labelled: &'a Labelled,
        weights: &'a [f32],
        ctx: &'a FitContext<'_>,
    ) -> Problem<'a> {
        let stop = Stop { tolerance: self.tolerance, max_iterations: self.max_iterations };
        let labels = (&labelled.rows, labelled.labels.task());
        Problem::new(vectors, labels, weights, stop, &ctx.cancel)
    }

    /// The best cost, with the scores of all texts by heads trained without them; none without
    /// folds.
    fn held_out(
        &self,
        vectors: &Vectors,
        labelled: &Labelled,
        ctx: &FitContext<'_>,
    ) -> Result<Option<HeldOut>> {
        let n = labelled.len();
        let n_folds = self.folds.min(n);
        if n_folds < 2 {
            return Ok(None);
        }
        let fold = folds(&labelled.rows, n_folds, ctx.seed);
        let n_labels = labelled.labels.len();
        let mut scores = vec![vec![0f32; n * n_labels]; self.c.len()];
        ctx.progress.begin("tags", n_folds as u64);
        for held_out in 0..n_folds {
            let (test, train): (Vec<usize>, Vec<usize>) =
                (0..n).partition(|&row| fold[row] == held_out);
            let known =
                Labelled { labels: labelled.labels.clone(), rows: select(&labelled.rows, &train) };
            let weights = self.class_weights.of(&known)?;
            let (train, rows) = (part(vectors, &train)?, part(vectors, &test)?);
            let problem = self.problem((&train, Columns::Standardised), &known, &weights, ctx);
            // From cost to cost the solution moves little.
            let mut at = problem.zero();
            for (&c, scores) in self.c.iter().zip(&mut scores) {
                at = problem.solve(c, at)?;
                let found = problem.linear(&at).scores(rows.as_slice());
                for (&row, found) in test.iter().zip(found.chunks_exact(n_labels)) {
                    scores[row * n_labels..][..n_labels].copy_from_slice(found);
                }
            }
            ctx.progress.step(held_out as u64 + 1, "");
        }
        ctx.progress.end();
        let task = labelled.labels.task();
        let losses: Vec<f64> = scores.iter().map(|s| loss(s, &labelled.rows, task)).collect();
        let best = (0..losses.len()).min_by(|&a, &b| losses[a].total_cmp(&losses[b]));
        Ok(best.map(|best| HeldOut { c: self.c[best], scores: scores.swap_remove(best) }))
    }
}

struct HeldOut {
    c: f64,
    scores: Vec<f32>,
}

/// That a text has a word at all.
pub(super) fn check_words<S: AsRef<str>>(texts: &[S]) -> Result<()> {
    if texts.iter().any(|text| text.as_ref().chars().any(char::is_alphanumeric)) {
        return Ok(());
    }
    Err(Error::empty("the training texts", "no text has a letter or digit; check the texts"))
}

pub(super) fn part(vectors: &Vectors, rows: &[usize]) -> Result<Vectors> {
    let values = rows.iter().flat_map(|&row| vectors.row(row)).copied().collect();
    Vectors::new(vectors.dim(), values)
}

/// `−Σ ln p` of what is true, scores taken as logits.
fn loss(scores: &[f32], truth: &Csr, task: Task) -> f64 {
    let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
    let rows = scores.chunks_exact(truth.n_cols()).enumerate();
    let of = |(row, scores): (usize, &[f32])| match task {
        Task::Single => {
            let top = f64::from(scores.iter().copied().fold(f32::MIN, f32::max));
            let sum: f64 = scores.iter().map(|&s| (f64::from(s) - top).exp()).sum();
            let own = truth.row(row).first().map_or(0.0, |&l| f64::from(scores[l as usize]));
            top + sum.ln() - own
        }
        Task::Multi => {
            let signed = |(label, &s): (usize, &f32)| {
                let s = f64::from(s);
                softplus(if truth.contains(row, label as u32) { -s } else { s })
            };
            scores.iter().enumerate().map(signed).sum()
        }
    };
    rows.map(of).sum()
}
