//! A discriminator and its generator, trained together.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{DType, Device, Int, Tensor};

use super::{
    Electra, ElectraConfig, ElectraForMaskedLm, ElectraForPreTraining, GeneratorPredictions,
    LmHead, encode,
};
use crate::language::batch::{Backbone, Batch};
use crate::language::bert::Encoder;
use crate::language::config::ConfigFile;
use crate::language::layers::Linear;
use crate::language::masked::backbone_of;
use crate::language::weights::Weights;
use crate::{Error, Result};

/// The folder of the generator within the discriminator's.
pub(in crate::language) const GENERATOR: &str = "generator";

/// A discriminator and a small generator on the same embeddings (Clark et al. 2020, §3.2): what
/// replaced token detection trains. It is the discriminator that is kept.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct ElectraPair {
    pub discriminator: ElectraForPreTraining,
    pub generator: Generator,
}

/// A masked language model but for its embeddings, which are the discriminator's.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct Generator {
    pub embeddings_project: Option<Linear>,
    pub encoder: Encoder,
    pub generator_predictions: GeneratorPredictions,
    pub generator_lm_head: LmHead,
    #[module(skip)]
    config: ElectraConfig,
}

impl ElectraPair {
    /// A discriminator and a masked language model, whose embeddings are given up for the
    /// discriminator's.
    ///
    /// # Errors
    /// Embeddings of other sizes.
    pub fn new(
        discriminator: ElectraForPreTraining,
        generator: ElectraForMaskedLm,
    ) -> Result<Self> {
        let sizes = |config: &ElectraConfig| {
            let bert = &config.bert;
            let (words, positions) = (bert.vocab_size, bert.max_position_embeddings);
            [words, positions, bert.type_vocab_size, config.embedding_size]
        };
        let [want, got] =
            [&discriminator.electra, &generator.electra].map(|model| sizes(&model.config));
        if want != got {
            let what = "a generator's words, positions, types and embedding_size";
            return Err(Error::shape(what, format!("{want:?}"), format!("{got:?}")));
        }
        let Electra { embeddings_project, encoder, config, .. } = generator.electra;
        let generator = Generator {
            embeddings_project,
            encoder,
            generator_predictions: generator.generator_predictions,
            generator_lm_head: generator.generator_lm_head,
            config,
        };
        Ok(Self { discriminator, generator })
    }

    /// A new generator of a quarter of its width beside a discriminator.
    ///
    /// # Errors
    /// A config that is no ELECTRA's.
    pub fn with_new_generator(discriminator: ElectraForPreTraining, seed: u64) -> Result<Self> {
        let config = discriminator.electra.config.generator();
        let electra = Electra::drawn(config, &mut discriminator.electra.init_beside(seed))?;
        Self::new(discriminator, ElectraForMaskedLm::with_new_head(electra, seed))
    }

    /// The discriminator in `folder` and the generator in its folder `generator`; a head and a
    /// generator that are not there are new, of `seed`.
    ///
    /// # Errors
    /// Folders whose models are no ELECTRAs or do not belong together, damaged files.
    pub fn load(folder: &Path, device: &Device, dtype: DType, seed: u64) -> Result<Self> {
        let open = |folder: &Path| -> Result<(ElectraConfig, Weights)> {
            let file = ConfigFile::open(folder)?;
            if file.model_type() != Some("electra") {
                let why = "replaced tokens are told by an ELECTRA (model_type \"electra\"); train other encoders by masking";
                return Err(Error::format(file.path(), None, why));
            }
            let config = file.over(&ElectraConfig::default())?;
            Ok((config, Weights::open(folder, device, dtype)?))
        };
        let (config, weights) = open(folder)?;
        let discriminator = ElectraForPreTraining::load(&weights, config, seed)?;
        let inner = folder.join(GENERATOR);
        if !inner.is_dir() {
            return Self::with_new_generator(discriminator, seed);
        }
        let (config, weights) = open(&inner)?;
        Self::new(discriminator, ElectraForMaskedLm::load(&weights, config)?)
    }

    /// The generator with the embeddings that it shares.
    pub fn masked_lm(&self) -> ElectraForMaskedLm {
        let generator = self.generator.clone();
        ElectraForMaskedLm {
            electra: Electra {
                embeddings: self.discriminator.electra.embeddings.clone(),
                embeddings_project: generator.embeddings_project,
                encoder: generator.encoder,
                config: generator.config,
            },
            generator_predictions: generator.generator_predictions,
            generator_lm_head: generator.generator_lm_head,
        }
    }

    /// What the generator's vocabulary is multiplied with, of the tokens at `positions`:
    /// `[n, embedding_size]`.
    pub(in crate::language) fn generator_features(
        &self,
        batch: &Batch,
        positions: Tensor<1, Int>,
    ) -> Tensor<2> {
        let Generator { embeddings_project, encoder, generator_predictions, .. } = &self.generator;
        let embeddings = &self.discriminator.electra.embeddings;
        let hidden = encode(embeddings, embeddings_project.as_ref(), encoder, batch);
        generator_predictions.forward(hidden.select(0, positions))
    }

    /// The generator's vectors and biases of the vocabulary.
    pub(in crate::language) fn generator_vocabulary(&self) -> (Tensor<2>, Option<Tensor<1>>) {
        let words = &self.discriminator.electra.embeddings.word_embeddings.weight;
        self.generator.generator_lm_head.vocabulary(words)
    }

    /// Writes the discriminator as a checkpoint folder that `transformers` loads as
    /// `ElectraForPreTraining`, and in its folder `generator` one of `ElectraForMaskedLM`.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn save(&self, folder: &Path) -> Result<()> {
        self.discriminator.save(folder)?;
        self.masked_lm().save(&folder.join(GENERATOR))
    }
}

backbone_of!(ElectraPair, discriminator);
