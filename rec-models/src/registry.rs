//! The model kinds a folder may hold.

use std::path::Path;

use rec_core::store::ModelReader;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::collab::{
    Als, AlsModel, Bpr, BprModel, CoTransition, CoTransitionModel, Ease, EaseModel, ItemKnn,
    ItemKnnModel, Popular, PopularModel, Slim, SlimModel, UserKnn, UserKnnModel,
};
use crate::content::{Content, ContentModel};
use crate::fit::{Estimator, Fit, Model};
use crate::graph::{
    GfCf, GfCfModel, LightGcn, LightGcnModel, LinkModel, Ngcf, NgcfModel, Sept, SeptModel,
    SocialLightGcn, SocialLightGcnModel, UltraGcn, UltraGcnModel,
};
use crate::hybrid::PipelineModel;
use crate::vectors::{Item2Vec, Item2VecModel};
use crate::{Error, Result};

/// The kinds that [`load`] knows.
pub const KINDS: [&str; 18] = [
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
    "pipeline",
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
        "pipeline" => Box::new(PipelineModel::load(&reader)?),
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

/// The kinds of recommenders that [`estimator`] makes.
pub const ESTIMATORS: [&str; 16] = [
    "als",
    "bpr",
    "co_transition",
    "content",
    "ease",
    "gfcf",
    "item2vec",
    "item_knn",
    "lightgcn",
    "ngcf",
    "popular",
    "sept",
    "slim",
    "social_lightgcn",
    "ultragcn",
    "user_knn",
];

/// An estimator by the kind of its model, with parameters as JSON, those left out having their defaults;
/// and all of its parameters.
///
/// # Errors
/// [`Error::Parameter`] for an unknown kind, and for parameters the estimator does not have or take, with
/// the near name.
pub fn estimator(kind: &str, parameters: &Value) -> Result<(Box<dyn Estimator>, Value)> {
    match kind {
        "als" => made::<Als>(kind, parameters),
        "bpr" => made::<Bpr>(kind, parameters),
        "co_transition" => made::<CoTransition>(kind, parameters),
        "content" => made::<Content>(kind, parameters),
        "ease" => made::<Ease>(kind, parameters),
        "gfcf" => made::<GfCf>(kind, parameters),
        "item2vec" => made::<Item2Vec>(kind, parameters),
        "item_knn" => made::<ItemKnn>(kind, parameters),
        "lightgcn" => made::<LightGcn>(kind, parameters),
        "ngcf" => made::<Ngcf>(kind, parameters),
        "popular" => made::<Popular>(kind, parameters),
        "sept" => made::<Sept>(kind, parameters),
        "slim" => made::<Slim>(kind, parameters),
        "social_lightgcn" => made::<SocialLightGcn>(kind, parameters),
        "ultragcn" => made::<UltraGcn>(kind, parameters),
        "user_knn" => made::<UserKnn>(kind, parameters),
        other => {
            let known: Vec<String> = ESTIMATORS.iter().map(|kind| format!("`{kind}`")).collect();
            let why =
                near(&format!("unknown field `{other}`, expected one of {}", known.join(", ")));
            Err(Error::parameter("model", format!("{other:?}"), why.replace("field", "kind")))
        }
    }
}

fn made<E>(kind: &str, parameters: &Value) -> Result<(Box<dyn Estimator>, Value)>
where
    E: Fit + Serialize + DeserializeOwned + 'static,
    E::Model: 'static,
{
    let refused = |e: serde_json::Error| Error::parameter("model", kind, near(&e.to_string()));
    let estimator: E = serde_json::from_value(parameters.clone()).map_err(refused)?;
    let all = serde_json::to_value(&estimator).map_err(refused)?;
    Ok((Box::new(estimator), all))
}

/// What serde says of an unknown name, with the near one among those it lists.
pub(crate) fn near(message: &str) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    let unknown = message.contains("unknown ").then(|| names.next()).flatten();
    let Some(unknown) = unknown else { return message.to_owned() };
    let distance = |name: &&str| strsim::damerau_levenshtein(unknown, name);
    let close = names.min_by_key(distance).filter(|name| distance(name) <= 1 + unknown.len() / 3);
    close.map_or_else(|| message.to_owned(), |name| format!("{message}; did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_estimator_is_made_with_its_defaults() {
        for kind in ESTIMATORS {
            let (_, parameters) = estimator(kind, &json!({})).unwrap();
            assert!(parameters.is_object(), "{kind}");
            assert_eq!(estimator(kind, &parameters).unwrap().1, parameters);
            assert!(KINDS.contains(&kind));
        }
        assert_eq!(estimator("als", &json!({ "factors": 7 })).unwrap().1["factors"], 7);
    }

    #[test]
    fn what_is_misspelt_gets_the_near_name() {
        let message =
            |kind: &str, parameters| estimator(kind, &parameters).err().unwrap().to_string();
        assert!(message("als", json!({ "factor": 7 })).contains("did you mean `factors`?"));
        assert!(message("lightgnc", json!({})).contains("did you mean `lightgcn`?"));
        assert!(!message("zzzzzzzzz", json!({})).contains("did you mean"));
        assert!(message("als", json!({ "factors": "many" })).contains("als"));
    }
}
