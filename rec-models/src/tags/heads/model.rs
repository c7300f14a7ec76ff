//! An encoder with a linear head, frozen or trained with it.

use std::str::FromStr;
use std::sync::Arc;

use rec_core::store::{ModelReader, ModelWriter};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::Linear;
use crate::language::{Encode, EncoderOptions, LongTexts, PoolingMode, TextEncoder};
use crate::tags::labels::Labels;
use crate::tags::model::TagModel;
use crate::tags::save::inner_folder;
use crate::{Error, Result};

/// Scores are a linear function of a text's vector.
pub struct EncoderTags {
    labels: Labels,
    encoder: Arc<TextEncoder>,
    head: Linear,
    /// The folder of an encoder that was trained here, and is kept nowhere else.
    kept: Option<Arc<TempDir>>,
}

pub(in crate::tags) const KIND: &str = "encoder";

/// The folder of the encoder inside the classifier's.
const FOLDER: &str = "encoder";

/// The encoder's settings beyond its folder.
#[derive(Serialize, Deserialize)]
pub(in crate::tags) struct Settings {
    pooling: Option<String>,
    max_len: Option<usize>,
    /// Tokens two windows share, where long texts are encoded in windows.
    overlap: Option<usize>,
}

impl Settings {
    pub(in crate::tags) fn of(encoder: &TextEncoder) -> Self {
        let options = encoder.options();
        Self {
            pooling: options.pooling.map(|mode| mode.to_string()),
            max_len: options.max_len,
            overlap: match options.long_texts {
                LongTexts::Truncate => None,
                LongTexts::Chunk { overlap } => Some(overlap),
            },
        }
    }

    /// The encoder that was saved, on the CPU and in single precision.
    pub(in crate::tags) fn encoder(
        &self,
        reader: &ModelReader,
        prefix: &str,
    ) -> Result<TextEncoder> {
        let options = EncoderOptions {
            pooling: self.pooling.as_deref().map(PoolingMode::from_str).transpose()?,
            max_len: self.max_len,
            long_texts: match self.overlap {
                None => LongTexts::Truncate,
                Some(overlap) => LongTexts::Chunk { overlap },
            },
            ..EncoderOptions::default()
        };
        TextEncoder::from_pretrained(reader.folder(&inner_folder(prefix, FOLDER))?, &options)
    }
}

/// Adds the encoder's folder.
pub(in crate::tags) fn write_encoder(
    writer: &mut ModelWriter,
    prefix: &str,
    encoder: &Arc<TextEncoder>,
    kept: Option<Arc<TempDir>>,
) {
    let encoder = encoder.clone();
    writer.folder(&inner_folder(prefix, FOLDER), move |folder| {
        let _kept = kept;
        encoder.copy_to(folder)
    });
}

impl EncoderTags {
    pub(in crate::tags) fn new(
        labels: Labels,
        encoder: Arc<TextEncoder>,
        head: Linear,
    ) -> Result<Self> {
        if head.dim != encoder.dim() || head.bias.len() != labels.len() {
            let got = format!("{} and {}", head.dim, head.bias.len());
            let expected = format!("{} and {}", encoder.dim(), labels.len());
            return Err(Error::shape("columns of vectors and labels of the head", expected, got));
        }
        Ok(Self { labels, encoder, head, kept: None })
    }

    /// With the folder that the encoder was loaded from, kept as long as this.
    pub(in crate::tags) fn keeping(self, folder: TempDir) -> Self {
        Self { kept: Some(Arc::new(folder)), ..self }
    }

    /// The encoder.
    pub fn encoder(&self) -> &Arc<TextEncoder> {
        &self.encoder
    }

    pub(in crate::tags) fn load(
        labels: Labels,
        config: serde_json::Value,
        reader: &ModelReader,
        prefix: &str,
    ) -> Result<Self> {
        let settings: Settings = serde_json::from_value(config)
            .map_err(|e| Error::data("configuration of an encoder's tag model", e.to_string()))?;
        let encoder = Arc::new(settings.encoder(reader, prefix)?);
        let (_, weights) = reader.f32(&format!("{prefix}weights"))?;
        let (_, bias) = reader.f32(&format!("{prefix}bias"))?;
        let head = Linear { dim: encoder.dim(), weights, bias };
        if head.weights.len() != head.dim * head.bias.len() {
            return Err(Error::shape(
                "saved weights",
                head.dim * head.bias.len(),
                head.weights.len(),
            ));
        }
        Self::new(labels, encoder, head)
    }
}

impl TagModel for EncoderTags {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn scores(&self, texts: &[&str]) -> Result<Vec<f32>> {
        let vectors = self.encoder.encode(texts, &Encode::default())?;
        Ok(self.head.scores(vectors.as_slice()))
    }

    fn write(&self, writer: &mut ModelWriter, prefix: &str) -> Result<serde_json::Value> {
        let Linear { dim, weights, bias } = &self.head;
        writer.f32(&format!("{prefix}weights"), &[bias.len(), *dim], weights)?;
        writer.f32(&format!("{prefix}bias"), &[bias.len()], bias)?;
        write_encoder(writer, prefix, &self.encoder, self.kept.clone());
        serde_json::to_value(Settings::of(&self.encoder))
            .map_err(|e| Error::data("settings of the encoder", e.to_string()))
    }
}
