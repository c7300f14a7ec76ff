//! Where a user's relevant items stand in a ranked list, and the metrics that follow from it.

use std::sync::LazyLock;

/// How a weight becomes a gain in graded NDCG.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gain {
    /// gain = weight (Järvelin and Kekäläinen 2002; `ndcg` of ranx and trec_eval).
    Linear,
    /// gain = 2^weight − 1 (Burges et al. 2005; `ndcg_burges` of ranx).
    Exponential,
}

impl Gain {
    fn of(self, weight: f32) -> f64 {
        match self {
            Self::Linear => f64::from(weight),
            // Grades are mostly small integers, whose powers need no exponential function.
            Self::Exponential if weight as u8 as f32 == weight && weight < 32.0 => {
                ((1u64 << weight as u8) - 1) as f64
            }
            Self::Exponential => f64::from(weight).exp2() - 1.0,
        }
    }
}

const TABLE: usize = 1024;

/// Discounts of the first ranks, and their running sums.
static DISCOUNTS: LazyLock<(Vec<f64>, Vec<f64>)> = LazyLock::new(|| {
    let discounts: Vec<f64> = (0..TABLE).map(|rank| 1.0 / (rank as f64 + 2.0).log2()).collect();
    let mut sums = vec![0.0];
    for discount in &discounts {
        sums.push(sums[sums.len() - 1] + discount);
    }
    (discounts, sums)
});

/// 1 / log₂(rank + 2), ranks counted from 0.
fn discount(rank: usize) -> f64 {
    DISCOUNTS.0.get(rank).copied().unwrap_or_else(|| 1.0 / (rank as f64 + 2.0).log2())
}

/// The discounts of the first `n` ranks, added up.
fn ideal_dcg(n: usize) -> f64 {
    DISCOUNTS.1.get(n).copied().unwrap_or_else(|| {
        DISCOUNTS.1[TABLE] + (TABLE..n).map(|rank| 1.0 / (rank as f64 + 2.0).log2()).sum::<f64>()
    })
}

/// The relevant items found in a list. All metrics are 0 for a user without relevant items.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hits<'a> {
    /// Ranks of the found items from 0, ascending.
    pub(crate) ranks: &'a [u32],
    /// Their weights, beside the ranks; only read by graded metrics.
    pub(crate) weights: &'a [f32],
    /// Relevant items in all, found or not.
    pub(crate) n_relevant: usize,
    /// The weights of all relevant items, largest first; only read by graded metrics.
    pub(crate) ideal: &'a [f32],
}

impl Hits<'_> {
    fn within(&self, k: usize) -> &[u32] {
        &self.ranks[..self.ranks.partition_point(|&rank| (rank as usize) < k)]
    }

    pub(crate) fn precision(&self, k: usize) -> f64 {
        self.within(k).len() as f64 / k as f64
    }

    pub(crate) fn recall(&self, k: usize) -> f64 {
        ratio(self.within(k).len() as f64, self.n_relevant as f64)
    }

    pub(crate) fn hit_rate(&self, k: usize) -> f64 {
        f64::from(u8::from(!self.within(k).is_empty()))
    }

    pub(crate) fn reciprocal_rank(&self, k: usize) -> f64 {
        self.within(k).first().map_or(0.0, |&rank| 1.0 / (f64::from(rank) + 1.0))
    }

    /// Σ precision at each found item, not yet divided.
    fn precision_sum(&self, k: usize) -> f64 {
        let at = |(found, &rank): (usize, &u32)| (found as f64 + 1.0) / (f64::from(rank) + 1.0);
        self.within(k).iter().enumerate().map(at).sum()
    }

    pub(crate) fn average_precision(&self, k: usize) -> f64 {
        ratio(self.precision_sum(k), self.n_relevant.min(k) as f64)
    }

    pub(crate) fn average_precision_full(&self, k: usize) -> f64 {
        ratio(self.precision_sum(k), self.n_relevant as f64)
    }

    pub(crate) fn r_precision(&self) -> f64 {
        self.recall(self.n_relevant)
    }

    pub(crate) fn ndcg(&self, k: usize) -> f64 {
        let dcg: f64 = self.within(k).iter().map(|&rank| discount(rank as usize)).sum();
        ratio(dcg, ideal_dcg(self.n_relevant.min(k)))
    }

    pub(crate) fn ndcg_graded(&self, k: usize, gain: Gain) -> f64 {
        let found = self.within(k).iter().zip(self.weights);
        let dcg: f64 = found.map(|(&rank, &w)| gain.of(w) * discount(rank as usize)).sum();
        let ideal = self.ideal.iter().take(k).enumerate();
        ratio(dcg, ideal.map(|(rank, &w)| gain.of(w) * discount(rank)).sum())
    }
}

fn ratio(part: f64, whole: f64) -> f64 {
    // An empty sum is −0; adding 0 makes it 0.
    if whole > 0.0 { (part + 0.0) / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_discounts_goes_on_past_its_end() {
        assert_eq!(discount(0), 1.0);
        assert_eq!(discount(TABLE - 1), 1.0 / (TABLE as f64 + 1.0).log2());
        assert_eq!(discount(TABLE), 1.0 / (TABLE as f64 + 2.0).log2());
        let direct: f64 = (0..TABLE + 5).map(discount).sum();
        assert!((ideal_dcg(TABLE + 5) - direct).abs() < 1e-12);
        assert_eq!(ideal_dcg(0), 0.0);
        assert_eq!([0.0, 3.0, 31.0].map(|w| Gain::Exponential.of(w)), [0.0, 7.0, 2147483647.0]);
        assert!((Gain::Exponential.of(1.5) - (8f64.sqrt() - 1.0)).abs() < 1e-12);
    }
}
