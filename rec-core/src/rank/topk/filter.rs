//! Which items may be selected for whom.

use super::Selection;
use super::key::MAX_ITEMS;
use crate::data::Csr;
use crate::{Error, Result};

/// A checked selection.
pub(super) struct Filter<'a> {
    selection: Selection<'a>,
    /// The allowed items that are not blocked, where there is either list.
    open: Option<Bits>,
}

impl<'a> Filter<'a> {
    /// # Errors
    /// [`Error::Shape`] or [`Error::Data`] for lists and tables that do not fit the scorer.
    pub(super) fn new(
        selection: &Selection<'a>,
        users: &[u32],
        n_users: usize,
        n_items: usize,
    ) -> Result<Self> {
        if n_items > MAX_ITEMS {
            return Err(Error::shape("catalogue", format!("≤ {MAX_ITEMS} items"), n_items));
        }
        for (what, table) in [
            ("rows of seen items", selection.seen),
            ("rows of losing items", selection.losing_ties),
        ] {
            if let Some(table) = table
                && table.n_rows() < n_users
            {
                return Err(Error::shape(what, n_users, table.n_rows()));
            }
        }
        check_list("block list", selection.block, n_items)?;
        if let Some(allow) = selection.allow {
            check_list("allow list", allow, n_items)?;
        }
        if let Some(lists) = selection.candidates {
            if lists.len() != users.len() {
                return Err(Error::shape("candidate lists", users.len(), lists.len()));
            }
            lists.iter().try_for_each(|list| check_list("candidate list", list, n_items))?;
        }
        let open = (selection.allow.is_some() || !selection.block.is_empty())
            .then(|| Bits::open(selection, n_items));
        Ok(Self { selection: *selection, open })
    }

    pub(super) fn k(&self) -> usize {
        self.selection.k
    }

    /// The items that anyone may get, where they are listed.
    pub(super) fn allow(&self) -> Option<&'a [u32]> {
        self.selection.allow
    }

    /// The candidates of the row-th asked user.
    pub(super) fn candidates(&self, row: usize) -> Option<&'a [u32]> {
        self.selection.candidates.map(|lists| lists[row])
    }

    /// Whether no item loses ties.
    pub(super) fn plain_ties(&self) -> bool {
        self.selection.losing_ties.is_none()
    }

    /// What holds for one user. The candidates are not among it: they are walked, not tested.
    pub(super) fn row(&self, user: u32) -> RowFilter<'_> {
        let row = |table: Option<&'a Csr>| table.map_or(&[][..], |t| t.row(user as usize));
        RowFilter {
            open: self.open.as_ref(),
            seen: row(self.selection.seen),
            losing: row(self.selection.losing_ties),
        }
    }
}

/// What holds for one user.
#[derive(Clone, Copy)]
pub(super) struct RowFilter<'a> {
    open: Option<&'a Bits>,
    seen: &'a [u32],
    losing: &'a [u32],
}

impl RowFilter<'_> {
    /// Whether the item may be selected.
    #[inline]
    pub(super) fn permits(&self, item: u32) -> bool {
        self.open.is_none_or(|bits| bits.get(item)) && self.seen.binary_search(&item).is_err()
    }

    /// Whether it comes after others of its score.
    #[inline]
    pub(super) fn loses(&self, item: u32) -> bool {
        !self.losing.is_empty() && self.losing.binary_search(&item).is_ok()
    }
}

fn check_list(what: &str, items: &[u32], n_items: usize) -> Result<()> {
    if items.windows(2).any(|w| w[0] >= w[1]) {
        return Err(Error::data(what, "its items must ascend without repetition; sort and dedup"));
    }
    match items.last() {
        Some(&item) if item as usize >= n_items => {
            Err(Error::shape(format!("item of a {what}"), format!("< {n_items}"), item))
        }
        _ => Ok(()),
    }
}

/// A set of items, one bit each.
struct Bits(Vec<u64>);

impl Bits {
    fn open(selection: &Selection<'_>, n_items: usize) -> Self {
        let words = n_items.div_ceil(64);
        let mut bits = match selection.allow {
            None => Self(vec![u64::MAX; words]),
            Some(allow) => {
                let mut bits = Self(vec![0; words]);
                allow.iter().for_each(|&i| bits.0[i as usize / 64] |= 1 << (i % 64));
                bits
            }
        };
        selection.block.iter().for_each(|&i| bits.0[i as usize / 64] &= !(1 << (i % 64)));
        bits
    }

    #[inline]
    fn get(&self, item: u32) -> bool {
        self.0[item as usize / 64] >> (item % 64) & 1 == 1
    }
}
