//! Candidates put in another order: for diversity, or to match a user's tastes.

use rayon::prelude::*;

use super::{Normalize, TopK};
use crate::data::Csr;
use crate::{Error, Result};

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
    /// [`Error::Parameter`] for a `lambda` outside `[0, 1]` or a `k` of 0 or above the candidates',
    /// [`Error::Data`] for a similarity that is NaN.
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
                        return Err(Error::data(
                            "similarity",
                            format!("items {item} and {} have NaN; clean the vectors", items[next]),
                        ));
                    }
                    *near = near.max(s);
                }
            }
            Ok(chosen)
        })
    }
}

/// Calibration (H. Steck, "Calibrated recommendations", RecSys 2018): greedily grows the list
/// `I` that maximises
///
/// `(1 − λ) · Σ_{i ∈ I} s(i) − λ · KL(p ‖ q̃(I))`, `KL(p ‖ q̃) = Σ_g p(g) ln (p(g) / q̃(g))`,
/// `q̃ = (1 − α) q + α p`
///
/// (eq. 6–7), where `p(g)` is the share of tag `g` in the user's past and `q(g)` the mean of
/// `p(g|i)` over the tagged items of the list; an item's tags share it equally.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// `λ` in `[0, 1]`: 0 keeps the order by score, 1 looks at calibration alone.
    pub lambda: f32,
    /// `α` in `(0, 1]`, 0.01 in the paper.
    pub alpha: f32,
    /// How `s` comes from the scores; min–max makes a `λ` fit any model.
    pub normalize: Normalize,
}

impl Calibration {
    /// The best `k` of each row of candidates, in order of choice; scores stay the model's own.
    /// `profiles` holds `p` of each row, `[rows, tags]` (see [`tag_profiles`]), `tags` the items'
    /// tags, `[items, tags]`. A row without profile keeps its order.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a `lambda` outside `[0, 1]`, an `alpha` outside `(0, 1]` or a `k`
    /// of 0 or above the candidates', [`Error::Shape`] where profiles, tags and candidates do not
    /// fit.
    pub fn rerank(&self, candidates: &TopK, k: usize, profiles: &Csr, tags: &Csr) -> Result<TopK> {
        check_share("lambda", self.lambda)?;
        check_share("alpha", self.alpha)?;
        if self.alpha == 0.0 {
            return Err(Error::parameter("alpha", 0, "choose a number above 0, such as 0.01"));
        }
        if profiles.n_rows() != candidates.n_rows() {
            return Err(Error::shape("rows of profiles", candidates.n_rows(), profiles.n_rows()));
        }
        if profiles.n_cols() != tags.n_cols() {
            return Err(Error::shape("tags of profiles", tags.n_cols(), profiles.n_cols()));
        }
        rerank(candidates, k, |row, items, scores| {
            if let Some(item) = items.iter().find(|&&item| item as usize >= tags.n_rows()) {
                return Err(Error::shape("items with tags", format!("> {item}"), tags.n_rows()));
            }
            Ok(self.choose(items, scores, &profiles.iter_row(row).collect::<Vec<_>>(), tags, k))
        })
    }

    fn choose(
        &self,
        items: &[u32],
        scores: &[f32],
        profile: &[(u32, f32)],
        tags: &Csr,
        k: usize,
    ) -> Vec<usize> {
        let mut relevance = scores.to_vec();
        self.normalize.apply(&mut relevance);
        let target = Target::new(profile, self.alpha);
        let shares: Vec<_> = items.iter().map(|&i| target.shares(tags.row(i as usize))).collect();
        let (lambda, mut sums) = (f64::from(self.lambda), vec![0.0; target.p.len()]);
        let (mut tagged, mut chosen) = (0.0, Vec::with_capacity(k));
        let is_tagged = |at: usize| f64::from(u8::from(!tags.row(items[at] as usize).is_empty()));
        while chosen.len() < k.min(items.len()) {
            let value = |at: usize| {
                let divergence = target.divergence(&sums, &shares[at], tagged + is_tagged(at));
                (1.0 - lambda) * f64::from(relevance[at]) - lambda * divergence
            };
            let Some(next) = best(items.len(), &chosen, value) else { break };
            chosen.push(next);
            tagged += is_tagged(next);
            shares[next].iter().for_each(|&(g, share)| sums[g] += share);
        }
        chosen
    }
}

/// A user's tag distribution, over the tags it holds: no other matters to the divergence.
struct Target {
    tags: Vec<u32>,
    p: Vec<f64>,
    alpha: f64,
}

impl Target {
    fn new(profile: &[(u32, f32)], alpha: f32) -> Self {
        let held = || profile.iter().filter(|&&(_, w)| w > 0.0);
        let total: f64 = held().map(|&(_, w)| f64::from(w)).sum();
        Self {
            tags: held().map(|&(tag, _)| tag).collect(),
            p: held().map(|&(_, w)| f64::from(w) / total).collect(),
            alpha: f64::from(alpha),
        }
    }

    /// `p(g|i)` of an item with these tags, by position in the profile.
    fn shares(&self, tags: &[u32]) -> Vec<(usize, f64)> {
        let share = 1.0 / tags.len().max(1) as f64;
        tags.iter().filter_map(|t| Some((self.tags.binary_search(t).ok()?, share))).collect()
    }

    /// `KL(p ‖ q̃)` once an item's shares join the sums, over `n` tagged items.
    fn divergence(&self, sums: &[f64], added: &[(usize, f64)], n: f64) -> f64 {
        let n = n.max(1.0);
        let term =
            |p: f64, sum: f64| p * (p / ((1.0 - self.alpha) * sum / n + self.alpha * p)).ln();
        let mut added = added.iter().peekable();
        let mut divergence = 0.0;
        for (g, (&p, &sum)) in self.p.iter().zip(sums).enumerate() {
            let more = added.next_if(|&&(at, _)| at == g).map_or(0.0, |&(_, share)| share);
            divergence += term(p, sum + more);
        }
        divergence
    }
}

/// Tag distributions of users, `[users, tags]`: `p(g|u) = Σ_i w_ui p(g|i) / Σ_i w_ui` over the
/// tagged items of each row of `past`, `[users, items]` (Steck 2018, eq. 2). Negative weights count
/// as 0.
///
/// # Errors
/// [`Error::Shape`] where items and tags do not fit.
pub fn tag_profiles(past: &Csr, tags: &Csr) -> Result<Csr> {
    if past.n_cols() != tags.n_rows() {
        return Err(Error::shape("items with tags", past.n_cols(), tags.n_rows()));
    }
    let row = |user: usize| {
        let tagged = || {
            past.iter_row(user)
                .map(|(item, w)| (tags.row(item as usize), w.max(0.0)))
                .filter(|(tags, w)| !tags.is_empty() && *w > 0.0)
        };
        let total: f32 = tagged().map(|(_, w)| w).sum();
        tagged()
            .flat_map(|(tags, w)| tags.iter().map(move |&t| (t, w / total / tags.len() as f32)))
            .collect()
    };
    Ok(Csr::from_rows((0..past.n_rows()).map(row), tags.n_cols()))
}

/// Cosine similarity of item vectors, `[items, dim]` row-major; 0 for a zero vector or an item
/// past the table.
///
/// # Errors
/// [`Error::Shape`] unless the values make whole vectors.
pub fn cosine(values: &[f32], dim: usize) -> Result<impl Fn(u32, u32) -> f32 + Sync + '_> {
    if dim == 0 || !values.len().is_multiple_of(dim) {
        return Err(Error::shape("item vectors", format!("[items, {dim}]"), values.len()));
    }
    let norms: Vec<f32> =
        values.chunks_exact(dim).map(|v| v.iter().map(|x| x * x).sum::<f32>().sqrt()).collect();
    Ok(move |a: u32, b: u32| {
        let (a, b) = (a as usize, b as usize);
        let (Some(na), Some(nb)) = (norms.get(a), norms.get(b)) else { return 0.0 };
        let (va, vb) = (&values[a * dim..][..dim], &values[b * dim..][..dim]);
        let dot: f32 = va.iter().zip(vb).map(|(x, y)| x * y).sum();
        if na * nb > 0.0 { dot / (na * nb) } else { 0.0 }
    })
}

/// Jaccard similarity of item tags, `[items, tags]`; 0 for items without tags or past the table.
pub fn jaccard(tags: &Csr) -> impl Fn(u32, u32) -> f32 + Sync + '_ {
    move |a, b| {
        if a.max(b) as usize >= tags.n_rows() {
            return 0.0;
        }
        let (a, b) = (tags.row(a as usize), tags.row(b as usize));
        let both = a.iter().filter(|t| b.binary_search(t).is_ok()).count();
        let either = a.len() + b.len() - both;
        if either == 0 { 0.0 } else { both as f32 / either as f32 }
    }
}

fn check_share(name: &str, value: f32) -> Result<()> {
    if (0.0..=1.0).contains(&value) {
        Ok(())
    } else {
        Err(Error::parameter(name, value, "choose a number from 0 to 1"))
    }
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
#[path = "rerank_tests.rs"]
mod tests;
