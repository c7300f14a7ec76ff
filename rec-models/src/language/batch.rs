//! What goes into a transformer, and what a transformer is to those who use it.

use burn::tensor::{Device, Int, Tensor};

use crate::ops::Packed;

/// Token ids of several texts, one after another, no padding.
#[derive(Clone, Debug)]
pub struct Batch {
    /// `[tokens]`.
    pub ids: Vec<u32>,
    /// `[tokens]`: which text of a pair a token belongs to; all 0 where none are given.
    pub type_ids: Option<Vec<u32>>,
    /// Where each text begins.
    pub rows: Packed,
}

impl Batch {
    /// Of texts already in token ids.
    pub fn new<T: AsRef<[u32]>>(texts: &[T]) -> Self {
        Self {
            ids: texts.iter().flat_map(|text| text.as_ref()).copied().collect(),
            type_ids: None,
            rows: Packed::from_lengths(texts.iter().map(|text| text.as_ref().len())),
        }
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

    /// Tokens a text may have, special tokens included; none where positions have no end.
    fn max_len(&self) -> Option<usize>;

    /// Where the weights lie.
    fn device(&self) -> Device;
}
