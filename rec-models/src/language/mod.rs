//! Language models: checkpoints of the Hugging Face families, texts to vectors, text generation.

pub mod albert;
mod auto;
mod batch;
pub mod bert;
pub mod config;
pub mod distilbert;
pub mod encoder;
mod init;
pub mod layers;
mod masked;
pub mod roberta;
mod save;
pub mod weights;

pub use albert::{Albert, AlbertConfig, AlbertForMaskedLm};
pub use auto::{EncoderConfig, EncoderModel, MaskedLmModel, load_backbone};
pub use batch::{Backbone, Batch};
pub use bert::{Bert, BertConfig, BertForMaskedLm};
pub use distilbert::{DistilBert, DistilBertConfig, DistilBertForMaskedLm};
pub use encoder::{
    Encode, EncoderOptions, LongTexts, MappedVectors, PoolingMode, Prompt, TextEncoder,
    VectorCache, Vectors,
};
pub use init::Init;
pub use masked::MaskedLm;
pub use roberta::{Roberta, RobertaForMaskedLm};
pub use save::save_checkpoint;
pub use weights::LoadReport;
