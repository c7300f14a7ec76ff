//! `rec.Items`: what is known of items beside behaviour.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use rec_core::data::read::{ItemOptions, read_items, write_items};
use rec_core::data::{IdMap, Items};
use rec_core::{Error, IdKind};

use crate::columns::{Place, intern, is_text, tags, texts, vectors};
use crate::errors::OrRaise;
use crate::frame::Frame;
use crate::ids::{id_from_py, map_to_py};
use crate::interrupt;
use crate::read::{Name, column, delimited, warn};

/// A table of items: texts, tags and vectors, under their own ids.
#[pyclass(module = "rec", name = "Items", frozen)]
pub(crate) struct PyItems {
    pub(crate) inner: Arc<Items>,
}

impl From<Arc<Items>> for PyItems {
    fn from(inner: Arc<Items>) -> Self {
        Self { inner }
    }
}

/// A column name, or several.
#[derive(FromPyObject)]
enum Names {
    One(String),
    Many(Vec<String>),
}

impl Names {
    fn list(names: Option<Self>) -> Vec<String> {
        match names {
            None => Vec::new(),
            Some(Names::One(name)) => vec![name],
            Some(Names::Many(names)) => names,
        }
    }
}

#[pymethods]
impl PyItems {
    /// Reads a frame with one row an item. Tags are lists of texts, or texts split at `|`;
    /// vectors are lists of numbers of one length.
    #[staticmethod]
    #[pyo3(signature = (df, *, id, text=None, tags=None, vectors=None))]
    fn from_frame(
        df: &Bound<'_, PyAny>,
        id: &str,
        text: Option<Names>,
        tags: Option<&str>,
        vectors: Option<Names>,
    ) -> PyResult<Self> {
        let (text, vectors) = (Names::list(text), Names::list(vectors));
        let mut wanted = vec![id];
        wanted.extend(text.iter().map(String::as_str));
        wanted.extend(tags);
        wanted.extend(vectors.iter().map(String::as_str));
        let frame = Frame::open(df, &wanted)?;
        let items = df.py().detach(|| read(frame, id, &text, tags, &vectors)).or_raise()?;
        Ok(Arc::new(items).into())
    }

    /// Reads a file of items, in any layout that `Dataset.read` reads. `text`, `tags` and `vectors`
    /// are found out unless given; `id_map` names a file of two columns, the id that events use
    /// and the id this file uses.
    #[staticmethod]
    #[pyo3(signature = (path, *, id=None, text=None, tags=None, tag_separator=None, vectors=None, id_map=None, sep=None, header=None, skip_bad=false))]
    #[allow(clippy::too_many_arguments)]
    fn read(
        py: Python<'_>,
        path: PathBuf,
        id: Option<Name>,
        text: Option<Vec<Name>>,
        tags: Option<Name>,
        tag_separator: Option<String>,
        vectors: Option<Vec<Name>>,
        id_map: Option<PathBuf>,
        sep: Option<&str>,
        header: Option<bool>,
        skip_bad: bool,
    ) -> PyResult<Self> {
        let columns = |names: Vec<Name>| names.into_iter().map(|n| column(Some(n))).collect();
        let options = ItemOptions {
            format: sep.map(delimited).transpose()?,
            header,
            id: column(id),
            text: text.map(columns),
            tags: column(tags),
            tag_separator,
            vectors: vectors.map(columns),
            id_map,
            skip_bad,
            ..ItemOptions::default()
        };
        let (items, report) = interrupt::run(py, |_| read_items(path, &options))?;
        warn(py, &report)?;
        Ok(Arc::new(items).into())
    }

    /// Writes the table, whole or not at all: CSV, TSV, JSON lines or Parquet by the ending.
    fn write(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        interrupt::run(py, |_| write_items(&path, &self.inner))
    }

    fn __len__(&self) -> usize {
        self.inner.len()
    }

    #[getter]
    fn ids<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        map_to_py(py, self.inner.ids())
    }

    #[getter]
    fn text_fields(&self) -> Vec<&str> {
        self.inner.texts().iter().map(|f| f.name.as_str()).collect()
    }

    #[getter]
    fn tag_names(&self) -> Vec<String> {
        self.inner.tag_names().iter().map(|t| t.to_string()).collect()
    }

    #[getter]
    fn vector_fields(&self) -> Vec<(&str, usize)> {
        self.inner.vectors().iter().map(|f| (f.name.as_str(), f.dim)).collect()
    }

    /// The text shown for an item: its first text field, `None` where unknown.
    fn title(&self, item: &Bound<'_, PyAny>) -> PyResult<Option<&str>> {
        let id = id_from_py(item, "item")?;
        let row = self.inner.ids().require(IdKind::Item, &id).or_raise()?;
        Ok(self.inner.title(row))
    }

    /// One item's tags.
    fn tags(&self, item: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
        let id = id_from_py(item, "item")?;
        let row = self.inner.ids().require(IdKind::Item, &id).or_raise()?;
        let names = self.inner.tag_names();
        let tags = self.inner.tags().map(|t| t.row(row as usize)).unwrap_or_default();
        Ok(tags.iter().filter_map(|&t| names.id(t)).map(|t| t.to_string()).collect())
    }

    fn __repr__(&self) -> String {
        format!(
            "rec.Items({} items, text {:?}, {} tags, vectors {:?})",
            self.inner.len(),
            self.text_fields(),
            self.inner.tag_names().len(),
            self.vector_fields()
        )
    }
}

fn read(
    frame: Frame,
    id: &str,
    text: &[String],
    tag: Option<&str>,
    vector: &[String],
) -> rec_core::Result<Items> {
    let places = |names: &[String]| names.iter().map(|n| frame.position(n)).collect();
    let id_at = frame.position(id)?;
    let (text_at, vector_at): (rec_core::Result<Vec<usize>>, rec_core::Result<Vec<usize>>) =
        (places(text), places(vector));
    let (text_at, vector_at) = (text_at?, vector_at?);
    let tag_at = tag.map(|t| frame.position(t)).transpose()?;
    let mut ids = if is_text(&frame.kind(id_at)) { IdMap::strings() } else { IdMap::new() };
    let mut all_texts = vec![Vec::new(); text.len()];
    let mut all_tags = Vec::new();
    let mut all_vectors = vec![(Vec::new(), 0); vector.len()];
    frame.for_each(|batch, first_row| {
        let at = |column| Place { column, first_row };
        let dense = intern(batch.column(id_at), &mut ids, at(id))?;
        if let Some(row) = (0..dense.len()).find(|&r| dense[r] as usize != first_row + r) {
            return Err(at(id).error(row, "the id stands twice; keep one row an item"));
        }
        for ((out, &column), name) in all_texts.iter_mut().zip(&text_at).zip(text) {
            let read = texts(batch.column(column), at(name))?;
            out.extend(read.into_iter().map(Option::unwrap_or_default));
        }
        if let (Some(column), Some(name)) = (tag_at, tag) {
            all_tags.extend(tags(batch.column(column), at(name))?);
        }
        for ((out, &column), name) in all_vectors.iter_mut().zip(&vector_at).zip(vector) {
            let (values, dim) = vectors(batch.column(column), at(name))?;
            if first_row > 0 && dim != out.1 {
                let why = format!("a vector of {dim}, the first has {}", out.1);
                return Err(at(name).error(0, why));
            }
            out.0.extend(values);
            out.1 = dim;
        }
        Ok(())
    })?;
    if ids.is_empty() {
        return Err(Error::empty("the item frame", "at least one item is needed"));
    }
    let mut items = Items::new(ids);
    for (name, texts) in text.iter().zip(all_texts) {
        items = items.with_text(name, texts)?;
    }
    if tag.is_some() {
        items = items.with_tags(&all_tags)?;
    }
    for (name, (values, dim)) in vector.iter().zip(all_vectors) {
        items = items.with_vectors(name, dim, values)?;
    }
    Ok(items)
}
