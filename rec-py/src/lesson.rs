//! Texts with labels, and how a classifier is trained on them.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use rec_core::data::Id;
use rec_core::{Error, Result};
use rec_models::fit::{Cancel, FitContext, Progress};
use rec_models::tags::{ClassWeights, Labelled, Labels};

use crate::errors::OrRaise;
use crate::ids::{id_from_py, id_lists_from_py, ids_from_py};
use crate::progress::reporter;
use crate::texts::Texts;

/// What all ways of training take beside their parameters.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Common<'py> {
    several: bool,
    separator: Option<char>,
    /// Weights by label; labels left out weigh 1.
    class_weight: Option<Vec<(Bound<'py, PyAny>, f32)>>,
    seed: u64,
    num_threads: Option<usize>,
}

pub(crate) struct Lesson {
    pub(crate) texts: Texts,
    pub(crate) labelled: Labelled,
    seed: u64,
    threads: Option<usize>,
    progress: Arc<dyn Progress>,
}

impl Lesson {
    /// The lesson, and weights of labels where they are given one by one.
    pub(crate) fn from_py(
        texts: &Bound<'_, PyAny>,
        labels: &Bound<'_, PyAny>,
        common: &Bound<'_, PyDict>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<(Self, Option<ClassWeights>)> {
        let common: Common<'_> = common.extract()?;
        let sets = label_sets(labels, common.several)?;
        let texts = Texts::from_py(texts)?;
        let labelled = labelled(sets, common.several, common.separator).or_raise()?;
        let weights = match common.class_weight {
            None => None,
            Some(given) => {
                let given = given.iter().map(|(id, w)| Ok((id_from_py(id, "class_weight")?, *w)));
                let given = given.collect::<PyResult<Vec<_>>>()?;
                Some(weights_of(&labelled.labels, &given).or_raise()?)
            }
        };
        let (seed, threads) = (common.seed, common.num_threads);
        Ok((Self { texts, labelled, seed, threads, progress: reporter(progress) }, weights))
    }

    /// Labels of another kind beside.
    pub(crate) fn beside(&mut self, auxiliary: &[Id]) -> Result<()> {
        self.labelled = self.labelled.clone().with_auxiliary(auxiliary)?;
        Ok(())
    }

    pub(crate) fn context(&self, cancel: &Cancel) -> FitContext<'static> {
        FitContext {
            seed: self.seed,
            threads: self.threads,
            progress: self.progress.clone(),
            cancel: cancel.clone(),
            ..FitContext::default()
        }
    }
}

/// The labels of each text as Python gives them: one each, or a list each.
pub(crate) fn label_sets(labels: &Bound<'_, PyAny>, several: bool) -> PyResult<Vec<Vec<Id>>> {
    match several {
        true => id_lists_from_py(labels, "labels"),
        false => Ok(ids_from_py(labels, "labels")?.into_iter().map(|id| vec![id]).collect()),
    }
}

fn labelled(sets: Vec<Vec<Id>>, several: bool, separator: Option<char>) -> Result<Labelled> {
    match (several, separator) {
        (true, Some(separator)) => Labelled::paths(&sets, separator),
        (true, None) => Labelled::multi(&sets),
        (false, separator) => {
            let names: Vec<Id> = sets.into_iter().flatten().collect();
            separator.map_or_else(
                || Labelled::single(&names),
                |separator| Labelled::single_paths(&names, separator),
            )
        }
    }
}

/// Weights by label; labels left out weigh 1.
fn weights_of(labels: &Labels, given: &[(Id, f32)]) -> Result<ClassWeights> {
    let mut weights = vec![1.0; labels.len()];
    for (name, weight) in given {
        let label = labels.names().get(name.as_ref()).ok_or_else(|| {
            let why = "the training texts have no such label";
            Error::data(format!("class weight of {:?}", name.as_ref().to_string()), why)
        })?;
        weights[label as usize] = *weight;
    }
    Ok(ClassWeights::Each(weights))
}
