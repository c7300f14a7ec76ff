//! What training draws from behaviour.

use pyo3::prelude::*;
use rec_core::Error;
use rec_core::sampling::CoConsumed;

use crate::dataset::PyDataset;
use crate::errors::OrRaise;
use crate::interrupt;

/// Texts of items that the same users took up, side by side.
type Pairs = (Vec<String>, Vec<String>);

/// Pairs of texts of items that the same users took up.
#[pyfunction]
#[pyo3(signature = (dataset, *, text, window, subsample, rounds, seed))]
pub(crate) fn sampling_co_consumed(
    py: Python<'_>,
    dataset: &PyDataset,
    text: Option<&str>,
    window: usize,
    subsample: f64,
    rounds: usize,
    seed: u64,
) -> PyResult<Pairs> {
    let (events, texts) = (&dataset.inner.interactions, item_texts(dataset, text).or_raise()?);
    let draw = CoConsumed { window, subsample, rounds };
    let pairs = interrupt::run(py, |_| draw.pairs(events, seed))?;
    let known = |pair: &[u32; 2]| {
        let [one, other] = pair.map(|item| texts[item as usize]);
        Some((one?.to_string(), other?.to_string()))
    };
    let found: Pairs = pairs.iter().filter_map(known).unzip();
    if found.0.is_empty() {
        let why = "give ds.items texts of the items in the log";
        return Err(Error::empty("pairs of texts", why)).or_raise();
    }
    Ok(found)
}

/// The text of every dense item, where it has one.
fn item_texts<'a>(
    dataset: &'a PyDataset,
    name: Option<&str>,
) -> rec_core::Result<Vec<Option<&'a str>>> {
    let data = &dataset.inner;
    let items = data.items.as_ref().ok_or_else(|| {
        Error::empty("ds.items", "set it to rec.Items with the texts of the items")
    })?;
    let field = match name {
        None => items.texts().first().map(|field| field.texts.as_slice()),
        Some(name) => items.text(name),
    };
    let texts = field.ok_or_else(|| {
        let names: Vec<&str> = items.texts().iter().map(|field| field.name.as_str()).collect();
        let why = format!("ds.items has the text columns {names:?}");
        Error::parameter("text", name.unwrap_or("none"), why)
    })?;
    let rows = items.rows_of(&data.interactions.ids().items);
    let text = |row: &Option<u32>| {
        let text = texts[(*row)? as usize].as_str();
        (!text.trim().is_empty()).then_some(text)
    };
    Ok(rows.iter().map(text).collect())
}
