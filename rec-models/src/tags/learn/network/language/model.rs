//! A language model of recurrent units that stands by itself.

use std::path::Path;

use rec_core::parallel;
use rec_core::store::{ModelReader, ModelWriter};
use rec_core::text::Pipeline;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Learned;
use super::step::Head;
use crate::fit::FitContext;
use crate::tags::features::{Bag, NgramOptions};
use crate::tags::learn::network::batch::Batch;
use crate::tags::learn::network::net::Network;
use crate::tags::learn::network::pretrain::Start;
use crate::tags::learn::network::save::array;
use crate::tags::learn::network::{Recipe, Shape, TextGru};
use crate::tags::save::load;
use crate::{Error, Result};

/// The kind of its folder.
const KIND: &str = "gru_language_model";

/// What the units of a [`TextGru`] have learned of the language of texts: learned once without labels
/// ([`TextGru::learn_language`]), saved, and where [`TextGru::language`] names its folder, the start of
/// training on any labels. Both ways predict the token that they read next.
#[derive(Clone, Debug)]
pub struct GruLanguageModel {
    units: TextGru,
    pipeline: Pipeline,
    learned: Learned,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    units: TextGru,
    pipeline: Pipeline,
    loss: f64,
}

/// Texts whose likelihood is computed at a time.
const BLOCK: usize = 64;

impl TextGru {
    /// Learns the language of texts in `language_passes` over them, from `language` on where that is
    /// given; `features` says what their tokens are.
    ///
    /// # Errors
    /// [`Error::Parameter`] for parameters outside their domain or no passes, [`Error::Empty`] where no text has
    /// two tokens, [`Error::Data`] where training diverged, [`Error::Cancelled`] when told to stop; with
    /// `language` those of [`GruLanguageModel::load`], and [`Error::Parameter`] where it is of other sizes.
    pub fn learn_language<S: AsRef<str> + Sync>(
        &self,
        features: &NgramOptions,
        texts: &[S],
        ctx: &FitContext<'_>,
    ) -> Result<GruLanguageModel> {
        self.check()?;
        features.check()?;
        if self.language_passes == 0 {
            let why = "without passes nothing is learned; 10 or more are usual";
            return Err(Error::parameter("language_passes", 0, why));
        }
        parallel::install(ctx.cpu_threads("GruLanguageModel")?, || {
            let bags = features.sequences(texts)?;
            let bags: Vec<&Bag> = bags.iter().collect();
            let nothing = || {
                let why = "no text has two tokens or more, so nothing follows anything";
                Error::empty("the texts", why)
            };
            let len = |bag: &&Bag| self.tokens.of(bag).len().min(self.max_len);
            if bags.iter().map(len).max().unwrap_or(0) < 2 {
                return Err(nothing());
            }
            let start = self.recipe().begin(features, &bags, &[], ctx)?;
            let learned = start.learned.ok_or_else(nothing)?;
            let units = Self { language: None, ..self.clone() };
            Ok(GruLanguageModel { units, pipeline: features.pipeline.clone(), learned })
        })
    }
}

impl GruLanguageModel {
    /// The parameters it was trained with.
    pub fn units(&self) -> &TextGru {
        &self.units
    }

    /// Tokens that have an embedding of their own.
    pub fn n_tokens(&self) -> usize {
        self.learned.network.vocabulary.len()
    }

    /// The mean loss of the last pass, in nats a token; where tokens are many, over some drawn ones.
    pub fn loss(&self) -> f64 {
        self.learned.loss
    }

    /// `e` to the mean loss of both ways on texts, over all tokens; each text's first token (of the other
    /// way, its last) is not predicted. Tokens without an embedding of their own count as one.
    ///
    /// # Errors
    /// [`Error::Empty`] where no text has two tokens.
    pub fn perplexity<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Result<f64> {
        let features = NgramOptions { pipeline: self.pipeline.clone(), ..NgramOptions::default() };
        let bags = features.sequences(texts)?;
        let Learned { network, head, .. } = &self.learned;
        let ids: Vec<Vec<u32>> =
            bags.iter().map(|bag| network.ids(self.units.tokens.of(bag))).collect();
        let (mut sum, mut count) = (0.0, 0);
        for texts in ids.chunks(BLOCK) {
            let batch = Batch::new(texts.iter().map(Vec::as_slice));
            if let Some((loss, tokens)) = network.language_loss(&batch, head) {
                sum += loss * tokens as f64;
                count += tokens;
            }
        }
        match count {
            0 => Err(Error::empty("the texts", "no text has two tokens or more")),
            count => Ok((sum / count as f64).exp()),
        }
    }

    /// Writes the model as a folder, whole or not at all.
    ///
    /// # Errors
    /// Those of [`ModelWriter::save`]; [`Error::Unsupported`] for a pipeline that cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let Learned { network, head, loss } = &self.learned;
        let (units, pipeline) = (self.units.clone(), self.pipeline.clone());
        let mut arrays = ModelWriter::new(KIND, &Config { units, pipeline, loss: *loss })?;
        network.write_without_labels(&mut arrays, "")?;
        let hidden = self.units.hidden;
        for (name, projection) in PROJECTIONS.into_iter().zip(&head.projections) {
            arrays.f32(name, &[projection.len() / hidden, hidden], projection)?;
        }
        arrays.f32(BIAS, &[head.bias.len(), 1], &head.bias)?;
        arrays.save(path)
    }

    /// Reads a model's folder.
    ///
    /// # Errors
    /// Those of [`ModelReader::open`]; [`Error::Format`] for a folder of another kind, or parts that do
    /// not go together.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        load(path.as_ref(), KIND, "no language model of a gru", Self::read)
    }

    fn read(reader: &ModelReader) -> Result<Self> {
        let Config { units, pipeline, loss } = reader.config()?;
        units.check()?;
        let network = Network::read_without_labels(reader, "", &units.recipe())?;
        let projection = |name| array(reader, name, [units.dim, units.hidden]);
        let [there, back] = PROJECTIONS.map(projection);
        let bias = array(reader, BIAS, [network.vocabulary.len() + 1, 1])?;
        let head = Head { projections: [there?, back?], bias };
        Ok(Self { units, pipeline, learned: Learned { network, head, loss } })
    }

    /// What networks of a recipe start from, on tokens that `features` finds.
    pub(in crate::tags::learn::network) fn start(
        self,
        recipe: &Recipe,
        features: &NgramOptions,
    ) -> Result<Start> {
        let Shape::Recurrent { hidden } = recipe.shape else {
            return Err(Error::unsupported("language", recipe.name, "use it with the learner gru"));
        };
        let own = &self.units;
        for (name, own, given) in [
            ("hidden", json!(own.hidden), json!(hidden)),
            ("dim", json!(own.dim), json!(recipe.dim)),
            ("tokens", json!(own.tokens), json!(recipe.tokens)),
            ("fixed_channel", json!(own.fixed_channel), json!(recipe.fixed_channel)),
        ] {
            if own != given {
                let why = format!("the language was learned with {own}; choose that");
                return Err(Error::parameter(name, given, why));
            }
        }
        let written = |pipeline: &Pipeline| serde_json::to_value(pipeline).ok();
        if written(&self.pipeline) != written(&features.pipeline) {
            let why = "its tokens are of another pipeline; learn it with this one";
            return Err(Error::parameter("language", "another pipeline", why));
        }
        let vocabulary = self.learned.network.vocabulary.clone();
        Ok(Start { vocabulary, vectors: None, learned: Some(self.learned) })
    }
}

/// The names of the head's arrays.
const PROJECTIONS: [&str; 2] = ["head.there", "head.back"];
const BIAS: &str = "head.bias";

#[cfg(test)]
mod tests;
