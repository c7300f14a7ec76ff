//! What item-item models share: a user's score of an item is the sum, over the user's past items,
//! of a learned weight.

use std::sync::Arc;

use rec_core::IdKind;
use rec_core::data::{Csr, IdMaps, Interactions};
use rec_core::rank::{Explain, Explanation, History, Recommend, Scorer, Similar, TopK};
use rec_core::store::{ModelReader, ModelWriter};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::rows::KBest;
use crate::fit::Model;
use crate::{Error, Result};

/// An estimator whose model is an item × item matrix.
pub trait ItemItem: Clone + Send + Sync + Serialize + DeserializeOwned {
    /// The model kind in the manifest.
    const KIND: &'static str;

    /// How much each event of a past counts in scoring, given the events in order of time. As it
    /// is, unless the model cares for order.
    fn profile(&self, history: &[(u32, f32)]) -> History {
        history.to_vec()
    }
}

/// Weights of every source item for every target item: `[n_items, n_items]`.
#[derive(Clone, Debug, PartialEq)]
pub enum ItemWeights {
    /// The entries that are not 0.
    Sparse(Csr),
    /// All entries, row-major.
    Dense {
        /// Rows and columns.
        n: usize,
        /// `[n, n]`.
        values: Vec<f32>,
    },
}

impl ItemWeights {
    /// Number of items.
    pub fn n_items(&self) -> usize {
        match self {
            Self::Sparse(csr) => csr.n_rows(),
            Self::Dense { n, .. } => *n,
        }
    }

    /// The form that takes less memory.
    pub(crate) fn compact(csr: Csr) -> Self {
        let n = csr.n_rows();
        if 2 * csr.nnz() < n * n {
            return Self::Sparse(csr);
        }
        let mut values = vec![0.0; n * n];
        for (row, out) in values.chunks_exact_mut(n.max(1)).enumerate() {
            csr.iter_row(row).for_each(|(c, v)| out[c as usize] = v);
        }
        Self::Dense { n, values }
    }

    /// One entry.
    pub fn get(&self, source: u32, target: u32) -> f32 {
        match self {
            Self::Sparse(csr) => csr
                .row(source as usize)
                .binary_search(&target)
                .map_or(0.0, |at| csr.row_values(source as usize).map_or(1.0, |v| v[at])),
            Self::Dense { n, values } => values[source as usize * n + target as usize],
        }
    }

    /// Adds `profile · W` to `out`: `[n_items]`.
    pub fn add_scores(&self, profile: impl Iterator<Item = (u32, f32)>, out: &mut [f32]) {
        let profile = profile.filter(|&(_, x)| x != 0.0);
        match self {
            Self::Sparse(csr) => profile.for_each(|(s, x)| add_sparse(csr, s, x, out)),
            Self::Dense { n, values } => add_dense(*n, values, profile, out),
        }
    }

    /// Every stored entry of a row: target and weight.
    pub(crate) fn for_each_of_row(&self, source: u32, mut f: impl FnMut(u32, f32)) {
        match self {
            Self::Sparse(csr) => csr.iter_row(source as usize).for_each(|(t, w)| f(t, w)),
            Self::Dense { n, values } => {
                let row = &values[source as usize * n..][..*n];
                row.iter().enumerate().for_each(|(t, &w)| f(t as u32, w));
            }
        }
    }
}

fn add_sparse(csr: &Csr, source: u32, x: f32, out: &mut [f32]) {
    let row = csr.row(source as usize);
    match csr.row_values(source as usize) {
        Some(values) => row.iter().zip(values).for_each(|(&t, &w)| out[t as usize] += x * w),
        None => row.iter().for_each(|&t| out[t as usize] += x),
    }
}

/// Four rows at a time: `out` is then read and written once for four products.
fn add_dense(n: usize, values: &[f32], profile: impl Iterator<Item = (u32, f32)>, out: &mut [f32]) {
    let row = |s: u32| &values[s as usize * n..][..n];
    let mut four = [(0u32, 0f32); 4];
    let mut held = 0;
    for entry in profile {
        four[held] = entry;
        held += 1;
        if held == 4 {
            held = 0;
            let [(a, xa), (b, xb), (c, xc), (d, xd)] = four;
            let rows = row(a).iter().zip(row(b)).zip(row(c)).zip(row(d));
            for (o, (((a, b), c), d)) in out.iter_mut().zip(rows) {
                *o = *o + xa * a + xb * b + xc * c + xd * d;
            }
        }
    }
    for &(s, x) in &four[..held] {
        out.iter_mut().zip(row(s)).for_each(|(o, w)| *o += x * w);
    }
}

/// A fitted item-item model: `score(u, t) = Σ_s profile[u, s] · W[s, t]`.
#[derive(Clone, Debug)]
pub struct ItemItemModel<C> {
    config: C,
    ids: Arc<IdMaps>,
    profile: Csr,
    weights: ItemWeights,
}

impl<C: ItemItem> ItemItemModel<C> {
    /// A model of its parts; `profile` is `[n_users, n_items]` and stores every item a user had.
    pub(crate) fn new(config: C, ids: Arc<IdMaps>, profile: Csr, weights: ItemWeights) -> Self {
        Self { config, ids, profile, weights }
    }

    /// The parameters it was fitted with.
    pub fn config(&self) -> &C {
        &self.config
    }

    /// The learned item × item matrix: rows are past items, columns the scored ones.
    pub fn weights(&self) -> &ItemWeights {
        &self.weights
    }

    /// A model from its folder.
    ///
    /// # Errors
    /// [`Error::Format`] or [`Error::Shape`] where the folder does not hold one.
    pub fn load(reader: &ModelReader) -> Result<Self> {
        let (config, ids, profile) = (reader.config()?, reader.ids()?, reader.csr("profile")?);
        let n = ids.items.len();
        let (shape, weights) = match reader.f32("weights") {
            Ok((shape, values)) => (shape, ItemWeights::Dense { n, values }),
            Err(_) => {
                let csr = reader.csr("weights")?;
                (vec![csr.n_rows(), csr.n_cols()], ItemWeights::Sparse(csr))
            }
        };
        check_loaded(&ids, &profile, "weights", &[n, n], &shape)?;
        Ok(Self { config, ids, profile, weights })
    }

    /// A history as a sparse row, in the order in which a trained row is stored.
    fn fold(&self, history: &[(u32, f32)]) -> Result<History> {
        if let Some(&(item, _)) = history.iter().find(|h| h.0 as usize >= self.weights.n_items()) {
            return Err(Error::shape(
                "item of a history",
                format!("< {}", self.weights.n_items()),
                item,
            ));
        }
        let mut row = self.config.profile(history);
        row.sort_by_key(|&(item, _)| item);
        row.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        Ok(row)
    }
}

impl<C: ItemItem> Scorer for ItemItemModel<C> {
    fn n_users(&self) -> usize {
        self.profile.n_rows()
    }
    fn n_items(&self) -> usize {
        self.weights.n_items()
    }
    fn score(&self, users: &[u32], out: &mut [f32]) -> Result<()> {
        check_block(users.len(), self.n_items(), out)?;
        for (&user, row) in users.iter().zip(out.chunks_exact_mut(self.n_items())) {
            check_user(user, self.n_users())?;
            row.fill(0.0);
            self.weights.add_scores(self.profile.iter_row(user as usize), row);
        }
        Ok(())
    }
}

impl<C: ItemItem> Recommend for ItemItemModel<C> {
    fn ids(&self) -> &Arc<IdMaps> {
        &self.ids
    }
    fn seen(&self) -> &Csr {
        &self.profile
    }
    fn score_histories(&self, histories: &[History], out: &mut [f32]) -> Result<()> {
        check_block(histories.len(), self.n_items(), out)?;
        for (history, row) in histories.iter().zip(out.chunks_exact_mut(self.n_items())) {
            row.fill(0.0);
            self.weights.add_scores(self.fold(history)?.into_iter(), row);
        }
        Ok(())
    }
}

impl<C: ItemItem> Similar for ItemItemModel<C> {
    fn similar_ids(&self) -> &Arc<IdMaps> {
        &self.ids
    }
    /// The targets of the largest weights in each item's row.
    fn similar(&self, items: &[u32], k: usize) -> Result<TopK> {
        if k == 0 {
            return Err(Error::parameter("k", k, "ask for at least 1 item"));
        }
        let mut best = KBest::new(k);
        let mut rows = Vec::with_capacity(items.len());
        for &item in items {
            check_item(item, self.n_items())?;
            self.weights.for_each_of_row(item, |target, w| {
                if target != item && w != 0.0 {
                    best.push(target, w);
                }
            });
            rows.push(best.drain_ranked());
        }
        TopK::from_rows(&rows, k)
    }
}

impl<C: ItemItem> Explain for ItemItemModel<C> {
    fn explain(&self, user: u32, item: u32) -> Result<Explanation> {
        check_user(user, self.n_users())?;
        check_item(item, self.n_items())?;
        let parts = self
            .profile
            .iter_row(user as usize)
            .map(|(source, x)| (source, x * self.weights.get(source, item)));
        Ok(explanation(parts.filter(|&(_, part)| part != 0.0).collect()))
    }
}

impl<C: ItemItem> Model for ItemItemModel<C> {
    fn kind(&self) -> &'static str {
        C::KIND
    }
    fn writer(&self) -> Result<ModelWriter> {
        let mut writer = ModelWriter::new(C::KIND, &self.config)?;
        writer.ids(&self.ids).csr("profile", &self.profile)?;
        match &self.weights {
            ItemWeights::Sparse(csr) => writer.csr("weights", csr)?,
            ItemWeights::Dense { n, values } => writer.f32("weights", &[*n, *n], values)?,
        };
        Ok(writer)
    }
    fn as_similar(&self) -> Option<&dyn Similar> {
        Some(self)
    }
    fn as_explain(&self) -> Option<&dyn Explain> {
        Some(self)
    }
}

/// Parts that add up to the score, largest first.
pub(crate) fn explanation(mut contributions: Vec<(u32, f32)>) -> Explanation {
    let score = contributions.iter().map(|&(_, part)| part).sum();
    contributions.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    Explanation { score, contributions, exact: true }
}

pub(crate) fn check_user(user: u32, n: usize) -> Result<()> {
    check_id(IdKind::User, user, n)
}

pub(crate) fn check_item(item: u32, n: usize) -> Result<()> {
    check_id(IdKind::Item, item, n)
}

fn check_id(kind: IdKind, id: u32, n: usize) -> Result<()> {
    if id as usize >= n {
        return Err(Error::shape(format!("dense {kind} id"), format!("< {n}"), id));
    }
    Ok(())
}

/// Checks a block of scores `[rows, n_items]`.
pub(crate) fn check_block(rows: usize, n_items: usize, out: &[f32]) -> Result<()> {
    if out.len() != rows * n_items {
        let expected = format!("{rows} × {n_items}");
        return Err(Error::shape("block of scores", expected, out.len()));
    }
    Ok(())
}

/// Refuses a data set without events.
pub(crate) fn check_events(events: &Interactions) -> Result<()> {
    if events.is_empty() {
        return Err(Error::empty(
            "training data",
            "a model needs at least one event to learn from",
        ));
    }
    Ok(())
}

/// Refuses negative weights in a model that has no meaning for them.
pub(crate) fn check_not_negative(events: &Interactions, model: &str) -> Result<()> {
    match events.weights().unwrap_or_default().iter().find(|&&w| w < 0.0) {
        Some(w) => Err(Error::data(
            "weights",
            format!("{model} takes none below 0 and found {w}; filter or shift them first"),
        )),
        None => Ok(()),
    }
}

/// Checks what a folder held against its id maps.
pub(crate) fn check_loaded(
    ids: &IdMaps,
    seen: &Csr,
    what: &str,
    expected: &[usize],
    got: &[usize],
) -> Result<()> {
    let (users, items) = (ids.users.len(), ids.items.len());
    if (seen.n_rows(), seen.n_cols()) != (users, items) {
        return Err(Error::shape(
            "user × item matrix of the model folder",
            format!("{users} × {items}"),
            format!("{} × {}", seen.n_rows(), seen.n_cols()),
        ));
    }
    if expected != got {
        return Err(Error::shape(
            format!("{what} of the model folder"),
            format!("{expected:?}"),
            format!("{got:?}"),
        ));
    }
    Ok(())
}
