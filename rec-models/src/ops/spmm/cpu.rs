//! Sparse × dense on CPU threads: rows in parts of about as many entries, a row at a time, its sums
//! in registers.
//!
//! A row's sums do not depend on the parts, so the result is the same at any number of threads.

use std::ops::Range;

use rayon::prelude::*;
use rec_core::data::Csr;

use super::Steps;
use crate::ops::simd::{Lanes, Task, dispatch};

/// Entries in a part: enough to be worth a thread's while, few enough to balance.
const PART: usize = 16_384;
/// How many entries ahead rows of the dense matrix are fetched.
const AHEAD: usize = 8;
/// Vectors summed at a time.
const BLOCK: usize = 4;

/// What of a product is wanted, and what is known of its dense factor.
#[derive(Clone, Copy, Default)]
pub(crate) struct Only<'a> {
    /// Rows to compute; the others are left as they are.
    pub(crate) rows: Option<&'a [bool]>,
    /// Rows of the dense matrix to read; the others count as zeros.
    pub(crate) columns: Option<&'a [bool]>,
}

/// Where rows of a product go.
pub(crate) struct Into<'a> {
    /// The rows, overwritten: `[rows, d]`.
    pub(crate) product: Option<&'a mut [f32]>,
    /// The rows, added: `[rows, d]`.
    pub(crate) sum: Option<&'a mut [f32]>,
}

/// What is wanted of the powers, into `out` `[rows, d]`.
pub(super) fn steps(matrix: &Csr, x: &[f32], d: usize, steps: Steps, out: &mut [f32]) {
    match steps {
        Steps::Product => {
            multiply(matrix, x, d, Only::default(), Into { product: Some(out), sum: None });
        }
        Steps::Mean { layers } => {
            propagate(matrix, x, d, layers, Only::default(), &mut Buffers::default(), out);
            let share = 1.0 / (layers + 1) as f32;
            out.par_iter_mut().with_min_len(1 << 14).for_each(|x| *x *= share);
        }
    }
}

/// `matrix · x`: `[rows, columns] × [columns, d]`.
///
/// # Panics
/// If a length does not fit.
pub(crate) fn multiply(matrix: &Csr, x: &[f32], d: usize, only: Only<'_>, to: Into<'_>) {
    let n = matrix.n_rows();
    assert_eq!(x.len(), matrix.n_cols() * d, "numbers of the dense matrix");
    if d == 0 {
        return;
    }
    let parts = parts(matrix.indptr());
    let mut product = split(to.product, &parts, n, d).into_iter();
    let mut sum = split(to.sum, &parts, n, d).into_iter();
    let work: Vec<_> = parts
        .into_iter()
        .map(|rows| Part {
            matrix,
            x,
            d,
            only,
            rows,
            product: product.next().flatten(),
            sum: sum.next().flatten(),
        })
        .collect();
    work.into_par_iter().with_max_len(1).for_each(dispatch);
}

/// Ranges of rows with about [`PART`] entries each; a row stays whole.
fn parts(indptr: &[usize]) -> Vec<Range<usize>> {
    let (n, mut start, mut out) = (indptr.len() - 1, 0, Vec::new());
    while start < n {
        // Rows without entries cost something too.
        let end = (indptr[start..].partition_point(|&p| p < indptr[start] + PART) + start)
            .clamp(start + 1, n.min(start + PART));
        out.push(start..end);
        start = end;
    }
    out
}

fn split<'a>(
    all: Option<&'a mut [f32]>,
    parts: &[Range<usize>],
    n: usize,
    d: usize,
) -> Vec<Option<&'a mut [f32]>> {
    let Some(mut rest) = all else { return Vec::new() };
    assert_eq!(rest.len(), n * d, "numbers of the product");
    let mut out = Vec::with_capacity(parts.len());
    for rows in parts {
        let (head, tail) = rest.split_at_mut(rows.len() * d);
        out.push(Some(head));
        rest = tail;
    }
    out
}

/// Some rows of a product.
struct Part<'a> {
    matrix: &'a Csr,
    x: &'a [f32],
    d: usize,
    only: Only<'a>,
    rows: Range<usize>,
    product: Option<&'a mut [f32]>,
    sum: Option<&'a mut [f32]>,
}

impl Task for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        let Part { matrix, x, d, only, rows, mut product, mut sum } = self;
        let first = rows.start;
        let mut apart = vec![0f32; if product.is_some() { 0 } else { d }];
        for row in rows {
            if let Some(wanted) = only.rows
                && !wanted[row]
            {
                continue;
            }
            let at = (row - first) * d;
            let entries = Entries {
                columns: matrix.row(row),
                values: matrix.row_values(row),
                active: only.columns,
                x,
                d,
            };
            let out: &mut [f32] = match &mut product {
                Some(product) => &mut product[at..at + d],
                None => &mut apart,
            };
            entries.weigh(s, out);
            if let Some(sum) = &mut sum {
                add(s, &mut sum[at..at + d], out);
            }
        }
    }
}

/// A row of the sparse matrix, and the dense one.
struct Entries<'a> {
    columns: &'a [u32],
    values: Option<&'a [f32]>,
    active: Option<&'a [bool]>,
    x: &'a [f32],
    d: usize,
}

impl Entries<'_> {
    /// `out = Σ value · x[column]`.
    #[inline(always)]
    fn weigh<S: Lanes>(&self, s: S, out: &mut [f32]) {
        let (block, d) = (BLOCK * S::WIDTH, self.d);
        let mut at = 0;
        while at + block <= d {
            self.block::<S, BLOCK>(s, at, out);
            at += block;
        }
        while at + S::WIDTH <= d {
            self.block::<S, 1>(s, at, out);
            at += S::WIDTH;
        }
        if at < d {
            let mut sum = s.splat(0.0);
            for (k, &column) in self.columns.iter().enumerate() {
                if let Some(active) = self.active
                    && !active[column as usize]
                {
                    continue;
                }
                let row = column as usize * d;
                let x = s.load_part(&self.x[row + at..row + d], 0.0);
                sum = s.mul_add(s.splat(self.value(k)), x, sum);
            }
            s.store_part(sum, &mut out[at..d]);
        }
    }

    #[inline(always)]
    fn value(&self, k: usize) -> f32 {
        match self.values {
            Some(values) => values[k],
            None => 1.0,
        }
    }

    /// `N` vectors of the sums, from number `at` on.
    #[inline(always)]
    fn block<S: Lanes, const N: usize>(&self, s: S, at: usize, out: &mut [f32]) {
        let mut sums = [s.splat(0.0); N];
        for k in 0..self.columns.len() {
            if let Some(&ahead) = self.columns.get(k + AHEAD) {
                self.fetch(ahead, at, N * S::WIDTH);
            }
            let column = self.columns[k] as usize;
            if let Some(active) = self.active
                && !active[column]
            {
                continue;
            }
            let value = s.splat(self.value(k));
            let x = &self.x[column * self.d + at..][..N * S::WIDTH];
            for (i, sum) in sums.iter_mut().enumerate() {
                *sum = s.mul_add(value, s.load(&x[i * S::WIDTH..]), *sum);
            }
        }
        for (i, sum) in sums.into_iter().enumerate() {
            s.store(sum, &mut out[at + i * S::WIDTH..]);
        }
    }

    /// Asks for `count` numbers of a row of the dense matrix to be in the cache soon.
    #[inline(always)]
    fn fetch(&self, row: u32, at: usize, count: usize) {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let start = self.x[row as usize * self.d + at..].as_ptr();
            for line in (0..count).step_by(16) {
                // SAFETY: a prefetch reads nothing, and SSE is part of x86-64.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(line).cast()) };
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (row, at, count);
    }
}

/// `sum += x`.
#[inline(always)]
fn add<S: Lanes>(s: S, sum: &mut [f32], x: &[f32]) {
    let whole = x.len() / S::WIDTH * S::WIDTH;
    for at in (0..whole).step_by(S::WIDTH) {
        let both = s.add(s.load(&sum[at..]), s.load(&x[at..]));
        s.store(both, &mut sum[at..]);
    }
    for (sum, x) in sum[whole..].iter_mut().zip(&x[whole..]) {
        *sum += x;
    }
}

/// Room for [`propagate`]: two matrices.
#[derive(Default)]
pub(crate) struct Buffers([Vec<f32>; 2]);

/// `Σ_{k=0..=layers} matrixᵏ x`, into `sum` `[n, d]`. `only.rows` says which rows of the sum are
/// wanted whole, `only.columns` which rows of `x` are not zero: the last layer and the first do no
/// more than those need.
pub(crate) fn propagate(
    matrix: &Csr,
    x: &[f32],
    d: usize,
    layers: usize,
    only: Only<'_>,
    buffers: &mut Buffers,
    sum: &mut [f32],
) {
    sum.copy_from_slice(x);
    let [from, to] = &mut buffers.0;
    from.resize(x.len(), 0.0);
    to.resize(x.len(), 0.0);
    for layer in 1..=layers {
        let last = layer == layers;
        let only =
            Only { rows: only.rows.filter(|_| last), columns: only.columns.filter(|_| layer == 1) };
        let x = if layer == 1 { x } else { from.as_slice() };
        let product = (!last).then_some(to.as_mut_slice());
        multiply(matrix, x, d, only, Into { product, sum: Some(&mut *sum) });
        std::mem::swap(from, to);
    }
}
