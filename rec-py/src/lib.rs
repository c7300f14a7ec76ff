//! Python bindings of the rec recommender library: the module `rec._native`.

mod columns;
mod dataset;
mod errors;
mod fit;
mod frame;
mod ids;
mod interrupt;
mod items;
mod model;
mod params;
mod progress;
mod recommend;
mod social;
mod sparse;
mod table;

use pyo3::prelude::*;

#[pymodule(name = "_native")]
mod native {
    #[pymodule_export]
    use crate::dataset::{_dataset_from_state, PyDataset};
    #[pymodule_export]
    use crate::fit::{check_params, fit, load};
    #[pymodule_export]
    use crate::items::PyItems;
    #[pymodule_export]
    use crate::model::PyModel;
    #[pymodule_export]
    use crate::recommend::{PyExplanation, PyRecommendations};
    #[pymodule_export]
    use crate::social::PySocialGraph;
}
