//! The weights that stand for propagation.

use rayon::prelude::*;
use rec_core::data::Csr;

/// `β_ui = own(d_u) · other(d_i)`.
pub(super) struct Beta {
    pub(super) users: Vec<f32>,
    pub(super) items: Vec<f32>,
}

/// `√(d + 1)/d`; 0 for a node without edges.
pub(super) fn own(degree: f32) -> f32 {
    if degree > 0.0 { (degree + 1.0).sqrt() / degree } else { 0.0 }
}

/// `1/√(d + 1)`.
pub(super) fn other(degree: f32) -> f32 {
    1.0 / (degree + 1.0).sqrt()
}

impl Beta {
    pub(super) fn new(seen: &Csr) -> Self {
        let users = (0..seen.n_rows()).map(|u| own(seen.row(u).len() as f32));
        let items = seen.column_counts().into_iter().map(|d| other(d as f32));
        Self { users: users.collect(), items: items.collect() }
    }

    pub(super) fn of(&self, user: u32, item: u32) -> f32 {
        self.users[user as usize] * self.items[item as usize]
    }
}

/// Of each item `i` the `k` items with the largest `ω_ij = g_ij own(g_i) other(g_j)`, `g = RᵀR` and
/// `g_i` its row sums; largest first, ties to the smaller item.
pub(super) fn neighbours(seen: &Csr, k: usize) -> Csr {
    let (by_item, m) = (seen.transpose(), seen.n_cols());
    let sum = |i: usize| by_item.row(i).iter().map(|&u| seen.row(u as usize).len() as f32).sum();
    let sums: Vec<f32> = (0..m).into_par_iter().map(sum).collect();
    let rows: Vec<Vec<(u32, f32)>> = (0..m)
        .into_par_iter()
        .map_init(
            || (vec![0f32; m], Vec::new()),
            |(together, touched), i| {
                for &item in by_item.row(i).iter().flat_map(|&u| seen.row(u as usize)) {
                    if together[item as usize] == 0.0 {
                        touched.push(item);
                    }
                    together[item as usize] += 1.0;
                }
                let mut row: Vec<(u32, f32)> = touched
                    .drain(..)
                    .map(|j| {
                        let count = std::mem::take(&mut together[j as usize]);
                        (j, count * own(sums[i]) * other(sums[j as usize]))
                    })
                    .collect();
                row.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
                row.truncate(k);
                row.sort_unstable_by_key(|&(j, _)| j);
                row
            },
        )
        .collect();
    Csr::from_rows(rows, m)
}
