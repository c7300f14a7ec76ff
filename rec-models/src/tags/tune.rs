//! Choosing among estimators by cross-validation.

use rec_core::data::Csr;
use rec_core::metrics::classify::mean_average_precision;

use super::features::NgramOptions;
use super::labels::{Labelled, Task};
use super::learn::{FastText, Learner};
use super::train::NgramTagger;
use crate::fit::FitContext;
use crate::{Error, Result};

impl NgramTagger {
    /// Estimators worth trying, the default first: short and long n-grams, with words and without;
    /// few learners and many.
    pub fn candidates() -> Vec<Self> {
        let default = Self::default;
        let features = |words, ideographs, letters| NgramOptions {
            words,
            ideographs,
            letters,
            ..NgramOptions::default()
        };
        let linear = |svm, nb_svm| {
            vec![
                Learner::Svm { c: svm },
                Learner::NbSvm { c: nb_svm, alpha: 1.0 },
                Learner::NaiveBayes { alpha: 0.1 },
            ]
        };
        let more = [Learner::Logistic { c: 10.0 }, Learner::FastText(FastText::default())];
        vec![
            default(),
            Self { learners: [default().learners, more.to_vec()].concat(), ..default() },
            Self { features: features(1, (1, 3), (2, 5)), learners: linear(1.0, 1.0), ..default() },
            Self { features: features(1, (1, 2), (3, 6)), learners: linear(1.0, 1.0), ..default() },
            Self {
                features: features(2, (1, 4), (3, 6)),
                learners: linear(0.25, 0.25),
                ..default()
            },
            Self {
                features: features(0, (1, 3), (2, 5)),
                learners: linear(0.5, 0.25),
                ..default()
            },
        ]
    }

    /// The candidate that does best on held-out folds of the training texts, and the figure of each:
    /// accuracy with one label a text, mAP with several. Of equals the first.
    ///
    /// # Errors
    /// As for [`NgramTagger::held_out`]; [`Error::Empty`] without candidates.
    pub fn best_of<S: AsRef<str> + Sync>(
        candidates: &[Self],
        texts: &[S],
        labelled: &Labelled,
        ctx: &FitContext<'_>,
    ) -> Result<(Self, Vec<f64>)> {
        let figure = |tagger: &Self| {
            let scores = tagger.held_out(texts, labelled, ctx)?.mixture;
            match labelled.labels.task() {
                Task::Single => Ok(accuracy(&scores, &labelled.rows)),
                Task::Multi => mean_average_precision(&labelled.rows, &scores),
            }
        };
        let figures = candidates.iter().map(figure).collect::<Result<Vec<f64>>>()?;
        let best = (0..figures.len()).rev().max_by(|&a, &b| figures[a].total_cmp(&figures[b]));
        let Some(best) = best else {
            return Err(Error::empty(
                "the candidates",
                "give one estimator or more to choose from",
            ));
        };
        Ok((candidates[best].clone(), figures))
    }
}

fn accuracy(scores: &[f32], truth: &Csr) -> f64 {
    let best =
        |row: &[f32]| (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b]).then(b.cmp(&a)));
    let rows = scores.chunks_exact(truth.n_cols()).enumerate();
    let right = rows.filter(|(row, s)| best(s) == truth.row(*row).first().map(|&l| l as usize));
    right.count() as f64 / truth.n_rows() as f64
}
