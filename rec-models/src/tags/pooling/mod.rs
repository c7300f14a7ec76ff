//! How the scores of several learners become one.

mod stack;
#[cfg(test)]
mod tests;

pub(super) use stack::Stack;

use super::calibrate::{Calibration, mixture_weights};
use super::labels::{Labelled, Labels};
use super::learn::Learner;
use super::ngrams::{mix, probabilities};
use super::train::NgramTagger;
use crate::Result;
use crate::fit::FitContext;

/// What scores of held-out texts tell of the learners.
pub(super) struct Pooling {
    /// Of each learner.
    pub calibrations: Vec<Calibration>,
    /// Of each learner in the mixture.
    pub weights: Vec<f32>,
    pub stack: Option<Stack>,
}

impl Pooling {
    /// Scores taken as logits, learners as equals.
    pub(super) fn even(labels: &Labels, n_learners: usize) -> Self {
        Self {
            calibrations: vec![Calibration::none(labels); n_learners],
            weights: vec![1.0 / n_learners as f32; n_learners],
            stack: None,
        }
    }

    /// From the scores of texts by each learner, trained without them, `[texts, classes]`; and the pooled
    /// scores of these texts, `[texts, labels]`.
    pub(super) fn fit(
        tagger: &NgramTagger,
        labelled: &Labelled,
        scores: &[Vec<f32>],
        ctx: &FitContext<'_>,
    ) -> Result<(Self, Vec<f32>)> {
        let labels = &labelled.labels;
        let calibrated = |(learner, scores): (&Learner, &Vec<f32>)| {
            let (truth, pairs) = labelled.target(learner);
            let calibration = Calibration::fit(labels, scores, truth);
            let of_labels = probabilities(scores.clone(), &calibration, pairs, labels.len());
            (calibration, of_labels)
        };
        let (calibrations, parts): (Vec<_>, Vec<_>) =
            tagger.learners.iter().zip(scores).map(calibrated).unzip();
        let weights = mixture_weights(&parts, &labelled.rows, labels.task());
        let len = labelled.len() * labels.len();
        let mixed = mix(weights.iter().copied().zip(&parts), len, labels.task());
        let stacked = match tagger.stacking {
            true => Stack::fit(&parts, &mixed, labelled, &tagger.class_weights, ctx)?,
            false => None,
        };
        let (stack, scores) = match stacked {
            Some((stack, scores)) => (Some(stack), scores),
            None => (None, mixed),
        };
        Ok((Self { calibrations, weights, stack }, scores))
    }
}
