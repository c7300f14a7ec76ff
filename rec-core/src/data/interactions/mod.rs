//! Who interacted with what, when and how strongly: one user's events after another's.

mod builder;
#[cfg(test)]
mod tests;
mod transform;

use std::sync::Arc;

use rayon::prelude::*;

pub use builder::InteractionsBuilder;

use serde::{Deserialize, Serialize};

use super::{Csr, Id, IdMaps, IdRef};
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
                    items: order.par_iter().map(|at| items[pick(at)]).collect(),
                    weights: weights.map(|w| order.par_iter().map(|at| w[pick(at)]).collect()),
                    times: times.map(|t| order.par_iter().map(|at| t[pick(at)]).collect()),
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
        let mut last_user = vec![u32::MAX; self.n_items()];
        let mut repeated = 0;
        for user in 0..self.n_users() as u32 {
            for &item in self.sequence(user) {
                repeated += usize::from(last_user[item as usize] == user);
                last_user[item as usize] = user;
            }
        }
        repeated
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
    let indptr = row_starts(users, n_users);
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
        let mut rows = Vec::with_capacity(n_users);
        let mut rest = order.as_mut_slice();
        for row in indptr.windows(2) {
            let (head, tail) = rest.split_at_mut(row[1] - row[0]);
            rows.push(head);
            rest = tail;
        }
        let rows = rows.into_par_iter().with_min_len(64);
        // Times beside positions stay in cache; positions keep equal times in order.
        rows.for_each_init(Vec::new, |keyed, row| {
            keyed.clear();
            keyed.extend(row.iter().map(|&at| (times[at as usize], at)));
            keyed.sort_unstable();
            row.iter_mut().zip(keyed.iter()).for_each(|(slot, &(_, at))| *slot = at);
        });
    }
    (indptr, Some(order))
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

/// Where each user's events start in a column sorted by user, and the end: `[n_users + 1]`.
fn row_starts(users: &[u32], n_users: usize) -> Vec<usize> {
    let mut counts = vec![0usize; n_users + 1];
    for &user in users {
        counts[user as usize + 1] += 1;
    }
    let mut sum = 0;
    counts
        .into_iter()
        .map(|count| {
            sum += count;
            sum
        })
        .collect()
}
