//! A data set as a folder, read back in the time it takes to read its bytes.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Dataset, IdMaps, Interactions, Items, SocialGraph, TimeUnit, UnknownUsers};
use crate::store::{ModelReader, ModelWriter};
use crate::{Error, Result};

/// The kind that the folder names.
const KIND: &str = "dataset";

/// What the folder holds beside the events.
#[derive(Serialize, Deserialize)]
struct Contents {
    time_unit: TimeUnit,
    texts: Vec<String>,
    vectors: Vec<String>,
    items: bool,
    social: bool,
}

impl Dataset {
    /// Writes the data set as a folder, whole or not at all.
    ///
    /// # Errors
    /// As [`ModelWriter::save`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.writer()?.save(path)
    }

    /// The data set's parts, ready to save; the manifest's figures of them tell one data set from
    /// another.
    ///
    /// # Errors
    /// None of its own.
    pub fn writer(&self) -> Result<ModelWriter> {
        let events = &self.interactions;
        let items = self.items.as_deref();
        let names = |of: fn(&Items) -> Vec<String>| items.map(of).unwrap_or_default();
        let contents = Contents {
            time_unit: events.time_unit(),
            texts: names(|items| items.texts().iter().map(|f| f.name.clone()).collect()),
            vectors: names(|items| items.vectors().iter().map(|f| f.name.clone()).collect()),
            items: items.is_some(),
            social: self.social.is_some(),
        };
        let mut writer = ModelWriter::new(KIND, &contents)?;
        writer.ids(events.ids());
        let indptr: Vec<u64> = events.indptr().iter().map(|&at| at as u64).collect();
        writer.u64("events.indptr", &[indptr.len()], &indptr)?;
        writer.u32("events.items", &[events.len()], events.items())?;
        if let Some(weights) = events.weights() {
            writer.f32("events.weights", &[weights.len()], weights)?;
        }
        if let Some(times) = events.times() {
            writer.i64("events.times", &[times.len()], times)?;
        }
        if let Some(items) = items {
            write_items(&mut writer, items)?;
        }
        if let Some(social) = &self.social {
            writer.csr("social", social.edges())?;
        }
        Ok(writer)
    }

    /// Reads a saved data set.
    ///
    /// # Errors
    /// As [`ModelReader::open`]; [`Error::Format`] or [`Error::Shape`] for a folder that holds no
    /// whole data set.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let reader = ModelReader::open(path)?;
        if reader.manifest().kind != KIND {
            let why = format!("holds a {}, not a data set", reader.manifest().kind);
            return Err(Error::format(path, None, why));
        }
        let contents: Contents = reader.config()?;
        let ids = reader.ids()?;
        let interactions = read_events(&reader, ids.clone(), contents.time_unit)?;
        let items = contents.items.then(|| read_items(&reader, &contents)).transpose()?;
        let social = contents.social.then(|| read_social(&reader, ids)).transpose()?;
        Ok(Self { interactions, items: items.map(Arc::new), social: social.map(Arc::new) })
    }
}

fn write_items(writer: &mut ModelWriter, items: &Items) -> Result<()> {
    writer.map("table", items.ids());
    for field in items.texts() {
        writer.texts(&field.name, &field.texts);
    }
    for field in items.vectors() {
        let shape = [items.len(), field.dim];
        writer.f32(&format!("vectors.{}", field.name), &shape, &field.values)?;
    }
    if let Some(tags) = items.tags() {
        writer.map("tags", items.tag_names()).csr("tags", tags)?;
    }
    Ok(())
}

fn read_events(reader: &ModelReader, ids: Arc<IdMaps>, unit: TimeUnit) -> Result<Interactions> {
    let (_, indptr) = reader.u64("events.indptr")?;
    let (_, items) = reader.u32("events.items")?;
    let whole = indptr.first() == Some(&0)
        && indptr.last() == Some(&(items.len() as u64))
        && indptr.is_sorted();
    if !whole || indptr.len() != ids.users.len() + 1 {
        return Err(Error::shape("rows of events", ids.users.len(), indptr.len()));
    }
    let of =
        |user: usize| std::iter::repeat_n(user as u32, (indptr[user + 1] - indptr[user]) as usize);
    let users: Vec<u32> = (0..ids.users.len()).flat_map(of).collect();
    let (weights, times) = ("events.weights", "events.times");
    let weights = reader.has(weights).then(|| reader.f32(weights)).transpose()?.map(|(_, w)| w);
    let times = reader.has(times).then(|| reader.i64(times)).transpose()?.map(|(_, t)| t);
    Interactions::from_columns(ids, &users, items, weights, times, unit)
}

fn read_items(reader: &ModelReader, contents: &Contents) -> Result<Items> {
    let mut items = Items::new(reader.map("table")?);
    for name in &contents.texts {
        items = items.with_text(name, reader.texts(name)?)?;
    }
    for name in &contents.vectors {
        let (shape, values) = reader.f32(&format!("vectors.{name}"))?;
        items = items.with_vectors(name, shape.last().copied().unwrap_or(0), values)?;
    }
    if reader.has("tags.indptr") {
        items = items.with_tag_matrix(reader.map("tags")?, reader.csr("tags")?)?;
    }
    Ok(items)
}

fn read_social(reader: &ModelReader, ids: Arc<IdMaps>) -> Result<SocialGraph> {
    let edges = reader.csr("social")?;
    if edges.n_rows() != ids.users.len() {
        return Err(Error::shape("rows of friends", ids.users.len(), edges.n_rows()));
    }
    let mut all = Vec::with_capacity(edges.nnz());
    for user in 0..edges.n_rows() as u32 {
        for (friend, weight) in edges.iter_row(user as usize) {
            if let (Some(from), Some(to)) = (ids.users.id(user), ids.users.id(friend)) {
                all.push((from, to, weight));
            }
        }
    }
    SocialGraph::new(ids.clone(), all, true, UnknownUsers::Error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::synthetic::Shop;
    use crate::data::{Csr, IdMap};

    fn data() -> Dataset {
        let data = Shop { users: 30, items: 40, ..Shop::default() }.generate().unwrap();
        let items = data.items.as_deref().unwrap().clone();
        let n = items.len();
        let vectors = (0..n * 2).map(|x| x as f32).collect();
        let items = items.with_vectors("image", 2, vectors).unwrap();
        let ids = data.interactions.ids().clone();
        let (a, b) = (ids.users.id(0).unwrap().to_owned(), ids.users.id(1).unwrap().to_owned());
        let social = SocialGraph::new(ids.clone(), [(&a, &b, 0.5)], true, UnknownUsers::Error);
        Dataset { items: Some(Arc::new(items)), social: Some(Arc::new(social.unwrap())), ..data }
    }

    #[test]
    fn everything_comes_back() {
        let (dir, data) = (tempfile::tempdir().unwrap(), data());
        let path = dir.path().join("shop");
        data.save(&path).unwrap();
        let back = Dataset::load(&path).unwrap();
        let (a, b) = (&data.interactions, &back.interactions);
        assert!(a.ids().users.same_as(&b.ids().users) && a.ids().items.same_as(&b.ids().items));
        assert!(a.events().eq(b.events()));
        assert_eq!(a.time_unit(), b.time_unit());
        let (a, b) = (data.items.unwrap(), back.items.unwrap());
        assert_eq!((a.texts(), a.vectors()), (b.texts(), b.vectors()));
        assert_eq!(a.tags(), b.tags());
        assert!(a.tag_names().same_as(b.tag_names()) && a.ids().same_as(b.ids()));
        assert_eq!(data.social.unwrap().edges(), back.social.unwrap().edges());
    }

    #[test]
    fn events_alone_come_back_and_a_model_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let ids = IdMaps::shared(IdMap::range(2), IdMap::strings());
        let data = Dataset::from(
            Interactions::from_csr(&Csr::from_rows([vec![], vec![]], 0), ids).unwrap(),
        );
        let path = dir.path().join("empty");
        data.save(&path).unwrap();
        let back = Dataset::load(&path).unwrap();
        assert_eq!((back.interactions.n_users(), back.interactions.len()), (2, 0));
        assert!(back.items.is_none() && back.social.is_none());
        ModelWriter::new("als", &0).unwrap().save(dir.path().join("model")).unwrap();
        assert!(matches!(Dataset::load(dir.path().join("model")), Err(Error::Format { .. })));
    }
}
