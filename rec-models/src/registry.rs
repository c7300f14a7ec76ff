//! The model kinds a folder may hold, and the estimators that make them.

use std::path::Path;

use rec_core::store::ModelReader;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::collab::{
    Als, AlsModel, Bpr, BprModel, CoTransition, CoTransitionModel, Ease, EaseModel, ItemKnn,
    ItemKnnModel, Popular, PopularModel, Slim, SlimModel, UserKnn, UserKnnModel,
};
use crate::content::{Content, ContentModel};
use crate::fit::{Estimator, Model};
use crate::graph::{
    Bspm, BspmModel, GfCf, GfCfModel, LightGcn, LightGcnModel, LinkModel, LinkPredictor, Ngcf,
    NgcfModel, Sept, SeptModel, Sgfcf, SgfcfModel, SocialLightGcn, SocialLightGcnModel, UltraGcn,
    UltraGcnModel,
};
use crate::hybrid::PipelineModel;
use crate::vectors::{Item2Vec, Item2VecModel};
use crate::{Error, Result};

/// The kinds that [`load`] knows.
pub const KINDS: [&str; 20] = [
    "als",
    "bpr",
    "bspm",
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
    "sgfcf",
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
        "bspm" => Box::new(BspmModel::load(&reader)?),
        "co_transition" => Box::new(CoTransitionModel::load(&reader)?),
        "content" => Box::new(ContentModel::load(&reader)?),
        "ease" => Box::new(EaseModel::load(&reader)?),
        "gfcf" => Box::new(GfCfModel::load(&reader)?),
        "item2vec" => Box::new(Item2VecModel::load(&reader)?),
        "item_knn" => Box::new(ItemKnnModel::load(&reader)?),
        "lightgcn" => Box::new(LightGcnModel::load(&reader)?),
        "link_predictor" => Box::new(LinkModel::load(&reader)?),
        "pipeline" => Box::new(PipelineModel::load(&reader)?),
        "ngcf" => Box::new(NgcfModel::load(&reader)?),
        "popular" => Box::new(PopularModel::load(&reader)?),
        "sept" => Box::new(SeptModel::load(&reader)?),
        "sgfcf" => Box::new(SgfcfModel::load(&reader)?),
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

/// One line an estimator: the kind its model's folder names, and its type.
macro_rules! estimators {
    ($($kind:literal => $estimator:ty,)*) => {
        /// The kinds that [`estimator`] makes.
        pub const ESTIMATORS: &[&str] = &[$($kind),*];

        /// An estimator by the kind of its model, with named parameters, those left out having their
        /// defaults; and all of its parameters.
        ///
        /// # Errors
        /// [`Error::Parameter`] for an unknown kind, and naming the first parameter that the estimator
        /// does not have or cannot take, with the near one.
        pub fn estimator(
            kind: &str,
            parameters: &Map<String, Value>,
        ) -> Result<(Box<dyn Estimator>, Value)> {
            match kind {
                $($kind => {
                    let estimator = configure::<$estimator>(parameters)?;
                    let all = serde_json::to_value(&estimator)
                        .map_err(|e| Error::data("parameters", e.to_string()))?;
                    Ok((Box::new(estimator), all))
                })*
                other => {
                    let why = format!("this build has {}", ESTIMATORS.join(", "));
                    let why = advised(why, other, ESTIMATORS.iter().copied());
                    Err(Error::parameter("model", format!("{other:?}"), why))
                }
            }
        }
    };
}

estimators! {
    "als" => Als,
    "bpr" => Bpr,
    "bspm" => Bspm,
    "co_transition" => CoTransition,
    "content" => Content,
    "ease" => Ease,
    "gfcf" => GfCf,
    "item2vec" => Item2Vec,
    "item_knn" => ItemKnn,
    "lightgcn" => LightGcn,
    "link_predictor" => LinkPredictor,
    "ngcf" => Ngcf,
    "popular" => Popular,
    "sept" => Sept,
    "sgfcf" => Sgfcf,
    "slim" => Slim,
    "social_lightgcn" => SocialLightGcn,
    "ultragcn" => UltraGcn,
    "user_knn" => UserKnn,
}

/// A value of named parameters; those left out have their defaults.
///
/// # Errors
/// [`Error::Parameter`] naming the first that there is not or that cannot be taken.
pub fn configure<T>(parameters: &Map<String, Value>) -> Result<T>
where
    T: Default + Serialize + DeserializeOwned,
{
    let refused = |name: &str, value: &Value, why: String| Error::parameter(name, value, why);
    let mut config = serde_json::to_value(T::default())
        .map_err(|e| Error::data("default parameters", e.to_string()))?;
    // One at a time, so that a refusal names the parameter.
    for (name, value) in parameters {
        match config.get_mut(name) {
            Some(slot) => *slot = value.clone(),
            None => {
                let known = config.as_object().into_iter().flat_map(|c| c.keys());
                let known: Vec<&str> = known.map(String::as_str).collect();
                let why = format!("no such parameter; there are {}", known.join(", "));
                return Err(refused(name, value, advised(why, name, known.into_iter())));
            }
        }
        serde_json::from_value::<T>(config.clone())
            .map_err(|e| refused(name, value, near(&e.to_string())))?;
    }
    serde_json::from_value(config).map_err(|e| Error::data("parameters", e.to_string()))
}

/// What serde says of an unknown name, with the near one among those it lists.
pub(crate) fn near(message: &str) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    let unknown = message.contains("unknown ").then(|| names.next()).flatten();
    match unknown {
        Some(unknown) => advised(message.to_owned(), unknown, names),
        None => message.to_owned(),
    }
}

/// A message with the near one of the names, where one is near.
fn advised<'n>(message: String, unknown: &str, names: impl Iterator<Item = &'n str>) -> String {
    let distance = |name: &&str| strsim::damerau_levenshtein(unknown, name);
    let close = names.min_by_key(distance).filter(|name| distance(name) <= 1 + unknown.len() / 3);
    match close {
        Some(name) => format!("{message}; did you mean `{name}`?"),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_estimator_is_made_with_its_defaults() {
        for kind in ESTIMATORS {
            let (_, all) = estimator(kind, &Map::new()).unwrap();
            assert_eq!(estimator(kind, all.as_object().unwrap()).unwrap().1, all);
            assert!(KINDS.contains(kind));
        }
        let seven = json!({ "factors": 7 });
        assert_eq!(estimator("als", seven.as_object().unwrap()).unwrap().1["factors"], 7);
    }

    #[test]
    fn what_is_misspelt_gets_the_near_name() {
        let message = |kind: &str, parameters: Value| {
            estimator(kind, parameters.as_object().unwrap()).err().unwrap().to_string()
        };
        assert!(message("als", json!({ "factor": 7 })).contains("did you mean `factors`?"));
        assert!(message("lightgnc", json!({})).contains("did you mean `lightgcn`?"));
        assert!(!message("zzzzzzzzz", json!({})).contains("did you mean"));
        assert!(message("als", json!({ "factors": "many" })).contains("factors"));
    }
}
