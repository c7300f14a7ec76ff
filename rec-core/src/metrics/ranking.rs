//! Accuracy metrics of one ranked list: `list` holds dense items, best first, none twice;
//! `relevant` the user's relevant items, ascending. Ranks count from 1 in the formulas;
//! `rel(r)` is 1 where the item at rank `r` is relevant, else 0. A list shorter than `k` counts as
//! filled up with irrelevant items. All are 0 for a user without relevant items.

pub use super::hits::Gain;
use super::hits::Hits;

/// `precision@k = Σ_{r≤k} rel(r) / k`. ranx and RecTools divide by `k` too, however short the list.
pub fn precision(list: &[u32], relevant: &[u32], k: usize) -> f64 {
    if k == 0 { 0.0 } else { judge(list, relevant, |hits| hits.precision(k)) }
}

/// `recall@k = Σ_{r≤k} rel(r) / |relevant|`.
pub fn recall(list: &[u32], relevant: &[u32], k: usize) -> f64 {
    judge(list, relevant, |hits| hits.recall(k))
}

/// `hr@k`: 1 where any of the first `k` is relevant. With one relevant item it equals recall
/// (He et al. 2017, "Neural Collaborative Filtering", eq. 14's protocol).
pub fn hit_rate(list: &[u32], relevant: &[u32], k: usize) -> f64 {
    judge(list, relevant, |hits| hits.hit_rate(k))
}

/// `mrr@k`: 1 / rank of the first relevant item within `k`, else 0 (Voorhees 1999, TREC-8).
pub fn reciprocal_rank(list: &[u32], relevant: &[u32], k: usize) -> f64 {
    judge(list, relevant, |hits| hits.reciprocal_rank(k))
}

/// `map@k`: `Σ_{r≤k} rel(r) · precision@r / min(k, |relevant|)`, so that the best list has 1.
/// The denominator of the Kaggle and Spotify challenges.
pub fn average_precision(list: &[u32], relevant: &[u32], k: usize) -> f64 {
    judge(list, relevant, |hits| hits.average_precision(k))
}

/// `map_full@k`: `Σ_{r≤k} rel(r) · precision@r / |relevant|`. What `map@k` means in ranx, in
/// trec_eval (`map_cut`) and by default in RecTools; at most `k / |relevant|`.
pub fn average_precision_full(list: &[u32], relevant: &[u32], k: usize) -> f64 {
    judge(list, relevant, |hits| hits.average_precision_full(k))
}

/// Precision at rank `|relevant|` (Buckley and Voorhees 2000); `r-precision` of ranx.
pub fn r_precision(list: &[u32], relevant: &[u32]) -> f64 {
    judge(list, relevant, |hits| hits.r_precision())
}

/// Binary NDCG (Järvelin and Kekäläinen 2002):
/// `Σ_{r≤k} rel(r) / log₂(r + 1)` over the same sum of the ideal list, `min(k, |relevant|)` long.
pub fn ndcg(list: &[u32], relevant: &[u32], k: usize) -> f64 {
    judge(list, relevant, |hits| hits.ndcg(k))
}

/// [`ndcg`] from the ranks, counted from 0 and ascending, at which relevant items stand; `n_relevant`
/// of them there are in all.
pub fn ndcg_of_ranks(ranks: &[u32], n_relevant: usize, k: usize) -> f64 {
    Hits { ranks, weights: &[], n_relevant, ideal: &[] }.ndcg(k)
}

/// Graded NDCG: `Σ_{r≤k} gain(r) / log₂(r + 1)` over the same sum of the relevant items in order
/// of falling weight, `min(k, |relevant|)` of them. `weights` stand beside `relevant`, are not
/// negative, and become gains as `gain` says.
pub fn ndcg_graded(list: &[u32], relevant: &[u32], weights: &[f32], k: usize, gain: Gain) -> f64 {
    let mut ideal = weights.to_vec();
    ideal.sort_unstable_by(|a, b| b.total_cmp(a));
    let found = |(rank, item)| relevant.binary_search(item).ok().map(|at| (rank as u32, at));
    let hits: Vec<(u32, usize)> = list.iter().enumerate().filter_map(found).collect();
    let ranks: Vec<u32> = hits.iter().map(|&(rank, _)| rank).collect();
    let weights: Vec<f32> = hits.iter().map(|&(_, at)| weights[at]).collect();
    Hits { ranks: &ranks, weights: &weights, n_relevant: relevant.len(), ideal: &ideal }
        .ndcg_graded(k, gain)
}

/// The probability that a relevant item scores above an irrelevant one, ties counting one half:
/// `Σ_{p,n} ([p > n] + [p = n] / 2) / (|positive| · |negative|)` (Hanley and McNeil 1982; Rendle
/// et al. 2009, §3.2). 1/2 where either side is empty.
pub fn auc(positive: &[f32], negative: &[f32]) -> f64 {
    if positive.is_empty() || negative.is_empty() {
        return 0.5;
    }
    let mut sorted = negative.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let twice_below = |p: &f32| {
        sorted.partition_point(|n| n < p) as f64 + sorted.partition_point(|n| n <= p) as f64
    };
    let twice: f64 = positive.iter().map(twice_below).sum();
    twice / (2.0 * positive.len() as f64 * negative.len() as f64)
}

fn judge(list: &[u32], relevant: &[u32], metric: impl FnOnce(&Hits<'_>) -> f64) -> f64 {
    let hit = |(rank, item)| relevant.binary_search(item).is_ok().then_some(rank as u32);
    let ranks: Vec<u32> = list.iter().enumerate().filter_map(hit).collect();
    metric(&Hits { ranks: &ranks, weights: &[], n_relevant: relevant.len(), ideal: &[] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIST: [u32; 5] = [7, 1, 9, 3, 4];
    const RELEVANT: [u32; 3] = [1, 3, 5];

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} and {b}");
    }

    #[test]
    fn by_hand() {
        close(precision(&LIST, &RELEVANT, 4), 0.5);
        close(precision(&LIST, &RELEVANT, 10), 0.2);
        close(recall(&LIST, &RELEVANT, 3), 1.0 / 3.0);
        close(hit_rate(&LIST, &RELEVANT, 1), 0.0);
        close(hit_rate(&LIST, &RELEVANT, 2), 1.0);
        close(reciprocal_rank(&LIST, &RELEVANT, 5), 0.5);
        close(reciprocal_rank(&LIST, &RELEVANT, 1), 0.0);
        close(average_precision(&LIST, &RELEVANT, 2), (1.0 / 2.0) / 2.0);
        close(average_precision_full(&LIST, &RELEVANT, 2), (1.0 / 2.0) / 3.0);
        close(average_precision(&LIST, &RELEVANT, 5), (1.0 / 2.0 + 2.0 / 4.0) / 3.0);
        close(r_precision(&LIST, &RELEVANT), 1.0 / 3.0);
        let (d2, d4, d3) = (1.0 / 3f64.log2(), 1.0 / 5f64.log2(), 0.5);
        close(ndcg(&LIST, &RELEVANT, 5), (d2 + d4) / (1.0 + d2 + d3));
        close(ndcg(&LIST, &RELEVANT, 2), d2 / (1.0 + d2));
        let weights = [1.0, 2.0, 3.0];
        let linear = (d2 + 2.0 * d4) / (3.0 + 2.0 * d2 + d3);
        close(ndcg_graded(&LIST, &RELEVANT, &weights, 5, Gain::Linear), linear);
        let exponential = (d2 + 3.0 * d4) / (7.0 + 3.0 * d2 + d3);
        close(ndcg_graded(&LIST, &RELEVANT, &weights, 5, Gain::Exponential), exponential);
        close(auc(&[0.9, 0.4], &[0.4, 0.1, 0.5]), (3.0 + 1.5) / 6.0);
    }

    #[test]
    fn nothing_relevant_or_nothing_listed_is_zero() {
        for f in [precision, recall, hit_rate, reciprocal_rank, average_precision, ndcg] {
            assert_eq!(f(&LIST, &[], 3), 0.0);
            assert_eq!(f(&[], &RELEVANT, 3), 0.0);
            assert_eq!(f(&LIST, &RELEVANT, 0), 0.0);
        }
        assert_eq!(ndcg_graded(&LIST, &[], &[], 3, Gain::Linear), 0.0);
        assert_eq!(r_precision(&LIST, &[]), 0.0);
        assert_eq!(auc(&[], &[1.0]), 0.5);
    }

    type PerList = fn(&[u32], &[u32], usize) -> f64;
    const ALL: [PerList; 7] = [
        precision,
        recall,
        hit_rate,
        reciprocal_rank,
        average_precision,
        average_precision_full,
        ndcg,
    ];

    fn case() -> impl Strategy<Value = (Vec<u32>, Vec<u32>, usize)> {
        let list = Just((0..12u32).collect::<Vec<_>>()).prop_shuffle();
        let relevant = proptest::collection::btree_set(0u32..15, 1..8);
        (list, relevant, 1usize..14).prop_map(|(l, r, k)| (l, r.into_iter().collect(), k))
    }

    proptest! {
        #[test]
        fn bounds_and_ideal((list, relevant, k) in case()) {
            for f in ALL {
                prop_assert!((0.0..=1.0 + 1e-12).contains(&f(&list, &relevant, k)));
            }
            let mut ideal = relevant.clone();
            ideal.extend((20..40).filter(|i| !relevant.contains(i)));
            prop_assert!((ndcg(&ideal, &relevant, k) - 1.0).abs() < 1e-12);
            prop_assert!((average_precision(&ideal, &relevant, k) - 1.0).abs() < 1e-12);
            prop_assert_eq!(r_precision(&ideal, &relevant), 1.0);
            let ones = vec![1.0; relevant.len()];
            for gain in [Gain::Linear, Gain::Exponential] {
                let graded = ndcg_graded(&list, &relevant, &ones, k, gain);
                prop_assert!((graded - ndcg(&list, &relevant, k)).abs() < 1e-12);
            }
        }

        #[test]
        fn moving_a_relevant_item_up_never_lowers((list, relevant, k) in case(), at in 1usize..12) {
            let mut relevant = relevant;
            relevant.retain(|&item| item != list[at - 1] && item != list[at]);
            relevant.push(list[at]);
            relevant.sort_unstable();
            let mut moved = list.clone();
            moved.swap(at, at - 1);
            for f in ALL {
                prop_assert!(f(&moved, &relevant, k) >= f(&list, &relevant, k));
            }
            prop_assert!(r_precision(&moved, &relevant) >= r_precision(&list, &relevant));
            if at < k {
                prop_assert!(ndcg(&moved, &relevant, k) > ndcg(&list, &relevant, k));
            }
        }

        #[test]
        fn auc_counts_pairs(p in proptest::collection::vec(0u8..6, 1..8),
                            n in proptest::collection::vec(0u8..6, 1..8)) {
            let (p, n): (Vec<f32>, Vec<f32>) =
                (p.iter().map(|&x| x.into()).collect(), n.iter().map(|&x| x.into()).collect());
            let mut sum = 0.0;
            for a in &p { for b in &n {
                sum += if a > b { 1.0 } else if a == b { 0.5 } else { 0.0 };
            } }
            prop_assert!((auc(&p, &n) - sum / (p.len() * n.len()) as f64).abs() < 1e-12);
        }
    }
}
