//! An encoder with a classifier on the vector of each text.

use std::path::Path;

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor, TensorData};
use rec_core::text::Tokenizer;
use serde_json::json;

use super::batch::{Backbone, Batch};
use super::encoder::publish::{check_free, whole};
use super::init::Init;
use super::layers::Linear;
use super::{EncoderModel, PoolingMode};
use crate::{Error, Result};

/// Which vector of a text is classified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClassifierPooling {
    /// The pooler's, `tanh(W first + b)`: BERT's own (Devlin et al. 2019), as
    /// `BertForSequenceClassification` of transformers has it.
    Pooler,
    /// Of these modes, one after another, as sentence-transformers has it.
    Tokens(Vec<PoolingMode>),
}

/// `classifier(dropout(pooled))`: an encoder with a linear layer on the pooled vector.
#[derive(Module, Debug)]
pub struct EncoderClassifier {
    /// The encoder.
    pub encoder: EncoderModel,
    /// `[labels, d]`.
    pub classifier: Linear,
    #[module(skip)]
    pooling: ClassifierPooling,
}

impl EncoderClassifier {
    /// A new classifier of `labels` labels on an encoder: normal weights of deviation 0.02 and a
    /// zero bias.
    ///
    /// # Errors
    /// The pooler of an encoder that has none.
    pub fn new(
        encoder: EncoderModel,
        pooling: ClassifierPooling,
        labels: usize,
        seed: u64,
    ) -> Result<Self> {
        if pooling == ClassifierPooling::Pooler && !has_pooler(&encoder) {
            let why = "this checkpoint has none; choose mean or cls";
            return Err(Error::parameter("pooling", "pooler", why));
        }
        let modes = match &pooling {
            ClassifierPooling::Pooler => 1,
            ClassifierPooling::Tokens(modes) => modes.len(),
        };
        let mut init = Init::new(&encoder.device(), 0.02, seed);
        let classifier = Linear::init(&mut init, encoder.hidden_size() * modes, labels);
        Ok(Self { encoder, classifier, pooling })
    }

    /// With the classifier `weights`, `[labels, d]`, and `bias`, `[labels]`.
    ///
    /// # Errors
    /// [`Error::Shape`] where they do not fit.
    pub fn with_classifier(mut self, weights: Vec<f32>, bias: Vec<f32>) -> Result<Self> {
        let [labels, d] = self.classifier.weight.dims();
        if weights.len() != labels * d || bias.len() != labels {
            let got = format!("{} and {}", weights.len(), bias.len());
            return Err(Error::shape(
                "weights and biases",
                format!("{} and {labels}", labels * d),
                got,
            ));
        }
        let device = self.encoder.device();
        let weight = Tensor::from_data(TensorData::new(weights, [labels, d]), &device);
        self.classifier.weight = Param::from_tensor(weight);
        self.classifier.bias =
            Some(Param::from_tensor(Tensor::from_data(TensorData::new(bias, [labels]), &device)));
        Ok(self)
    }

    /// The vector of each text, before dropout: `[texts, d]`.
    pub fn features(&self, batch: &Batch) -> Tensor<2> {
        let hidden = self.encoder.hidden(batch);
        match &self.pooling {
            ClassifierPooling::Pooler => self
                .encoder
                .pooled(hidden.clone(), &batch.rows)
                // `new` has made sure that there is one.
                .unwrap_or(hidden),
            ClassifierPooling::Tokens(modes) => {
                let skip = vec![0; batch.rows.len()];
                let part = |mode: &PoolingMode| mode.apply(hidden.clone(), &batch.rows, &skip);
                Tensor::cat(modes.iter().map(part).collect(), 1)
            }
        }
    }

    /// The scores of each text: `[texts, labels]`, in single precision.
    pub fn logits(&self, batch: &Batch) -> Tensor<2> {
        /// The place of the classifier's dropout among those of the model.
        const PLACE: usize = 1 << 20;
        let features = batch.noise.at(PLACE).hidden(self.features(batch));
        let features = features.cast(self.classifier.weight.val().dtype());
        self.classifier.forward(features).cast(DType::F32)
    }

    /// Writes the encoder as a folder in the layout of sentence-transformers, whole or not at all.
    /// `transformers` loads the encoder from it, sentence-transformers and
    /// [`TextEncoder`](super::TextEncoder) load vectors that are [`EncoderClassifier::features`]. The
    /// pooler is its first token and a dense layer.
    ///
    /// # Errors
    /// A `folder` that holds files, and where the disk refuses.
    pub fn save_encoder(
        &self,
        folder: &Path,
        tokenizer: &Tokenizer,
        (max_len, lower_case): (usize, bool),
    ) -> Result<()> {
        check_free(folder)?;
        whole(folder, |folder| {
            self.encoder.save(folder)?;
            tokenizer.save_folder(folder)?;
            let length = json!({"max_seq_length": max_len, "do_lower_case": lower_case});
            write_json(&folder.join("sentence_bert_config.json"), &length)?;
            self.save_modules(folder)
        })
    }

    fn save_modules(&self, folder: &Path) -> Result<()> {
        let d = self.encoder.hidden_size();
        let module = |at: usize, path: &str, kind: &str| {
            let kind = format!("sentence_transformers.models.{kind}");
            json!({"idx": at, "name": at.to_string(), "path": path, "type": kind})
        };
        let mut modules = vec![module(0, "", "Transformer"), module(1, "1_Pooling", "Pooling")];
        let modes = match &self.pooling {
            ClassifierPooling::Pooler => &[PoolingMode::Cls][..],
            ClassifierPooling::Tokens(modes) => modes,
        };
        // One mode as a name, which every version of sentence-transformers takes.
        let named = if let [mode] = modes { json!(mode) } else { json!(modes) };
        let pooling = json!({"word_embedding_dimension": d, "pooling_mode": named});
        write_json(&folder.join("1_Pooling/config.json"), &pooling)?;
        if self.pooling == ClassifierPooling::Pooler {
            modules.push(module(2, "2_Dense", "Dense"));
            self.save_pooler(&folder.join("2_Dense"), d)?;
        }
        write_json(&folder.join("modules.json"), &json!(modules))
    }

    fn save_pooler(&self, folder: &Path, d: usize) -> Result<()> {
        let dense = match &self.encoder {
            EncoderModel::Bert(model) => model.pooler.as_ref().map(|pooler| &pooler.dense),
            EncoderModel::Roberta(model) => model.pooler.as_ref().map(|pooler| &pooler.dense),
            EncoderModel::Albert(model) => model.pooler.as_ref(),
            EncoderModel::DistilBert(_) | EncoderModel::Electra(_) => None,
        };
        let Some(dense) = dense else { return Ok(()) };
        let config = json!({
            "in_features": d, "out_features": d, "bias": true,
            "activation_function": "torch.nn.modules.activation.Tanh",
        });
        super::save_checkpoint(folder, "Dense", &config, &DenseModule { linear: dense.clone() })
    }
}

/// The layer under the name that sentence-transformers has for it.
#[derive(Module, Debug)]
struct DenseModule {
    linear: Linear,
}

fn write_json(path: &Path, value: &serde_json::Value) -> Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(Error::io(parent))?;
    }
    std::fs::write(path, format!("{value:#}")).map_err(Error::io(path))
}

/// Whether there is a pooler.
pub(crate) fn has_pooler(encoder: &EncoderModel) -> bool {
    match encoder {
        EncoderModel::Bert(model) => model.pooler.is_some(),
        EncoderModel::Roberta(model) => model.pooler.is_some(),
        EncoderModel::Albert(model) => model.pooler.is_some(),
        EncoderModel::DistilBert(_) | EncoderModel::Electra(_) => false,
    }
}

impl Backbone for EncoderClassifier {
    fn hidden(&self, batch: &Batch) -> Tensor<2> {
        self.encoder.hidden(batch)
    }

    fn hidden_size(&self) -> usize {
        self.encoder.hidden_size()
    }

    fn vocab_size(&self) -> usize {
        self.encoder.vocab_size()
    }

    fn type_vocab_size(&self) -> Option<usize> {
        self.encoder.type_vocab_size()
    }

    fn max_len(&self) -> Option<usize> {
        self.encoder.max_len()
    }

    fn device(&self) -> Device {
        self.encoder.device()
    }
}
