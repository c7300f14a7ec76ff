//! Who recommends, and what becomes of it.

use rec_core::rank::{Fusion, FusionLearner};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Error, Result};

/// One recommender: a model kind, its parameters beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recommender {
    /// The kind, as model folders name it (`als`): one of [`crate::ESTIMATORS`].
    pub model: String,
    /// What it is called in reports and explanations; its kind unless given.
    #[serde(default)]
    pub name: Option<String>,
    /// The estimator's parameters; those left out have their defaults.
    #[serde(flatten)]
    pub parameters: Map<String, Value>,
}

impl Recommender {
    /// A recommender of this kind with these parameters.
    ///
    /// # Errors
    /// [`Error::Data`] for parameters that JSON cannot hold.
    pub fn new(model: &str, parameters: &impl Serialize) -> Result<Self> {
        let bad = |e: serde_json::Error| Error::data("parameters", e.to_string());
        let parameters = match serde_json::to_value(parameters).map_err(bad)? {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        Ok(Self { model: model.into(), name: None, parameters })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.model)
    }
}

/// How the recommenders make one list.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FusionOptions {
    /// How many items each recommender puts forward.
    pub candidates: usize,
    /// A fusion given by hand; learned on the held-out part where there is none.
    pub fixed: Option<Fusion>,
    /// How it is learned; its number of candidates is the one above.
    pub learn: FusionLearner,
}

impl Default for FusionOptions {
    fn default() -> Self {
        let learn = FusionLearner { max_users: 2000, shortlists: true, ..FusionLearner::default() };
        Self { candidates: 100, fixed: None, learn }
    }
}

/// What becomes of the fused list before it is shown, beside the rules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reorder {
    /// A share of the score that fades with the item's age.
    pub freshness: Option<Fresh>,
    /// Likeness to what the list holds already.
    pub diversity: Option<Diversity>,
    /// Tags in the proportions of the user's past; `lambda` as in
    /// [`rec_core::rank::Calibration`].
    pub calibration: Option<f32>,
}

/// See [`rec_core::rank::Freshness`]; an item's age counts from its first event.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fresh {
    /// The age in days at which half of the share is left.
    pub half_life_days: f64,
    /// The share, from 0 to 1.
    pub weight: f32,
}

/// How a list is made diverse. Items are alike as far as their content vectors are, or their tags where
/// there are none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum Diversity {
    /// See [`rec_core::rank::Mmr`].
    Mmr {
        /// Relevance against diversity, from 0 to 1.
        lambda: f32,
    },
    /// See [`rec_core::rank::Dpp`].
    Dpp {
        /// Relevance against diversity, from 0 to below 1.
        theta: f32,
    },
}
