//! Mean losses of a batch, and their gradients by the propagated embeddings.

use rayon::prelude::*;

use super::draws::Triple;
use crate::ops::gemm::{Matrix, product};
use crate::ops::simd::exp_minus;

/// Propagated embeddings of users and items: `[n_users, d]` and `[n_items, d]`.
#[derive(Clone, Copy)]
pub(in crate::graph) struct Sides<'a> {
    pub(in crate::graph) users: &'a [f32],
    pub(in crate::graph) items: &'a [f32],
    pub(in crate::graph) d: usize,
}

/// Where gradients by the two sides are added.
pub(in crate::graph) struct Gradients<'a> {
    pub(in crate::graph) users: &'a mut [f32],
    pub(in crate::graph) items: &'a mut [f32],
}

fn row(table: &[f32], at: u32, d: usize) -> &[f32] {
    &table[at as usize * d..][..d]
}

fn row_mut(table: &mut [f32], at: u32, d: usize) -> &mut [f32] {
    &mut table[at as usize * d..][..d]
}

pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// With `x = s_ui − s_uj` and `z = σ(−x)`: `−z (e_i − e_j)` for the user, `∓z e_u` for the items
/// are added.
pub(in crate::graph) fn bpr(batch: &[Triple], sides: Sides<'_>, gradients: Gradients<'_>) -> f64 {
    let Sides { users, items, d } = sides;
    let scale = 1.0 / batch.len() as f32;
    let pulls: Vec<(f32, f64)> = batch
        .par_iter()
        .with_min_len(256)
        .map(|&[u, i, j]| {
            let apart = row(items, i, d).iter().zip(row(items, j, d)).map(|(i, j)| i - j);
            let x = row(users, u, d).iter().zip(apart).map(|(u, x)| u * x).sum::<f32>();
            let x = f64::from(x);
            let z = rec_core::objective::sigmoid(-x);
            (scale * z as f32, -rec_core::objective::log_sigmoid(x))
        })
        .collect();
    rayon::join(
        || {
            for (&[u, i, j], &(pull, _)) in batch.iter().zip(&pulls) {
                let apart = row(items, i, d).iter().zip(row(items, j, d));
                for (g, (i, j)) in row_mut(gradients.users, u, d).iter_mut().zip(apart) {
                    *g -= pull * (i - j);
                }
            }
        },
        || {
            for (&[u, i, j], &(pull, _)) in batch.iter().zip(&pulls) {
                for (item, pull) in [(i, -pull), (j, pull)] {
                    add(row_mut(gradients.items, item, d), pull, row(users, u, d));
                }
            }
        },
    );
    pulls.iter().map(|(_, loss)| loss).sum::<f64>() / batch.len() as f64
}

/// `to += by · x`.
pub(super) fn add(to: &mut [f32], by: f32, x: &[f32]) {
    for (to, x) in to.iter_mut().zip(x) {
        *to += by * x;
    }
}

/// With `P` the softmax of the cosines over `τ`: `(P − I) v / (B τ)` for the users' directions, its
/// transpose for the items', each then without what would change a length.
pub(super) fn softmax(
    batch: &[Triple],
    sides: Sides<'_>,
    temperature: f32,
    gradients: Gradients<'_>,
) -> f64 {
    let (n, d) = (batch.len(), sides.d);
    let users = Directions::gather(sides.users, batch.iter().map(|t| t[0]), d);
    let items = Directions::gather(sides.items, batch.iter().map(|t| t[1]), d);
    let same = |at: usize, other: usize| batch[other][1] == batch[at][1];
    let (loss, to_users, to_items) = told_apart(&users, &items, temperature, same);
    let scale = 1.0 / (n as f32 * temperature);
    rayon::join(
        || users.add_to(gradients.users, batch.iter().map(|t| t[0]), &to_users, scale),
        || items.add_to(gradients.items, batch.iter().map(|t| t[1]), &to_items, scale),
    );
    loss
}

/// InfoNCE of two tables of as many directions, row `i` of one the positive of row `i` of the
/// other: the mean loss, and its gradients by both tables times `rows · τ`.
pub(in crate::graph) fn info_nce(
    a: &Directions,
    b: &Directions,
    tau: f32,
) -> (f64, Vec<f32>, Vec<f32>) {
    told_apart(a, b, tau, |_, _| false)
}

/// With `P` the softmax over rows of `a bᵀ / τ`: the mean of `−ln P_ii`, `(P − I) b` and
/// `(P − I)ᵀ a`. Columns that are the `same` as a row's own count for nothing there.
fn told_apart(
    a: &Directions,
    b: &Directions,
    temperature: f32,
    same: impl Fn(usize, usize) -> bool + Sync,
) -> (f64, Vec<f32>, Vec<f32>) {
    let (n, d) = (a.lengths.len(), a.d);
    let [a, b] = [a, b].map(|table| Matrix::new(&table.unit, [n, d]));
    let mut scores = product(a, b.transposed());
    let losses: Vec<f64> = scores
        .par_chunks_exact_mut(n)
        .enumerate()
        .map(|(at, row)| softmax_row(row, at, temperature, |other| same(at, other)))
        .collect();
    let by = Matrix::new(&scores, [n, n]);
    let gradients = (product(by, b), product(by.transposed(), a));
    (losses.iter().sum::<f64>() / n as f64, gradients.0, gradients.1)
}

/// Turns a row of cosines into its softmax less 1 at the positive; the loss before.
fn softmax_row(row: &mut [f32], at: usize, temperature: f32, same: impl Fn(usize) -> bool) -> f64 {
    for (other, score) in row.iter_mut().enumerate() {
        *score = if other != at && same(other) { f32::NEG_INFINITY } else { *score / temperature };
    }
    let (positive, shift) = (row[at], 1.0 / temperature);
    let sum = exp_minus(row, shift);
    row.iter_mut().for_each(|p| *p /= sum);
    row[at] -= 1.0;
    f64::from(sum).ln() + f64::from(shift - positive)
}

/// Rows of length 1, and how long they were.
pub(in crate::graph) struct Directions {
    pub(in crate::graph) unit: Vec<f32>,
    lengths: Vec<f32>,
    d: usize,
}

impl Directions {
    pub(in crate::graph) fn gather(
        table: &[f32],
        ids: impl Iterator<Item = u32>,
        d: usize,
    ) -> Self {
        let (mut unit, mut lengths) = (Vec::new(), Vec::new());
        for id in ids {
            let x = row(table, id, d);
            let length = Some(dot(x, x).sqrt()).filter(|&length| length > 0.0);
            // A row of zeros has no direction, and takes no gradient by one.
            let length = length.unwrap_or(f32::INFINITY);
            unit.extend(x.iter().map(|x| x / length));
            lengths.push(length);
        }
        Self { unit, lengths, d }
    }

    /// Adds `scale (g − ⟨g, û⟩ û) / ‖u‖` for each row's gradient `g` by its direction `û`.
    pub(in crate::graph) fn add_to(
        &self,
        to: &mut [f32],
        ids: impl Iterator<Item = u32>,
        by: &[f32],
        scale: f32,
    ) {
        let d = self.d;
        let rows = by.chunks_exact(d).zip(self.unit.chunks_exact(d)).zip(&self.lengths);
        for (id, ((g, unit), length)) in ids.zip(rows) {
            let (along, scale) = (dot(g, unit), scale / length);
            for (to, (g, unit)) in row_mut(to, id, d).iter_mut().zip(g.iter().zip(unit)) {
                *to += scale * (g - along * unit);
            }
        }
    }
}
