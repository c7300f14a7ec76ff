//! Sparse × sparse products, a row at a time (Gustavson 1978), each cut to its best entries.

use rec_core::data::Csr;

use super::super::rows::{KBest, Task, sparse_rows};
use super::similarity::Documents;
use crate::Result;

/// A thread's dense accumulator: all 0 between rows.
pub(crate) struct Accumulator {
    sums: Vec<f32>,
}

impl Accumulator {
    pub(crate) fn new(n: usize) -> Self {
        Self { sums: vec![0.0; n] }
    }

    /// Adds `Σ_t x_t · m[t, ·]` over the given rows of `m`.
    pub(crate) fn add(&mut self, rows: impl Iterator<Item = (u32, f32)>, m: &Csr) {
        let sums = &mut self.sums[..m.n_cols()];
        for (t, x) in rows {
            match m.row_values(t as usize) {
                None => m.row(t as usize).iter().for_each(|&c| sums[c as usize] += x),
                Some(values) => {
                    let row = m.row(t as usize).iter().zip(values);
                    row.for_each(|(&c, &v)| sums[c as usize] += x * v);
                }
            }
        }
    }

    /// Adds to one entry.
    #[inline]
    pub(crate) fn add_at(&mut self, column: u32, x: f32) {
        self.sums[column as usize] += x;
    }

    /// Gives every entry that is not 0 to `each`, clearing it, where `touched` runs through all
    /// columns added to and is `work` long. Few are visited one by one; many, by a sweep over the
    /// whole accumulator.
    pub(crate) fn drain(
        &mut self,
        work: usize,
        touched: impl Iterator<Item = u32>,
        mut each: impl FnMut(u32, f32),
    ) {
        if work < self.sums.len() / 8 {
            for c in touched {
                let sum = std::mem::take(&mut self.sums[c as usize]);
                if sum != 0.0 {
                    each(c, sum);
                }
            }
        } else {
            for (c, sum) in self.sums.iter_mut().enumerate() {
                if *sum != 0.0 {
                    each(c as u32, *sum);
                    *sum = 0.0;
                }
            }
        }
    }

    /// [`Accumulator::drain`] after [`Accumulator::add`] of these rows of `m`.
    pub(crate) fn drain_rows(
        &mut self,
        rows: impl Iterator<Item = u32> + Clone,
        m: &Csr,
        each: impl FnMut(u32, f32),
    ) {
        let work = rows.clone().map(|t| m.row(t as usize).len()).sum();
        self.drain(work, rows.flat_map(|t| m.row(t as usize).iter().copied()), each);
    }
}

/// The `k` documents most similar to each: `[documents, documents]`, itself left out, the sum of
/// each row made 1 if `normalize`.
pub(super) fn neighbours(
    task: &Task,
    docs: &Csr,
    weighted: &Documents,
    k: usize,
    normalize: bool,
) -> Result<Csr> {
    let n = weighted.len();
    let by_doc = (weighted.by_term.values().is_some()).then(|| weighted.by_term.transpose());
    let by_doc = by_doc.as_ref().unwrap_or(docs);
    let plain = weighted.by_term.values().is_none();
    sparse_rows(
        task,
        (n, n),
        || (Accumulator::new(n), KBest::new(k)),
        |(sums, best), doc, out| {
            let entries = by_doc
                .iter_row(doc)
                .map(|(t, v)| (t, weighted.term_weight[t as usize] * if plain { 1.0 } else { v }));
            sums.add(entries, &weighted.by_term);
            let own = weighted.document[doc];
            sums.drain_rows(by_doc.row(doc).iter().copied(), &weighted.by_term, |other, raw| {
                if other as usize != doc {
                    best.push(
                        other,
                        weighted.similarity(raw, own, weighted.document[other as usize]),
                    );
                }
            });
            best.drain_by_column(out);
            out.retain(|&(_, s)| s != 0.0);
            if normalize {
                normalize_row(out);
            }
            Ok(())
        },
    )
}

pub(super) fn normalize_row(row: &mut [(u32, f32)]) {
    let sum: f32 = row.iter().map(|&(_, s)| s.abs()).sum();
    if sum > 0.0 {
        row.iter_mut().for_each(|(_, s)| *s /= sum);
    }
}

/// The items' co-occurrences `XᵀX` of a user × item matrix `X`: `[n_items, n_items]`, symmetric.
pub(crate) fn gram(task: &Task, by_user: &Csr) -> Result<Csr> {
    let (n, by_item) = (by_user.n_cols(), by_user.transpose());
    sparse_rows(
        task,
        (n, n),
        || Accumulator::new(n),
        |sums, item, out| {
            sums.add(by_item.iter_row(item), by_user);
            sums.drain_rows(by_item.row(item).iter().copied(), by_user, |c, g| out.push((c, g)));
            out.sort_unstable_by_key(|&(c, _)| c);
            Ok(())
        },
    )
}
