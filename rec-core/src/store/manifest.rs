//! What a model folder says of itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The newest format this build writes and reads.
pub const FORMAT: u32 = 1;

/// The name of the manifest inside a model folder.
pub(super) const MANIFEST: &str = "manifest.json";

/// The contents of `manifest.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// Format version of the folder.
    pub format: u32,
    /// Model kind (`als`), by which loading finds its reader.
    pub kind: String,
    /// Version of the library that wrote it.
    pub library: String,
    /// The estimator's parameters.
    pub config: serde_json::Value,
    /// How it was trained: data, seed, protocol, figures; free form.
    pub training: serde_json::Value,
    /// SHA-256 of the maps of users and items, or of labels, in order.
    pub ids: BTreeMap<String, String>,
    /// SHA-256 of each file beside the manifest.
    pub files: BTreeMap<String, String>,
}
