//! Metrics by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A metric, with its cut-off where it has one. Parsed from and printed as `ndcg@10`.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Metric {
    /// `precision@k`: [`super::precision`].
    Precision(usize),
    /// `recall@k`: [`super::recall`].
    Recall(usize),
    /// `recall_head@k`: [`super::recall`] over the user's relevant items of the head, the fifth of
    /// the catalogue with the most training users ([`super::Popularity::is_head`]). No value for a
    /// user without such items.
    RecallHead(usize),
    /// `recall_tail@k`: the same over the rest of the catalogue.
    RecallTail(usize),
    /// `hr@k`: [`super::hit_rate`].
    HitRate(usize),
    /// `ndcg@k`, binary relevance: [`super::ndcg`].
    Ndcg(usize),
    /// `ndcg_linear@k`, graded, gain = weight: [`super::ndcg_graded`].
    NdcgLinear(usize),
    /// `ndcg_exp@k`, graded, gain = 2^weight − 1: [`super::ndcg_graded`].
    NdcgExp(usize),
    /// `mrr@k`: [`super::reciprocal_rank`].
    Mrr(usize),
    /// `map@k`, divided by `min(k, |relevant|)`: [`super::average_precision`].
    Map(usize),
    /// `map_full@k`, divided by `|relevant|`: [`super::average_precision_full`].
    MapFull(usize),
    /// `r_precision`: [`super::r_precision`].
    RPrecision,
    /// `auc`: [`super::auc`].
    Auc,
    /// `coverage@k`: [`super::coverage`]. A figure of all lists together.
    Coverage(usize),
    /// `gini@k`: [`super::gini`]. A figure of all lists together.
    Gini(usize),
    /// `novelty@k`: [`super::novelty`].
    Novelty(usize),
    /// `diversity@k`: [`super::intra_list_diversity`].
    Diversity(usize),
    /// `serendipity@k`: [`super::serendipity`].
    Serendipity(usize),
}

type Make = fn(usize) -> Metric;

/// Canonical names first in each row; the others are read as well.
const CUT: &[(&[&str], Make)] = &[
    (&["precision", "p"], Metric::Precision),
    (&["recall"], Metric::Recall),
    (&["recall_head"], Metric::RecallHead),
    (&["recall_tail"], Metric::RecallTail),
    (&["hr", "hit_rate", "hit"], Metric::HitRate),
    (&["ndcg"], Metric::Ndcg),
    (&["ndcg_linear"], Metric::NdcgLinear),
    (&["ndcg_exp", "ndcg_burges"], Metric::NdcgExp),
    (&["mrr"], Metric::Mrr),
    (&["map"], Metric::Map),
    (&["map_full"], Metric::MapFull),
    (&["coverage"], Metric::Coverage),
    (&["gini"], Metric::Gini),
    (&["novelty"], Metric::Novelty),
    (&["diversity", "ild"], Metric::Diversity),
    (&["serendipity"], Metric::Serendipity),
];

const WHOLE: &[(&[&str], Metric)] =
    &[(&["auc"], Metric::Auc), (&["r_precision", "r-precision"], Metric::RPrecision)];

impl Metric {
    /// The cut-off, where there is one.
    pub fn k(self) -> Option<usize> {
        match self {
            Self::Precision(k)
            | Self::Recall(k)
            | Self::RecallHead(k)
            | Self::RecallTail(k)
            | Self::HitRate(k)
            | Self::Ndcg(k)
            | Self::NdcgLinear(k)
            | Self::NdcgExp(k)
            | Self::Mrr(k)
            | Self::Map(k)
            | Self::MapFull(k)
            | Self::Coverage(k)
            | Self::Gini(k)
            | Self::Novelty(k)
            | Self::Diversity(k)
            | Self::Serendipity(k) => Some(k),
            Self::RPrecision | Self::Auc => None,
        }
    }

    /// Whether it is a figure of all lists together, with no value of one user.
    pub fn is_global(self) -> bool {
        matches!(self, Self::Coverage(_) | Self::Gini(_))
    }

    /// Whether it asks what is recommended, beside whether that is relevant.
    pub fn is_beyond_accuracy(self) -> bool {
        self.is_global()
            || matches!(self, Self::Novelty(_) | Self::Diversity(_) | Self::Serendipity(_))
    }

    /// Whether it is over the relevant items of a part of the catalogue: the head if so, or the tail.
    pub(crate) fn of_head(self) -> Option<bool> {
        match self {
            Self::RecallHead(_) => Some(true),
            Self::RecallTail(_) => Some(false),
            _ => None,
        }
    }

    /// Whether it asks how popular items were in training.
    pub(crate) fn needs_popularity(self) -> bool {
        self.of_head().is_some() || matches!(self, Self::Novelty(_) | Self::Serendipity(_))
    }

    /// Whether it uses the weights of the test events.
    pub(crate) fn is_graded(self) -> bool {
        matches!(self, Self::NdcgLinear(_) | Self::NdcgExp(_))
    }

    /// Metrics by their names, e.g. `["ndcg@10", "recall@20"]`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for the first name that is none.
    pub fn parse_all<S: AsRef<str>>(names: &[S]) -> Result<Vec<Self>> {
        names.iter().map(|name| name.as_ref().parse()).collect()
    }

    fn name(self) -> &'static str {
        let named = |make: &Make, k: usize| make(k) == self;
        match self.k() {
            Some(k) => CUT.iter().find(|(_, make)| named(make, k)).map_or("", |(n, _)| n[0]),
            None => WHOLE.iter().find(|(_, m)| *m == self).map_or("", |(n, _)| n[0]),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.k() {
            Some(k) => f.pad(&format!("{}@{k}", self.name())),
            None => f.pad(self.name()),
        }
    }
}

impl FromStr for Metric {
    type Err = Error;

    /// Reads `name@k`, or `auc` and `r_precision`; upper and lower case alike.
    fn from_str(text: &str) -> Result<Self> {
        let lower = text.trim().to_ascii_lowercase();
        let (name, cut) = match lower.split_once('@') {
            Some((name, cut)) => (name, Some(cut)),
            None => (&lower[..], None),
        };
        let refuse = |why: String| Err(Error::parameter("metric", text, why));
        if let Some((names, metric)) = WHOLE.iter().find(|(names, _)| names.contains(&name)) {
            return match cut {
                None => Ok(*metric),
                Some(_) => refuse(format!("{0} takes no cut-off; write {0}", names[0])),
            };
        }
        let Some((names, make)) = CUT.iter().find(|(names, _)| names.contains(&name)) else {
            return refuse(format!("no such metric; there are {}", known()));
        };
        let example = format!("write {}@10, with a cut-off of at least 1", names[0]);
        match cut.map(str::parse) {
            None => refuse(format!("the cut-off is missing; {example}")),
            Some(Ok(k)) if k > 0 => Ok(make(k)),
            Some(_) => refuse(example),
        }
    }
}

/// All names, for messages.
fn known() -> String {
    let cut = CUT.iter().map(|(names, _)| format!("{}@k", names[0]));
    let whole = WHOLE.iter().map(|(names, _)| names[0].to_string());
    cut.chain(whole).collect::<Vec<_>>().join(", ")
}

impl TryFrom<String> for Metric {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Metric> for String {
    fn from(metric: Metric) -> Self {
        metric.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_as_itself() {
        for (names, make) in CUT {
            for name in *names {
                assert_eq!(format!("{name}@7").parse::<Metric>().unwrap(), make(7));
            }
            let text = make(20).to_string();
            assert_eq!(text, format!("{}@20", names[0]));
            assert_eq!(text.to_uppercase().parse::<Metric>().unwrap(), make(20));
            assert_eq!(make(20).k(), Some(20));
        }
        for (names, metric) in WHOLE {
            assert_eq!(names[0], metric.to_string());
            assert_eq!(names[0].parse::<Metric>().unwrap(), *metric);
        }
        let json = serde_json::to_string(&Metric::Ndcg(5)).unwrap();
        assert_eq!(json, "\"ndcg@5\"");
        assert_eq!(serde_json::from_str::<Metric>(&json).unwrap(), Metric::Ndcg(5));
    }

    #[test]
    fn what_is_no_metric_is_refused_with_what_is() {
        let why = |text: &str| text.parse::<Metric>().unwrap_err().to_string();
        assert!(why("ndgc@10").contains("recall_tail@k, hr@k, ndcg@k"));
        for bad in ["ndcg@0", "ndcg@", "ndcg@-1", "ndcg@1.5", "ndcg"] {
            assert!(why(bad).contains("write ndcg@10"), "{bad}");
        }
        assert!(why("auc@5").contains("takes no cut-off"));
        assert!(why("").contains("no such metric"));
    }
}
