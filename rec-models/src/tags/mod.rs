//! Labels of texts: classes, tags, paths of categories.
//!
//! [`NgramTagger`] trains in seconds and needs no outside weights: TF-IDF of words and characters,
//! several learners on it, their calibrated probabilities mixed. Whatever scores labels is a
//! [`TagModel`]; [`TagClassifier`] makes its scores probabilities, predictions and files.
//!
//! ```
//! use rec_core::data::Id;
//! use rec_models::FitContext;
//! use rec_models::tags::{Labelled, NgramTagger};
//!
//! let texts = ["屏幕清晰", "电池耐用", "情节感人", "文笔很好", "屏幕太小", "故事精彩"];
//! let labels = ["手机", "手机", "书籍", "书籍", "手机", "书籍"].map(Id::from);
//! let classifier =
//!     NgramTagger::default().fit(&texts, &Labelled::single(&labels)?, &FitContext::default())?;
//! let found = classifier.predict(&["屏幕很清晰"])?;
//! assert_eq!(classifier.labels().name(found[0][0].label), Some("手机".into()));
//! # Ok::<(), rec_core::Error>(())
//! ```

mod calibrate;
mod class_weights;
mod classifier;
mod features;
mod finetune;
mod folds;
mod heads;
mod joint;
mod labels;
mod learn;
mod levels;
mod mixture;
mod model;
mod ngrams;
mod pooling;
mod regression;
mod report;
#[cfg(test)]
mod samples;
mod save;
#[cfg(test)]
mod tests;
mod thresholds;
mod train;
mod tune;
mod zero_shot;

pub use calibrate::Calibration;
pub use class_weights::ClassWeights;
pub use classifier::{Tag, TagClassifier};
pub use features::{Bag, NgramOptions, TfIdf};
pub use finetune::{
    ClassificationLoss, ClassificationObjective, ClassificationPass, FineTuneTagger, FineTuned,
    LabelledCorpus,
};
pub use folds::train_test_split;
pub use heads::{EncoderTags, HeadTagger};
pub use labels::{Labelled, Labels, Task};
pub use learn::{FastText, GruLanguageModel, Learner, TextCnn, TextGru, Tokens};
pub use levels::{Level, LevelReport};
pub use mixture::MixtureTags;
pub use model::TagModel;
pub use ngrams::NgramModel;
pub use report::TagReport;
pub use save::KIND;
pub use thresholds::best_thresholds;
pub use train::{HeldOut, NgramTagger};
pub use zero_shot::{ZeroShot, ZeroShotTags};
