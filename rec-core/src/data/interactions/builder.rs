//! Events collected row by row.

use std::sync::Arc;

use super::{Interactions, TimeUnit, check_weight};
use crate::data::{IdMaps, IdRef};
use crate::{Error, Result};

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
