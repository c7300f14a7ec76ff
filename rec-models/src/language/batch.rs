//! What goes into a transformer, and what a transformer is to those who use it.

use burn::tensor::{Device, Int, Tensor};

use super::noise::Noise;
use crate::ops::Packed;
use crate::{Error, Result};

/// Token ids of several texts, one after another, no padding.
#[derive(Clone, Debug)]
pub struct Batch {
    /// `[tokens]`.
    pub ids: Vec<u32>,
    /// `[tokens]`: which text of a pair a token belongs to; all 0 where none are given.
    pub type_ids: Option<Vec<u32>>,
    /// Where each text begins.
    pub rows: Packed,
    /// What is dropped on the way: nothing, but while training.
    pub noise: Noise,
}

impl Batch {
    /// Of texts already in token ids.
    pub fn new<T: AsRef<[u32]>>(texts: &[T]) -> Self {
        Self {
            ids: texts.iter().flat_map(|text| text.as_ref()).copied().collect(),
            type_ids: None,
            rows: Packed::from_lengths(texts.iter().map(|text| text.as_ref().len())),
            noise: Noise::none(),
        }
    }

    /// With noise.
    #[must_use]
    pub fn with_noise(self, noise: Noise) -> Self {
        Self { noise, ..self }
    }

    /// Each token's position in its text, from `first`: `[tokens]`.
    pub fn positions(&self, first: u32) -> Vec<u32> {
        self.rows
            .ranges()
            .flat_map(|range| (0..range.len() as u32).map(move |i| first + i))
            .collect()
    }
}

/// A `[len]` tensor of ids on `device`.
pub(crate) fn id_tensor(ids: &[u32], device: &Device) -> Tensor<1, Int> {
    let ids: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
    Tensor::from_ints(ids.as_slice(), device)
}

/// A transformer without its head: token ids to a vector a token.
pub trait Backbone: Send + Sync {
    /// The last layer's output after its final norm, if it has one: `[tokens, hidden_size]`.
    /// Ids lie within the vocabulary and texts within [`Backbone::max_len`]; who calls has checked.
    fn hidden(&self, batch: &Batch) -> Tensor<2>;

    /// Columns of [`Backbone::hidden`].
    fn hidden_size(&self) -> usize;

    /// Ids are below this.
    fn vocab_size(&self) -> usize;

    /// Type ids are below this; none where the model does not read them.
    fn type_vocab_size(&self) -> Option<usize> {
        None
    }

    /// Tokens a text may have, special tokens included; none where positions have no end.
    fn max_len(&self) -> Option<usize>;

    /// Where the weights lie.
    fn device(&self) -> Device;

    /// Whether `batch` is one that [`Backbone::hidden`] takes.
    ///
    /// # Errors
    /// Ids past the vocabulary, type ids past those the model knows, a text that is empty or longer
    /// than the positions.
    fn check(&self, batch: &Batch) -> Result<()> {
        check_ids("token id", &batch.ids, self.vocab_size(), "encode with the model's tokenizer")?;
        if batch.ids.len() != batch.rows.rows() {
            return Err(Error::shape("token ids", batch.rows.rows(), batch.ids.len()));
        }
        if let (Some(types), Some(known)) = (&batch.type_ids, self.type_vocab_size()) {
            check_ids("type id", types, known, "leave type_ids out for single texts")?;
            if types.len() != batch.ids.len() {
                return Err(Error::shape("type ids", batch.ids.len(), types.len()));
            }
        }
        if batch.rows.ranges().any(|range| range.is_empty()) {
            return Err(Error::empty("a text", "it has no token, not even a special one"));
        }
        match self.max_len() {
            Some(most) if batch.rows.longest() > most => Err(Error::shape(
                "tokens of a text",
                format!("at most {most}, the model's positions (truncate the text or chunk it)"),
                batch.rows.longest(),
            )),
            _ => Ok(()),
        }
    }
}

pub(super) fn check_ids(what: &str, ids: &[u32], known: usize, advice: &str) -> Result<()> {
    match ids.iter().find(|&&id| id as usize >= known) {
        Some(id) => Err(Error::parameter(
            what,
            id,
            format!("the model knows {known}, from 0 to {}; {advice}", known.saturating_sub(1)),
        )),
        None => Ok(()),
    }
}
