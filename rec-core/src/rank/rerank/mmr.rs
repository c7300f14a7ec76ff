//! Relevance against likeness to what was chosen already.

use super::{best, check_share, nan_between, rerank};
use crate::Result;
use crate::rank::{Normalize, TopK};

/// Maximal marginal relevance (J. Carbonell, J. Goldstein, "The use of MMR, diversity-based
/// reranking for reordering documents and producing summaries", SIGIR 1998): from the candidates
/// `R` of a row, one by one,
///
/// `argmax_{i ∈ R∖S} λ · rel(i) − (1 − λ) · max_{j ∈ S} sim(i, j)`
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mmr {
    /// `λ` in `[0, 1]`: 1 keeps the order by relevance, 0 looks at diversity alone.
    pub lambda: f32,
    /// How `rel` comes from the scores; min–max puts it on the scale of a similarity.
    pub normalize: Normalize,
}

impl Mmr {
    /// The best `k` of each row of candidates, in order of choice; scores stay the model's own.
    /// `similarity` is asked `k × candidates` times a row. Of equal items the better ranked is
    /// taken, and the maximum over no item is 0.
    ///
    /// # Errors
    /// [`crate::Error::Parameter`] for a `lambda` outside `[0, 1]` or a `k` of 0 or above the candidates',
    /// [`crate::Error::Data`] for a similarity that is NaN.
    pub fn rerank(
        &self,
        candidates: &TopK,
        k: usize,
        similarity: impl Fn(u32, u32) -> f32 + Sync,
    ) -> Result<TopK> {
        check_share("lambda", self.lambda)?;
        rerank(candidates, k, |_, items, scores| {
            let mut relevance = scores.to_vec();
            self.normalize.apply(&mut relevance);
            let mut nearest = vec![f32::NEG_INFINITY; items.len()];
            let mut chosen = Vec::with_capacity(k);
            while chosen.len() < k.min(items.len()) {
                let value = |at: usize| {
                    let near = if chosen.is_empty() { 0.0 } else { nearest[at] };
                    f64::from(self.lambda * relevance[at] - (1.0 - self.lambda) * near)
                };
                let Some(next) = best(items.len(), &chosen, value) else { break };
                chosen.push(next);
                for (near, &item) in nearest.iter_mut().zip(items) {
                    let s = similarity(item, items[next]);
                    if s.is_nan() {
                        return Err(nan_between(items[next], item));
                    }
                    *near = near.max(s);
                }
            }
            Ok(chosen)
        })
    }
}
