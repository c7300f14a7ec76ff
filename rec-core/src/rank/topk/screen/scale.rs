//! Factors as the screen sees them: the bias as one more dimension, and each dimension scaled by a
//! power of two (exactly) so that users and items are of one size in it. By Cauchy–Schwarz that
//! makes `‖u‖·‖v‖` as small as scaling can, and with it the bound.

use rayon::prelude::*;

use crate::rank::Factors;

/// Rows looked at to choose the scales.
const SAMPLE: usize = 2048;

pub(super) struct Scaling {
    /// What users are multiplied by in each dimension, and items divided by.
    users: Vec<f32>,
    items: Vec<f32>,
}

impl Scaling {
    /// Scales for these users and items.
    pub(super) fn new(factors: &Factors<'_>, users: &[u32]) -> Self {
        let dim = factors.dim;
        let mut user_squares = vec![0f64; dim];
        for &user in users.iter().step_by(users.len().div_ceil(SAMPLE)) {
            add_squares(&mut user_squares, factors.user(user));
        }
        let mut item_squares = vec![0f64; dim];
        let n_items = factors.items.len() / dim;
        let step = n_items.div_ceil(SAMPLE);
        for item in (0..n_items).step_by(step) {
            add_squares(&mut item_squares, factors.item(item as u32));
        }
        let n_users = users.len().div_ceil(users.len().div_ceil(SAMPLE));
        if let Some(bias) = factors.item_bias {
            user_squares.push(n_users as f64);
            let sampled = bias.iter().step_by(step);
            item_squares.push(sampled.map(|&b| f64::from(b) * f64::from(b)).sum());
        }
        let ratio = n_users as f64 / n_items.div_ceil(step) as f64;
        let scale = |(&u, &v): (&f64, &f64)| {
            let power = (v * ratio / u).log2() / 4.0;
            if power.is_finite() { power.round().clamp(-30.0, 30.0).exp2() as f32 } else { 1.0 }
        };
        let users: Vec<f32> = user_squares.iter().zip(&item_squares).map(scale).collect();
        let items = users.iter().map(|s| s.recip()).collect();
        Self { users, items }
    }

    /// Dimensions, the bias among them.
    pub(super) fn width(&self) -> usize {
        self.users.len()
    }

    /// One user's scaled row into `out`, `[width]`.
    pub(super) fn user(&self, factors: &Factors<'_>, user: u32, out: &mut [f32]) {
        scaled(factors.user(user), 1.0, &self.users, out);
    }

    /// One item's scaled row into `out`, `[width]`.
    pub(super) fn item(&self, factors: &Factors<'_>, item: u32, out: &mut [f32]) {
        let bias = factors.item_bias.map_or(0.0, |b| b[item as usize]);
        scaled(factors.item(item), bias, &self.items, out);
    }

    /// The lengths of the scaled rows of these items.
    pub(super) fn norms(&self, factors: &Factors<'_>, items: &[u32]) -> Vec<f32> {
        let with = || vec![0f32; self.width()];
        let length = |row: &mut Vec<f32>, &item: &u32| {
            self.item(factors, item, row);
            norm(row)
        };
        items.par_iter().with_min_len(1024).map_init(with, length).collect()
    }
}

fn add_squares(sums: &mut [f64], row: &[f32]) {
    sums.iter_mut().zip(row).for_each(|(s, &x)| *s += f64::from(x) * f64::from(x));
}

fn scaled(row: &[f32], bias: f32, scales: &[f32], out: &mut [f32]) {
    for ((to, &x), &scale) in out.iter_mut().zip(row).zip(scales) {
        *to = x * scale;
    }
    if row.len() < scales.len() {
        out[row.len()] = bias * scales[row.len()];
    }
}

/// The Euclidean length of a row, never less than the true one by more than a rounding.
pub(super) fn norm(row: &[f32]) -> f32 {
    // Eight sums, that the compiler can keep in registers.
    let mut sums = [0f64; 8];
    let (body, tail) = row.as_chunks::<8>();
    for group in body {
        for (sum, &x) in sums.iter_mut().zip(group) {
            *sum += f64::from(x) * f64::from(x);
        }
    }
    for (sum, &x) in sums.iter_mut().zip(tail) {
        *sum += f64::from(x) * f64::from(x);
    }
    sums.iter().sum::<f64>().sqrt() as f32
}
