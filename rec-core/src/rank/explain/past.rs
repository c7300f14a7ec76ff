//! What a user had.

use crate::data::{Id, IdMaps, Interactions, TimeUnit};
use crate::rank::{History, Recommend};
use crate::{Error, IdKind, Result};

/// A user's events by the models' dense items, in order of time.
pub(super) struct Past {
    pub(super) history: History,
    pub(super) times: Option<Vec<i64>>,
    pub(super) unit: TimeUnit,
}

impl Past {
    /// From the log where it has the user, else what the model has seen of them.
    pub(super) fn of_user(
        model: &dyn Recommend,
        log: Option<&Interactions>,
        user: &Id,
        row: u32,
    ) -> Self {
        let logged = log.and_then(|log| Self::logged(model.ids(), log, user));
        logged.unwrap_or_else(|| Self::untimed(model.seen().iter_row(row as usize).collect()))
    }

    fn logged(ids: &IdMaps, log: &Interactions, user: &Id) -> Option<Self> {
        let range = log.range(log.ids().users.get(user)?);
        let at = range.filter_map(|at| Some((at, ids.items.get(&log.item_id(log.items()[at])?)?)));
        let events: Vec<(usize, u32)> = at.collect();
        let weight = |at: usize| log.weights().map_or(1.0, |weights| weights[at]);
        (!events.is_empty()).then(|| Self {
            history: events.iter().map(|&(at, item)| (item, weight(at))).collect(),
            times: log.times().map(|times| events.iter().map(|&(at, _)| times[at]).collect()),
            unit: log.time_unit(),
        })
    }

    /// # Errors
    /// [`Error::UnknownId`] for an item outside the catalogue, [`Error::Data`] for a weight that is
    /// not finite.
    pub(super) fn of_history(ids: &IdMaps, history: &[(Id, f32)]) -> Result<Self> {
        let dense = |(id, weight): &(Id, f32)| {
            if !weight.is_finite() {
                let why = format!("the weight of item {id} is {weight}; give finite numbers");
                return Err(Error::data("history", why));
            }
            Ok((ids.items.require(IdKind::Item, id)?, *weight))
        };
        Ok(Self::untimed(history.iter().map(dense).collect::<Result<_>>()?))
    }

    fn untimed(history: History) -> Self {
        Self { history, times: None, unit: TimeUnit::Unknown }
    }

    /// The last distinct items, at most so many, latest first.
    pub(super) fn last_items(&self, most: usize) -> Vec<u32> {
        let mut items = Vec::new();
        for &(item, _) in self.history.iter().rev() {
            if items.len() == most {
                break;
            }
            if !items.contains(&item) {
                items.push(item);
            }
        }
        items
    }

    /// The history without an item.
    pub(super) fn without(&self, item: u32) -> History {
        self.history.iter().copied().filter(|&(other, _)| other != item).collect()
    }
}
