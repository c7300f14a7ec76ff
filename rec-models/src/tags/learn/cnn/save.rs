//! The arrays of a network in a model's folder.

use rec_core::store::{ModelReader, ModelWriter};

use super::TextCnn;
use super::net::Network;
use crate::tags::features::Vocabulary;
use crate::{Error, Result};

impl Network {
    pub(crate) fn write(&self, writer: &mut ModelWriter, prefix: &str) -> Result<()> {
        let hashes = self.vocabulary.hashes();
        writer.u64(&format!("{prefix}tokens"), &[hashes.len()], hashes)?;
        for (name, columns, values) in [
            ("embeddings", self.dim(), &self.embeddings),
            ("kernels", self.columns(), &self.kernels),
            ("kernels.bias", self.pooled(), &self.bias),
            ("output", self.pooled(), &self.output),
            ("bias", self.n_labels(), &self.output_bias),
        ] {
            writer.f32(&format!("{prefix}{name}"), &[values.len() / columns, columns], values)?;
        }
        Ok(())
    }

    /// # Errors
    /// Arrays that do not go with the learner or with one another.
    pub(crate) fn read(
        reader: &ModelReader,
        prefix: &str,
        cnn: &TextCnn,
        n_labels: usize,
    ) -> Result<Self> {
        cnn.check()?;
        let (_, hashes) = reader.u64(&format!("{prefix}tokens"))?;
        if hashes.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(Error::data(
                "tokens of a network",
                "they must ascend; the folder is damaged",
            ));
        }
        let mut network = Self {
            filters: cnn.filters,
            widths: cnn.widths,
            max_len: cnn.max_len,
            tokens: cnn.tokens,
            fixed: cnn.width() - cnn.dim,
            vocabulary: Vocabulary::new(hashes),
            embeddings: Vec::new(),
            kernels: Vec::new(),
            bias: Vec::new(),
            output: Vec::new(),
            output_bias: Vec::new(),
        };
        let array = |name: &str, rows: usize, columns: usize| {
            let (shape, values) = reader.f32(&format!("{prefix}{name}"))?;
            match shape == [rows, columns] {
                true => Ok(values),
                false => {
                    let (want, got) = (format!("[{rows}, {columns}]"), format!("{shape:?}"));
                    Err(Error::shape(format!("saved array {name}"), want, got))
                }
            }
        };
        let (columns, pooled) = (network.columns(), network.pooled());
        network.embeddings = array("embeddings", network.vocabulary.len() + 1, cnn.width())?;
        network.kernels = array("kernels", cnn.width(), columns)?;
        network.bias = array("kernels.bias", 1, pooled)?;
        network.output = array("output", n_labels, pooled)?;
        network.output_bias = array("bias", 1, n_labels)?;
        Ok(network)
    }
}
