//! Sparse × sparse products, a row at a time (Gustavson 1978), each cut to its best entries.

use rec_core::data::Csr;

use super::super::rows::{KBest, Task, sparse_rows};
use super::similarity::{Documents, Form};
use crate::Result;

/// Columns that a sweep looks at together.
const BLOCK: usize = 16;

/// A thread's dense accumulator of one row: all 0 between rows.
pub(crate) struct Accumulator {
    sums: Vec<f32>,
    /// Columns added to while they were 0, where the row is `listed`.
    touched: Vec<u32>,
    n_touched: usize,
    listed: bool,
}

impl Accumulator {
    pub(crate) fn new(n: usize) -> Self {
        Self { sums: vec![0.0; n], touched: Vec::new(), n_touched: 0, listed: false }
    }

    /// Begins a row to which `work` additions are made. Few leave a list of the columns touched;
    /// many are found by a sweep over the whole row.
    pub(crate) fn begin(&mut self, work: usize) {
        self.listed = work < self.sums.len() / 2;
        self.n_touched = 0;
        if self.listed && self.touched.len() < work {
            self.touched.resize(work, 0);
        }
    }

    /// Adds to one entry.
    #[inline]
    pub(crate) fn add_at(&mut self, column: u32, x: f32) {
        let sum = &mut self.sums[column as usize];
        if self.listed {
            // Written always and counted at the first addition only: no branch to mispredict. One
            // that falls back to 0 on the way is listed twice, and found to be 0 the second time.
            self.touched[self.n_touched] = column;
            self.n_touched += usize::from(*sum == 0.0);
        }
        *sum += x;
    }

    /// Sets the row to `Σ_t x_t · m[t, ·]` over the given rows of `m`.
    pub(crate) fn product<I>(&mut self, rows: impl Fn() -> I, m: &Csr)
    where
        I: Iterator<Item = (u32, f32)>,
    {
        self.begin(rows().map(|(t, _)| m.row(t as usize).len()).sum());
        for (t, x) in rows() {
            let columns = m.row(t as usize);
            match (m.row_values(t as usize), self.listed) {
                (None, true) => columns.iter().for_each(|&c| self.add_at(c, x)),
                (None, false) => columns.iter().for_each(|&c| self.sums[c as usize] += x),
                (Some(values), true) => {
                    columns.iter().zip(values).for_each(|(&c, &v)| self.add_at(c, x * v));
                }
                (Some(values), false) => {
                    let sums = &mut self.sums;
                    columns.iter().zip(values).for_each(|(&c, &v)| sums[c as usize] += x * v);
                }
            }
        }
    }

    /// Gives every entry that is not 0 to `each`, and clears the row.
    pub(crate) fn drain(&mut self, mut each: impl FnMut(u32, f32)) {
        if self.listed {
            for &c in &self.touched[..self.n_touched] {
                let sum = std::mem::take(&mut self.sums[c as usize]);
                if sum != 0.0 {
                    each(c, sum);
                }
            }
            return;
        }
        for (block, sums) in self.sums.chunks_mut(BLOCK).enumerate() {
            // Many blocks hold nothing: their bits or-ed together say so at vector speed.
            if sums.iter().fold(0, |all, s| all | s.to_bits()) == 0 {
                continue;
            }
            for (at, sum) in sums.iter_mut().enumerate().filter(|s| *s.1 != 0.0) {
                each((block * BLOCK + at) as u32, *sum);
            }
            sums.fill(0.0);
        }
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
    let job = Job { task, docs, weighted, k, normalize };
    // One loop a form, so that the innermost one does not ask which it is.
    match weighted.form() {
        Form::Raw => job.run(|raw, _, _| raw),
        Form::Product => job.run(|raw, a, b| raw * a * b),
        form => job.run(move |raw, a, b| form.similarity(raw, a, b)),
    }
}

struct Job<'a> {
    task: &'a Task,
    docs: &'a Csr,
    weighted: &'a Documents,
    k: usize,
    normalize: bool,
}

impl Job<'_> {
    fn run(&self, similarity: impl Fn(f32, f32, f32) -> f32 + Sync + Send) -> Result<Csr> {
        let Documents { by_term, term_weight, document, .. } = self.weighted;
        let n = document.len();
        let turned = by_term.values().map(|_| by_term.transpose());
        let by_doc = turned.as_ref().unwrap_or(self.docs);
        let plain = turned.is_none();
        sparse_rows(
            self.task,
            (n, n),
            || (Accumulator::new(n), KBest::new(self.k)),
            |(sums, best), doc, out| {
                let weight = |v: f32| if plain { 1.0 } else { v };
                let entries =
                    || by_doc.iter_row(doc).map(|(t, v)| (t, term_weight[t as usize] * weight(v)));
                sums.product(entries, by_term);
                let own = document[doc];
                sums.drain(|other, raw| {
                    if other as usize != doc {
                        best.push(other, similarity(raw, own, document[other as usize]));
                    }
                });
                best.drain_by_column(out);
                out.retain(|&(_, s)| s != 0.0);
                if self.normalize {
                    normalize_row(out);
                }
                Ok(())
            },
        )
    }
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
            sums.product(|| by_item.iter_row(item), by_user);
            sums.drain(|c, g| out.push((c, g)));
            out.sort_unstable_by_key(|&(c, _)| c);
            Ok(())
        },
    )
}
