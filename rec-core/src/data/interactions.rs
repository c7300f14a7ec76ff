//! Who interacted with what, when and how strongly: one user's events after another's.

use std::sync::Arc;

use super::{Csr, Id, IdMap, IdMaps, IdRef};
use crate::{Error, Result};

/// What to do with several events of one user on one item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duplicates {
    /// Keep every event (sequence models and logs).
    #[default]
    Keep,
    /// One event at the last time, weights added.
    Sum,
    /// The last event alone.
    Last,
    /// One event at the last time, weighing how many there were.
    Count,
}

/// The unit of the timestamps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeUnit {
    /// Numbers without a known unit; only their order counts.
    #[default]
    Unknown,
    /// Seconds since 1970.
    Second,
    /// Milliseconds since 1970.
    Millisecond,
    /// Microseconds since 1970.
    Microsecond,
    /// Nanoseconds since 1970.
    Nanosecond,
}

impl TimeUnit {
    /// The unit under which `latest` is a date between 1980 and 2100, if one is.
    pub fn guess(latest: i64) -> Self {
        const FROM: i64 = 315_532_800;
        const TO: i64 = 4_102_444_800;
        for unit in [Self::Second, Self::Millisecond, Self::Microsecond, Self::Nanosecond] {
            if let Some(ticks) = unit.per_second()
                && (FROM..TO).contains(&(latest / ticks))
            {
                return unit;
            }
        }
        Self::Unknown
    }

    /// Ticks a second, where the unit is known.
    pub fn per_second(self) -> Option<i64> {
        match self {
            Self::Unknown => None,
            Self::Second => Some(1),
            Self::Millisecond => Some(1_000),
            Self::Microsecond => Some(1_000_000),
            Self::Nanosecond => Some(1_000_000_000),
        }
    }
}

/// Events in compressed rows: the events of user 0 in order of time, then those of user 1, and so
/// on. Within a user, events of one time keep the order in which they arrived; without timestamps
/// that order is all there is.
#[derive(Clone, Debug)]
pub struct Interactions {
    ids: Arc<IdMaps>,
    indptr: Vec<usize>,
    items: Vec<u32>,
    weights: Option<Vec<f32>>,
    times: Option<Vec<i64>>,
    time_unit: TimeUnit,
}

/// One event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// Dense user id.
    pub user: u32,
    /// Dense item id.
    pub item: u32,
    /// Strength; 1 where the data has none.
    pub weight: f32,
    /// Timestamp, where the data has them.
    pub time: Option<i64>,
}

/// Collects events row by row, as a reader meets them.
#[derive(Debug, Default)]
pub struct InteractionsBuilder {
    ids: IdMaps,
    users: Vec<u32>,
    items: Vec<u32>,
    weights: Vec<f32>,
    weighted: bool,
    times: Vec<i64>,
    time_unit: TimeUnit,
}

impl InteractionsBuilder {
    /// An empty builder.
    pub fn new() -> Self {
        Self::default()
    }

    /// A builder that continues the given id maps.
    pub fn with_ids(ids: IdMaps) -> Self {
        Self { ids, ..Self::default() }
    }

    /// The unit of the timestamps to come.
    pub fn time_unit(&mut self, unit: TimeUnit) -> &mut Self {
        self.time_unit = unit;
        self
    }

    /// Adds an event by the caller's ids.
    ///
    /// # Errors
    /// As [`InteractionsBuilder::push_dense`].
    pub fn push<'a>(
        &mut self,
        user: impl Into<IdRef<'a>>,
        item: impl Into<IdRef<'a>>,
        weight: Option<f32>,
        time: Option<i64>,
    ) -> Result<()> {
        check_weight(weight)?;
        let user = self.ids.users.intern(user);
        let item = self.ids.items.intern(item);
        self.push_dense(user, item, weight, time)
    }

    /// Adds an event by dense ids that the builder's maps hold.
    ///
    /// # Errors
    /// [`Error::Data`] for a weight that is not finite, or where a timestamp is missing on some
    /// events only.
    pub fn push_dense(
        &mut self,
        user: u32,
        item: u32,
        weight: Option<f32>,
        time: Option<i64>,
    ) -> Result<()> {
        check_weight(weight)?;
        match time {
            Some(t) if self.times.len() == self.items.len() => self.times.push(t),
            None if self.times.is_empty() => {}
            _ => {
                return Err(Error::data(
                    "timestamps",
                    "some events have one and others have none; give all or none",
                ));
            }
        }
        self.users.push(user);
        self.items.push(item);
        self.weighted |= weight.is_some();
        self.weights.push(weight.unwrap_or(1.0));
        Ok(())
    }

    /// The id maps so far, for a caller that interns ids itself.
    pub fn ids_mut(&mut self) -> &mut IdMaps {
        &mut self.ids
    }

    /// Events so far.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The events, sorted by user and time.
    ///
    /// # Errors
    /// [`Error::Empty`] without events.
    pub fn build(self) -> Result<Interactions> {
        if self.items.is_empty() {
            return Err(Error::empty("interactions", "at least one event is needed"));
        }
        let weights = self.weighted.then_some(self.weights);
        let times = (!self.times.is_empty()).then_some(self.times);
        Interactions::from_columns(
            Arc::new(self.ids),
            &self.users,
            self.items,
            weights,
            times,
            self.time_unit,
        )
    }
}

fn check_weight(weight: Option<f32>) -> Result<()> {
    match weight {
        Some(w) if !w.is_finite() => Err(Error::data(
            "weight",
            format!("{w} is not a finite number; clean the column or leave it out"),
        )),
        _ => Ok(()),
    }
}

impl Interactions {
    /// Events from columns of equal length, in order of arrival. An empty set is fine here: a part
    /// of a split may be empty.
    ///
    /// # Errors
    /// [`Error::Shape`] for columns of unequal length or ids past the maps, [`Error::Data`] for a
    /// weight that is not finite.
    pub fn from_columns(
        ids: Arc<IdMaps>,
        users: &[u32],
        items: Vec<u32>,
        weights: Option<Vec<f32>>,
        times: Option<Vec<i64>>,
        time_unit: TimeUnit,
    ) -> Result<Self> {
        let n = users.len();
        for (what, len) in [
            ("item column", items.len()),
            ("weight column", weights.as_ref().map_or(n, Vec::len)),
            ("time column", times.as_ref().map_or(n, Vec::len)),
        ] {
            if len != n {
                return Err(Error::shape(what, n, len));
            }
        }
        for (what, column, len) in
            [("user id", users, ids.users.len()), ("item id", &items[..], ids.items.len())]
        {
            if let Some(&id) = column.iter().find(|&&id| id as usize >= len) {
                return Err(Error::shape(what, format!("< {len}"), id));
            }
        }
        for &w in weights.iter().flatten() {
            check_weight(Some(w))?;
        }
        let (indptr, order) = grouped(users, ids.users.len(), times.as_deref());
        Ok(match order {
            None => Self { ids, indptr, items, weights, times, time_unit },
            Some(order) => {
                let pick = |at: &u32| *at as usize;
                Self {
                    items: order.iter().map(|at| items[pick(at)]).collect(),
                    weights: weights.map(|w| order.iter().map(|at| w[pick(at)]).collect()),
                    times: times.map(|t| order.iter().map(|at| t[pick(at)]).collect()),
                    ids,
                    indptr,
                    time_unit,
                }
            }
        })
    }

    /// Interactions from a sparse user × item matrix; each entry is one event.
    ///
    /// # Errors
    /// [`Error::Shape`] where the maps and the matrix differ in size, [`Error::Data`] for a value
    /// that is not finite.
    pub fn from_csr(csr: &Csr, ids: Arc<IdMaps>) -> Result<Self> {
        if csr.n_rows() != ids.users.len() {
            return Err(Error::shape("user ids of a matrix", csr.n_rows(), ids.users.len()));
        }
        if csr.n_cols() != ids.items.len() {
            return Err(Error::shape("item ids of a matrix", csr.n_cols(), ids.items.len()));
        }
        for &w in csr.values().unwrap_or_default() {
            check_weight(Some(w))?;
        }
        Ok(Self {
            ids,
            indptr: csr.indptr().to_vec(),
            items: csr.indices().to_vec(),
            weights: csr.values().map(<[f32]>::to_vec),
            times: None,
            time_unit: TimeUnit::Unknown,
        })
    }

    /// The id maps.
    pub fn ids(&self) -> &Arc<IdMaps> {
        &self.ids
    }

    /// Users in the map, those without events included.
    pub fn n_users(&self) -> usize {
        self.ids.users.len()
    }

    /// Items in the map, those without events included.
    pub fn n_items(&self) -> usize {
        self.ids.items.len()
    }

    /// Number of events.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Where each user's events start, and the end: `[users + 1]`.
    pub fn indptr(&self) -> &[usize] {
        &self.indptr
    }

    /// The items of all events: `[events]`.
    pub fn items(&self) -> &[u32] {
        &self.items
    }

    /// The weights beside [`Interactions::items`], where the data has them.
    pub fn weights(&self) -> Option<&[f32]> {
        self.weights.as_deref()
    }

    /// The timestamps beside [`Interactions::items`], where the data has them.
    pub fn times(&self) -> Option<&[i64]> {
        self.times.as_deref()
    }

    /// The unit of the timestamps.
    pub fn time_unit(&self) -> TimeUnit {
        self.time_unit
    }

    /// One user's items in order of time, repetitions included.
    pub fn sequence(&self, user: u32) -> &[u32] {
        &self.items[self.range(user)]
    }

    /// Where one user's events lie in the columns.
    pub fn range(&self, user: u32) -> std::ops::Range<usize> {
        self.indptr[user as usize]..self.indptr[user as usize + 1]
    }

    /// All events, user after user, each in order of time.
    pub fn events(&self) -> impl Iterator<Item = Event> + '_ {
        (0..self.n_users() as u32).flat_map(move |user| {
            self.range(user).map(move |at| Event {
                user,
                item: self.items[at],
                weight: self.weights.as_ref().map_or(1.0, |w| w[at]),
                time: self.times.as_ref().map(|t| t[at]),
            })
        })
    }

    /// The earliest and latest timestamp.
    pub fn time_span(&self) -> Option<(i64, i64)> {
        let times = self.times.as_ref()?;
        Some((*times.iter().min()?, *times.iter().max()?))
    }

    /// Events on each item: `[items]`.
    pub fn item_counts(&self) -> Vec<u32> {
        let mut counts = vec![0; self.n_items()];
        for &item in &self.items {
            counts[item as usize] += 1;
        }
        counts
    }

    /// How many events repeat an earlier event of the same user on the same item.
    pub fn duplicates(&self) -> usize {
        self.len() - self.matrix().nnz()
    }

    /// The user × item matrix: repeated events' weights added, columns ascending. Without weights
    /// and repetitions its values are all 1 and not stored.
    pub fn matrix(&self) -> Csr {
        let mut indptr = Vec::with_capacity(self.n_users() + 1);
        indptr.push(0);
        let mut indices: Vec<u32> = Vec::with_capacity(self.len());
        let mut values: Vec<f32> = Vec::with_capacity(self.len());
        let mut row: Vec<(u32, f32)> = Vec::new();
        let mut plain = self.weights.is_none();
        for user in 0..self.n_users() as u32 {
            row.clear();
            row.extend(
                self.range(user)
                    .map(|at| (self.items[at], self.weights.as_ref().map_or(1.0, |w| w[at]))),
            );
            row.sort_by_key(|&(item, _)| item);
            let start = indices.len();
            for &(item, w) in &row {
                match values.last_mut() {
                    Some(last) if indices.len() > start && indices.last() == Some(&item) => {
                        *last += w;
                        plain = false;
                    }
                    _ => {
                        indices.push(item);
                        values.push(w);
                    }
                }
            }
            indptr.push(indices.len());
        }
        let values = (!plain).then_some(values);
        Csr::new(indptr, indices, values, self.n_items()).unwrap_or_default()
    }

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
        let mut indptr = vec![0usize; self.n_users() + 1];
        for &u in &users {
            indptr[u as usize + 1] += 1;
        }
        for u in 0..self.n_users() {
            indptr[u + 1] += indptr[u];
        }
        Self {
            ids: self.ids.clone(),
            indptr,
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
        for u in 0..self.n_users() {
            if user_map[u].is_some() {
                indptr.push(self.indptr[u + 1]);
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

    /// The caller's id of a dense user.
    pub fn user_id(&self, user: u32) -> Option<Id> {
        self.ids.users.id(user).map(IdRef::to_owned)
    }

    /// The caller's id of a dense item.
    pub fn item_id(&self, item: u32) -> Option<Id> {
        self.ids.items.id(item).map(IdRef::to_owned)
    }

    /// Bytes held in memory, id maps included.
    pub fn memory(&self) -> usize {
        self.indptr.len() * 8
            + self.items.len() * 4
            + self.weights.as_ref().map_or(0, |w| w.len() * 4)
            + self.times.as_ref().map_or(0, |t| t.len() * 8)
            + self.ids.users.memory()
            + self.ids.items.memory()
    }
}

/// Row starts, and the order that sorts rows by user then time, stable; `None` if sorted already.
fn grouped(users: &[u32], n_users: usize, times: Option<&[i64]>) -> (Vec<usize>, Option<Vec<u32>>) {
    let mut indptr = vec![0usize; n_users + 1];
    for &u in users {
        indptr[u as usize + 1] += 1;
    }
    for u in 0..n_users {
        indptr[u + 1] += indptr[u];
    }
    let sorted = users
        .windows(2)
        .enumerate()
        .all(|(at, w)| w[0] < w[1] || (w[0] == w[1] && times.is_none_or(|t| t[at] <= t[at + 1])));
    if sorted {
        return (indptr, None);
    }
    let mut next = indptr.clone();
    let mut order = vec![0u32; users.len()];
    for (at, &u) in users.iter().enumerate() {
        order[next[u as usize]] = at as u32;
        next[u as usize] += 1;
    }
    if let Some(times) = times {
        for row in indptr.windows(2) {
            order[row[0]..row[1]].sort_by_key(|&at| times[at as usize]);
        }
    }
    (indptr, Some(order))
}

fn compact(ids: &IdMap, keep: impl Fn(u32) -> bool) -> (IdMap, Vec<Option<u32>>) {
    let mut map = if ids.is_integer() { IdMap::new() } else { IdMap::strings() };
    let moved =
        ids.iter().enumerate().map(|(old, id)| keep(old as u32).then(|| map.intern(id))).collect();
    (map, moved)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> Interactions {
        let mut b = InteractionsBuilder::new();
        for (u, i, w, t) in [
            ("b", 1, 2.0, 5),
            ("a", 1, 1.0, 9),
            ("b", 2, 1.0, 3),
            ("b", 1, 4.0, 7),
            ("a", 3, 1.0, 9),
        ] {
            b.push(u, i, Some(w), Some(t)).unwrap();
        }
        b.build().unwrap()
    }

    #[test]
    fn events_are_in_order_of_time_within_a_user() {
        let log = log();
        assert_eq!(log.indptr(), [0, 3, 5]);
        assert_eq!(log.sequence(0), [1, 0, 0]);
        assert_eq!(log.sequence(1), [0, 2]);
        assert_eq!(log.times().unwrap(), [3, 5, 7, 9, 9]);
        assert_eq!(log.time_span(), Some((3, 9)));
        assert_eq!(log.duplicates(), 1);
    }

    #[test]
    fn duplicate_policies() {
        let weights = |p| log().deduplicated(p).weights().unwrap().to_vec();
        assert_eq!(weights(Duplicates::Keep), [1.0, 2.0, 4.0, 1.0, 1.0]);
        assert_eq!(weights(Duplicates::Sum), [1.0, 6.0, 1.0, 1.0]);
        assert_eq!(weights(Duplicates::Last), [1.0, 4.0, 1.0, 1.0]);
        assert_eq!(weights(Duplicates::Count), [1.0, 2.0, 1.0, 1.0]);
        assert_eq!(log().matrix().iter_row(0).collect::<Vec<_>>(), [(0, 6.0), (1, 1.0)]);
    }

    #[test]
    fn parts_put_together_are_the_whole() {
        let log = log();
        let parts = [log.filter(|at, _| at % 2 == 1), log.filter(|at, _| at % 2 == 0)];
        let whole = Interactions::concat(&[&parts[0], &parts[1]]).unwrap();
        assert_eq!(whole.times(), log.times());
        assert_eq!(whole.sequence(0), log.sequence(0));
        let other = log.compacted();
        assert!(Interactions::concat(&[&log, &other]).is_ok());
        assert!(Interactions::concat(&[&log, &log.binarized(0.0)]).is_err());
        assert!(Interactions::concat(&[&log, &log.k_core(2, 2).unwrap()]).is_err());
        assert!(Interactions::concat(&[]).is_err());
    }

    #[test]
    fn k_core_peels_until_stable() {
        let core = log().k_core(2, 2).unwrap();
        assert_eq!((core.n_users(), core.n_items(), core.len()), (1, 1, 2));
        assert_eq!(core.user_id(0), Some(Id::from("b")));
        assert!(matches!(log().k_core(9, 9), Err(Error::Empty { .. })));
    }

    #[test]
    fn bad_columns_are_refused() {
        let mut b = InteractionsBuilder::new();
        assert!(b.push(1, 1, Some(f32::NAN), None).is_err());
        assert!(b.push(1, 1, Some(f32::INFINITY), None).is_err());
        b.push(1, 1, None, Some(1)).unwrap();
        assert!(b.push(1, 2, None, None).is_err());
        assert!(matches!(InteractionsBuilder::new().build(), Err(Error::Empty { .. })));
        let ids = IdMaps::shared(IdMap::range(2), IdMap::range(2));
        let unit = TimeUnit::Unknown;
        assert!(
            Interactions::from_columns(ids.clone(), &[0, 2], vec![0, 1], None, None, unit).is_err()
        );
        assert!(Interactions::from_columns(ids.clone(), &[0], vec![2], None, None, unit).is_err());
        assert!(Interactions::from_columns(ids, &[0], vec![0, 1], None, None, unit).is_err());
    }

    #[test]
    fn mapping_to_other_ids_counts_what_it_loses() {
        let log = log();
        let ids = IdMaps::shared(IdMap::from_ids(["b"]).unwrap(), IdMap::from_ids([2, 1]).unwrap());
        let (mapped, lost) = log.mapped_to(&ids).unwrap();
        assert_eq!(lost, 2);
        assert_eq!(mapped.sequence(0), [0, 1, 1]);
    }

    #[test]
    fn units_are_guessed_from_the_latest_time() {
        assert_eq!(TimeUnit::guess(881_250_949), TimeUnit::Second);
        assert_eq!(TimeUnit::guess(1_433_221_332_117), TimeUnit::Millisecond);
        assert_eq!(TimeUnit::guess(42), TimeUnit::Unknown);
    }
}
