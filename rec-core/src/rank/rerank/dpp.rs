//! Diverse lists by a determinantal point process.

use super::{best, check_share, nan_between, rerank};
use crate::rank::{Normalize, TopK};
use crate::{Error, Result};

/// The greedy maximum a posteriori list of a determinantal point process (L. Chen, G. Zhang,
/// H. Zhou, "Fast greedy MAP inference for determinantal point process to improve recommendation
/// diversity", NeurIPS 2018): grows the list `I` by the item that adds most to `log det L_I`,
///
/// `L_ij = e^{α r_i} · S_ij · e^{α r_j}`, `α = θ / (2 (1 − θ))`
///
/// so that the objective is `θ Σ_{i ∈ I} r_i + (1 − θ) log det S_I` (up to a factor), with the
/// Cholesky factor of `L_I` grown by a row an item: `O(k²)` a candidate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dpp {
    /// `θ` in `[0, 1)`: towards 1 the order by relevance, 0 looks at diversity alone.
    pub theta: f32,
    /// How `r` comes from the scores; min–max puts it on the scale of a similarity.
    pub normalize: Normalize,
}

/// What an item must add to the determinant before it counts as another direction.
const ENOUGH: f64 = 1e-10;

impl Dpp {
    /// The best `k` of each row of candidates, in order of choice; scores stay the model's own.
    /// `similarity` makes `S`: symmetric, 1 for an item with itself, and positive semidefinite, as
    /// cosine and Jaccard are; asked `k × candidates` times a row. Once no item adds a direction
    /// that the chosen ones don't span, the rest follows by score.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a `theta` outside `[0, 1)` or a `k` of 0 or above the candidates',
    /// [`Error::Data`] for a similarity that is NaN.
    pub fn rerank(
        &self,
        candidates: &TopK,
        k: usize,
        similarity: impl Fn(u32, u32) -> f32 + Sync,
    ) -> Result<TopK> {
        check_share("theta", self.theta)?;
        if self.theta == 1.0 {
            let why = "choose a number below 1; the order by score alone needs no reranking";
            return Err(Error::parameter("theta", self.theta, why));
        }
        let alpha = f64::from(self.theta) / (2.0 * (1.0 - f64::from(self.theta)));
        rerank(candidates, k, |_, items, scores| {
            let mut relevance = scores.to_vec();
            self.normalize.apply(&mut relevance);
            let top = relevance.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            // A common factor changes no argmax; this one keeps the exponentials below 1.
            let quality: Vec<f64> =
                relevance.iter().map(|&r| (alpha * f64::from(r - top)).exp()).collect();
            greedy(items, &quality, k.min(items.len()), &similarity)
        })
    }
}

/// Positions in order of choice: algorithm 1 of the paper.
fn greedy(
    items: &[u32],
    quality: &[f64],
    k: usize,
    similarity: &impl Fn(u32, u32) -> f32,
) -> Result<Vec<usize>> {
    let n = items.len();
    let mut gains: Vec<f64> = quality.iter().map(|q| q * q).collect();
    // Row `i` of the Cholesky factor, one column a chosen item.
    let mut rows: Vec<Vec<f64>> = vec![Vec::with_capacity(k); n];
    let mut chosen = Vec::with_capacity(k);
    while chosen.len() < k {
        let adds = |at: usize| gains[at] > ENOUGH * quality[at].powi(2);
        let gain = |at: usize| if adds(at) { gains[at] } else { f64::NEG_INFINITY };
        let Some(next) = best(n, &chosen, gain).filter(|&at| adds(at)) else { break };
        chosen.push(next);
        let (pivot, root) = (rows[next].clone(), gains[next].sqrt());
        for at in (0..n).filter(|at| !chosen.contains(at)) {
            let like = similarity(items[next], items[at]);
            if like.is_nan() {
                return Err(nan_between(items[next], items[at]));
            }
            let product: f64 = pivot.iter().zip(&rows[at]).map(|(a, b)| a * b).sum();
            let entry = (quality[next] * f64::from(like) * quality[at] - product) / root;
            rows[at].push(entry);
            gains[at] -= entry * entry;
        }
    }
    // Candidates come best first.
    let rest: Vec<usize> = (0..n).filter(|at| !chosen.contains(at)).collect();
    chosen.extend(rest.into_iter().take(k - chosen.len()));
    Ok(chosen)
}
