//! Lists with tags in the proportions of a user's past.

use super::{best, check_share, rerank};
use crate::data::Csr;
use crate::rank::{Normalize, TopK};
use crate::{Error, Result};

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
pub(super) struct Target {
    tags: Vec<u32>,
    p: Vec<f64>,
    alpha: f64,
}

impl Target {
    pub(super) fn new(profile: &[(u32, f32)], alpha: f32) -> Self {
        let held = || profile.iter().filter(|&&(_, w)| w > 0.0);
        let total: f64 = held().map(|&(_, w)| f64::from(w)).sum();
        Self {
            tags: held().map(|&(tag, _)| tag).collect(),
            p: held().map(|&(_, w)| f64::from(w) / total).collect(),
            alpha: f64::from(alpha),
        }
    }

    /// `p(g|i)` of an item with these tags, by position in the profile.
    pub(super) fn shares(&self, tags: &[u32]) -> Vec<(usize, f64)> {
        let share = 1.0 / tags.len().max(1) as f64;
        tags.iter().filter_map(|t| Some((self.tags.binary_search(t).ok()?, share))).collect()
    }

    /// `KL(p ‖ q̃)` once an item's shares join the sums, over `n` tagged items.
    pub(super) fn divergence(&self, sums: &[f64], added: &[(usize, f64)], n: f64) -> f64 {
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
