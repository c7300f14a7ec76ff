//! Candidates put in another order: for diversity, to match a user's tastes, or by the rules of the
//! house.

mod calibration;
mod dpp;
mod freshness;
mod mmr;
mod rules;
mod similarity;

use rayon::prelude::*;

pub use calibration::{Calibration, tag_profiles};
pub use dpp::Dpp;
pub use freshness::Freshness;
pub use mmr::Mmr;
pub use rules::{Boost, Bound, Pin, Quota, Rules};
pub use similarity::{cosine, jaccard};

use super::TopK;
use crate::{Error, Result};

fn check_share(name: &str, value: f32) -> Result<()> {
    if (0.0..=1.0).contains(&value) {
        Ok(())
    } else {
        Err(Error::parameter(name, value, "choose a number from 0 to 1"))
    }
}

fn nan_between(a: u32, b: u32) -> Error {
    Error::data("similarity", format!("items {b} and {a} have NaN; clean the vectors"))
}

/// The position not yet chosen with the highest value, the first of equal ones.
fn best(n: usize, chosen: &[usize], value: impl Fn(usize) -> f64) -> Option<usize> {
    let left = (0..n).filter(|at| !chosen.contains(at)).map(|at| (at, value(at)));
    left.reduce(|a, b| if b.1 > a.1 { b } else { a }).map(|(at, _)| at)
}

/// Reorders rows in parallel; `choose(row, items, scores)` gives positions in order of choice.
fn rerank(
    candidates: &TopK,
    k: usize,
    choose: impl Fn(usize, &[u32], &[f32]) -> Result<Vec<usize>> + Sync,
) -> Result<TopK> {
    if k == 0 || k > candidates.k() {
        let why = format!("choose 1 to {}, the candidates of a row", candidates.k());
        return Err(Error::parameter("k", k, why));
    }
    let rows: Vec<Vec<(u32, f32)>> = (0..candidates.n_rows())
        .into_par_iter()
        .map(|row| {
            let (items, scores) = candidates.row(row);
            let chosen = choose(row, items, scores)?;
            Ok(chosen.into_iter().map(|at| (items[at], scores[at])).collect())
        })
        .collect::<Result<_>>()?;
    TopK::from_rows(&rows, k)
}

#[cfg(test)]
mod tests;
