//! What an item has in common with what its user cares for.

use super::past::Past;
use super::{ItemName, Match};
use crate::Result;
use crate::data::{Csr, Id, IdMap, IdMaps, Interactions, Items};
use crate::profile::{Interest, ProfileOptions, profiles};

/// A user's interests in the labels of a table.
pub(super) struct Interests<'a> {
    table: &'a Items,
    found: Vec<Interest>,
}

impl<'a> Interests<'a> {
    /// By the labels of what they had; none where the table has no labels.
    pub(super) fn of(
        past: &Past,
        ids: &IdMaps,
        table: Option<&'a Items>,
        options: &ProfileOptions,
    ) -> Result<Option<Self>> {
        let Some((table, tags)) = table.and_then(|table| Some((table, table.tags()?))) else {
            return Ok(None);
        };
        let log = log_of(past, ids)?;
        let rows = table.rows_of(&log.ids().items).into_iter();
        let rows =
            rows.map(|row| row.map_or_else(Vec::new, |r| tags.iter_row(r as usize).collect()));
        let labels = Csr::from_rows(rows, tags.n_cols()).binary();
        let whole = ProfileOptions { interests: usize::MAX, ..options.clone() };
        let users = [Id::Int(0)];
        let profile = profiles(&log, &labels, table.tag_names(), &users, &whole)?.pop();
        Ok(profile.map(|profile| Self { table, found: profile.interests }))
    }

    /// Those that the item has a label for, largest first.
    pub(super) fn matches(&self, item: &Id) -> Vec<Match> {
        let labels = labels_of(self.table, item);
        let shared = self.found.iter().filter(|interest| labels.contains(&interest.label));
        let evidence = |interest: &Interest| {
            let named = |id: &Id| ItemName { id: id.clone(), title: None };
            interest.evidence.iter().map(|event| named(&event.item)).collect()
        };
        let found = shared.map(|interest| Match {
            label: interest.label.clone(),
            share: interest.share,
            recent: interest.recent,
            evidence: evidence(interest),
        });
        found.collect()
    }
}

/// One user's past as a log of its own: the catalogue is what they had.
fn log_of(past: &Past, ids: &IdMaps) -> Result<Interactions> {
    let mut items = if ids.items.is_integer() { IdMap::new() } else { IdMap::strings() };
    let own = |&(item, _): &(u32, f32)| ids.items.id(item).map(|id| items.intern(id));
    let dense: Vec<u32> = past.history.iter().filter_map(own).collect();
    // What speaks against an item is no interest in it.
    let weights = past.history.iter().map(|&(_, weight)| weight.max(0.0)).collect();
    let users = vec![0; dense.len()];
    let ids = IdMaps::shared(IdMap::range(1), items);
    Interactions::from_columns(ids, &users, dense, Some(weights), past.times.clone(), past.unit)
}

/// The labels of an item; none for one the table does not have.
pub(super) fn labels_of(table: &Items, item: &Id) -> Vec<String> {
    let tags = table.ids().get(item).and_then(|row| Some(table.tags()?.row(row as usize)));
    let names = tags.unwrap_or_default().iter().filter_map(|&tag| table.tag_names().id(tag));
    names.map(|name| name.to_string()).collect()
}

pub(super) fn title_of(table: &Items, item: &Id) -> Option<String> {
    table.title(table.ids().get(item)?).map(str::to_owned)
}
