//! What a pipeline is made of, in code or as TOML.

mod content;
mod files;
mod lists;

use rec_core::data::split::Protocol;
use rec_core::profile::ProfileOptions;
use rec_core::rank::Rules;
use serde::{Deserialize, Serialize};

pub use content::{Clusters, ContentVectors, Keywords, TagPrediction, TextOptions};
pub use files::DataFiles;
pub use lists::{Diversity, Fresh, FusionOptions, Recommender, Reorder};

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
    /// Clusters of the content vectors.
    pub clusters: Option<Clusters>,
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
            clusters: None,
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
        if let Some(clusters) = &self.clusters {
            if self.vectors.is_none() {
                let why = "clusters are made of content vectors; ask for vectors too";
                return Err(Error::parameter("clusters", "without vectors", why));
            }
            if clusters.count.is_some_and(|count| count < 2) {
                let why = "choose at least 2, or leave it out";
                return Err(Error::parameter("count", format!("{:?}", clusters.count), why));
            }
            for (name, n) in [("words", clusters.words), ("max_items", clusters.max_items)] {
                crate::collab::checks::at_least_one(name, n)?;
            }
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
