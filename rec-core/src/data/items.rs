//! What is known of items beside behaviour: texts, tags and ready-made vectors.

use super::{Csr, IdMap};
use crate::{Error, Result};

/// A named text field of all items: one text an item, empty where unknown.
#[derive(Clone, Debug, PartialEq)]
pub struct TextField {
    /// The field's name (`title`, `body`).
    pub name: String,
    /// One text an item.
    pub texts: Vec<String>,
}

/// A named table of vectors of any modality (image, audio, text): `[items, dim]`, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorField {
    /// The field's name (`image`).
    pub name: String,
    /// Length of each vector.
    pub dim: usize,
    /// `items × dim` values; zeros where unknown.
    pub values: Vec<f32>,
}

/// A table of items with their own ids, which need not be those of a data set's interactions:
/// an item nobody touched yet is exactly what text is for.
#[derive(Clone, Debug, Default)]
pub struct Items {
    ids: IdMap,
    texts: Vec<TextField>,
    tag_names: IdMap,
    tags: Option<Csr>,
    vectors: Vec<VectorField>,
}

impl Items {
    /// A table of these items, nothing known of them yet.
    pub fn new(ids: IdMap) -> Self {
        Self { ids, ..Self::default() }
    }

    /// Adds a text field.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there is one text an item.
    pub fn with_text(mut self, name: &str, texts: Vec<String>) -> Result<Self> {
        self.check(&format!("text field {name:?}"), texts.len())?;
        self.texts.push(TextField { name: name.into(), texts });
        Ok(self)
    }

    /// Sets the tags: a list of names an item.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there is one list an item.
    pub fn with_tags<S: AsRef<str>>(mut self, tags: &[Vec<S>]) -> Result<Self> {
        self.check("tags", tags.len())?;
        let mut names = IdMap::strings();
        let rows: Vec<Vec<(u32, f32)>> = tags
            .iter()
            .map(|row| {
                let mut row: Vec<u32> = row.iter().map(|t| names.intern_str(t.as_ref())).collect();
                row.sort_unstable();
                row.dedup();
                row.into_iter().map(|t| (t, 1.0)).collect()
            })
            .collect();
        self.tags = Some(Csr::from_rows(rows, names.len()).binary());
        self.tag_names = names;
        Ok(self)
    }

    /// Sets the tags: the item × tag matrix over this table's rows, with the tags' names.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there is one row an item and one column a name.
    pub fn with_tag_matrix(mut self, names: IdMap, tags: Csr) -> Result<Self> {
        self.check("tags", tags.n_rows())?;
        if tags.n_cols() != names.len() {
            return Err(Error::shape("names of tags", tags.n_cols(), names.len()));
        }
        self.tags = Some(tags.binary());
        self.tag_names = names;
        Ok(self)
    }

    /// Adds a table of vectors.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there is one vector of `dim` values an item, [`Error::Data`] for
    /// values that are not finite.
    pub fn with_vectors(mut self, name: &str, dim: usize, values: Vec<f32>) -> Result<Self> {
        if dim == 0 {
            return Err(Error::parameter("dim", dim, "a vector has at least one value"));
        }
        if values.len() != self.len() * dim {
            return Err(Error::shape(
                format!("vectors {name:?}"),
                format!("[{}, {dim}]", self.len()),
                format!("{} values", values.len()),
            ));
        }
        if values.iter().any(|v| !v.is_finite()) {
            return Err(Error::data(format!("vectors {name:?}"), "NaN or infinite values in them"));
        }
        self.vectors.push(VectorField { name: name.into(), dim, values });
        Ok(self)
    }

    fn check(&self, what: &str, len: usize) -> Result<()> {
        if len == self.len() { Ok(()) } else { Err(Error::shape(what, self.len(), len)) }
    }

    /// The items' ids.
    pub fn ids(&self) -> &IdMap {
        &self.ids
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The text fields.
    pub fn texts(&self) -> &[TextField] {
        &self.texts
    }

    /// A text field by name.
    pub fn text(&self, name: &str) -> Option<&[String]> {
        self.texts.iter().find(|f| f.name == name).map(|f| &f.texts[..])
    }

    /// The text shown for an item: its first text field.
    pub fn title(&self, row: u32) -> Option<&str> {
        self.texts.first()?.texts.get(row as usize).map(String::as_str).filter(|t| !t.is_empty())
    }

    /// The item × tag matrix over this table's rows, where tags are known.
    pub fn tags(&self) -> Option<&Csr> {
        self.tags.as_ref()
    }

    /// The tags' names, by column of [`Items::tags`].
    pub fn tag_names(&self) -> &IdMap {
        &self.tag_names
    }

    /// The vector tables.
    pub fn vectors(&self) -> &[VectorField] {
        &self.vectors
    }

    /// For each id of another map, the row here: `[ids]`.
    pub fn rows_of(&self, ids: &IdMap) -> Vec<Option<u32>> {
        ids.iter().map(|id| self.ids.get(id)).collect()
    }

    /// The item × tag matrix in the order of another item map; no tags where an item is unknown.
    pub fn tags_for(&self, ids: &IdMap) -> Option<Csr> {
        let tags = self.tags.as_ref()?;
        let rows = self
            .rows_of(ids)
            .into_iter()
            .map(|row| row.map_or_else(Vec::new, |r| tags.iter_row(r as usize).collect()));
        Some(Csr::from_rows(rows, tags.n_cols()).binary())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_must_fit_and_can_be_read_in_another_order() {
        let items = Items::new(IdMap::from_ids(["a", "b"]).unwrap())
            .with_text("title", vec!["手机".into(), String::new()])
            .unwrap()
            .with_tags(&[vec!["x", "y", "x"], vec!["y"]])
            .unwrap();
        assert_eq!(items.title(0), Some("手机"));
        assert_eq!(items.title(1), None);
        let other = IdMap::from_ids(["new", "b", "a"]).unwrap();
        let tags = items.tags_for(&other).unwrap();
        assert_eq!((tags.row(0), tags.row(1), tags.row(2)), (&[][..], &[1][..], &[0, 1][..]));
        assert!(items.clone().with_text("body", vec![]).is_err());
        assert!(items.clone().with_vectors("image", 2, vec![0.0; 3]).is_err());
        assert!(items.with_vectors("image", 1, vec![0.0, f32::NAN]).is_err());
    }
}
