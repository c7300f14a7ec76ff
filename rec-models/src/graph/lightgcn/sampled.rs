//! The softmax over items drawn for a whole batch.

use rayon::prelude::*;
use rec_core::data::Csr;

use super::draws::{NONE, Triple};
use super::loss::{Directions, Gradients, Sides, add, dot};
use crate::ops::gemm::{Matrix, product};
use crate::ops::simd::exp_minus;

/// With `p` the softmax of a user's cosines over `τ`, the positive's `p₊` apart: `Σ_j p_j v_j −
/// (1 − p₊) v₊` for the user's direction, `p_j u` and `(p₊ − 1) u` for the items', over `B τ`, each
/// then without what would change a length. Of the items drawn, those that a user had count for
/// nothing there.
pub(super) fn sampled_softmax(
    batch: &[Triple],
    (drawn, seen): (&[u32], &Csr),
    sides: Sides<'_>,
    temperature: f32,
    gradients: Gradients<'_>,
) -> f64 {
    let (n, m, d) = (batch.len(), drawn.len(), sides.d);
    let (who, had) = (|| batch.iter().map(|t| t[0]), || batch.iter().map(|t| t[1]));
    let users = Directions::gather(sides.users, who(), d);
    let items = Directions::gather(sides.items, had(), d);
    let others = Directions::gather(sides.items, drawn.iter().copied(), d);
    let (of_users, of_others) =
        (Matrix::new(&users.unit, [n, d]), Matrix::new(&others.unit, [m, d]));
    let mut scores = product(of_users, of_others.transposed());
    let columns = columns(drawn, seen.n_cols());
    let pairs = users.unit.par_chunks_exact(d).zip(items.unit.par_chunks_exact(d));
    let losses: Vec<(f64, f32)> = scores
        .par_chunks_exact_mut(m)
        .zip(pairs)
        .zip(batch)
        .map(|((row, (user, item)), triple)| {
            for &item in seen.row(triple[0] as usize) {
                if let Some(score) = row.get_mut(columns[item as usize] as usize) {
                    *score = f32::NEG_INFINITY;
                }
            }
            softmax(row, dot(user, item), temperature)
        })
        .collect();
    let by = Matrix::new(&scores, [n, m]);
    let (mut to_users, to_others) = (product(by, of_others), product(by.transposed(), of_users));
    let mut to_items = vec![0f32; n * d];
    for (at, &(_, pull)) in losses.iter().enumerate() {
        let row = at * d..(at + 1) * d;
        add(&mut to_users[row.clone()], pull, &items.unit[row.clone()]);
        add(&mut to_items[row.clone()], pull, &users.unit[row]);
    }
    let scale = 1.0 / (n as f32 * temperature);
    rayon::join(
        || users.add_to(gradients.users, who(), &to_users, scale),
        || {
            items.add_to(gradients.items, had(), &to_items, scale);
            others.add_to(gradients.items, drawn.iter().copied(), &to_others, scale);
        },
    );
    losses.iter().map(|(loss, _)| loss).sum::<f64>() / n as f64
}

/// Where each item was drawn; past all columns if it was not.
fn columns(drawn: &[u32], items: usize) -> Vec<u32> {
    let mut columns = vec![NONE; items];
    for (column, &item) in drawn.iter().enumerate() {
        columns[item as usize] = column as u32;
    }
    columns
}

/// Turns a row of cosines into their part of the softmax; the loss before, and `p₊ − 1`.
fn softmax(row: &mut [f32], positive: f32, temperature: f32) -> (f64, f32) {
    let shift = 1.0 / temperature;
    row.iter_mut().for_each(|score| *score /= temperature);
    let of_others = exp_minus(row, shift);
    let of_positive = (positive / temperature - shift).exp();
    let sum = of_others + of_positive;
    row.iter_mut().for_each(|p| *p /= sum);
    (f64::from(sum).ln() + f64::from(shift - positive / temperature), -of_others / sum)
}
