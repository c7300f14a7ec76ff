//! What is made of the items' texts.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::tags::{Learner, NgramOptions, NgramTagger};
use crate::vectors::{Architecture, Word2Vec};

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
    Word2Vec { architecture: Architecture::SkipGram, workers: 1, ..Word2Vec::default() }
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

/// Clusters of the content vectors, as interests that nobody had to name: k-means on vectors of length 1 by
/// the crate `linfa-clustering`, whose means get length 1 when they are found, so that an item joins the
/// cluster of the nearest direction (in the spherical k-means of I. S. Dhillon, D. S. Modha, "Concept
/// decompositions for large sparse text data using clustering", 2001, they have it in every pass). Each cluster
/// is called by the words that tell it from the others (class-based TF-IDF: M. Grootendorst, "BERTopic:
/// Neural topic modeling with a class-based TF-IDF procedure", 2022).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Clusters {
    /// How many there are; √(n / 2) of the items that have a vector unless given, 100 at most.
    pub count: Option<usize>,
    /// Words in the name of one.
    pub words: usize,
    /// At most so many items are clustered, drawn by the seed; the others join the nearest centre.
    pub max_items: usize,
}

impl Default for Clusters {
    fn default() -> Self {
        Self { count: None, words: 3, max_items: 20_000 }
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
