//! How an evaluation is run.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ItemSimilarity, Metric, UserSegments};
use crate::data::Interactions;
use crate::{Error, Result};

/// Which items are filtered from a user's list because the user had them before.
#[derive(Clone, Copy, Debug, Default)]
pub enum Seen<'a> {
    /// What the model learned from.
    #[default]
    Model,
    /// The items of these events, matched by the caller's ids.
    Of(&'a Interactions),
    /// Nothing is filtered.
    Nothing,
}

/// Which of two items with the same score ranks first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ties {
    /// An item relevant to the user ranks behind all its equals that are not: a model that scores
    /// everything alike gains nothing by it.
    #[default]
    Pessimistic,
    /// The smaller dense id ranks first, as in [`crate::rank::top_k`].
    ById,
}

/// Which items compete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Candidates {
    /// The whole catalogue.
    #[default]
    Full,
    /// The user's relevant items and `n` others, neither relevant nor filtered. Such figures can
    /// order models otherwise than full ranking does (Krichene and Rendle 2020), so they bear
    /// their own names: `sampled(100)_ndcg@10`.
    Sampled {
        /// How many others; all there are, where fewer are left.
        n: usize,
        /// How they are drawn.
        sampler: Sampler,
        /// The seed of the draw.
        seed: u64,
    },
}

/// How competing items are drawn, each at most once a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sampler {
    /// Every item alike.
    #[default]
    Uniform,
    /// In proportion to the users who had the item in training; items nobody had come last.
    Popularity,
}

/// What becomes of test data that the model cannot answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Missing {
    /// It counts as missed: an unknown user has 0, an unknown item stays among the relevant.
    #[default]
    Miss,
    /// It is left out, and the report says how much of it.
    LeaveOut,
}

/// How [`super::evaluate`] runs.
#[derive(Clone)]
pub struct EvaluateOptions<'a> {
    /// What to measure.
    pub metrics: Vec<Metric>,
    /// What is filtered from the lists.
    pub seen: Seen<'a>,
    /// More to filter, e.g. the validation part.
    pub also_seen: Vec<&'a Interactions>,
    /// How ties are broken.
    pub ties: Ties,
    /// Which items compete.
    pub candidates: Candidates,
    /// Test events of less weight are not relevant; by default those that weigh 0 or less.
    pub min_weight: Option<f32>,
    /// Test users whom the model does not know.
    pub unknown_users: Missing,
    /// Test items that the model does not know.
    pub unknown_items: Missing,
    /// Test items that are filtered because the user had them before.
    pub seen_items: Missing,
    /// How alike items are, by the model's dense ids; `diversity@k` needs it.
    pub similarity: Option<&'a dyn ItemSimilarity>,
    /// Parts of the test users to measure apart as well.
    pub segments: Option<&'a UserSegments>,
    /// What the report says of the data and its split ("leave-last-out on ml-1m").
    pub protocol: String,
    /// Bootstrap samples of the confidence intervals; 0 for none.
    pub bootstrap: usize,
    /// Level of the confidence intervals.
    pub confidence: f64,
    /// Seed of the bootstrap.
    pub seed: u64,
    /// Threads; `None` for the pool in use.
    pub threads: Option<usize>,
}

impl Default for EvaluateOptions<'_> {
    fn default() -> Self {
        Self {
            metrics: vec![Metric::Recall(20), Metric::Ndcg(20)],
            seen: Seen::Model,
            also_seen: Vec::new(),
            ties: Ties::Pessimistic,
            candidates: Candidates::Full,
            min_weight: None,
            unknown_users: Missing::Miss,
            unknown_items: Missing::Miss,
            seen_items: Missing::Miss,
            similarity: None,
            segments: None,
            protocol: String::new(),
            bootstrap: 1000,
            confidence: 0.95,
            seed: 0,
            threads: None,
        }
    }
}

impl EvaluateOptions<'_> {
    /// The defaults with these metrics, by name.
    ///
    /// # Errors
    /// As [`Metric::parse_all`].
    pub fn of<S: AsRef<str>>(metrics: &[S]) -> Result<Self> {
        Ok(Self { metrics: Metric::parse_all(metrics)?, ..Self::default() })
    }

    pub(crate) fn check(&self) -> Result<()> {
        check_metrics(&self.metrics)?;
        check_confidence(self.confidence)?;
        if let Some(w) = self.min_weight.filter(|w| !(w.is_finite() && *w > 0.0)) {
            return Err(Error::parameter("min_weight", w, "choose a finite weight above 0"));
        }
        let Candidates::Sampled { n, .. } = self.candidates else { return Ok(()) };
        if n == 0 {
            return Err(Error::parameter("n", n, "sample at least 1 item, or rank them all"));
        }
        match self.metrics.iter().find(|metric| metric.is_beyond_accuracy()) {
            None => Ok(()),
            Some(metric) => Err(Error::parameter(
                "metric",
                metric,
                "on sampled candidates it would measure the sampler; use full ranking",
            )),
        }
    }

    /// The setting in words, for the report.
    pub(crate) fn describe(&self) -> String {
        let seen = match self.seen {
            Seen::Model => "the model's training items",
            Seen::Of(_) => "given items",
            Seen::Nothing if self.also_seen.is_empty() => "no items",
            Seen::Nothing => "given items",
        };
        let more = if self.also_seen.is_empty() || matches!(self.seen, Seen::Nothing) {
            ""
        } else {
            " and more given items"
        };
        let ties = match self.ties {
            Ties::Pessimistic => "pessimistic on ties",
            Ties::ById => "ties by id",
        };
        format!("{}, {seen}{more} removed, {ties}", self.candidates)
    }
}

impl fmt::Display for Candidates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("full ranking"),
            Self::Sampled { n, sampler, seed } => {
                let how = match sampler {
                    Sampler::Uniform => "uniformly",
                    Sampler::Popularity => "by popularity",
                };
                write!(f, "{n} candidates drawn {how} (seed {seed})")
            }
        }
    }
}

pub(crate) fn check_metrics(metrics: &[Metric]) -> Result<()> {
    if metrics.is_empty() {
        return Err(Error::empty("metrics", "name at least one, such as ndcg@10"));
    }
    for (at, metric) in metrics.iter().enumerate() {
        if metric.k() == Some(0) {
            return Err(Error::parameter("metric", metric, "the cut-off must be at least 1"));
        }
        if metrics[..at].contains(metric) {
            return Err(Error::parameter("metric", metric, "it is named twice"));
        }
    }
    Ok(())
}

pub(crate) fn check_confidence(level: f64) -> Result<()> {
    if level > 0.0 && level < 1.0 {
        return Ok(());
    }
    Err(Error::parameter("confidence", level, "choose a level between 0 and 1, such as 0.95"))
}
