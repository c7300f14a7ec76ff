//! What items are about, and what users are interested in.

use std::str::FromStr;

use rec_core::IdKind;
use rec_core::data::Id;
use rec_core::profile::{UserProfile, nearest_users, profiles};
use rec_core::rank::Recommend as _;
use serde::{Deserialize, Serialize};

use super::PipelineModel;
use crate::{Error, Result};

/// By which labels interests are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interests {
    /// The items' tags, the predicted ones among them.
    Tags,
    /// Their keywords.
    Keywords,
    /// The clusters of their content.
    Clusters,
}

impl Interests {
    const ALL: [Self; 3] = [Self::Tags, Self::Keywords, Self::Clusters];
}

impl FromStr for Interests {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "tags" => Ok(Self::Tags),
            "keywords" => Ok(Self::Keywords),
            "clusters" => Ok(Self::Clusters),
            other => Err(Error::parameter("by", other, "choose tags, keywords or clusters")),
        }
    }
}

impl PipelineModel {
    /// An item's keywords, best first.
    pub fn keywords(&self, item: u32) -> Vec<String> {
        let Some(labels) = &self.keywords else { return Vec::new() };
        let id = self.data.interactions.ids().items.id(item);
        let row = id.and_then(|id| labels.ids().get(id));
        let Some((row, rows)) = row.zip(labels.tags()) else { return Vec::new() };
        let mut words: Vec<(u32, f32)> = rows.iter_row(row as usize).collect();
        words.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let name = |(word, _)| labels.tag_names().id(word).map(|name| name.to_string());
        words.into_iter().filter_map(name).collect()
    }

    /// What users are interested in: by these labels; by tags where none are named, by keywords where
    /// items have no tags, by clusters where they have neither.
    ///
    /// # Errors
    /// As [`profiles`]; [`Error::Empty`] where items have no such labels.
    pub fn profiles(&self, users: &[Id], by: Option<Interests>) -> Result<Vec<UserProfile>> {
        let (log, items) = (&self.data.interactions, self.data.items.as_deref());
        let table = |by| match by {
            Interests::Tags => items.filter(|items| items.tags().is_some()),
            Interests::Keywords => self.keywords.as_ref(),
            Interests::Clusters => self.clusters.as_ref(),
        };
        let mut all = Interests::ALL.into_iter();
        let Some(table) = by.map_or_else(|| all.find_map(table), table) else {
            let (what, why) = match by {
                None => ("what items are about", "there are no tags, keywords or clusters"),
                Some(Interests::Tags) => ("the items' tags", "give them tags, or predict some"),
                Some(Interests::Keywords) => ("keywords", "ask for the stage keywords"),
                Some(Interests::Clusters) => ("clusters", "ask for the stage clusters"),
            };
            return Err(Error::empty(what, why));
        };
        let labels = table.tags_for(&log.ids().items).unwrap_or_default();
        profiles(log, &labels, table.tag_names(), users, &self.config.profile)
    }

    /// The `k` users whose past is most like each of these users', themselves left out: see
    /// [`nearest_users`].
    ///
    /// # Errors
    /// [`Error::UnknownId`] for users the log does not have, [`Error::Parameter`] for a `k` of 0.
    pub fn nearest_users(&self, users: &[Id], k: usize) -> Result<Vec<Vec<(Id, f32)>>> {
        let known = &self.ids().users;
        let dense = users.iter().map(|id| known.require(IdKind::User, id));
        let top = nearest_users(self.seen(), &dense.collect::<Result<Vec<u32>>>()?, k)?;
        let row = |row: usize| {
            let (users, scores) = top.row(row);
            let named = users.iter().filter_map(|&user| known.id(user).map(|id| id.to_owned()));
            named.zip(scores.iter().copied()).collect()
        };
        Ok((0..users.len()).map(row).collect())
    }
}
