//! Small data sets that tests of several models share.

use rand::RngExt as _;
use rec_core::data::{Csr, Dataset, IdMap, IdMaps, Interactions};
use rec_core::rng;

/// Users of two tastes: each had about half of the even items or half of the odd ones, and now and
/// then another. Weights are 1, 2 or 3.
pub(crate) fn two_tastes(users: usize, items: usize, seed: u64) -> Csr {
    let mut rng = rng::stream(seed, "sample", 0);
    let rows = (0..users).map(|u| {
        let chance = |i: usize| if i % 2 == u % 2 { 0.5 } else { 0.03 };
        let had = (0..items).filter(|&i| rng.random::<f64>() < chance(i)).collect::<Vec<_>>();
        had.into_iter().map(|i| (i as u32, 1.0 + ((u + i) % 3) as f32)).collect()
    });
    Csr::from_rows(rows, items)
}

/// A data set of these weights, with ids `0..`.
pub(crate) fn dataset(weights: &Csr) -> Dataset {
    let ids = IdMaps::shared(IdMap::range(weights.n_rows()), IdMap::range(weights.n_cols()));
    Interactions::from_csr(weights, ids).unwrap().into()
}

/// Mean over users of how often an unseen item of their taste scores above one of the other.
pub(crate) fn taste_auc(model: &dyn rec_core::rank::Recommend) -> f64 {
    let (n, m) = (model.n_users(), model.n_items());
    let mut scores = vec![0f32; n * m];
    model.score(&(0..n as u32).collect::<Vec<_>>(), &mut scores).unwrap();
    let (mut right, mut all) = (0, 0);
    for u in 0..n {
        let unseen = |i: &usize| !model.seen().contains(u, *i as u32);
        for own in (0..m).filter(unseen).filter(|i| i % 2 == u % 2) {
            for other in (0..m).filter(unseen).filter(|i| i % 2 != u % 2) {
                right += usize::from(scores[u * m + own] > scores[u * m + other]);
                all += 1;
            }
        }
    }
    right as f64 / all as f64
}
