//! Python bindings of the rec recommender library: the module `rec._native`.

mod classify;
mod columns;
mod dataset;
mod encoder;
mod errors;
mod evaluate;
mod fit;
mod frame;
mod fusion;
mod graph;
mod gru_language;
mod ids;
mod interrupt;
mod items;
mod keywords;
mod language;
mod leaderboard;
mod lesson;
mod model;
mod params;
mod pipeline;
mod profile;
mod progress;
mod read;
mod recommend;
mod rerank;
mod sampling;
mod social;
mod sparse;
mod split;
mod table;
mod tags;
mod text;
mod texts;
mod tokenizer;
mod tokenizer_train;
mod training;
mod vectors;
mod vectors_models;
mod vectors_search;
mod vocab;

#[pyo3::pymodule(name = "_native")]
mod native {
    use pyo3::prelude::*;

    /// Adds the version.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }

    #[pymodule_export]
    use crate::classify::{
        PyLabelCounts, classify_ece, classify_map, classify_precision_at_k, classify_roc_auc,
    };
    #[pymodule_export]
    use crate::dataset::{_dataset_from_state, PyDataset};
    #[pymodule_export]
    use crate::encoder::PyTextEncoder;
    #[pymodule_export]
    use crate::evaluate::{
        PyPairedTest, PyReport, compare, evaluate_answer, evaluate_model, evaluate_rows,
    };
    #[pymodule_export]
    use crate::fit::{check_device, check_params, fit, folder_kind, load};
    #[pymodule_export]
    use crate::fusion::{fuse, learn_fusion, learn_trees, rank_by_trees};
    #[pymodule_export]
    use crate::graph::{PyCircles, PyGraph};
    #[pymodule_export]
    use crate::gru_language::PyGruLanguage;
    #[pymodule_export]
    use crate::items::PyItems;
    #[pymodule_export]
    use crate::keywords::PyKeywordExtractor;
    #[pymodule_export]
    use crate::language::{PyLanguageModel, PyTokenStream};
    #[pymodule_export]
    use crate::leaderboard::{PyLeaderboard, leaderboard};
    #[pymodule_export]
    use crate::model::PyModel;
    #[pymodule_export]
    use crate::pipeline::{
        pipeline_config, pipeline_from_toml, pipeline_keywords, pipeline_leaderboard,
        pipeline_nearest_users, pipeline_profiles, pipeline_recommend_texts, pipeline_report,
        pipeline_set_catalogue, pipeline_stand_ins, pipeline_to_toml, run_pipeline,
    };
    #[pymodule_export]
    use crate::profile::user_profiles;
    #[pymodule_export]
    use crate::read::read_parts;
    #[pymodule_export]
    use crate::recommend::{PyExplanation, PyRecommendations};
    #[pymodule_export]
    use crate::rerank::{rerank_calibrate, rerank_diverse, rerank_freshness, rerank_rules};
    #[pymodule_export]
    use crate::sampling::sampling_co_consumed;
    #[pymodule_export]
    use crate::social::PySocialGraph;
    #[pymodule_export]
    use crate::split::{
        PyCold, PySplit, split_at_time, split_by_time, split_by_user_ratio, split_leave_last_out,
        split_random, split_user_holdout,
    };
    #[pymodule_export]
    use crate::tags::{PyFittedTags, check_tag_params};
    #[pymodule_export]
    use crate::text::{PySegmenter, PyTextPipeline, cleaner_steps, stop_words_py};
    #[pymodule_export]
    use crate::tokenizer::{PyDecodeStream, PyEncoding, PyTokenizer};
    #[pymodule_export]
    use crate::vectors::PyVectors;
    #[pymodule_export]
    use crate::vectors_models::PyWordModel;
    #[pymodule_export]
    use crate::vectors_search::{PySif, PyVectorIndex};
    #[pymodule_export]
    use crate::vocab::PyVocab;
}
