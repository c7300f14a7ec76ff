//! The sharpening process, on a table of `[n_items, columns]`: users are columns, so that one pass
//! over the sparse matrix serves them all.

use serde::{Deserialize, Serialize};

use super::Bspm;
use crate::graph::filter::Filter;
use crate::ops::spmm::cpu::{Into, Only, multiply};

/// How the sharpening equation is solved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Solver {
    /// Euler's method: a step of length `τ` is `y (I − τ P)`.
    Euler,
    /// A Runge–Kutta method of fourth order. The equation is linear and knows no time, so all of
    /// them are `y Σ_{k=0..=4} (−τ P)ᵏ / k!`.
    #[default]
    Rk4,
}

impl Solver {
    /// Terms of a step's series after the first.
    fn order(self) -> usize {
        match self {
            Self::Euler => 1,
            Self::Rk4 => 4,
        }
    }

    /// The eigenvalues of `P` lie between 0 and 1; longer steps blow some of them up.
    pub(super) fn longest_step(self) -> f32 {
        match self {
            Self::Euler => 2.0,
            Self::Rk4 => 2.785,
        }
    }
}

/// Where the part of the ideal filter is added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Merge {
    /// Before sharpening, which then sharpens both.
    #[default]
    Early,
    /// After sharpening.
    Late,
}

/// `P x`: `[n_items, columns] → [n_items, columns]`.
pub(super) fn blur(filter: &Filter, x: &[f32], columns: usize) -> Vec<f32> {
    let mut tall = vec![0f32; filter.by_user.n_rows() * columns];
    let mut out = vec![0f32; x.len()];
    to(&filter.by_user, x, columns, &mut tall);
    to(&filter.by_item, &tall, columns, &mut out);
    out
}

pub(super) fn to(matrix: &rec_core::data::Csr, x: &[f32], columns: usize, out: &mut [f32]) {
    multiply(matrix, x, columns, Only::default(), Into { product: Some(out), sum: None });
}

/// What is blurred and what the ideal filter leaves, `[n_items, columns]` both, to the scores:
/// linear in the two, which is what explanations rest on.
pub(super) fn sharpen(
    by: &Bspm,
    filter: &Filter,
    blurred: Vec<f32>,
    ideal: Option<&[f32]>,
    columns: usize,
) -> Vec<f32> {
    let merged = |mut table: Vec<f32>, when: Merge| {
        if let Some(ideal) = ideal.filter(|_| by.merge == when) {
            table.iter_mut().zip(ideal).for_each(|(y, x)| *y += by.beta * x);
        }
        table
    };
    let mut sum = by.mean.then(|| blurred.clone());
    let mut table = merged(blurred, Merge::Early);
    let steps = if by.sharpening > 0.0 { by.steps } else { 0 };
    for _ in 0..steps {
        table = step(by, filter, table, columns);
        if let Some(sum) = &mut sum {
            sum.iter_mut().zip(&table).for_each(|(sum, y)| *sum += y);
        }
    }
    if let Some(mut sum) = sum.filter(|_| steps > 0) {
        let share = 1.0 / (steps + 1) as f32;
        sum.iter_mut().for_each(|x| *x *= share);
        table = sum;
    }
    merged(table, Merge::Late)
}

/// One step of the solver by Horner's rule: `y ← y + (−τ/k) P y_k` from the last term down.
fn step(by: &Bspm, filter: &Filter, table: Vec<f32>, columns: usize) -> Vec<f32> {
    let tau = by.sharpening / by.steps as f32;
    let mut tall = vec![0f32; filter.by_user.n_rows() * columns];
    let mut out = vec![0f32; table.len()];
    for term in (1..=by.solver.order()).rev() {
        let x = if term == by.solver.order() { &table } else { &out };
        to(&filter.by_user, x, columns, &mut tall);
        to(&filter.by_item, &tall, columns, &mut out);
        let scale = -tau / term as f32;
        out.iter_mut().zip(&table).for_each(|(out, y)| *out = y + scale * *out);
    }
    out
}
