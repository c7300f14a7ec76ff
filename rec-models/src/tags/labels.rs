//! Labels, and which text has which.

use rec_core::data::{Csr, Id, IdMap, IdRef};

use super::folds::select;
use super::joint::Joint;
use super::learn::Learner;
use crate::{Error, Result};

/// Whether a text has one label or any number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Exactly one label a text: labels compete.
    Single,
    /// Any number of labels a text: each is decided by itself.
    Multi,
}

/// The labels there are, by the caller's own names, in ascending order.
///
/// Labels may be paths such as `phones/accessories`. Where a text may have several labels, one with
/// that label has `phones` too, and no label is ever more probable than the one above it. Where it
/// has one, the labels are the paths as given, and [`Labels::levels`] sums what lies below.
#[derive(Clone, Debug)]
pub struct Labels {
    names: IdMap,
    task: Task,
    separator: Option<char>,
    /// The label above each, where labels are paths; always the smaller id.
    parents: Vec<Option<u32>>,
}

/// Labels, and those of each training text.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// The labels there are.
    pub labels: Labels,
    /// `[texts, labels]`; the stored entries are the texts' labels.
    pub rows: Csr,
    /// Labels of another kind beside these.
    pub(super) joint: Option<Joint>,
}

impl Labelled {
    /// One label a text.
    ///
    /// # Errors
    /// [`Error::Data`] with fewer than two distinct labels, [`Error::Empty`] with none.
    pub fn single(names: &[Id]) -> Result<Self> {
        let labels = Labels::new(names.iter().cloned(), Task::Single, None)?;
        Self::new(labels, &sets(names))
    }

    /// Any number of labels a text.
    ///
    /// # Errors
    /// As for [`Labelled::single`].
    pub fn multi(sets: &[Vec<Id>]) -> Result<Self> {
        let labels = Labels::new(sets.iter().flatten().cloned(), Task::Multi, None)?;
        Self::new(labels, sets)
    }

    /// Any number of label paths a text, their parts between separators. The labels above a label
    /// are added.
    ///
    /// # Errors
    /// As for [`Labelled::single`]; [`Error::Data`] for a path with an empty part.
    pub fn paths(sets: &[Vec<Id>], separator: char) -> Result<Self> {
        let labels = Labels::new(sets.iter().flatten().cloned(), Task::Multi, Some(separator))?;
        Self::new(labels, sets)
    }

    /// One label path a text. Labels are the paths as given; probabilities and figures of those
    /// above them are sums (see [`Labels::levels`]).
    ///
    /// # Errors
    /// As for [`Labelled::paths`].
    pub fn single_paths(names: &[Id], separator: char) -> Result<Self> {
        let labels = Labels::new(names.iter().cloned(), Task::Single, Some(separator))?;
        Self::new(labels, &sets(names))
    }

    /// Texts whose labels are among those known.
    ///
    /// # Errors
    /// As for [`Labels::encode`].
    pub fn new(labels: Labels, sets: &[Vec<Id>]) -> Result<Self> {
        let rows = labels.encode(sets)?;
        Ok(Self { labels, rows, joint: None })
    }

    /// Some of the texts.
    pub(super) fn select(&self, texts: &[usize]) -> Self {
        let joint = self
            .joint
            .as_ref()
            .map(|joint| Joint { rows: select(&joint.rows, texts), labels: joint.labels.clone() });
        Self { labels: self.labels.clone(), rows: select(&self.rows, texts), joint }
    }

    /// What a learner learns, `[texts, classes]`; where classes are pairs, the label of each.
    pub(super) fn target(&self, learner: &Learner) -> (&Csr, Option<&[u32]>) {
        match (learner, &self.joint) {
            (Learner::Joint { .. }, Some(joint)) => (&joint.rows, Some(&joint.labels)),
            _ => (&self.rows, None),
        }
    }

    /// Number of texts.
    pub fn len(&self) -> usize {
        self.rows.n_rows()
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn sets(names: &[Id]) -> Vec<Vec<Id>> {
    names.iter().map(|name| vec![name.clone()]).collect()
}

impl Labels {
    /// The distinct names, sorted; of paths, the labels above too where a text may have several.
    ///
    /// # Errors
    /// As for [`Labelled::paths`].
    pub fn new(
        names: impl IntoIterator<Item = Id>,
        task: Task,
        separator: Option<char>,
    ) -> Result<Self> {
        let mut all: Vec<Id> = names.into_iter().collect();
        all.sort_unstable();
        all.dedup();
        if let Some(separator) = separator {
            let above: Vec<Id> = all
                .iter()
                .map(|name| ancestors(name, separator))
                .collect::<Result<Vec<_>>>()?
                .concat();
            if task == Task::Multi {
                all.extend(above);
                all.sort_unstable();
                all.dedup();
            }
        }
        Self::from_map(IdMap::from_ids(all.iter().map(Id::as_ref))?, task, separator)
    }

    /// Labels of a map of names.
    ///
    /// # Errors
    /// As for [`Labelled::single`].
    pub fn from_map(names: IdMap, task: Task, separator: Option<char>) -> Result<Self> {
        match names.len() {
            0 => {
                Err(Error::empty("the labels", "no text has any label; there is nothing to learn"))
            }
            1 => Err(Error::data(
                format!("label {:?}", names.id(0).map(|id| id.to_string()).unwrap_or_default()),
                "it is the only one; a classifier needs texts of at least two labels (for one tag \
                 or none, label the texts without it too)",
            )),
            _ => {
                let parents = parents(&names, separator.filter(|_| task == Task::Multi));
                Ok(Self { names, task, separator, parents })
            }
        }
    }

    /// These labels and more.
    ///
    /// # Errors
    /// As for [`Labelled::paths`].
    pub fn with(&self, names: &[Id]) -> Result<Self> {
        let own = self.names.iter().map(|id| id.to_owned());
        Self::new(own.chain(names.iter().cloned()), self.task, self.separator)
    }

    /// Number of labels.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Never: there are at least two.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether a text has one or any number.
    pub fn task(&self) -> Task {
        self.task
    }

    /// The separator of paths, where labels are paths.
    pub fn separator(&self) -> Option<char> {
        self.separator
    }

    /// The names, by dense id.
    pub fn names(&self) -> &IdMap {
        &self.names
    }

    /// The name of a label.
    pub fn name(&self, label: u32) -> Option<IdRef<'_>> {
        self.names.id(label)
    }

    /// The label above, where labels are paths.
    pub fn parent(&self, label: u32) -> Option<u32> {
        self.parents.get(label as usize).copied().flatten()
    }

    /// The texts' labels as rows, `[texts, labels]`; of paths, those above too.
    ///
    /// # Errors
    /// [`Error::Data`] naming a label that is not among these, or a text of several labels or none
    /// where each has one.
    pub fn encode(&self, sets: &[Vec<Id>]) -> Result<Csr> {
        let rows = sets.iter().enumerate().map(|(text, set)| self.row(text, set));
        Ok(Csr::from_rows(rows.collect::<Result<Vec<_>>>()?, self.len()))
    }

    pub(super) fn row(&self, text: usize, set: &[Id]) -> Result<Vec<(u32, f32)>> {
        if self.task == Task::Single && set.len() != 1 {
            let why = "each text needs exactly one label; use several labels a text for others";
            return Err(Error::data(format!("text {text} with {} labels", set.len()), why));
        }
        let mut row = Vec::with_capacity(set.len());
        for name in set {
            let mut label = Some(self.names.get(name.as_ref()).ok_or_else(|| self.unseen(name))?);
            while let Some(at) = label {
                row.push(at);
                label = self.parent(at);
            }
        }
        row.sort_unstable();
        row.dedup();
        Ok(row.into_iter().map(|label| (label, 1.0)).collect())
    }

    fn unseen(&self, name: &Id) -> Error {
        let known: Vec<String> = self.names.iter().take(5).map(|id| id.to_string()).collect();
        let more = if self.len() > 5 { ", …" } else { "" };
        Error::data(
            format!("label {:?}", name.as_ref().to_string()),
            format!(
                "it was never seen in training, which had {} labels ({}{more}); train with texts \
                 of that label, or evaluate, where it counts as missed",
                self.len(),
                known.join(", ")
            ),
        )
    }
}

/// The labels above a path, the nearest first.
fn ancestors(name: &Id, separator: char) -> Result<Vec<Id>> {
    let name = name.as_ref().to_string();
    if name.split(separator).any(|part| part.trim().is_empty()) {
        let why = format!("a path has names between the signs {separator:?}, none of them empty");
        return Err(Error::data(format!("label {name:?}"), why));
    }
    Ok(name.rmatch_indices(separator).map(|(at, _)| Id::from(&name[..at])).collect())
}

fn parents(names: &IdMap, separator: Option<char>) -> Vec<Option<u32>> {
    let above = |name: IdRef<'_>| {
        let name = name.to_string();
        let (parent, _) = name.rsplit_once(separator?)?;
        names.get(parent)
    };
    names.iter().map(above).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(names: &[&str]) -> Vec<Id> {
        names.iter().map(|&name| Id::from(name)).collect()
    }

    #[test]
    fn names_are_sorted_and_stay_the_callers_own() {
        let labelled = Labelled::single(&[Id::Int(10), Id::Int(9), Id::Int(10)]).unwrap();
        assert_eq!(labelled.labels.names().as_integers(), Some(&[9, 10][..]));
        assert_eq!(labelled.rows.indices(), [1, 0, 1]);
    }

    #[test]
    fn a_path_brings_the_labels_above_it() {
        let sets = [ids(&["phones/accessories/cases"]), ids(&["books", "phones"]), vec![]];
        let Labelled { labels, rows, .. } = Labelled::paths(&sets, '/').unwrap();
        let names: Vec<String> = labels.names().iter().map(|id| id.to_string()).collect();
        assert_eq!(names, ["books", "phones", "phones/accessories", "phones/accessories/cases"]);
        assert_eq!((rows.row(0), rows.row(1), rows.row(2)), (&[1, 2, 3][..], &[0, 1][..], &[][..]));
        assert_eq!((labels.parent(3), labels.parent(1)), (Some(2), None));
        assert!(matches!(Labelled::paths(&[ids(&["a//b"])], '/'), Err(Error::Data { .. })));
    }

    #[test]
    fn one_label_or_none_is_refused() {
        let error = Labelled::single(&ids(&["a", "a"])).unwrap_err().to_string();
        assert!(error.contains("at least two labels"), "{error}");
        assert!(matches!(Labelled::multi(&[vec![], vec![]]), Err(Error::Empty { .. })));
    }

    #[test]
    fn an_unseen_label_is_named() {
        let labels = Labelled::single(&ids(&["a", "b"])).unwrap().labels;
        let error = labels.encode(&[ids(&["c"])]).unwrap_err().to_string();
        assert!(error.contains("\"c\"") && error.contains("never seen"), "{error}");
        assert!(labels.encode(&[ids(&["a", "b"])]).is_err());
    }
}
