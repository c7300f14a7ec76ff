//! Language models: checkpoints of the Hugging Face families, texts to vectors, text generation.

pub mod albert;
mod auto;
mod batch;
pub mod bert;
mod cache;
mod causal;
mod classify;
pub mod config;
pub mod decoder;
pub mod distilbert;
pub mod electra;
pub mod encoder;
mod fresh;
pub mod generate;
pub mod gpt2;
#[cfg(feature = "hub")]
pub mod hub;
mod init;
pub mod layers;
mod likelihood;
pub mod lora;
mod masked;
mod noise;
mod recompute;
pub mod roberta;
mod rope;
mod save;
pub mod t5;
pub mod train;
pub mod weights;

pub use albert::{Albert, AlbertConfig, AlbertForMaskedLm};
use auto::adapted_backbone;
pub use auto::{
    CausalConfig, CausalModel, EncoderConfig, EncoderModel, MaskedLmModel, is_causal, is_detector,
    load_backbone, load_causal,
};
pub use batch::{Backbone, Batch};
pub use bert::{Bert, BertConfig, BertForMaskedLm};
pub use cache::Cache;
pub use causal::Causal;
pub(crate) use classify::has_pooler;
pub use classify::{ClassifierPooling, EncoderClassifier};
pub use decoder::{Decoder, DecoderConfig};
pub use distilbert::{DistilBert, DistilBertConfig, DistilBertForMaskedLm};
pub use electra::{Electra, ElectraConfig, ElectraForMaskedLm, ElectraForPreTraining, ElectraPair};
pub use encoder::{
    Encode, EncoderOptions, EncoderTraining, Learnt, Lesson, LongTexts, MappedVectors, PoolingMode,
    Prompt, TextEncoder, VectorCache, Vectors, copy_model, merge_adapter, train_encoder,
    train_language_model,
};
pub use fresh::NewModel;
pub use generate::{GenerateOptions, Generated, Generator, TextGenerator, generate};
pub use gpt2::{Gpt2, Gpt2Config};
pub use init::Init;
pub use likelihood::{Likelihood, likelihoods};
pub use lora::{Adapters, Lora, LoraConfig};
pub use masked::MaskedLm;
pub use noise::{DropoutRates, Noise};
pub use roberta::{Roberta, RobertaForMaskedLm};
pub use rope::{Rope, RopeScaling};
pub use save::save_checkpoint;
pub use t5::{T5Config, T5Encoder};
pub use train::{
    CausalObjective, Corpus, LanguageTraining, MaskedObjective, PairObjective, Pairs,
    ReplacedTokens, SimCse, Trained,
};
pub use weights::LoadReport;
