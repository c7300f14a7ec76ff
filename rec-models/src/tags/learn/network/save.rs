//! The arrays of a network in a model's folder.

use rec_core::store::{ModelReader, ModelWriter};

use super::Recipe;
use super::net::Network;
use crate::tags::features::Vocabulary;
use crate::{Error, Result};

impl Network {
    pub(crate) fn write(&self, writer: &mut ModelWriter, prefix: &str) -> Result<()> {
        self.write_without_labels(writer, prefix)?;
        let (labels, pooled) = (self.n_labels(), self.body.pooled());
        writer.f32(&format!("{prefix}output"), &[labels, pooled], &self.output)?;
        writer.f32(&format!("{prefix}bias"), &[1, labels], &self.output_bias)?;
        Ok(())
    }

    /// All but the output layer.
    pub(super) fn write_without_labels(
        &self,
        writer: &mut ModelWriter,
        prefix: &str,
    ) -> Result<()> {
        let hashes = self.vocabulary.hashes();
        writer.u64(&format!("{prefix}tokens"), &[hashes.len()], hashes)?;
        for (name, columns, values) in [
            ("embeddings", self.dim(), &self.embeddings),
            ("kernels", self.body.columns(), &self.kernels),
        ]
        .into_iter()
        .chain(self.body.arrays())
        {
            writer.f32(&format!("{prefix}{name}"), &[values.len() / columns, columns], values)?;
        }
        Ok(())
    }

    /// # Errors
    /// Arrays that do not go with the learner or with one another.
    pub(crate) fn read(
        reader: &ModelReader,
        prefix: &str,
        recipe: &Recipe,
        n_labels: usize,
    ) -> Result<Self> {
        let mut network = Self::read_without_labels(reader, prefix, recipe)?;
        let read =
            |name: &str, rows, columns| array(reader, &format!("{prefix}{name}"), [rows, columns]);
        network.output = read("output", n_labels, network.body.pooled())?;
        network.output_bias = read("bias", 1, n_labels)?;
        Ok(network)
    }

    /// # Errors
    /// As for [`Network::read`].
    pub(super) fn read_without_labels(
        reader: &ModelReader,
        prefix: &str,
        recipe: &Recipe,
    ) -> Result<Self> {
        let (_, hashes) = reader.u64(&format!("{prefix}tokens"))?;
        if hashes.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(Error::data(
                "tokens of a network",
                "they must ascend; the folder is damaged",
            ));
        }
        let mut network = Self {
            max_len: recipe.max_len,
            tokens: recipe.tokens,
            fixed: recipe.width() - recipe.dim,
            vocabulary: Vocabulary::new(hashes),
            embeddings: Vec::new(),
            kernels: Vec::new(),
            body: recipe.shape.body(&mut |n, _| vec![0.0; n]),
            output: Vec::new(),
            output_bias: Vec::new(),
        };
        let read =
            |name: &str, rows, columns| array(reader, &format!("{prefix}{name}"), [rows, columns]);
        let (width, columns) = (recipe.width(), network.body.columns());
        network.embeddings = read("embeddings", network.vocabulary.len() + 1, width)?;
        network.kernels = read("kernels", width, columns)?;
        let of_body: Vec<_> = (network.body.arrays().into_iter())
            .map(|(name, columns, values)| read(name, values.len() / columns, columns))
            .collect::<Result<_>>()?;
        network.body.arrays_mut().into_iter().zip(of_body).for_each(|(to, values)| *to = values);
        Ok(network)
    }
}

/// A saved array, which must have this shape.
pub(super) fn array(
    reader: &ModelReader,
    name: &str,
    [rows, columns]: [usize; 2],
) -> Result<Vec<f32>> {
    let (shape, values) = reader.f32(name)?;
    match shape == [rows, columns] {
        true => Ok(values),
        false => {
            let (want, got) = (format!("[{rows}, {columns}]"), format!("{shape:?}"));
            Err(Error::shape(format!("saved array {name}"), want, got))
        }
    }
}
