//! The model kinds a folder may hold.

use std::path::Path;

use rec_core::store::ModelReader;

use crate::collab::{
    AlsModel, BprModel, CoTransitionModel, EaseModel, ItemKnnModel, PopularModel, SlimModel,
    UserKnnModel,
};
use crate::content::ContentModel;
use crate::fit::Model;
use crate::graph::{
    GfCfModel, LightGcnModel, LinkModel, NgcfModel, SeptModel, SocialLightGcnModel, UltraGcnModel,
};
use crate::vectors::Item2VecModel;
use crate::{Error, Result};

/// The kinds that [`load`] knows.
pub const KINDS: [&str; 17] = [
    "als",
    "bpr",
    "co_transition",
    "content",
    "ease",
    "gfcf",
    "item2vec",
    "item_knn",
    "lightgcn",
    "link_predictor",
    "ngcf",
    "popular",
    "sept",
    "slim",
    "social_lightgcn",
    "ultragcn",
    "user_knn",
];

/// Loads a model of any kind from its folder.
///
/// # Errors
/// As [`ModelReader::open`]; [`Error::Format`] for a kind this build does not know, or parts that do
/// not make a model.
pub fn load(path: impl AsRef<Path>) -> Result<Box<dyn Model>> {
    let path = path.as_ref();
    let reader = ModelReader::open(path)?;
    Ok(match reader.manifest().kind.as_str() {
        "als" => Box::new(AlsModel::load(&reader)?),
        "bpr" => Box::new(BprModel::load(&reader)?),
        "co_transition" => Box::new(CoTransitionModel::load(&reader)?),
        "content" => Box::new(ContentModel::load(&reader)?),
        "ease" => Box::new(EaseModel::load(&reader)?),
        "gfcf" => Box::new(GfCfModel::load(&reader)?),
        "item2vec" => Box::new(Item2VecModel::load(&reader)?),
        "item_knn" => Box::new(ItemKnnModel::load(&reader)?),
        "lightgcn" => Box::new(LightGcnModel::load(&reader)?),
        "link_predictor" => Box::new(LinkModel::load(&reader)?),
        "ngcf" => Box::new(NgcfModel::load(&reader)?),
        "popular" => Box::new(PopularModel::load(&reader)?),
        "sept" => Box::new(SeptModel::load(&reader)?),
        "slim" => Box::new(SlimModel::load(&reader)?),
        "social_lightgcn" => Box::new(SocialLightGcnModel::load(&reader)?),
        "ultragcn" => Box::new(UltraGcnModel::load(&reader)?),
        "user_knn" => Box::new(UserKnnModel::load(&reader)?),
        crate::tags::KIND => {
            let why = "holds a tag classifier, which recommends nothing; load it with \
                       tags::TagClassifier::load";
            return Err(Error::format(path, None, why));
        }
        other => {
            let known = KINDS.join(", ");
            let why = format!("holds a model of kind {other:?}; this build knows {known}");
            return Err(Error::format(path, None, why));
        }
    })
}
