//! One step on a window: hidden vectors against outputs, as two small matrix products.
//!
//! With hidden rows `X` (`[n, d]`), output rows `Y` (`[m, d]`) and labels `t`, the step is
//! `E = η (t − σ(X Yᵀ))`, `ΔX = E Y`, `ΔY = Eᵀ X`: `−η` times the gradient of
//! [`rec_core::objective::SkipGram`], all from the values before the step. Sharing the outputs
//! among the hidden rows of a window is what turns vectors' products into matrices' (Ji, Satish,
//! Li and Dubey, "Parallelizing word2vec in shared and distributed memory", 2016).

#![allow(clippy::needless_range_loop, reason = "registers are addressed by row and column")]

use std::ops::Range;

use super::walk::Bag;
use crate::ops::simd::{Lanes, sigmoid_lanes};
use crate::vectors::rows::{Cells, Rows, stride};

/// A worker's memory for a step.
pub(super) struct Scratch {
    x: Rows,
    y: Rows,
    errors: Vec<f32>,
    stride: usize,
}

/// Outputs of a step, each with its label and learning rate.
#[derive(Clone, Copy)]
pub(super) struct Outputs<'a> {
    pub(super) rows: &'a [Cells<'a>],
    pub(super) labels: &'a [f32],
    pub(super) rates: &'a [f32],
}

impl<'a> Outputs<'a> {
    fn range(self, range: Range<usize>) -> Self {
        let rows = &self.rows[range.clone()];
        Self { rows, labels: &self.labels[range.clone()], rates: &self.rates[range] }
    }
}

/// Input rows added up to one hidden vector.
#[derive(Clone, Copy)]
pub(super) struct Sum<'a> {
    pub(super) rows: &'a [Cells<'a>],
    /// What the sum is multiplied by.
    pub(super) weight: f32,
    /// How much of the hidden vector's step each row takes.
    pub(super) share: f32,
}

impl<'a> Sum<'a> {
    pub(super) fn of(rows: &'a [Cells<'a>], bag: Bag) -> Self {
        let part = 1.0 / rows.len() as f32;
        let (weight, share) = match bag {
            Bag::Mean => (part, 1.0),
            Bag::Sum => (1.0, part),
        };
        Self { rows, weight, share }
    }
}

/// Windows that share negatives, each with a hidden vector and a target of its own.
#[derive(Clone, Copy)]
pub(super) struct Sums<'a> {
    pub(super) rows: &'a [Cells<'a>],
    /// Where each window's rows end.
    pub(super) ends: &'a [usize],
    pub(super) bag: Bag,
    pub(super) negatives: &'a [Cells<'a>],
    pub(super) targets: &'a [Cells<'a>],
    /// `[windows, negatives + 1]`, a target's last.
    pub(super) rates: &'a [f32],
}

impl<'a> Sums<'a> {
    #[inline(always)]
    fn window(&self, i: usize) -> Sum<'a> {
        let from = if i == 0 { 0 } else { self.ends[i - 1] };
        Sum::of(&self.rows[from..self.ends[i]], self.bag)
    }
}

impl Scratch {
    pub(super) fn new(dim: usize) -> Self {
        let empty = || Rows::zeros(0, dim);
        Self { x: empty(), y: empty(), errors: Vec::new(), stride: stride(dim) }
    }

    /// Makes room for `n` hidden and `m` output rows.
    fn reserve(&mut self, n: usize, m: usize) {
        self.x.reserve_rows(n);
        self.y.reserve_rows(m);
        let room = (n * m).next_multiple_of(64);
        if self.errors.len() < room {
            self.errors.resize(room, 0.0);
        }
    }

    /// The step of several hidden rows on the same outputs.
    #[inline(always)]
    pub(super) fn step<S: Lanes>(&mut self, s: S, hidden: &[Cells<'_>], outputs: Outputs<'_>) {
        let (n, m, d) = (hidden.len(), outputs.rows.len(), self.stride);
        self.reserve(n, m);
        for (row, hidden) in hidden.iter().enumerate() {
            hidden.read(s, &mut self.x[row * d..]);
        }
        for (row, output) in outputs.rows.iter().enumerate() {
            output.read(s, &mut self.y[row * d..]);
        }
        let (x, y) = (&self.x[..n * d], &self.y[..m * d]);
        let values = &mut self.errors[..(n * m).next_multiple_of(S::WIDTH)];
        products(s, x, y, d, values, m);
        errors(s, outputs, values);
        combine(s, Mix { errors: values, by_row: m, by_term: 1 }, y, hidden, d);
        combine(s, Mix { errors: values, by_row: 1, by_term: m }, x, outputs.rows, d);
    }

    /// The step of one hidden vector that is a sum of rows.
    #[inline(always)]
    pub(super) fn step_sum<S: Lanes>(&mut self, s: S, hidden: Sum<'_>, outputs: Outputs<'_>) {
        let (m, d) = (outputs.rows.len(), self.stride);
        self.reserve(1, m);
        let x = &mut self.x[..d];
        add_up(s, hidden, x);
        let values = &mut self.errors[..m.next_multiple_of(S::WIDTH)];
        all_dots(s, x, outputs.rows, values);
        errors(s, outputs, values);
        for (at, vectors) in blocks::<S>(d) {
            match vectors {
                4 => spread::<S, 4>(s, hidden, outputs.rows, values, x, at),
                3 => spread::<S, 3>(s, hidden, outputs.rows, values, x, at),
                2 => spread::<S, 2>(s, hidden, outputs.rows, values, x, at),
                _ => spread::<S, 1>(s, hidden, outputs.rows, values, x, at),
            }
        }
    }

    /// Steps one after another of one hidden vector that is a sum of rows, `ends` saying where the
    /// outputs of each end. A mean of rows that all take a step takes that step itself (a little more
    /// where one stands there twice, which is let pass), so the rows need be read and written only once.
    #[inline(always)]
    pub(super) fn step_each<S: Lanes>(
        &mut self,
        s: S,
        hidden: Sum<'_>,
        outputs: Outputs<'_>,
        ends: &[usize],
    ) {
        let d = self.stride;
        self.reserve(2, outputs.rows.len());
        let (x, moved) = self.x[..2 * d].split_at_mut(d);
        add_up(s, hidden, x);
        moved.fill(0.0);
        let mut from = 0;
        for &end in ends {
            let outputs = outputs.range(from..end);
            let values = &mut self.errors[..(end - from).next_multiple_of(S::WIDTH)];
            all_dots(s, x, outputs.rows, values);
            errors(s, outputs, values);
            for (at, vectors) in blocks::<S>(d) {
                match vectors {
                    4 => move_both::<S, 4>(s, outputs.rows, values, x, moved, at),
                    3 => move_both::<S, 3>(s, outputs.rows, values, x, moved, at),
                    2 => move_both::<S, 2>(s, outputs.rows, values, x, moved, at),
                    _ => move_both::<S, 1>(s, outputs.rows, values, x, moved, at),
                }
            }
            from = end;
        }
        for row in hidden.rows {
            row.add(s, moved);
        }
    }

    /// The step of windows that share negatives.
    #[inline(always)]
    pub(super) fn step_sums<S: Lanes>(&mut self, s: S, sums: Sums<'_>) {
        let (n, k, d) = (sums.targets.len(), sums.negatives.len(), self.stride);
        let m = k + 1;
        self.reserve(n, k + n);
        for i in 0..n {
            add_up(s, sums.window(i), &mut self.x[i * d..][..d]);
        }
        for (row, output) in sums.negatives.iter().chain(sums.targets).enumerate() {
            output.read(s, &mut self.y[row * d..]);
        }
        let (x, y) = (&self.x[..n * d], &self.y[..(k + n) * d]);
        let (y, own) = y.split_at(k * d);
        let values = &mut self.errors[..(n * m).next_multiple_of(S::WIDTH)];
        products(s, x, y, d, values, m);
        for i in 0..n {
            let pair = (&x[i * d..][..d], &own[i * d..][..d], d);
            product::<S, 1, 1>(s, pair, &mut values[i * m + k..], m);
        }
        sigmoids(s, values);
        for (row, rates) in values.chunks_exact_mut(m).zip(sums.rates.chunks_exact(m)) {
            for (error, rate) in row[..k].iter_mut().zip(rates) {
                *error *= -rate;
            }
            row[k] = rates[k] * (1.0 - row[k]);
        }
        for (at, vectors) in blocks::<S>(d) {
            for i in 0..n {
                let (errors, own) = (&values[i * m..][..m], &own[i * d..][..d]);
                let (hidden, x) = (sums.window(i), &x[i * d..][..d]);
                let pull = Pull { hidden, target: sums.targets[i], errors, x, y, own };
                match vectors {
                    4 => pull.at::<S, 4>(s, at),
                    3 => pull.at::<S, 3>(s, at),
                    2 => pull.at::<S, 2>(s, at),
                    _ => pull.at::<S, 1>(s, at),
                }
            }
        }
        combine(s, Mix { errors: values, by_row: 1, by_term: m }, x, sums.negatives, d);
    }
}

/// Runs of at most four vectors in a row of length `d`: where they begin, and how many they are.
#[inline(always)]
fn blocks<S: Lanes>(d: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..d).step_by(4 * S::WIDTH).map(move |at| (at, ((d - at) / S::WIDTH).min(4)))
}

/// Makes products `values` (`[n, m]`) to errors, `η (t − σ(·))`.
#[inline(always)]
fn errors<S: Lanes>(s: S, outputs: Outputs<'_>, values: &mut [f32]) {
    sigmoids(s, values);
    for row in values.chunks_exact_mut(outputs.rows.len()) {
        for ((error, label), rate) in row.iter_mut().zip(outputs.labels).zip(outputs.rates) {
            *error = rate * (label - *error);
        }
    }
}

#[inline(always)]
fn sigmoids<S: Lanes>(s: S, values: &mut [f32]) {
    for chunk in values.chunks_exact_mut(S::WIDTH) {
        s.store(sigmoid_lanes(s, s.load(chunk)), chunk);
    }
}

/// `x = weight Σ rows`.
#[inline(always)]
fn add_up<S: Lanes>(s: S, hidden: Sum<'_>, x: &mut [f32]) {
    let weight = s.splat(hidden.weight);
    for (at, vectors) in blocks::<S>(x.len()) {
        match vectors {
            4 => add_block::<S, 4>(s, hidden.rows, weight, x, at),
            3 => add_block::<S, 3>(s, hidden.rows, weight, x, at),
            2 => add_block::<S, 2>(s, hidden.rows, weight, x, at),
            _ => add_block::<S, 1>(s, hidden.rows, weight, x, at),
        }
    }
}

/// `x = weight Σ rows`, in the vectors from `at` on.
#[inline(always)]
fn add_block<S: Lanes, const B: usize>(
    s: S,
    rows: &[Cells<'_>],
    weight: S::V,
    x: &mut [f32],
    at: usize,
) {
    let mut sums = [s.splat(0.0); B];
    for row in rows {
        let terms = row.load::<S, B>(s, at);
        for b in 0..B {
            sums[b] = s.add(sums[b], terms[b]);
        }
    }
    let to = &mut x[at..][..B * S::WIDTH];
    for b in 0..B {
        s.store(s.mul(sums[b], weight), &mut to[b * S::WIDTH..]);
    }
}

/// `⟨x, row⟩` of all rows.
#[inline(always)]
fn all_dots<S: Lanes>(s: S, x: &[f32], rows: &[Cells<'_>], out: &mut [f32]) {
    let mut at = 0;
    while at < rows.len() {
        let rows = &rows[at..];
        match rows.len() {
            1 => dots::<S, 1>(s, x, rows, &mut out[at..]),
            2 => dots::<S, 2>(s, x, rows, &mut out[at..]),
            _ => dots::<S, 3>(s, x, rows, &mut out[at..]),
        }
        at += rows.len().min(3);
    }
}

/// `⟨x, row⟩` of the first `C` rows.
#[inline(always)]
fn dots<S: Lanes, const C: usize>(s: S, x: &[f32], rows: &[Cells<'_>], out: &mut [f32]) {
    let rows = &rows[..C];
    let mut sums = [s.splat(0.0); C];
    for at in (0..x.len()).step_by(S::WIDTH) {
        let x = s.load(&x[at..]);
        for c in 0..C {
            let [y] = rows[c].load::<S, 1>(s, at);
            sums[c] = s.mul_add(x, y, sums[c]);
        }
    }
    for c in 0..C {
        out[c] = s.sum(sums[c]);
    }
}

/// Adds its step to each row, in the vectors from `at` on.
#[inline(always)]
fn spread<S: Lanes, const B: usize>(
    s: S,
    hidden: Sum<'_>,
    outputs: &[Cells<'_>],
    errors: &[f32],
    x: &[f32],
    at: usize,
) {
    let mut dx = move_outputs::<S, B>(s, outputs, errors, x, at);
    for b in 0..B {
        dx[b] = s.mul(dx[b], s.splat(hidden.share));
    }
    for row in hidden.rows {
        row.add_at(s, at, dx);
    }
}

/// Adds the step of the outputs to them, and that of `x` to it and to `moved`.
#[inline(always)]
fn move_both<S: Lanes, const B: usize>(
    s: S,
    outputs: &[Cells<'_>],
    errors: &[f32],
    x: &mut [f32],
    moved: &mut [f32],
    at: usize,
) {
    let dx = move_outputs::<S, B>(s, outputs, errors, x, at);
    for row in [x, moved] {
        let row = &mut row[at..][..B * S::WIDTH];
        for b in 0..B {
            let row = &mut row[b * S::WIDTH..];
            s.store(s.add(s.load(row), dx[b]), row);
        }
    }
}

/// Adds its step to each output, and gives that of `x`.
#[inline(always)]
fn move_outputs<S: Lanes, const B: usize>(
    s: S,
    outputs: &[Cells<'_>],
    errors: &[f32],
    x: &[f32],
    at: usize,
) -> [S::V; B] {
    let errors = &errors[..outputs.len()];
    let from = &x[at..][..B * S::WIDTH];
    let (mut x, mut dx) = ([s.splat(0.0); B], [s.splat(0.0); B]);
    for b in 0..B {
        x[b] = s.load(&from[b * S::WIDTH..]);
    }
    for (row, &error) in outputs.iter().zip(errors) {
        let (y, error) = (row.load::<S, B>(s, at), s.splat(error));
        for b in 0..B {
            dx[b] = s.mul_add(error, y[b], dx[b]);
        }
    }
    // Only now, for an output may stand there twice.
    for (row, &error) in outputs.iter().zip(errors) {
        let (mut y, error) = (row.load::<S, B>(s, at), s.splat(error));
        for b in 0..B {
            y[b] = s.mul_add(error, x[b], y[b]);
        }
        row.store(s, at, y);
    }
    dx
}

/// One of the windows that share negatives, to be moved, and its target.
struct Pull<'a> {
    hidden: Sum<'a>,
    target: Cells<'a>,
    errors: &'a [f32],
    x: &'a [f32],
    y: &'a [f32],
    own: &'a [f32],
}

impl Pull<'_> {
    /// Moves the vectors from `at` on.
    #[inline(always)]
    fn at<S: Lanes, const B: usize>(&self, s: S, at: usize) {
        let d = self.own.len();
        let (x, own) = (&self.x[at..][..B * S::WIDTH], &self.own[at..][..B * S::WIDTH]);
        let k = self.errors.len() - 1;
        let error = s.splat(self.errors[k]);
        let (mut dx, mut dt) = ([s.splat(0.0); B], [s.splat(0.0); B]);
        for b in 0..B {
            dx[b] = s.mul(error, s.load(&own[b * S::WIDTH..]));
            dt[b] = s.mul(error, s.load(&x[b * S::WIDTH..]));
        }
        self.target.add_at(s, at, dt);
        for (y, &error) in self.y.chunks_exact(d).zip(&self.errors[..k]) {
            let (y, error) = (&y[at..][..B * S::WIDTH], s.splat(error));
            for b in 0..B {
                dx[b] = s.mul_add(error, s.load(&y[b * S::WIDTH..]), dx[b]);
            }
        }
        let share = s.splat(self.hidden.share);
        for b in 0..B {
            dx[b] = s.mul(dx[b], share);
        }
        for row in self.hidden.rows {
            row.add_at(s, at, dx);
        }
    }
}

/// `out = X Yᵀ`, in rows of length `stride`.
#[inline(always)]
fn products<S: Lanes>(s: S, x: &[f32], y: &[f32], d: usize, out: &mut [f32], stride: usize) {
    let (n, m) = (x.len() / d, y.len() / d);
    let mut i = 0;
    while i < n {
        let rows = (n - i).min(2);
        let mut j = 0;
        while j < m {
            let columns = (m - j).min(3);
            let at = (&x[i * d..], &y[j * d..], d);
            let out = &mut out[i * stride + j..];
            match (rows, columns) {
                (2, 3) => product::<S, 2, 3>(s, at, out, stride),
                (2, 2) => product::<S, 2, 2>(s, at, out, stride),
                (2, _) => product::<S, 2, 1>(s, at, out, stride),
                (_, 3) => product::<S, 1, 3>(s, at, out, stride),
                (_, 2) => product::<S, 1, 2>(s, at, out, stride),
                _ => product::<S, 1, 1>(s, at, out, stride),
            }
            j += columns;
        }
        i += rows;
    }
}

#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "rows and columns by number")]
fn product<S: Lanes, const R: usize, const C: usize>(
    s: S,
    (x, y, d): (&[f32], &[f32], usize),
    out: &mut [f32],
    m: usize,
) {
    let (x, y) = (&x[..R * d], &y[..C * d]);
    let mut sums = [[s.splat(0.0); C]; R];
    let mut at = 0;
    while at + S::WIDTH <= d {
        let mut columns = [s.splat(0.0); C];
        for (c, column) in columns.iter_mut().enumerate() {
            // SAFETY: `at + WIDTH ≤ d`, and `y` has C rows of `d`.
            *column = unsafe { s.read(y.as_ptr().add(c * d + at)) };
        }
        for (r, sums) in sums.iter_mut().enumerate() {
            // SAFETY: `at + WIDTH ≤ d`, and `x` has R rows of `d`.
            let row = unsafe { s.read(x.as_ptr().add(r * d + at)) };
            for c in 0..C {
                sums[c] = s.mul_add(row, columns[c], sums[c]);
            }
        }
        at += S::WIDTH;
    }
    for r in 0..R {
        for c in 0..C {
            out[r * m + c] = s.sum(sums[r][c]);
        }
    }
}

/// Coefficients: that of term `k` in row `r` is `errors[r · by_row + k · by_term]`.
#[derive(Clone, Copy)]
struct Mix<'a> {
    errors: &'a [f32],
    by_row: usize,
    by_term: usize,
}

/// Adds `Σ_k mix(r, k) terms[k]` to row `r`.
#[inline(always)]
fn combine<S: Lanes>(s: S, mix: Mix<'_>, terms: &[f32], out: &[Cells<'_>], d: usize) {
    let n = out.len();
    for (at, vectors) in blocks::<S>(d) {
        let mut row = 0;
        while row < n {
            let rows = (n - row).min(2);
            let place = Place { row, at, d };
            match (rows, vectors) {
                (2, 4) => sum::<S, 2, 4>(s, mix, terms, out, place),
                (2, 3) => sum::<S, 2, 3>(s, mix, terms, out, place),
                (2, 2) => sum::<S, 2, 2>(s, mix, terms, out, place),
                (2, _) => sum::<S, 2, 1>(s, mix, terms, out, place),
                (_, 4) => sum::<S, 1, 4>(s, mix, terms, out, place),
                (_, 3) => sum::<S, 1, 3>(s, mix, terms, out, place),
                (_, 2) => sum::<S, 1, 2>(s, mix, terms, out, place),
                _ => sum::<S, 1, 1>(s, mix, terms, out, place),
            }
            row += rows;
        }
    }
}

#[derive(Clone, Copy)]
struct Place {
    row: usize,
    at: usize,
    d: usize,
}

#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "rows and columns by number")]
fn sum<S: Lanes, const R: usize, const B: usize>(
    s: S,
    mix: Mix<'_>,
    terms: &[f32],
    out: &[Cells<'_>],
    Place { row, at, d }: Place,
) {
    let mut sums = [[s.splat(0.0); B]; R];
    let coefficients = &mix.errors[row * mix.by_row..];
    for k in 0..terms.len() / d {
        let term = &terms[k * d + at..][..B * S::WIDTH];
        let mut parts = [s.splat(0.0); B];
        for (b, part) in parts.iter_mut().enumerate() {
            // SAFETY: `term` has B vectors.
            *part = unsafe { s.read(term.as_ptr().add(b * S::WIDTH)) };
        }
        for r in 0..R {
            let factor = s.splat(coefficients[r * mix.by_row + k * mix.by_term]);
            for b in 0..B {
                sums[r][b] = s.mul_add(factor, parts[b], sums[r][b]);
            }
        }
    }
    let out = &out[row..row + R];
    for r in 0..R {
        out[r].add_at(s, at, sums[r]);
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use rec_core::objective::{SkipGram, WordFactors};

    use super::*;
    use crate::ops::simd::{Level, Task};
    use crate::vectors::rows::Shared;

    struct Step<'a>(&'a mut Scratch, [Shared<'a>; 2], [usize; 2]);

    impl Task for Step<'_> {
        type Output = ();

        #[inline(always)]
        fn run<S: Lanes>(self, s: S) {
            let Self(scratch, [x, y], [n, m]) = self;
            let [x, y] = [(x, n), (y, m)]
                .map(|(table, n)| (0..n as u32).map(|row| table.row(row)).collect::<Vec<_>>());
            let labels: Vec<f32> = (0..m).map(|row| if row == 0 { 1.0 } else { 0.0 }).collect();
            let outputs = Outputs { rows: &y, labels: &labels, rates: &vec![0.25; m] };
            scratch.step(s, &x, outputs);
        }
    }

    #[test]
    fn a_step_is_against_the_gradient_of_the_objective() {
        for dim in [1, 3, 16, 100, 257] {
            for (n, m) in [(1, 1), (2, 6), (3, 4), (7, 3), (16, 21)] {
                let value = |at: usize, salt: usize| ((at * 37 + salt) % 23) as f64 / 23.0 - 0.5;
                let at = WordFactors {
                    inputs: Array2::from_shape_fn((n, dim), |(r, c)| value(r * dim + c, 5)),
                    outputs: Array2::from_shape_fn((m, dim), |(r, c)| value(r * dim + c, 11)),
                };
                let context: Vec<u32> = (0..n as u32).collect();
                let negatives: Vec<u32> = (1..m as u32).collect();
                let by = SkipGram::SkipGram.gradient(&at, &context, 0, &negatives);
                let want = [&at.inputs - 0.25 * by.inputs, &at.outputs - 0.25 * by.outputs];
                for level in Level::all() {
                    let mut scratch = Scratch::new(dim);
                    let flat = |a: &Array2<f64>| a.iter().map(|&v| v as f32).collect::<Vec<_>>();
                    let mut x = Rows::padded(&flat(&at.inputs), dim);
                    let mut y = Rows::padded(&flat(&at.outputs), dim);
                    level.run(Step(&mut scratch, [x.share(), y.share()], [n, m]));
                    for (got, want) in [x, y].iter().zip(&want) {
                        for (got, want) in got.packed().iter().zip(want) {
                            assert!((got - *want as f32).abs() < 2e-5, "{level:?} {got} {want}");
                        }
                    }
                }
            }
        }
    }
}
