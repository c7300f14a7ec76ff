//! The fitted model.

use std::sync::{Arc, OnceLock};

use rec_core::data::{Csr, IdMaps, Items};
use rec_core::rank::{Explain, Explanation, Factors, History, Recommend, Scorer, Similar, TopK};
use rec_core::store::{ModelReader, ModelWriter};

use super::vectors::{ItemVectors, Profile};
use super::{Content, Features, KIND};
use crate::collab::factors::check_kind;
use crate::collab::item_weights::{check_block, check_item, check_loaded, check_user, explanation};
use crate::collab::rows::KBest;
use crate::fit::Model;
use crate::tags::TfIdf;
use crate::{Error, Result};

/// A fitted [`Content`].
#[derive(Clone, Debug)]
pub struct ContentModel {
    config: Content,
    ids: Arc<IdMaps>,
    /// How much each past item counts, `[users, items]`; rows add up to 1.
    past: Csr,
    items: ItemVectors,
    tfidf: Option<TfIdf>,
    /// Dense profiles of all users, `[users, dim]`, once they are asked for.
    profiles: OnceLock<Vec<f32>>,
}

impl ContentModel {
    pub(super) fn new(
        config: Content,
        ids: Arc<IdMaps>,
        past: Csr,
        items: ItemVectors,
        tfidf: Option<TfIdf>,
    ) -> Result<Self> {
        check_loaded(&ids, &past, "items", &[ids.items.len()], &[items.n_items()])?;
        Ok(Self { config, ids, past, items, tfidf, profiles: OnceLock::new() })
    }

    /// Items known by these texts, and nothing of any user: to be asked in words.
    pub(crate) fn of_texts(ids: Arc<IdMaps>, texts: Vec<String>) -> Result<Self> {
        let config = Content::default();
        let table = Items::new(ids.items.clone()).with_text("said", texts)?;
        let (items, tfidf) = config.features.of(&table, &table.rows_of(&ids.items))?;
        let nobody = std::iter::repeat_n(Vec::new(), ids.users.len());
        let past = Csr::from_rows(nobody, ids.items.len());
        Self::new(config, ids, past, items, tfidf)
    }

    /// Reads a saved model.
    ///
    /// # Errors
    /// [`Error::Format`] or [`Error::Shape`] for a folder that holds no whole content model.
    pub fn load(reader: &ModelReader) -> Result<Self> {
        check_kind(reader, KIND)?;
        let config: Content = reader.config()?;
        let tfidf = match &config.features {
            Features::Words { ngrams, .. } => Some(TfIdf::read(reader, "", (**ngrams).clone())?),
            Features::Tags | Features::Vectors { .. } => None,
        };
        Self::new(config, reader.ids()?, reader.csr("past")?, ItemVectors::read(reader)?, tfidf)
    }

    /// The estimator.
    pub fn config(&self) -> &Content {
        &self.config
    }

    /// The cosine of two dense items.
    ///
    /// # Errors
    /// [`Error::Shape`] for items the model does not have.
    pub fn similarity(&self, a: u32, b: u32) -> Result<f32> {
        check_item(a, self.n_items())?;
        check_item(b, self.n_items())?;
        Ok(self.items.cosine(a, b))
    }

    /// Scores for what is said in words rather than shown by deeds: `texts` are interests, a query,
    /// or a new item's own text. `out` is `[texts, n_items]`.
    ///
    /// # Errors
    /// [`Error::Unsupported`] unless items are known by their words, [`Error::Shape`] for another
    /// length of `out`, and what segmentation refuses.
    pub fn score_texts(&self, texts: &[&str], out: &mut [f32]) -> Result<()> {
        check_block(texts.len(), self.n_items(), out)?;
        let Some(tfidf) = &self.tfidf else {
            let why = "fit Content by words to ask in words";
            return Err(Error::unsupported("scoring texts", "this model", why));
        };
        let rows = tfidf.transform_texts(texts)?;
        for (row, out) in out.chunks_exact_mut(self.n_items()).enumerate() {
            self.items.score(&Profile::Sparse(rows.iter_row(row).collect()), out)?;
        }
        Ok(())
    }
}

impl Scorer for ContentModel {
    fn n_users(&self) -> usize {
        self.past.n_rows()
    }

    fn n_items(&self) -> usize {
        self.items.n_items()
    }

    fn score(&self, users: &[u32], out: &mut [f32]) -> Result<()> {
        check_block(users.len(), self.n_items(), out)?;
        for (&user, out) in users.iter().zip(out.chunks_exact_mut(self.n_items())) {
            check_user(user, self.n_users())?;
            self.items.score(&self.items.profile(self.past.iter_row(user as usize)), out)?;
        }
        Ok(())
    }

    fn factors(&self) -> Option<Factors<'_>> {
        let ItemVectors::Dense { dim, values } = &self.items else { return None };
        let users = self.profiles.get_or_init(|| self.items.profiles(&self.past));
        Some(Factors { dim: *dim, users, items: values, item_bias: None })
    }
}

impl Recommend for ContentModel {
    fn ids(&self) -> &Arc<IdMaps> {
        &self.ids
    }

    fn seen(&self) -> &Csr {
        &self.past
    }

    fn score_histories(&self, histories: &[History], out: &mut [f32]) -> Result<()> {
        check_block(histories.len(), self.n_items(), out)?;
        for (history, out) in histories.iter().zip(out.chunks_exact_mut(self.n_items())) {
            history.iter().try_for_each(|&(item, _)| check_item(item, self.n_items()))?;
            let past = self.config.profile(history);
            self.items.score(&self.items.profile(past.into_iter()), out)?;
        }
        Ok(())
    }
}

impl Similar for ContentModel {
    fn similar_ids(&self) -> &Arc<IdMaps> {
        &self.ids
    }

    /// By the cosine of the items' features.
    fn similar(&self, items: &[u32], k: usize) -> Result<TopK> {
        if k == 0 {
            return Err(Error::parameter("k", k, "ask for at least 1 item"));
        }
        let (mut best, mut scores) = (KBest::new(k), vec![0.0; self.n_items()]);
        let mut rows = Vec::with_capacity(items.len());
        for &item in items {
            check_item(item, self.n_items())?;
            self.items.score(&self.items.profile([(item, 1.0)].into_iter()), &mut scores)?;
            let others = (0u32..).zip(&scores).filter(|&(other, _)| other != item);
            others.for_each(|(other, &score)| best.push(other, score));
            rows.push(best.drain_ranked());
        }
        TopK::from_rows(&rows, k)
    }
}

impl Explain for ContentModel {
    fn explain(&self, user: u32, item: u32) -> Result<Explanation> {
        check_user(user, self.n_users())?;
        check_item(item, self.n_items())?;
        let past = self.past.iter_row(user as usize);
        let parts = past.map(|(mine, w)| (mine, w * self.items.cosine(mine, item)));
        Ok(explanation(parts.filter(|&(_, part)| part != 0.0).collect()))
    }
}

impl Model for ContentModel {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn writer(&self) -> Result<ModelWriter> {
        let mut writer = ModelWriter::new(KIND, &self.config)?;
        writer.ids(&self.ids).csr("past", &self.past)?;
        self.items.write(&mut writer)?;
        if let Some(tfidf) = &self.tfidf {
            tfidf.write(&mut writer, "")?;
        }
        Ok(writer)
    }

    fn as_similar(&self) -> Option<&dyn Similar> {
        Some(self)
    }

    fn as_explain(&self) -> Option<&dyn Explain> {
        Some(self)
    }
}
