//! What users are interested in.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use rec_core::Error;
use rec_core::data::Id;
use rec_core::profile::{ProfileOptions, profiles};

use crate::dataset::PyDataset;
use crate::errors::internal;
use crate::ids::ids_from_py;
use crate::interrupt;
use crate::params::settings;

/// The profiles of these users, or of all, as JSON.
#[pyfunction]
pub(crate) fn user_profiles(
    py: Python<'_>,
    dataset: PyRef<'_, PyDataset>,
    users: Option<&Bound<'_, PyAny>>,
    options: &Bound<'_, PyDict>,
) -> PyResult<String> {
    let options: ProfileOptions = settings("options", options)?;
    let data = &dataset.inner;
    let users: Vec<Id> = match users {
        Some(users) => ids_from_py(users, "users")?,
        None => data.interactions.ids().users.iter().map(|id| id.to_owned()).collect(),
    };
    let found = interrupt::run(py, |_| {
        let items = data.items.as_deref();
        let labels = items.and_then(|items| {
            Some((items.tags_for(&data.interactions.ids().items)?, items.tag_names()))
        });
        let Some((labels, names)) = labels else {
            let why = "set dataset.items with tags: given, predicted or keywords";
            return Err(Error::empty("the items' tags", why));
        };
        profiles(&data.interactions, &labels, names, &users, &options)
    })?;
    serde_json::to_string(&found).map_err(|e| internal(py, &e.to_string()))
}
