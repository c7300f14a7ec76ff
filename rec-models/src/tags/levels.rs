//! Label paths, level by level.

use std::collections::{BTreeMap, BTreeSet};

use rec_core::data::{Csr, Id};
use rec_core::metrics::classify::{LabelCounts, subset_accuracy};

use super::classifier::{Tag, TagClassifier};
use super::labels::{Labels, Task};
use crate::{Error, Result};

/// The labels cut to their first parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// Parts that are left, at most.
    pub depth: usize,
    /// What is left of the labels, in ascending order.
    pub names: Vec<String>,
    /// Which of the names is left of each label; none of one with fewer parts, where a text has
    /// several labels.
    of: Vec<Option<u32>>,
}

/// Figures of one level of label paths.
#[derive(Clone, Debug)]
pub struct LevelReport {
    /// Parts of the paths.
    pub depth: usize,
    /// The share of texts whose label, or whole set of labels, of this level was predicted.
    pub accuracy: f64,
    /// Counts of each label of the level that was predicted or true.
    pub counts: LabelCounts,
}

/// The first parts of a path; whole where it has fewer.
fn cut(name: &str, separator: char, depth: usize) -> &str {
    name.match_indices(separator).nth(depth - 1).map_or(name, |(at, _)| &name[..at])
}

fn depth(name: &str, separator: char) -> usize {
    name.matches(separator).count() + 1
}

impl Labels {
    /// The levels of label paths, from the top; none where labels are no paths.
    ///
    /// With one label a text, a label with fewer parts than a level's depth stands on that level as
    /// a whole, so that every level's probabilities sum to 1. With several it does not: the labels
    /// of a level are those of its depth.
    pub fn levels(&self) -> Vec<Level> {
        let Some(separator) = self.separator() else { return Vec::new() };
        let names: Vec<String> = self.names().iter().map(|id| id.to_string()).collect();
        let deepest = names.iter().map(|name| depth(name, separator)).max().unwrap_or(0);
        (1..=deepest).map(|at| self.level(&names, separator, at)).collect()
    }

    fn level(&self, all: &[String], separator: char, at: usize) -> Level {
        let part = |name: &'_ String| match self.task() {
            Task::Single => Some(cut(name, separator, at).to_string()),
            Task::Multi => (depth(name, separator) == at).then(|| name.clone()),
        };
        let names: BTreeSet<String> = all.iter().filter_map(part).collect();
        let names: Vec<String> = names.into_iter().collect();
        let place = |name: String| names.binary_search(&name).ok().map(|at| at as u32);
        let of = all.iter().map(|name| part(name).and_then(place)).collect();
        Level { depth: at, names, of }
    }
}

impl Level {
    /// Probabilities of the labels, `[texts, labels]`, as those of the level's names,
    /// `[texts, names]`: with one label a text the sums of what lies below.
    pub fn of_labels(&self, probabilities: &[f32]) -> Vec<f32> {
        let rows = probabilities.chunks_exact(self.of.len());
        let sums = rows.flat_map(|row| {
            let mut sums = vec![0.0; self.names.len()];
            for (p, name) in row.iter().zip(&self.of) {
                if let Some(name) = name {
                    sums[*name as usize] += p;
                }
            }
            sums
        });
        sums.collect()
    }
}

impl TagClassifier {
    /// The probabilities of one level of label paths, with its names: `[texts, names]`. `depth`
    /// counts from 1, the top.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a level that the labels do not have, and those of the model.
    pub fn predict_proba_at<S: AsRef<str>>(
        &self,
        texts: &[S],
        depth: usize,
    ) -> Result<(Vec<String>, Vec<f32>)> {
        let mut levels = self.labels().levels();
        if depth == 0 || depth > levels.len() {
            let why = format!("the labels have {} levels of paths", levels.len());
            return Err(Error::parameter("depth", depth, why));
        }
        let level = levels.swap_remove(depth - 1);
        let found = level.of_labels(&self.predict_proba(texts)?);
        Ok((level.names, found))
    }

    /// Figures of every level. A path never seen in training counts as missed from the level on
    /// where it parts from those that were.
    pub(super) fn level_reports(
        &self,
        probabilities: &[f32],
        predicted: &[Vec<Tag>],
        truth: &[Vec<Id>],
    ) -> Result<Vec<LevelReport>> {
        let Some(separator) = self.labels().separator() else { return Ok(Vec::new()) };
        let report = |level: Level| {
            let given = self.given_at(&level, probabilities, predicted);
            let own = truth.iter().map(|set| self.true_at(&level, separator, set)).collect();
            level_report(level.depth, given, own)
        };
        self.labels().levels().into_iter().map(report).collect()
    }

    fn given_at(
        &self,
        level: &Level,
        probabilities: &[f32],
        predicted: &[Vec<Tag>],
    ) -> Vec<BTreeSet<String>> {
        if self.labels().task() == Task::Single {
            let sums = level.of_labels(probabilities);
            let best = |row: &[f32]| {
                (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b]).then(b.cmp(&a)))
            };
            let name = |row| best(row).map(|at| level.names[at].clone()).into_iter().collect();
            return sums.chunks_exact(level.names.len()).map(name).collect();
        }
        let name = |tag: &Tag| Some(level.names[level.of[tag.label as usize]? as usize].clone());
        predicted.iter().map(|tags| tags.iter().filter_map(name).collect()).collect()
    }

    fn true_at(&self, level: &Level, separator: char, set: &[Id]) -> BTreeSet<String> {
        let task = self.labels().task();
        let names = set.iter().map(|id| id.as_ref().to_string());
        let deep =
            names.filter(|name| task == Task::Single || depth(name, separator) >= level.depth);
        deep.map(|name| cut(&name, separator, level.depth).to_string()).collect()
    }
}

fn level_report(
    depth: usize,
    given: Vec<BTreeSet<String>>,
    own: Vec<BTreeSet<String>>,
) -> Result<LevelReport> {
    let all: BTreeSet<&String> = given.iter().chain(&own).flatten().collect();
    let places: BTreeMap<&String, u32> = all.into_iter().zip(0..).collect();
    let rows = |sets: &[BTreeSet<String>]| {
        let row = |set: &BTreeSet<String>| set.iter().map(|name| (places[name], 1.0)).collect();
        Csr::from_rows(sets.iter().map(row), places.len())
    };
    let (own, given) = (rows(&own), rows(&given));
    Ok(LevelReport {
        depth,
        accuracy: subset_accuracy(&own, &given)?,
        counts: LabelCounts::multi(&own, &given)?,
    })
}
