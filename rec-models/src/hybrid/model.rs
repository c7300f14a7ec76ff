//! The fitted pipeline.

use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use rec_core::data::split::SplitReport;
use rec_core::data::{Csr, Dataset, Id, IdMap, IdMaps, Items};
use rec_core::metrics::Leaderboard;
use rec_core::rank::explain::{Explainer, Reasons};
use rec_core::rank::{
    Explain, Fusion, History, LearntFusion, Recommend, Scorer, Selection, Shortlisted, TopK,
};
use serde::{Deserialize, Serialize};

use super::content::{Dense, Labels};
use super::reorder::Order;
use super::{PipelineConfig, StageReport};
use crate::content::ContentModel;
use crate::fit::Model;
use crate::{Error, Result};

/// A fitted [`super::Pipeline`]: it recommends the fused, reordered lists. What is asked for as scores of
/// all items are those of the fusion, before reordering.
pub struct PipelineModel {
    pub(super) config: PipelineConfig,
    pub(super) names: Vec<String>,
    pub(super) models: Vec<Arc<dyn Model>>,
    pub(super) lists: Shortlisted,
    pub(super) data: Dataset,
    /// Tables whose tags are the items' keywords, and their clusters.
    pub(super) keywords: Option<Items>,
    pub(super) clusters: Option<Items>,
    /// What items' texts and tags say, once somebody asks in words.
    pub(super) words: OnceLock<ContentModel>,
    pub(super) order: Order,
    pub(super) report: PipelineReport,
    /// The items that may be shown, ascending; all if none.
    shown: RwLock<Option<Arc<[u32]>>>,
}

/// How a pipeline was made.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PipelineReport {
    /// Stages, in order.
    pub stages: Vec<StageReport>,
    /// How the log was split.
    pub split: Option<SplitReport>,
    /// What was learned of the fusion; none if it was given.
    pub fusion: Option<LearntFusion>,
    /// The recommenders' names, in the order of the fusion's weights.
    pub recommenders: Vec<String>,
    /// The recommenders, the `fusion`, and the `shown` lists where those are put in another order, on
    /// the test part; tested against the recommender that was best on the validation part. None where
    /// nothing was held out.
    pub leaderboard: Option<Leaderboard>,
    /// Items whose tags were predicted.
    pub predicted_tags: usize,
}

/// What the stages on the items' texts found, beside what went into the table of items.
#[derive(Clone, Default)]
pub(super) struct Found {
    pub(super) keywords: Option<Labels>,
    pub(super) clusters: Option<Labels>,
}

/// What a change of the catalogue means for a fitted pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// Items of the catalogue that the pipeline knows.
    pub known: usize,
    /// Items it knows that are gone, and are not shown.
    pub gone: usize,
    /// Items that came since: the pipeline cannot show them before it is run again.
    pub new: Vec<Id>,
}

impl PipelineModel {
    pub(super) fn new(
        config: PipelineConfig,
        named: Vec<(String, Arc<dyn Model>)>,
        fusion: Fusion,
        data: Dataset,
        found: Found,
        report: PipelineReport,
    ) -> Result<Self> {
        let (names, models): (Vec<String>, Vec<Arc<dyn Model>>) = named.into_iter().unzip();
        let lists = Shortlisted::new(plain(&models), fusion, config.fusion.candidates)?;
        let order = order(&config, &data)?;
        let table = |labels: Option<Labels>| {
            let both = labels.zip(data.items.as_ref()).map(|(Labels { names, rows }, items)| {
                Items::new(items.ids().clone()).with_tag_matrix(names, rows)
            });
            both.transpose()
        };
        let (keywords, clusters) = (table(found.keywords)?, table(found.clusters)?);
        Ok(Self {
            config,
            names,
            models,
            lists,
            data,
            keywords,
            clusters,
            words: OnceLock::new(),
            order,
            report,
            shown: RwLock::default(),
        })
    }

    /// What it was made from.
    pub fn config(&self) -> &PipelineConfig {
        &self.config
    }

    /// How it was made.
    pub fn report(&self) -> &PipelineReport {
        &self.report
    }

    /// The data set: all events, and the items with their content vectors and predicted tags.
    pub fn data(&self) -> &Dataset {
        &self.data
    }

    /// The recommenders, with their names.
    pub fn models(&self) -> impl ExactSizeIterator<Item = (&str, &Arc<dyn Model>)> {
        self.names.iter().map(String::as_str).zip(&self.models)
    }

    /// The recommenders' shortlists as one recommender, before reordering.
    pub fn fused(&self) -> &Shortlisted {
        &self.lists
    }

    /// Why items are ranked for a user, recommender by recommender: shares, past items, tags and
    /// keywords, and a sentence.
    ///
    /// # Errors
    /// [`Error::UnknownId`] for a user no recommender knows or an item outside the catalogue,
    /// [`Error::Data`] for an item that no recommender puts forward for the user.
    pub fn explain(&self, user: &Id, items: &[Id]) -> Result<Vec<Reasons>> {
        self.explainer()?.explain(user, items)
    }

    /// What explains the fused lists, for settings of its own and for histories.
    ///
    /// # Errors
    /// None of its own.
    pub fn explainer(&self) -> Result<Explainer<'_>> {
        let own = self.models.iter().map(|model| model.as_explain());
        let members: Vec<(&str, Option<&dyn Explain>)> =
            self.names.iter().map(String::as_str).zip(own).collect();
        let mut explainer = Explainer::of_shortlists(&self.lists, &members)?
            .with_log(&self.data.interactions)
            .with_profile(self.config.profile.clone());
        if let Some(items) = self.data.items.as_deref() {
            explainer = explainer.with_items(items);
        }
        if let Some(keywords) = &self.keywords {
            explainer = explainer.with_keywords(keywords);
        }
        Ok(explainer)
    }

    /// Shows only items of this catalogue from now on.
    ///
    /// # Errors
    /// [`Error::Empty`] where it has no item that the pipeline knows, [`Error::Parameter`] where a pinned
    /// item is gone.
    pub fn set_catalogue(&self, items: &IdMap) -> Result<Catalogue> {
        let known = &self.ids().items;
        let shown: Vec<u32> = (0u32..)
            .zip(known.iter())
            .filter_map(|(item, id)| items.get(id).map(|_| item))
            .collect();
        if shown.is_empty() {
            let why = "the pipeline knows none of its items; run it on the new data";
            return Err(Error::empty("the catalogue", why));
        }
        let gone = |id: &Id| items.get(id).is_none();
        if let Some(pin) = self.config.rules.pinned.iter().find(|pin| gone(&pin.item)) {
            let why = "the item is pinned, and gone from the catalogue; unpin it";
            return Err(Error::parameter("pinned", pin.item.to_string(), why));
        }
        let new =
            items.iter().filter(|&id| known.get(id).is_none()).map(|id| id.to_owned()).collect();
        let report = Catalogue { known: shown.len(), gone: known.len() - shown.len(), new };
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = Some(shown.into());
        Ok(report)
    }

    /// A list by `lists(selection)`, put in order.
    fn select_by(
        &self,
        selection: &Selection<'_>,
        lists: impl FnOnce(&Selection<'_>) -> Option<Result<TopK>>,
        past: impl Fn() -> Csr,
    ) -> Option<Result<TopK>> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut both: Vec<u32> = Vec::new();
        let allow = match (&shown, selection.allow) {
            (Some(shown), Some(allow)) => {
                let stays = |item: &u32| shown.binary_search(item).is_ok();
                both.extend(allow.iter().copied().filter(stays));
                Some(&both[..])
            }
            (Some(shown), None) => Some(&shown[..]),
            (None, allow) => allow,
        };
        let wider = Selection { k: self.order.pool(selection.k), allow, ..*selection };
        let top = lists(&wider)?;
        Some(top.and_then(|top| self.order.apply(top, selection.k, past)))
    }
}

/// The models as recommenders.
pub(super) fn plain(models: &[Arc<dyn Model>]) -> Vec<Arc<dyn Recommend>> {
    models.iter().map(|model| model.clone() as Arc<dyn Recommend>).collect()
}

/// What reordering needs, of the items in the order of the log.
pub(super) fn order(config: &PipelineConfig, data: &Dataset) -> Result<Order> {
    let log = &data.interactions;
    let table = data.items.as_deref();
    let rows = table.map(|items| items.rows_of(&log.ids().items)).unwrap_or_default();
    let tags = table.and_then(|items| {
        let rows = items.tags_for(&log.ids().items)?;
        Some(Labels { names: items.tag_names().clone(), rows })
    });
    let vectors = table.and_then(|items| content_vectors(items, &rows));
    Order::new(config.rerank.clone(), config.rules.clone(), log, tags, vectors)
}

/// The name of the table of content vectors.
pub(super) const CONTENT: &str = "content";

/// The content vectors in the order of the log's items.
fn content_vectors(items: &Items, rows: &[Option<u32>]) -> Option<Dense> {
    let table = items.vectors().iter().find(|table| table.name == CONTENT)?;
    let dim = table.dim;
    let mut values = vec![0.0; rows.len() * dim];
    for (out, row) in values.chunks_exact_mut(dim).zip(rows) {
        if let Some(row) = row {
            out.copy_from_slice(&table.values[*row as usize * dim..][..dim]);
        }
    }
    Some(Dense { dim, values })
}

impl Scorer for PipelineModel {
    fn n_users(&self) -> usize {
        self.lists.n_users()
    }

    fn n_items(&self) -> usize {
        self.lists.n_items()
    }

    fn score(&self, users: &[u32], out: &mut [f32]) -> Result<()> {
        self.lists.score(users, out)
    }

    fn select(&self, users: &[u32], selection: &Selection<'_>) -> Option<Result<TopK>> {
        let past = || {
            let row = |&user: &u32| self.seen().iter_row(user as usize).collect();
            Csr::from_rows(users.iter().map(row), self.n_items())
        };
        self.select_by(selection, |wider| self.lists.select(users, wider), past)
    }
}

impl Recommend for PipelineModel {
    fn ids(&self) -> &Arc<IdMaps> {
        self.lists.ids()
    }

    fn seen(&self) -> &Csr {
        self.lists.seen()
    }

    fn knows(&self, user: u32) -> bool {
        self.lists.knows(user)
    }

    fn score_histories(&self, histories: &[History], out: &mut [f32]) -> Result<()> {
        self.lists.score_histories(histories, out)
    }

    fn select_histories(
        &self,
        histories: &[History],
        selection: &Selection<'_>,
    ) -> Option<Result<TopK>> {
        let past = || Csr::from_rows(histories.iter().cloned(), self.n_items());
        self.select_by(selection, |wider| self.lists.select_histories(histories, wider), past)
    }
}

impl fmt::Debug for PipelineModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PipelineModel").field("recommenders", &self.names).finish_non_exhaustive()
    }
}
