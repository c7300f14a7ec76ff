//! From the fused list to the one that is shown.

use rec_core::data::{Csr, IdMap, Interactions};
use rec_core::rank::{
    Calibration, Dpp, Freshness, Mmr, Normalize, Rules, TopK, cosine, jaccard, tag_profiles,
};

use super::config::{Diversity, Reorder};
use super::content::{Dense, Labels};
use crate::{Error, Result};

/// What reordering needs to know of the items, in the order of the log's ids.
pub(super) struct Order {
    pub(super) options: Reorder,
    pub(super) rules: Rules,
    items: IdMap,
    tags: Option<Labels>,
    vectors: Option<Dense>,
    /// When each item was first had, and the last time of the log.
    first: Vec<Option<i64>>,
    now: i64,
    /// Units of time a day.
    day: Option<i64>,
}

impl Order {
    pub(super) fn new(
        options: Reorder,
        rules: Rules,
        log: &Interactions,
        tags: Option<Labels>,
        vectors: Option<Dense>,
    ) -> Result<Self> {
        let mut first: Vec<Option<i64>> = vec![None; log.n_items()];
        for event in log.events() {
            let at = &mut first[event.item as usize];
            *at = at.map_or(event.time, |t| event.time.map(|e| t.min(e)));
        }
        let day = log.time_unit().per_second().map(|second| second * 86_400);
        if options.freshness.is_some() && (day.is_none() || log.times().is_none()) {
            let why = "it needs times that are dates; leave it out, or read the log with its times";
            return Err(Error::parameter("freshness", "half_life_days", why));
        }
        let alike = tags.is_some() || vectors.is_some();
        if options.diversity.is_some() && !alike {
            let why = "items are alike by content vectors or tags, and there are neither";
            return Err(Error::parameter("diversity", "rerank", why));
        }
        if options.calibration.is_some() && tags.is_none() {
            let why = "it goes by tags, and the items have none";
            return Err(Error::parameter("calibration", "rerank", why));
        }
        let now = log.time_span().map_or(0, |(_, last)| last);
        let items = log.ids().items.clone();
        let order = Self { options, rules, items, tags, vectors, first, now, day };
        order.rules.bind(&order.items, order.names())?;
        Ok(order)
    }

    /// The content vectors, in the order of the log's items.
    pub(super) fn vectors(&self) -> Option<&Dense> {
        self.vectors.as_ref()
    }

    fn names(&self) -> Option<(&Csr, &IdMap)> {
        self.tags.as_ref().map(|tags| (&tags.rows, &tags.names))
    }

    /// Whether lists come out as they go in.
    pub(super) fn is_plain(&self) -> bool {
        self.options == Reorder::default() && self.rules == Rules::default()
    }

    /// How many candidates a list of `k` is chosen from.
    pub(super) fn pool(&self, k: usize) -> usize {
        if self.is_plain() { k } else { (5 * k).max(50).min(self.items.len()).max(k) }
    }

    /// Chooses `k` of each row of candidates; `past` holds what each row's user had.
    pub(super) fn apply(&self, top: TopK, k: usize, past: impl Fn() -> Csr) -> Result<TopK> {
        if self.is_plain() {
            return Ok(top);
        }
        self.check_pins(k)?;
        let rules = self.rules.bind(&self.items, self.names())?;
        let mut top = rules.adjust(&top)?;
        if let (Some(fresh), Some(day)) = (self.options.freshness, self.day) {
            let half_life = fresh.half_life_days * day as f64;
            let normalize = Normalize::MinMax;
            top = Freshness { half_life, weight: fresh.weight, normalize }.adjust(
                &top,
                &self.first,
                self.now,
            )?;
        }
        // Quotas pass over items, so that more than k are put in order.
        let room = if self.rules.quotas.is_empty() { k } else { 3 * k }.min(top.k());
        top = self.diversify(top, room, past)?;
        rules.select(&top, k)
    }

    fn diversify(&self, top: TopK, k: usize, past: impl Fn() -> Csr) -> Result<TopK> {
        let normalize = Normalize::MinMax;
        if let (Some(lambda), Some(tags)) = (self.options.calibration, &self.tags) {
            let profiles = tag_profiles(&past(), &tags.rows)?;
            let how = Calibration { lambda, alpha: 0.01, normalize };
            return how.rerank(&top, k, &profiles, &tags.rows);
        }
        let Some(how) = self.options.diversity else { return Ok(top) };
        match (&self.vectors, &self.tags) {
            (Some(vectors), _) => diverse(how, &top, k, cosine(&vectors.values, vectors.dim)?),
            (None, Some(tags)) => diverse(how, &top, k, jaccard(&tags.rows)),
            (None, None) => Ok(top),
        }
    }

    fn check_pins(&self, k: usize) -> Result<()> {
        let past_end = self.rules.pinned.iter().find(|pin| pin.position > k);
        if let Some(pin) = past_end {
            let why = format!(
                "its place is {}, and lists have {k}; ask for more items, or unpin it",
                pin.position
            );
            return Err(Error::parameter("pinned", pin.item.to_string(), why));
        }
        Ok(())
    }
}

fn diverse(
    how: Diversity,
    top: &TopK,
    k: usize,
    similarity: impl Fn(u32, u32) -> f32 + Sync,
) -> Result<TopK> {
    let normalize = Normalize::MinMax;
    match how {
        Diversity::Mmr { lambda } => Mmr { lambda, normalize }.rerank(top, k, similarity),
        Diversity::Dpp { theta } => Dpp { theta, normalize }.rerank(top, k, similarity),
    }
}
