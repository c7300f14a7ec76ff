//! The other rows of a training batch as negatives.

use super::draw::below;
use crate::rng::Rng;
use crate::{Error, Result};

/// In-batch negatives: each row's negatives are the items of the other rows, so an item is a
/// negative as often as it is a positive (popularity^1). Never a positive of the row's user, unless
/// asked, and never the row's own item.
#[derive(Clone, Copy, Debug)]
pub struct InBatch<'a> {
    items: &'a [u32],
    allow_positives: bool,
}

impl<'a> InBatch<'a> {
    /// Negatives from the positive items of a batch's rows.
    pub fn new(items: &'a [u32]) -> Self {
        Self { items, allow_positives: false }
    }

    /// Whether other positives of a row's user may serve too (off by default).
    pub fn allow_positives(mut self, allow: bool) -> Self {
        self.allow_positives = allow;
        self
    }

    fn usable(&self, row: usize, other: usize, positives: &[u32]) -> bool {
        let item = self.items[other];
        item != self.items[row] && (self.allow_positives || positives.binary_search(&item).is_err())
    }

    /// Writes which rows' items are negatives of which rows: `[batch, batch]`, row-major.
    /// `positives(row)` gives the ascending items of the row's user.
    ///
    /// # Errors
    /// [`Error::Shape`] unless `mask` has `batch²` elements.
    pub fn mask<'p>(
        &self,
        positives: impl Fn(usize) -> &'p [u32],
        mask: &mut [bool],
    ) -> Result<()> {
        let n = self.items.len();
        if mask.len() != n * n {
            return Err(Error::shape("in-batch mask", format!("[{n}, {n}]"), mask.len()));
        }
        for (row, out) in mask.chunks_exact_mut(n.max(1)).enumerate() {
            let positives = positives(row);
            for (other, slot) in out.iter_mut().enumerate() {
                *slot = self.usable(row, other, positives);
            }
        }
        Ok(())
    }

    /// Draws one of a row's negatives, each row of the batch that holds one equally likely; `None`
    /// if none does. O(1) while most rows are usable, O(batch) at worst.
    pub fn draw(&self, rng: &mut Rng, row: usize, positives: &[u32]) -> Option<u32> {
        const TRIES: usize = 16;
        let n = self.items.len() as u32;
        for _ in 0..TRIES.min(self.items.len()) {
            let other = below(rng, n) as usize;
            if self.usable(row, other, positives) {
                return Some(self.items[other]);
            }
        }
        let usable = || (0..self.items.len()).filter(|&o| self.usable(row, o, positives));
        let count = usable().count() as u32;
        let at = usable().nth(below(rng, count) as usize)?;
        Some(self.items[at])
    }
}

#[cfg(test)]
mod tests {
    use super::super::draw::tests::assert_fits;
    use super::*;
    use crate::rng::stream;

    const ITEMS: [u32; 5] = [3, 7, 3, 1, 9];

    #[test]
    fn the_mask_leaves_out_own_and_positive_items() {
        let positives: [&[u32]; 5] = [&[3, 9], &[7], &[3], &[1, 3, 7, 9], &[9]];
        let mut mask = [false; 25];
        InBatch::new(&ITEMS).mask(|r| positives[r], &mut mask).unwrap();
        let (f, t) = (false, true);
        assert_eq!(mask[..5], [f, t, f, t, f]);
        assert_eq!(mask[5..10], [t, f, t, t, t]);
        assert_eq!(mask[15..20], [f; 5]);
        InBatch::new(&ITEMS).allow_positives(true).mask(|r| positives[r], &mut mask).unwrap();
        assert_eq!(mask[..5], [f, t, f, t, t]);
        assert!(InBatch::new(&ITEMS).mask(|_| &[], &mut mask[..4]).is_err());
    }

    #[test]
    fn draws_are_uniform_over_usable_rows() {
        let mut rng = stream(1, "test", 0);
        let mut counts = [0; 10];
        for _ in 0..30_000 {
            let item = InBatch::new(&ITEMS).draw(&mut rng, 1, &[7, 9]).unwrap();
            counts[item as usize] += 1;
        }
        assert_fits(&counts, &[0.0, 1.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(InBatch::new(&ITEMS).draw(&mut rng, 3, &[1, 3, 7, 9]), None);
    }
}
