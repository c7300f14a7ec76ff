//! Tables of vectors as model folders.

use std::path::Path;

use rec_core::data::{IdMap, IdMaps};
use rec_core::store::{ModelReader, ModelWriter};

use super::Vectors;
use crate::{Error, Result};

const KIND: &str = "vectors";

/// The kinds of folders that hold a table.
pub(super) const KINDS: [&str; 5] = [KIND, "word2vec", "glove", "fasttext", "reconstruction"];

/// The file of a folder that holds its arrays.
pub(super) const ARRAYS: &str = "model.safetensors";

impl Vectors {
    /// Writes the table as a folder, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`] where the disk refuses, [`Error::Format`] for a folder that is no model.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let mut writer = ModelWriter::new(KIND, &serde_json::json!({ "dim": self.dim() }))?;
        write(self, &mut writer)?;
        writer.save(path)
    }

    /// Reads a saved table, or the vectors of a saved model of words.
    ///
    /// # Errors
    /// As [`ModelReader::open`]; [`Error::Format`] or [`Error::Shape`] for a folder that holds none.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let reader = ModelReader::open(&path)?;
        check_kind(&path, &reader, &KINDS)?;
        read(&reader)
    }
}

/// Puts the words, their counts and their vectors into a folder.
pub(super) fn write(vectors: &Vectors, writer: &mut ModelWriter) -> Result<()> {
    let ids = IdMaps::shared(IdMap::strings(), vectors.word_map().clone());
    writer.ids(&ids).f32("vectors", &[vectors.len(), vectors.dim()], vectors.values())?;
    if let Some(counts) = vectors.counts() {
        writer.u64("counts", &[counts.len()], counts)?;
    }
    Ok(())
}

pub(super) fn read(reader: &ModelReader) -> Result<Vectors> {
    let (shape, values) = reader.f32("vectors")?;
    let &[_, dim] = shape.as_slice() else {
        return Err(Error::shape("array vectors", "[words, dim]", format!("{shape:?}")));
    };
    let ids = reader.ids()?;
    let vectors = Vectors::new(ids.items.iter().map(|id| id.to_string()), dim, values)?;
    match reader.u64("counts") {
        Ok((_, counts)) => vectors.with_counts(counts),
        Err(_) => Ok(vectors),
    }
}

pub(super) fn check_kind(
    path: impl AsRef<Path>,
    reader: &ModelReader,
    kinds: &[&str],
) -> Result<()> {
    let found = reader.manifest().kind.as_str();
    if kinds.contains(&found) {
        return Ok(());
    }
    let why = format!("holds a model of kind {found:?}, and {} is needed", kinds.join(" or "));
    Err(Error::format(path, None, why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::Term;

    #[test]
    fn a_saved_table_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("table");
        let values = vec![0.5, -1.0, 0.0, 3.25, 1e-30, 7.0];
        let plain = Vectors::new(["手机", "a b", "5"], 2, values).unwrap();
        let counted = plain.clone().with_counts(vec![9, 4, 1]).unwrap();
        for vectors in [plain, counted] {
            vectors.save(&path).unwrap();
            for loaded in [Vectors::load(&path).unwrap(), Vectors::open(&path).unwrap()] {
                assert!(loaded.words().eq(vectors.words()));
                assert_eq!(loaded.values(), vectors.values());
                assert_eq!(loaded.counts(), vectors.counts());
                let near =
                    |table: &Vectors| table.most_similar(&[Term::Word("5")], &[], 2).unwrap();
                assert_eq!(near(&loaded), near(&vectors));
            }
        }
    }

    #[test]
    fn an_open_table_outlives_another_saved_in_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("table");
        let first = Vectors::new(["a", "b"], 2, vec![1.0, 2.0, 3.0, 4.0]).unwrap();
        first.save(&path).unwrap();
        let open = Vectors::open(&path).unwrap();
        Vectors::new(["c"], 1, vec![9.0]).unwrap().save(&path).unwrap();
        assert_eq!((open.values(), open.word(1)), (first.values(), Some("b")));
        assert_eq!(Vectors::open(&path).unwrap().values(), [9.0]);
        assert!(matches!(Vectors::open(dir.path()), Err(Error::Format { .. })));
        let cut = std::fs::read(path.join(ARRAYS)).unwrap();
        std::fs::remove_file(path.join(ARRAYS)).unwrap();
        assert!(Vectors::open(&path).is_err());
        std::fs::write(path.join(ARRAYS), &cut[..cut.len() - 2]).unwrap();
        assert!(matches!(Vectors::open(&path), Err(Error::Format { .. })));
    }
}
