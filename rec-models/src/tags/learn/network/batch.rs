//! Texts of a step, and the products of their tokens with all filters.

use std::collections::HashMap;

/// Texts as places in a list of the distinct tokens among them: what filters make of a token is
/// computed once, however often it occurs.
pub(super) struct Batch {
    /// The distinct tokens, in the order in which they first occur.
    pub(super) tokens: Vec<u32>,
    /// The tokens of all texts, one after another, as places in `tokens`.
    places: Vec<u32>,
    /// Where each text begins, and where the last ends.
    starts: Vec<usize>,
}

impl Batch {
    pub(super) fn new<'t>(texts: impl Iterator<Item = &'t [u32]>) -> Self {
        let (mut known, mut tokens) = (HashMap::new(), Vec::new());
        let (mut places, mut starts) = (Vec::new(), vec![0]);
        for text in texts {
            for &token in text {
                let place = *known.entry(token).or_insert_with(|| {
                    tokens.push(token);
                    tokens.len() as u32 - 1
                });
                places.push(place);
            }
            starts.push(places.len());
        }
        Self { tokens, places, starts }
    }

    /// Number of texts.
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The tokens of a text, as places in `tokens`.
    pub(super) fn text(&self, at: usize) -> &[u32] {
        &self.places[self.starts[at]..self.starts[at + 1]]
    }
}
