//! Events made of other events: merged, filtered, numbered anew.

use std::sync::Arc;

use super::{Duplicates, Event, Interactions, row_starts};
use crate::data::{IdMap, IdMaps};
use crate::{Error, Result};

impl Interactions {
    /// The events with repetitions treated as told. The order of time is kept.
    pub fn deduplicated(&self, policy: Duplicates) -> Self {
        if policy == Duplicates::Keep {
            return self.clone();
        }
        let (mut users, mut items, mut weights, mut times) = (vec![], vec![], vec![], vec![]);
        let mut last_at: hashbrown::HashMap<u32, (usize, f32, f32)> = hashbrown::HashMap::new();
        for user in 0..self.n_users() as u32 {
            last_at.clear();
            for at in self.range(user) {
                let w = self.weights.as_ref().map_or(1.0, |w| w[at]);
                let entry = last_at.entry(self.items[at]).or_insert((at, 0.0, 0.0));
                *entry = (at, entry.1 + w, entry.2 + 1.0);
            }
            for at in self.range(user) {
                let (last, sum, count) = last_at[&self.items[at]];
                if last == at {
                    users.push(user);
                    items.push(self.items[at]);
                    weights.push(match policy {
                        Duplicates::Sum => sum,
                        Duplicates::Count => count,
                        _ => self.weights.as_ref().map_or(1.0, |w| w[at]),
                    });
                    times.extend(self.times.as_ref().map(|t| t[at]));
                }
            }
        }
        let weighted = self.weights.is_some() || policy != Duplicates::Last;
        self.rebuilt(users, items, weighted.then_some(weights), times)
    }

    /// The events for which `keep` holds, the id maps unchanged.
    pub fn filter(&self, mut keep: impl FnMut(usize, &Event) -> bool) -> Self {
        let (mut users, mut items, mut weights, mut times) = (vec![], vec![], vec![], vec![]);
        for (at, event) in self.events().enumerate() {
            if keep(at, &event) {
                users.push(event.user);
                items.push(event.item);
                weights.push(event.weight);
                times.extend(event.time);
            }
        }
        let weights = self.weights.is_some().then_some(weights);
        self.rebuilt(users, items, weights, times)
    }

    fn rebuilt(
        &self,
        users: Vec<u32>,
        items: Vec<u32>,
        weights: Option<Vec<f32>>,
        times: Vec<i64>,
    ) -> Self {
        Self {
            ids: self.ids.clone(),
            indptr: row_starts(&users, self.n_users()),
            items,
            weights,
            times: self.times.is_some().then_some(times),
            time_unit: self.time_unit,
        }
    }

    /// The events that weigh at least `threshold`, each then weighing 1 (ratings to implicit
    /// feedback).
    pub fn binarized(&self, threshold: f32) -> Self {
        let mut kept = self.filter(|_, e| e.weight >= threshold);
        kept.weights = None;
        kept
    }

    /// The largest subset in which every user has at least `min_user` events and every item at
    /// least `min_item` (k-core), its ids numbered anew in the old order.
    ///
    /// # Errors
    /// [`Error::Empty`] if nothing is left.
    pub fn k_core(&self, min_user: usize, min_item: usize) -> Result<Self> {
        let mut kept = self.clone();
        loop {
            let items = kept.item_counts();
            let users: Vec<usize> = kept.indptr.windows(2).map(|w| w[1] - w[0]).collect();
            let next = kept.filter(|_, e| {
                users[e.user as usize] >= min_user && items[e.item as usize] as usize >= min_item
            });
            if next.len() == kept.len() {
                break;
            }
            kept = next;
        }
        if kept.is_empty() {
            return Err(Error::empty(
                "the k-core",
                format!(
                    "no user has {min_user} events on items with {min_item}; lower the minimum"
                ),
            ));
        }
        Ok(kept.compacted())
    }

    /// The same events with ids that have none left out of the maps, numbered in the old order.
    pub fn compacted(&self) -> Self {
        let counts = self.item_counts();
        let (users, user_map) = compact(&self.ids.users, |u| !self.range(u).is_empty());
        let (items, item_map) = compact(&self.ids.items, |i| counts[i as usize] > 0);
        let mut indptr = vec![0];
        for (moved, &end) in user_map.iter().zip(&self.indptr[1..]) {
            if moved.is_some() {
                indptr.push(end);
            }
        }
        Self {
            ids: IdMaps::shared(users, items),
            indptr,
            items: self.items.iter().filter_map(|&i| item_map[i as usize]).collect(),
            weights: self.weights.clone(),
            times: self.times.clone(),
            time_unit: self.time_unit,
        }
    }

    /// The same events with more items in the id map, after those it has: what nobody had yet but
    /// a model of contents can recommend. Dense ids stay as they are.
    pub fn with_items(&self, more: &IdMap) -> Self {
        let mut items = self.ids.items.clone();
        more.iter().for_each(|id| {
            items.intern(id);
        });
        Self { ids: IdMaps::shared(self.ids.users.clone(), items), ..self.clone() }
    }

    /// The same events under other id maps; events whose user or item is not in them are counted,
    /// not kept.
    pub fn mapped_to(&self, ids: &Arc<IdMaps>) -> Result<(Self, usize)> {
        if Arc::ptr_eq(&self.ids, ids) {
            return Ok((self.clone(), 0));
        }
        let users: Vec<_> = self.ids.users.iter().map(|id| ids.users.get(id)).collect();
        let items: Vec<_> = self.ids.items.iter().map(|id| ids.items.get(id)).collect();
        let (mut us, mut is, mut ws, mut ts) = (vec![], vec![], vec![], vec![]);
        for event in self.events() {
            if let (Some(u), Some(i)) = (users[event.user as usize], items[event.item as usize]) {
                us.push(u);
                is.push(i);
                ws.push(event.weight);
                ts.extend(event.time);
            }
        }
        let lost = self.len() - is.len();
        let weights = self.weights.is_some().then_some(ws);
        let times = self.times.is_some().then_some(ts);
        let mapped = Self::from_columns(ids.clone(), &us, is, weights, times, self.time_unit)?;
        Ok((mapped, lost))
    }

    /// The events of several parts that share their ids, in order of time again. Without times,
    /// those of an earlier part come first.
    ///
    /// # Errors
    /// [`Error::IdMismatch`] for parts with other ids, [`Error::Data`] where some have times or
    /// weights and others have none, [`Error::Empty`] without parts.
    pub fn concat(parts: &[&Interactions]) -> Result<Self> {
        let Some(first) = parts.first() else {
            return Err(Error::empty("the list of parts", "name at least one"));
        };
        let (mut users, mut items, mut weights, mut times) = (vec![], vec![], vec![], vec![]);
        for part in parts {
            first.ids.check_same(&part.ids, "the parts")?;
            let alike = part.times.is_some() == first.times.is_some()
                && part.weights.is_some() == first.weights.is_some();
            if !alike && !part.is_empty() {
                let why = "some have times or weights and others have none; read all alike";
                return Err(Error::data("the parts", why));
            }
            users.extend(part.events().map(|event| event.user));
            items.extend_from_slice(&part.items);
            weights.extend_from_slice(part.weights().unwrap_or_default());
            times.extend_from_slice(part.times().unwrap_or_default());
        }
        Self::from_columns(
            first.ids.clone(),
            &users,
            items,
            first.weights.is_some().then_some(weights),
            first.times.is_some().then_some(times),
            first.time_unit,
        )
    }
}

fn compact(ids: &IdMap, keep: impl Fn(u32) -> bool) -> (IdMap, Vec<Option<u32>>) {
    let mut map = if ids.is_integer() { IdMap::new() } else { IdMap::strings() };
    let moved =
        ids.iter().enumerate().map(|(old, id)| keep(old as u32).then(|| map.intern(id))).collect();
    (map, moved)
}
