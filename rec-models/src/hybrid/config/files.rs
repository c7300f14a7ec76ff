//! What is read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Files of events, items and friends, in the formats of [`rec_core::data::read`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataFiles {
    /// The log.
    pub events: PathBuf,
    /// The items: ids, texts, tags.
    #[serde(default)]
    pub items: Option<PathBuf>,
    /// Friends.
    #[serde(default)]
    pub social: Option<PathBuf>,
    /// The column of users; found by its name unless given, as are the others.
    #[serde(default)]
    pub user: Option<String>,
    /// The column of items, in the log.
    #[serde(default)]
    pub item: Option<String>,
    /// The column of times.
    #[serde(default)]
    pub time: Option<String>,
    /// The column of weights.
    #[serde(default)]
    pub weight: Option<String>,
    /// The column of event types.
    #[serde(default)]
    pub event: Option<String>,
    /// What each event type weighs: `{ view = 1.0, cart = 3.0 }`.
    #[serde(default)]
    pub event_weights: BTreeMap<String, f32>,
    /// The column of the items' ids, in their file.
    #[serde(default)]
    pub id: Option<String>,
    /// The columns of their texts, the title first.
    #[serde(default)]
    pub texts: Option<Vec<String>>,
    /// The column of their tags.
    #[serde(default)]
    pub tags: Option<String>,
    /// Whether malformed rows are counted instead of ending the read.
    #[serde(default)]
    pub skip_bad: bool,
    /// Whether a user's repeated events on an item become one, their weights added.
    #[serde(default)]
    pub merge_repeated: bool,
}
