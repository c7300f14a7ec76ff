//! Ways through the graph that lead from a user to an item.

use rec_core::data::Csr;

use crate::{Error, Result};

/// A way from a user to an item: user → `item` → `user` → item.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Path {
    /// An item of the user's past.
    pub item: u32,
    /// Another user who had both it and the item explained.
    pub user: u32,
    /// What the model sends along it: the product of the three edges' weights.
    pub weight: f32,
}

/// Numbers of neighbours of the nodes of a path, from the user to the item explained.
#[derive(Clone, Copy, Debug)]
pub(super) struct Degrees {
    pub(super) user: f32,
    pub(super) via: f32,
    pub(super) other: f32,
    pub(super) item: f32,
}

/// The `k` heaviest paths, heaviest first; ties go to the smaller item, then user.
pub(super) fn strongest(
    seen: &Csr,
    (user, item): (u32, u32),
    k: usize,
    weight: impl Fn(Degrees) -> f32,
) -> Result<Vec<Path>> {
    check_ids(seen, user, item)?;
    let past = seen.row(user as usize);
    let counts = seen.column_counts();
    let degree = |i: u32| counts[i as usize] as f32;
    let others = (0..seen.n_rows() as u32)
        .filter(|&other| other != user && seen.contains(other as usize, item));
    let mut paths: Vec<Path> = others
        .flat_map(|other| {
            let theirs = seen.row(other as usize);
            let shared = past.iter().filter(|&&i| i != item && theirs.binary_search(&i).is_ok());
            let weight = &weight;
            shared.map(move |&via| {
                let degrees = Degrees {
                    user: past.len() as f32,
                    via: degree(via),
                    other: theirs.len() as f32,
                    item: degree(item),
                };
                Path { item: via, user: other, weight: weight(degrees) }
            })
        })
        .collect();
    paths.sort_by(|a, b| {
        b.weight.total_cmp(&a.weight).then((a.item, a.user).cmp(&(b.item, b.user)))
    });
    paths.truncate(k);
    Ok(paths)
}

/// Refuses a user or an item that the model does not have.
pub(super) fn check_ids(seen: &Csr, user: u32, item: u32) -> Result<()> {
    let (n, m) = (seen.n_rows(), seen.n_cols());
    if user as usize >= n {
        return Err(Error::shape("dense user", format!("< {n}"), user));
    }
    if item as usize >= m {
        return Err(Error::shape("dense item", format!("< {m}"), item));
    }
    Ok(())
}

/// Paths whose edges weigh `1/√(d d′)`.
pub(super) fn symmetric(degrees: Degrees) -> f32 {
    let Degrees { user, via, other, item } = degrees;
    1.0 / ((user * item).sqrt() * via * other)
}
