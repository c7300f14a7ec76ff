//! Learners: from sparse rows, or tokens in their order, and labels to scores.

mod bayes;
mod dual;
mod fasttext;
mod network;
mod weights;

use rayon::prelude::*;
use rec_core::data::Csr;
use rec_core::rng::stream;
use serde::{Deserialize, Serialize};

pub(crate) use fasttext::Embeddings;
pub use fasttext::FastText;
pub use network::{GruLanguageModel, TextCnn, TextGru, Tokens};
pub(crate) use network::{Network, Recipe, Start};
pub(crate) use weights::Weights;

use self::dual::{Loss, Problem};
use super::features::{Bag, NgramOptions, TfIdf};
use super::labels::Task;
use crate::fit::FitContext;
use crate::{Error, Result};

/// One way to learn from texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "learner", rename_all = "snake_case", deny_unknown_fields)]
pub enum Learner {
    /// Linear SVM with squared hinge loss, one label against the rest.
    Svm {
        /// Cost of an error against the size of the weights.
        c: f64,
    },
    /// Logistic regression, one label against the rest.
    Logistic {
        /// Cost of an error against the size of the weights.
        c: f64,
    },
    /// Linear SVM on rows scaled by naive Bayes' log-count ratios (Wang and Manning 2012, §2.3); the
    /// scaling is folded into the weights.
    NbSvm {
        /// Cost of an error against the size of the weights.
        c: f64,
        /// Added to every count.
        alpha: f64,
    },
    /// Naive Bayes on the presence of n-grams, one label against the rest.
    NaiveBayes {
        /// Added to every count.
        alpha: f64,
    },
    /// Averaged embeddings and a softmax.
    #[serde(rename = "fasttext")]
    FastText(FastText),
    /// A convolutional network on words and characters in their order.
    Cnn(TextCnn),
    /// A recurrent network on the same.
    Gru(TextGru),
    /// Another learner, of pairs of a label and an auxiliary one
    /// ([`Labelled::with_auxiliary`](super::Labelled::with_auxiliary)); a label is as probable as the pairs
    /// it is in.
    Joint {
        /// What learns the pairs.
        of: Box<Learner>,
    },
}

/// What learners read.
pub(super) struct Inputs<'a> {
    /// TF-IDF of n-grams: `[texts, n_features]`.
    pub rows: Csr,
    /// The texts themselves.
    pub bags: &'a [&'a Bag],
    /// Texts whose labels nobody knows, to learn from while training.
    pub unlabelled: &'a [Bag],
}

impl<'a> Inputs<'a> {
    pub(super) fn new(features: &TfIdf, bags: &'a [&'a Bag]) -> Self {
        Self { rows: features.transform(bags), bags, unlabelled: &[] }
    }

    pub(super) fn with_unlabelled(self, unlabelled: &'a [Bag]) -> Self {
        Self { unlabelled, ..self }
    }
}

/// What a learner made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fitted {
    Linear(Weights),
    Embedded(Embeddings),
    /// Networks whose scores are averaged.
    Networks(Vec<Network>),
}

/// How hard the linear learners try, and how errors weigh.
pub(super) struct Effort {
    pub tolerance: f64,
    pub max_iterations: usize,
    /// By label.
    pub class_weights: Vec<f32>,
    pub task: Task,
}

impl Learner {
    /// The learner's name, as it is written down.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Svm { .. } => "svm",
            Self::Logistic { .. } => "logistic",
            Self::NbSvm { .. } => "nb_svm",
            Self::NaiveBayes { .. } => "naive_bayes",
            Self::FastText(_) => "fasttext",
            Self::Cnn(_) => "cnn",
            Self::Gru(_) => "gru",
            Self::Joint { .. } => "joint",
        }
    }

    /// The learner itself, whatever its classes are.
    pub(super) fn plain(&self) -> &Self {
        match self {
            Self::Joint { of } => of,
            other => other,
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        let positive = |name: &str, x: f64| {
            let fine = x.is_finite() && x > 0.0;
            let refused = || Error::parameter(name, x, "a finite number above 0 is needed");
            fine.then_some(()).ok_or_else(refused)
        };
        match self {
            Self::Svm { c } | Self::Logistic { c } => positive("c", *c),
            Self::NbSvm { c, alpha } => positive("c", *c).and(positive("alpha", *alpha)),
            Self::NaiveBayes { alpha } => positive("alpha", *alpha),
            Self::FastText(fasttext) => fasttext.check(),
            Self::Cnn(cnn) => cnn.check(),
            Self::Gru(gru) => gru.check(),
            Self::Joint { of } if matches!(**of, Self::Joint { .. }) => {
                Err(Error::parameter("of", "joint", "give it a learner such as svm"))
            }
            Self::Joint { of } => of.check(),
        }
    }

    /// Whether it learns from texts without labels too.
    pub(super) fn reads_unlabelled(&self) -> bool {
        self.network().is_some_and(|recipe| recipe.reads_unlabelled())
    }

    /// Whether it learns a weight of each n-gram for each label.
    pub(super) fn is_linear(&self) -> bool {
        !matches!(self.plain(), Self::FastText(_) | Self::Cnn(_) | Self::Gru(_))
    }

    /// What its networks have in common with others, where it is of networks.
    pub(super) fn network(&self) -> Option<Recipe> {
        match self.plain() {
            Self::Cnn(cnn) => Some(cnn.recipe()),
            Self::Gru(gru) => Some(gru.recipe()),
            _ => None,
        }
    }

    /// What it starts from, where that is the same whichever texts are held out.
    pub(super) fn begin(
        &self,
        features: &NgramOptions,
        bags: &[&Bag],
        unlabelled: &[Bag],
        ctx: &FitContext<'_>,
    ) -> Result<Option<Start>> {
        let recipe = self.network().filter(Recipe::starts_once);
        recipe.map(|recipe| recipe.begin(features, bags, unlabelled, ctx)).transpose()
    }

    /// Learns `labels`, `[texts, n_labels]`, or `[texts, pairs]`.
    pub(super) fn fit(
        &self,
        inputs: &Inputs<'_>,
        start: Option<&Start>,
        labels: &Csr,
        effort: &Effort,
        ctx: &FitContext<'_>,
    ) -> Result<Fitted> {
        let rows = &inputs.rows;
        if let Self::FastText(fasttext) = self.plain() {
            return fasttext.fit(rows, labels, effort, ctx).map(Fitted::Embedded);
        }
        if let Some(recipe) = self.network() {
            return recipe.fit(inputs, start, labels, effort, ctx).map(Fitted::Networks);
        }
        // Two labels that exclude each other need one problem.
        let mirrored = effort.task == Task::Single && labels.n_cols() == 2;
        let wanted = if mirrored { 1..2 } else { 0..labels.n_cols() as u32 };
        let column = |label| {
            ctx.cancel.check(self.name())?;
            let against = if mirrored { effort.class_weights[0] } else { 1.0 };
            self.plain().column(
                rows,
                labels,
                label,
                [effort.class_weights[label as usize], against],
                effort,
                ctx.seed,
            )
        };
        let mut columns = wanted.into_par_iter().map(column).collect::<Result<Vec<_>>>()?;
        if mirrored {
            let (w, bias) = &columns[0];
            columns.insert(0, (w.iter().map(|w| -w).collect(), -bias));
        }
        Ok(Fitted::Linear(Weights::from_columns(columns)))
    }

    fn column(
        &self,
        rows: &Csr,
        labels: &Csr,
        label: u32,
        weights: [f32; 2],
        effort: &Effort,
        seed: u64,
    ) -> Result<(Vec<f32>, f32)> {
        let positive: Vec<bool> =
            (0..labels.n_rows()).map(|row| labels.contains(row, label)).collect();
        let values = rows.values().unwrap_or_default();
        let solve = |loss, c: f64, values: &[f32]| {
            let cost = weights.map(|weight| c * f64::from(weight));
            let Effort { tolerance, max_iterations, .. } = *effort;
            let problem =
                Problem { rows, values, positive: &positive, cost, tolerance, max_iterations };
            problem.solve(loss, &mut stream(seed, self.name(), u64::from(label)))
        };
        Ok(match self {
            Self::Svm { c } => {
                let found = solve(Loss::SquaredHinge, *c, values);
                (found.weights, found.bias)
            }
            Self::Logistic { c } => {
                let found = solve(Loss::Logistic, *c, values);
                (found.weights, found.bias)
            }
            Self::NbSvm { c, alpha } => {
                let (ratio, _) = bayes::log_count_ratio(rows, &positive, *alpha);
                let scale = |(&column, x): (&u32, &f32)| x * ratio[column as usize];
                let scaled: Vec<f32> = rows.indices().iter().zip(values).map(scale).collect();
                let found = solve(Loss::SquaredHinge, *c, &scaled);
                (found.weights.iter().zip(&ratio).map(|(w, r)| w * r).collect(), found.bias)
            }
            Self::NaiveBayes { alpha } => bayes::log_count_ratio(rows, &positive, *alpha),
            Self::FastText(_) | Self::Cnn(_) | Self::Gru(_) | Self::Joint { .. } => {
                return Err(Error::unsupported("one label alone", self.name(), "fit all"));
            }
        })
    }

    /// The scores of texts: `[texts, n_labels]`.
    pub(super) fn scores(&self, fitted: &Fitted, inputs: &Inputs<'_>) -> Vec<f32> {
        match fitted {
            Fitted::Linear(weights) => {
                weights.scores(&inputs.rows, matches!(self.plain(), Self::NaiveBayes { .. }))
            }
            Fitted::Embedded(embeddings) => embeddings.scores(&inputs.rows),
            Fitted::Networks(networks) => network::scores(networks, inputs.bags),
        }
    }
}
