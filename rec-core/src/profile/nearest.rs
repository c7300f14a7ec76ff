//! Users with the same tastes.

use rayon::prelude::*;

use crate::data::Csr;
use crate::rank::{TopK, better};
use crate::{Error, Result};

/// The `k` users most like each of these, themselves left out, best first: by the cosine of what they had,
/// `⟨x_u, x_v⟩ / (‖x_u‖ ‖x_v‖)`, an item of `n` users weighing `ln((1 + N) / (1 + n)) + 1` in both, so that
/// what everybody had says little. `past` is `[users, items]`. Users without an item in common are not
/// listed.
///
/// # Errors
/// [`Error::Parameter`] for a `k` of 0, [`Error::Shape`] for users that are not there.
pub fn nearest_users(past: &Csr, users: &[u32], k: usize) -> Result<TopK> {
    if k == 0 {
        return Err(Error::parameter("k", k, "ask for at least 1 user"));
    }
    if let Some(user) = users.iter().find(|&&user| user as usize >= past.n_rows()) {
        return Err(Error::shape("users", format!("< {}", past.n_rows()), user));
    }
    let n = past.n_rows() as f32;
    let counts = past.column_counts();
    let rarity = |item: u32| ((1.0 + n) / (1.0 + counts[item as usize] as f32)).ln() + 1.0;
    let weighted = past.map_values(|_, item, x| x * rarity(item));
    let norm = |row: usize| weighted.iter_row(row).map(|(_, x)| x * x).sum::<f32>().sqrt();
    let norms: Vec<f32> = (0..past.n_rows()).into_par_iter().map(norm).collect();
    let readers = weighted.transpose();
    let one = |&user: &u32| {
        let mut sums: Vec<(u32, f32)> = weighted
            .iter_row(user as usize)
            .flat_map(|(item, x)| readers.iter_row(item as usize).map(move |(v, y)| (v, x * y)))
            .filter(|&(other, _)| other != user)
            .collect();
        sums.sort_by_key(|&(other, _)| other);
        sums.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0.0 };
            same
        });
        let length = |other: u32| norms[user as usize] * norms[other as usize];
        sums.iter_mut().for_each(|(other, sum)| *sum /= length(*other).max(f32::MIN_POSITIVE));
        sums.retain(|&(_, cosine)| cosine > 0.0);
        sums.sort_unstable_by(|&a, &b| better(a, b));
        sums.truncate(k);
        sums
    };
    TopK::from_rows(&users.par_iter().map(one).collect::<Vec<_>>(), k)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_by_hand() {
        // Items 0 (of all), 1 (of users 0 and 1), 2 (of user 2).
        let rows =
            [vec![(0, 1.0), (1, 1.0)], vec![(1, 2.0), (0, 1.0)], vec![(0, 1.0), (2, 1.0)], vec![]];
        let past = Csr::from_rows(rows, 3);
        let rarity = |n: f32| (5.0f32 / (1.0 + n)).ln() + 1.0;
        let (a, b, c) = (rarity(3.0), rarity(2.0), rarity(1.0));
        let x = [[a, b, 0.0], [a, 2.0 * b, 0.0], [a, 0.0, c]];
        let dot = |u: usize, v: usize| -> f32 { (0..3).map(|i| x[u][i] * x[v][i]).sum() };
        let cosine = |u: usize, v: usize| dot(u, v) / (dot(u, u).sqrt() * dot(v, v).sqrt());
        let top = nearest_users(&past, &[0, 3, 2], 5).unwrap();
        assert_eq!(top.row(0).0, [1, 2]);
        for (got, want) in top.row(0).1.iter().zip([cosine(0, 1), cosine(0, 2)]) {
            assert!((got - want).abs() < 1e-6);
        }
        assert!(top.row(1).0.is_empty());
        assert_eq!(top.row(2).0[0], 0);
        assert_eq!(nearest_users(&past, &[0], 1).unwrap().row(0).0, [1]);
        assert!(nearest_users(&past, &[0], 0).is_err() && nearest_users(&past, &[4], 1).is_err());
    }
}
