//! What a pipeline is made of, in code or as TOML.

use std::path::PathBuf;

use rec_core::data::split::Protocol;
use rec_core::profile::ProfileOptions;
use rec_core::rank::{Fusion, FusionLearner, Rules};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::tags::{Learner, NgramOptions, NgramTagger};
use crate::vectors::Word2Vec;
use crate::{Error, Result};

/// Everything that a pipeline does, stage by stage; what is left out has its default, and what is
/// `None` is not done.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PipelineConfig {
    /// The files to read; none where the data set is given in code.
    pub data: Option<DataFiles>,
    /// What is held out to learn the fusion on, and to measure on.
    pub split: Protocol,
    /// From the items' texts to words.
    pub text: TextOptions,
    /// Content vectors.
    pub vectors: Option<ContentVectors>,
    /// Keywords of each item.
    pub keywords: Option<Keywords>,
    /// Tags for items that have none.
    pub tags: Option<TagPrediction>,
    /// The recommenders; a set that fits the data where none is listed.
    pub recommenders: Vec<Recommender>,
    /// How many make one.
    pub fusion: FusionOptions,
    /// What becomes of the fused list.
    pub rerank: Reorder,
    /// The rules of the house.
    pub rules: Rules,
    /// How users' interests are told.
    pub profile: ProfileOptions,
    /// What is measured on the test part.
    pub metrics: Vec<String>,
    /// At most so many test users are measured, drawn by the seed.
    pub max_test_users: usize,
    /// Whether the recommenders are trained again on everything once the fusion is learned; without,
    /// they know what came before the held-out part alone.
    pub refit: bool,
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for PipelineConfig {
    fn default() -> Self {
        Self {
            data: None,
            split: Protocol::LeaveLastOut { n: 1, validation: true },
            text: TextOptions::default(),
            vectors: None,
            keywords: None,
            tags: None,
            recommenders: Vec::new(),
            fusion: FusionOptions::default(),
            rerank: Reorder::default(),
            rules: Rules::default(),
            profile: ProfileOptions::default(),
            metrics: ["recall@10", "ndcg@10", "coverage@10", "novelty@10"]
                .map(String::from)
                .to_vec(),
            max_test_users: 10_000,
            refit: true,
            seed: 0,
        }
    }
}

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
    pub event_weights: std::collections::BTreeMap<String, f32>,
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

/// From the items' texts to words: HTML and noise are cleaned away, Chinese is segmented by jieba and
/// the rest at Unicode word boundaries, stop words and punctuation are dropped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TextOptions {
    /// The text fields to read; all where none is named.
    pub fields: Vec<String>,
    /// Languages whose stop words are dropped.
    pub stop_words: Vec<String>,
}

impl Default for TextOptions {
    fn default() -> Self {
        Self { fields: Vec::new(), stop_words: ["zh", "en"].map(String::from).to_vec() }
    }
}

/// How an item's words become a vector.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case", deny_unknown_fields)]
pub enum ContentVectors {
    /// word2vec on the items' words, and their smooth-inverse-frequency means ([`crate::vectors::Sif`]).
    Words {
        /// The trainer of the words' vectors.
        #[serde(default = "titles")]
        word2vec: Word2Vec,
        /// Words seen less often have no vector.
        #[serde(default = "five")]
        min_count: u64,
    },
    /// A text encoder's vectors of the cleaned texts.
    Encoder {
        /// The checkpoint's folder.
        folder: PathBuf,
        /// The longest text, in tokens; longer ones are cut there.
        #[serde(default)]
        max_len: Option<usize>,
    },
}

fn five() -> u64 {
    5
}

/// Titles are short, so the window is the whole of most of them.
fn titles() -> Word2Vec {
    Word2Vec {
        architecture: crate::vectors::Architecture::SkipGram,
        workers: 1,
        ..Word2Vec::default()
    }
}

impl ContentVectors {
    /// Word vectors trained on the items' own words.
    pub fn words() -> Self {
        Self::Words { word2vec: titles(), min_count: five() }
    }
}

/// Keywords by TF-IDF among the items' words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Keywords {
    /// At most so many an item.
    pub most: usize,
    /// Words in fewer items are no keywords.
    pub min_items: u32,
    /// Nor are words in a larger share of the items.
    pub max_share: f32,
}

impl Default for Keywords {
    fn default() -> Self {
        Self { most: 8, min_items: 2, max_share: 0.2 }
    }
}

/// Tags for items that have texts and no tags, learned from those that have both.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TagPrediction {
    /// A tag is given from this probability on.
    pub min_probability: f32,
    /// Tags of fewer items are not predicted.
    pub min_items: u32,
    /// At most so many items are learned from, drawn by the seed.
    pub max_items: usize,
    /// What learns them.
    pub tagger: NgramTagger,
}

impl Default for TagPrediction {
    fn default() -> Self {
        // One learner on single words: what it reads has been segmented already.
        let features = NgramOptions {
            words: 1,
            ideographs: (0, 0),
            letters: (0, 0),
            ..NgramOptions::default()
        };
        let learners = vec![Learner::Svm { c: 1.0 }];
        let tagger = NgramTagger { features, learners, folds: 2, ..NgramTagger::default() };
        Self { min_probability: 0.5, min_items: 5, max_items: 20_000, tagger }
    }
}

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

impl PipelineConfig {
    /// Checks what can be checked before any work.
    ///
    /// # Errors
    /// [`Error::Parameter`] for recommenders of one name, names that make no file name, unknown kinds
    /// and parameters (with the near one), shares outside 0 to 1, and rules that contradict each other.
    pub fn check(&self) -> Result<()> {
        let mut names = Vec::new();
        for one in &self.recommenders {
            crate::estimator(&one.model, &one.parameters)?;
            let name = one.name();
            let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
            if name.is_empty() || !name.chars().all(plain) {
                let why = "choose letters, digits, _ and -: it names a folder";
                return Err(Error::parameter("name", format!("{name:?}"), why));
            }
            if names.contains(&name) {
                let why = "two recommenders have it; give one of them a name of its own";
                return Err(Error::parameter("name", format!("{name:?}"), why));
            }
            names.push(name);
        }
        if self.fusion.candidates == 0 {
            return Err(Error::parameter("candidates", 0, "choose at least 1 a recommender"));
        }
        if let Some(tags) = &self.tags {
            share("min_probability", tags.min_probability)?;
        }
        if let Some(keywords) = &self.keywords {
            share("max_share", keywords.max_share)?;
        }
        if self.rerank.diversity.is_some() && self.rerank.calibration.is_some() {
            let why = "diversity and calibration both choose the order; keep one of them";
            return Err(Error::parameter("rerank", "diversity and calibration", why));
        }
        rec_core::metrics::Metric::parse_all(&self.metrics).map(|_| ())
    }
}

fn share(name: &str, value: f32) -> Result<()> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(Error::parameter(name, value, "choose a number from 0 to 1"))
}
