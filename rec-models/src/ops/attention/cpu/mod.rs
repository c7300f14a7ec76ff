//! Attention on CPU threads: parallel over sequences, key heads and blocks of queries, tiles of
//! scores that stay in the cache, softmax as it goes (Dao et al. 2022, algorithm 1; Milakov &
//! Gimelshein 2018).

mod backward;
mod forward;
mod product;
mod rows;
mod softmax;

pub(super) use backward::{Gradients, backward};
pub(super) use forward::forward;
pub(super) use rows::{Rows, RowsMut};

use std::cell::RefCell;

use super::Plan;
use crate::ops::dropout::Draw;

/// Queries in a tile of scores: a multiple of the product kernel's rows.
const QUERIES: usize = 48;

/// What an attention step reads.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a> {
    pub(super) q: Rows<'a>,
    pub(super) k: Rows<'a>,
    pub(super) v: Rows<'a>,
    /// `[heads, longest query, longest key]`.
    pub(super) bias: Option<Bias<'a>>,
    pub(super) plan: &'a Plan,
    /// What is dropped of the weights.
    pub(super) draw: Option<Draw>,
}

impl Inputs<'_> {
    fn head_dim(&self) -> usize {
        self.q.columns() / self.plan.shape.heads
    }

    /// Query heads that share a key head.
    fn group(&self) -> usize {
        self.plan.shape.heads / self.plan.shape.kv_heads
    }
}

/// Numbers added to the scores.
#[derive(Clone, Copy)]
pub(super) struct Bias<'a> {
    values: &'a [f32],
    queries: usize,
    keys: usize,
}

impl<'a> Bias<'a> {
    /// `[heads, queries, keys]`, row-major.
    pub(super) fn new(values: &'a [f32], [heads, queries, keys]: [usize; 3]) -> Self {
        assert_eq!(values.len(), heads * queries * keys, "bias");
        Self { values, queries, keys }
    }

    /// For one head and query, keys `from..from + count`.
    #[inline(always)]
    fn row(&self, head: usize, query: usize, from: usize, count: usize) -> &'a [f32] {
        let start = (head * self.queries + query) * self.keys + from;
        &self.values[start..start + count]
    }
}

/// One sequence under one key head.
#[derive(Clone, Copy)]
struct Span {
    queries: usize,
    keys: usize,
    query_start: usize,
    key_start: usize,
    causal: bool,
}

impl Span {
    fn new(plan: &Plan, sequence: usize) -> Self {
        let (queries, keys) = (plan.queries.range(sequence), plan.keys.range(sequence));
        Self {
            queries: queries.len(),
            keys: keys.len(),
            query_start: queries.start,
            key_start: keys.start,
            causal: plan.shape.causal,
        }
    }

    /// How many of the keys a query sees; the first ones.
    #[inline(always)]
    fn visible(&self, query: usize) -> usize {
        match self.causal {
            true => (query + 1 + self.keys).saturating_sub(self.queries).min(self.keys),
            false => self.keys,
        }
    }
}

/// Columns of a tile of so many keys: a whole number of the widest vectors.
fn padded(keys: usize) -> usize {
    keys.next_multiple_of(16)
}

thread_local! {
    static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Runs `work` with this thread's `size` numbers of scratch, of any content.
fn with_scratch(size: usize, work: impl FnOnce(&mut [f32])) {
    SCRATCH.with_borrow_mut(|scratch| {
        if scratch.len() < size {
            scratch.resize(size, 0.0);
        }
        work(&mut scratch[..size]);
    });
}

/// Columns of `rows` from `column`, transposed: `out[d, i] = rows[from + i, column + d]`, for
/// `count` rows and `depth` columns, rows of `out` `width` apart and zero past `count`.
#[inline(always)]
fn transpose(
    rows: Rows<'_>,
    (from, count): (usize, usize),
    (column, depth): (usize, usize),
    out: &mut [f32],
    width: usize,
) {
    assert!(out.len() >= depth * width && count <= width);
    if count < width {
        out[..depth * width].fill(0.0);
    }
    for i in 0..count {
        let row = rows.at(from + i, column);
        for d in 0..depth {
            // SAFETY: row and column are inside the matrix, `d · width + i` inside `out` by the
            // check above.
            unsafe { *out.get_unchecked_mut(d * width + i) = *row.add(d) };
        }
    }
}
