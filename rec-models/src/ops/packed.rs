//! Where each sequence of a packed batch begins.

use std::sync::Arc;

/// Row starts of sequences that lie one after another: sequence `i` is rows
/// `starts[i]..starts[i + 1]`. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    starts: Arc<[u32]>,
}

impl Packed {
    /// From the sequences' lengths.
    pub fn from_lengths(lengths: impl IntoIterator<Item = usize>) -> Self {
        let mut total = 0;
        let ends = lengths.into_iter().map(|length| {
            total += length as u32;
            total
        });
        Self { starts: std::iter::once(0).chain(ends).collect() }
    }

    /// How many sequences.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there is no sequence.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Rows of all sequences together.
    pub fn rows(&self) -> usize {
        self.starts[self.len()] as usize
    }

    /// The rows of sequence `i`.
    pub fn range(&self, i: usize) -> std::ops::Range<usize> {
        self.starts[i] as usize..self.starts[i + 1] as usize
    }

    /// Every sequence's rows in order.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = std::ops::Range<usize>> + '_ {
        self.starts.windows(2).map(|pair| pair[0] as usize..pair[1] as usize)
    }

    /// The row starts, one more than there are sequences.
    pub fn starts(&self) -> &[u32] {
        &self.starts
    }

    /// The longest sequence's length.
    pub fn longest(&self) -> usize {
        self.ranges().map(|range| range.len()).max().unwrap_or(0)
    }
}
