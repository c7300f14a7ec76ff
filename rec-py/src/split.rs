//! Splits by protocol.

use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyList};
use rec_core::data::split::{FoldIn, Fractions, Protocol, Split};
use rec_core::data::{Dataset, Interactions};

use crate::dataset::PyDataset;
use crate::errors::{OrRaise, internal, parameter};
use crate::ids::dense_to_py;
use crate::interrupt;
use crate::model::count;
use crate::params::to_py;

/// The parts of a split; unpacks to `(train, valid, test)`.
#[pyclass(module = "rec", name = "Split", frozen)]
pub(crate) struct PySplit {
    inner: Split,
    whole: Dataset,
}

/// Validation and test events whose user or item training never saw.
#[pyclass(module = "rec", name = "Cold", frozen)]
pub(crate) struct PyCold {
    split: Py<PySplit>,
}

impl PySplit {
    fn part(&self, events: &Interactions) -> PyDataset {
        self.whole.with_interactions(events.clone()).into()
    }
}

#[pymethods]
impl PySplit {
    #[getter]
    fn train(&self) -> PyDataset {
        self.part(&self.inner.train)
    }

    #[getter]
    fn valid(&self) -> PyDataset {
        self.part(&self.inner.valid)
    }

    #[getter]
    fn test(&self) -> PyDataset {
        self.part(&self.inner.test)
    }

    /// The pasts of held-out users; `None` but for `user_holdout`.
    #[getter]
    fn fold_in(&self) -> Option<PyDataset> {
        self.inner.fold_in.as_ref().map(|events| self.part(events))
    }

    /// Validation and test events whose user or item training never saw.
    #[getter]
    fn cold(slf: Py<Self>) -> PyCold {
        PyCold { split: slf }
    }

    /// Protocol, sizes, what was moved and why, warnings.
    #[getter]
    fn report<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let report = serde_json::to_value(&self.inner.report);
        to_py(py, &report.map_err(|e| internal(py, &e.to_string()))?)
    }

    /// What to beware of, in sentences.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.inner.report.warnings.clone()
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        PyList::new(py, [self.train(), self.valid(), self.test()])?.try_iter()
    }

    fn __len__(&self) -> usize {
        3
    }

    fn __repr__(&self) -> String {
        let report = &self.inner.report;
        format!(
            "rec.Split({}: train {}, valid {}, test {}, cold {})",
            report.protocol,
            report.train.events,
            report.valid.events,
            report.test.events,
            report.cold_valid.total() + report.cold_test.total()
        )
    }
}

#[pymethods]
impl PyCold {
    #[getter]
    fn valid(&self) -> PyDataset {
        let split = self.split.get();
        split.part(&split.inner.cold.valid)
    }

    #[getter]
    fn test(&self) -> PyDataset {
        let split = self.split.get();
        split.part(&split.inner.cold.test)
    }

    /// Users of these parts that training never saw.
    #[getter]
    fn users<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let split = &self.split.get().inner;
        dense_to_py(py, &split.train.ids().users, split.cold.users.iter().map(|&u| Some(u)))
    }

    /// Items of these parts that training never saw.
    #[getter]
    fn items<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let split = &self.split.get().inner;
        dense_to_py(py, &split.train.ids().items, split.cold.items.iter().map(|&i| Some(i)))
    }

    fn __repr__(&self) -> String {
        let cold = &self.split.get().inner.cold;
        format!(
            "rec.Cold(valid {}, test {}, {} users, {} items)",
            cold.valid.len(),
            cold.test.len(),
            cold.users.len(),
            cold.items.len()
        )
    }
}

fn split(py: Python<'_>, data: &PyDataset, protocol: Protocol) -> PyResult<PySplit> {
    let whole = &data.inner;
    let inner = interrupt::run(py, |_| protocol.split(&whole.interactions))?;
    Ok(PySplit { whole: whole.clone(), inner })
}

#[pyfunction]
pub(crate) fn split_leave_last_out(
    py: Python<'_>,
    dataset: PyRef<'_, PyDataset>,
    n: i64,
    validation: bool,
) -> PyResult<PySplit> {
    split(py, &dataset, Protocol::LeaveLastOut { n: count("n", n)?, validation })
}

#[pyfunction]
pub(crate) fn split_by_time(
    py: Python<'_>,
    dataset: PyRef<'_, PyDataset>,
    fractions: Vec<f64>,
) -> PyResult<PySplit> {
    let fractions = Fractions::new(&fractions).or_raise()?;
    split(py, &dataset, Protocol::ByTime { fractions })
}

#[pyfunction]
pub(crate) fn split_at_time(
    py: Python<'_>,
    dataset: PyRef<'_, PyDataset>,
    test_from: i64,
    valid_from: Option<i64>,
) -> PyResult<PySplit> {
    split(py, &dataset, Protocol::AtTime { valid_from, test_from })
}

#[pyfunction]
pub(crate) fn split_by_user_ratio(
    py: Python<'_>,
    dataset: PyRef<'_, PyDataset>,
    fractions: Vec<f64>,
) -> PyResult<PySplit> {
    let fractions = Fractions::new(&fractions).or_raise()?;
    split(py, &dataset, Protocol::ByUserRatio { fractions })
}

#[pyfunction]
pub(crate) fn split_random(
    py: Python<'_>,
    dataset: PyRef<'_, PyDataset>,
    fractions: Vec<f64>,
    seed: u64,
) -> PyResult<PySplit> {
    let fractions = Fractions::new(&fractions).or_raise()?;
    split(py, &dataset, Protocol::Random { fractions, seed })
}

#[pyfunction]
pub(crate) fn split_user_holdout(
    py: Python<'_>,
    dataset: PyRef<'_, PyDataset>,
    fractions: Vec<f64>,
    fold_in: f64,
    order: &str,
    seed: u64,
) -> PyResult<PySplit> {
    let fractions = Fractions::new(&fractions).or_raise()?;
    let fold_in = match order {
        "first" => FoldIn::First { share: fold_in },
        "random" => FoldIn::Random { share: fold_in },
        _ => return Err(parameter("order", order, "choose first or random")),
    };
    split(py, &dataset, Protocol::HoldOutUsers { fractions, fold_in, seed })
}
