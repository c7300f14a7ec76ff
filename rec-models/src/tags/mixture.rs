//! Several classifiers as one.

use std::sync::Arc;

use rec_core::store::{ModelReader, ModelWriter};
use serde::{Deserialize, Serialize};

use super::calibrate::{Calibration, mixture_weights};
use super::classifier::TagClassifier;
use super::labels::{Labelled, Labels};
use super::model::TagModel;
use super::ngrams::mix;
use super::save;
use super::train::check_plain;
use crate::{Error, Result};

/// Classifiers of the same labels; scores are `ln p` (one label) or `ln p / (1 − p)` (several) of
/// `p = Σ_m π_m p_m`, their calibrated probabilities mixed.
pub struct MixtureTags {
    labels: Labels,
    members: Vec<Member>,
}

/// One classifier's part of the mixture.
struct Member {
    classifier: Arc<TagClassifier>,
    weight: f32,
}

/// How a member is written down.
#[derive(Serialize, Deserialize)]
struct MemberConfig {
    model: String,
    config: serde_json::Value,
    calibration: Calibration,
    weight: f32,
}

#[derive(Serialize, Deserialize)]
struct Config {
    members: Vec<MemberConfig>,
}

pub(super) const KIND: &str = "mixture";

impl MixtureTags {
    /// The kind of each member, with its weight in the mixture.
    pub fn weights(&self) -> Vec<(&'static str, f32)> {
        self.members.iter().map(|m| (m.classifier.model.kind(), m.weight)).collect()
    }

    /// The mixture under which the labels are most probable, and its scores of the texts.
    fn fit(
        members: Vec<Arc<TagClassifier>>,
        texts: &[&str],
        labelled: &Labelled,
    ) -> Result<(Self, Vec<f32>)> {
        let labels = check(&members, texts, labelled)?;
        let found = members.iter().map(|m| m.predict_proba(texts)).collect::<Result<Vec<_>>>()?;
        let weights = mixture_weights(&found, &labelled.rows, labels.task());
        let parts = weights.iter().copied().zip(found);
        let scores = mix(parts, texts.len() * labels.len(), labels.task());
        let members = members.into_iter().zip(weights);
        let members = members.map(|(classifier, weight)| Member { classifier, weight }).collect();
        Ok((Self { labels, members }, scores))
    }

    pub(super) fn load(
        labels: Labels,
        config: serde_json::Value,
        reader: &ModelReader,
        prefix: &str,
    ) -> Result<Self> {
        let config: Config = serde_json::from_value(config)
            .map_err(|e| Error::data("configuration of a mixture of tag models", e.to_string()))?;
        let members = config.members.into_iter().enumerate().map(|(at, member)| {
            let MemberConfig { model, config, calibration, weight } = member;
            save::check_calibration(&calibration, &labels)?;
            let prefix = format!("{prefix}{at}.");
            let model = save::read_model(&model, labels.clone(), config, reader, &prefix)?;
            let classifier = TagClassifier { calibration, ..TagClassifier::new(model) };
            Ok(Member { classifier: Arc::new(classifier), weight })
        });
        Ok(Self { members: members.collect::<Result<_>>()?, labels })
    }
}

/// The labels of the members, which must be those of the texts.
fn check(members: &[Arc<TagClassifier>], texts: &[&str], labelled: &Labelled) -> Result<Labels> {
    check_plain(texts.len(), labelled)?;
    if texts.is_empty() {
        let why = "give some that no member was trained on, to find the weights";
        return Err(Error::empty("the texts of a mixture", why));
    }
    let Some(first) = members.first() else {
        return Err(Error::empty("the members of a mixture", "give two classifiers or more"));
    };
    let labels = first.labels();
    for other in members.iter().map(|member| member.labels()).chain([&labelled.labels]) {
        let same = other.names().same_as(labels.names());
        if !same || other.task() != labels.task() || other.separator() != labels.separator() {
            let why = "all members and the texts must have the same; encode them with one Labels";
            return Err(Error::data("the labels of a mixture", why));
        }
    }
    Ok(labels.clone())
}

impl TagModel for MixtureTags {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn scores(&self, texts: &[&str]) -> Result<Vec<f32>> {
        let part = |m: &Member| Ok((m.weight, m.classifier.predict_proba(texts)?));
        let parts = self.members.iter().map(part).collect::<Result<Vec<_>>>()?;
        Ok(mix(parts.into_iter(), texts.len() * self.labels.len(), self.labels.task()))
    }

    fn write(&self, writer: &mut ModelWriter, prefix: &str) -> Result<serde_json::Value> {
        let members = self.members.iter().enumerate().map(|(at, member)| {
            let TagClassifier { model, calibration, .. } = member.classifier.as_ref();
            Ok(MemberConfig {
                model: model.kind().to_owned(),
                config: model.write(writer, &format!("{prefix}{at}."))?,
                calibration: calibration.clone(),
                weight: member.weight,
            })
        });
        let config = Config { members: members.collect::<Result<_>>()? };
        serde_json::to_value(config)
            .map_err(|e| Error::data("configuration of a mixture of tag models", e.to_string()))
    }
}

impl TagClassifier {
    /// One classifier of several: their probabilities mixed by the weights that make the labels of
    /// `texts`, which none of them was trained on, most probable. Calibration and thresholds are
    /// fitted on the same texts.
    ///
    /// # Errors
    /// [`Error::Empty`] without members or texts, [`Error::Shape`] where texts and labels differ in
    /// number, [`Error::Data`] where labels differ, and those of the members.
    pub fn mixture<S: AsRef<str>>(
        members: Vec<Arc<Self>>,
        texts: &[S],
        labelled: &Labelled,
    ) -> Result<Self> {
        let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        let (model, scores) = MixtureTags::fit(members, &texts, labelled)?;
        Self::calibrated(Box::new(model), &scores, &labelled.rows)
    }
}

#[cfg(test)]
mod tests;
