//! One step on a window: hidden vectors against outputs, as two small matrix products.
//!
//! With hidden rows `X` (`[n, d]`), output rows `Y` (`[m, d]`) and labels `t`, the step is
//! `E = η (t − σ(X Yᵀ))`, `ΔX = E Y`, `ΔY = Eᵀ X`: `−η` times the gradient of
//! [`rec_core::objective::SkipGram`], all from the values before the step. Sharing the outputs
//! among the hidden rows of a window is what turns vectors' products into matrices' (Ji, Satish,
//! Li and Dubey, "Parallelizing word2vec in shared and distributed memory", 2016).

mod products;
mod rows;
#[cfg(test)]
mod tests;

use std::ops::Range;

use products::{Mix, combine, product, products};
use rows::{Pull, add_up, all_dots, move_both, move_copies, spread};

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

    /// Steps of hidden rows one after another on the same outputs, which are read and written only once;
    /// each stands there but once.
    #[inline(always)]
    pub(super) fn step_in_turn<S: Lanes>(
        &mut self,
        s: S,
        hidden: &[Cells<'_>],
        outputs: Outputs<'_>,
    ) {
        let (m, d) = (outputs.rows.len(), self.stride);
        self.reserve(1, 2 * m);
        let (y, before) = self.y[..2 * m * d].split_at_mut(m * d);
        for (output, y) in outputs.rows.iter().zip(y.chunks_exact_mut(d)) {
            output.read(s, y);
        }
        before.copy_from_slice(y);
        let x = &mut self.x[..d];
        let values = &mut self.errors[..m.next_multiple_of(S::WIDTH)];
        for row in hidden {
            row.read(s, x);
            products(s, x, y, d, values, m);
            errors(s, outputs, values);
            for (at, vectors) in blocks::<S>(d) {
                match vectors {
                    4 => move_copies::<S, 4>(s, *row, values, x, y, at),
                    3 => move_copies::<S, 3>(s, *row, values, x, y, at),
                    2 => move_copies::<S, 2>(s, *row, values, x, y, at),
                    _ => move_copies::<S, 1>(s, *row, values, x, y, at),
                }
            }
        }
        let steps = y.chunks_exact(d).zip(before.chunks_exact(d));
        for (output, (after, before)) in outputs.rows.iter().zip(steps) {
            output.add_difference(s, after, before);
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
