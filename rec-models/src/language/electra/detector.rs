//! ELECTRA with the head that tells replaced tokens: the discriminator.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::{Electra, ElectraConfig};
use crate::Result;
use crate::language::batch::{Backbone, Batch};
use crate::language::init::Init;
use crate::language::layers::Linear;
use crate::language::masked::backbone_of;
use crate::language::save::save_checkpoint;
use crate::language::weights::{Scope, Weights};
use crate::ops::Activation;

/// `ElectraForPreTraining`.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct ElectraForPreTraining {
    pub electra: Electra,
    pub discriminator_predictions: DiscriminatorPredictions,
}

/// Two linear layers to one number a token.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct DiscriminatorPredictions {
    pub dense: Linear,
    pub dense_prediction: Linear,
    #[module(skip)]
    activation: Activation,
}

impl ElectraForPreTraining {
    /// From a checkpoint, with a new head, of `seed`, where it has none.
    ///
    /// # Errors
    /// A weight that is missing or of another shape, a config that is no ELECTRA's.
    pub fn load(weights: &Weights, config: ElectraConfig, seed: u64) -> Result<Self> {
        let scope = weights.top().at("discriminator_predictions");
        let head = scope.has("dense.weight");
        let head = head.then(|| DiscriminatorPredictions::load(&scope, &config)).transpose()?;
        let electra = Electra::load(&weights.root(&["electra."]), config)?;
        Ok(match head {
            Some(discriminator_predictions) => Self { electra, discriminator_predictions },
            None => Self::with_new_head(electra, seed),
        })
    }

    /// A new head on an encoder.
    pub fn with_new_head(electra: Electra, seed: u64) -> Self {
        let head = DiscriminatorPredictions::init(&mut electra.init_beside(seed), &electra.config);
        Self { electra, discriminator_predictions: head }
    }

    /// Writes a checkpoint folder that `transformers` loads as `ElectraForPreTraining`.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn save(&self, folder: &Path) -> Result<()> {
        save_checkpoint(folder, "ElectraForPreTraining", &self.electra.config, self)
    }

    /// The logit of each token's having been replaced, of rows of [`Backbone::hidden`]:
    /// `[n, hidden_size] → [n, 1]`.
    pub fn replaced_logits(&self, hidden: Tensor<2>) -> Tensor<2> {
        let head = &self.discriminator_predictions;
        head.dense_prediction.forward(head.dense.activated(hidden, head.activation))
    }
}

impl DiscriminatorPredictions {
    fn load(scope: &Scope, config: &ElectraConfig) -> Result<Self> {
        let d = config.bert.hidden_size;
        Ok(Self {
            dense: Linear::load(&scope.at("dense"), d, d)?,
            dense_prediction: Linear::load(&scope.at("dense_prediction"), d, 1)?,
            activation: config.bert.hidden_act.into(),
        })
    }

    fn init(init: &mut Init, config: &ElectraConfig) -> Self {
        let d = config.bert.hidden_size;
        Self {
            dense: Linear::init(init, d, d),
            dense_prediction: Linear::init(init, d, 1),
            activation: config.bert.hidden_act.into(),
        }
    }
}

backbone_of!(ElectraForPreTraining, electra);
