use super::*;
use proptest::prelude::*;

use super::calibration::Target;
use crate::data::{Csr, Id, IdMap};
use crate::rank::Normalize;

fn top(row: &[(u32, f32)]) -> TopK {
    TopK::from_rows(&[row.to_vec()], row.len()).unwrap()
}

fn tags(rows: &[&[u32]], n: usize) -> Csr {
    let rows = rows.iter().map(|row| row.iter().map(|&t| (t, 1.0)).collect());
    Csr::from_rows(rows, n).binary()
}

fn mmr(lambda: f32) -> Mmr {
    Mmr { lambda, normalize: Normalize::None }
}

fn calibration(lambda: f32) -> Calibration {
    Calibration { lambda, alpha: 0.01, normalize: Normalize::None }
}

#[test]
fn mmr_by_hand() {
    // 0 and 1 are twins; 2 is half like 0 and unlike 1. λ = ½: after 0 (½ · 1), 1 is worth
    // ½ · .9 − ½ · 1 = −.05 and 2 is worth ½ · .5 − ½ · .5 = 0, so 2 comes second.
    let similarity = |a: u32, b: u32| match (a.min(b), a.max(b)) {
        (0, 1) => 1.0,
        (0, 2) => 0.5,
        (a, b) if a == b => 1.0,
        _ => 0.0,
    };
    let candidates = top(&[(0, 1.0), (1, 0.9), (2, 0.5)]);
    let reranked = mmr(0.5).rerank(&candidates, 3, similarity).unwrap();
    assert_eq!(reranked.row(0), (&[0, 2, 1][..], &[1.0, 0.5, 0.9][..]));
    // λ = .9: 1 is worth .81 − .1 = .71, 2 is worth .45 − .05 = .4.
    assert_eq!(mmr(0.9).rerank(&candidates, 2, similarity).unwrap().row(0).0, [0, 1]);
}

#[test]
fn calibration_by_hand() {
    // The user's past is ⅔ tag 0, ⅓ tag 1. By score alone the list is all tag 0.
    let items = tags(&[&[0], &[0], &[0], &[1], &[2]], 3);
    let past = Csr::from_rows([vec![(0, 1.0), (1, 1.0), (3, 1.0)]], 5);
    let profile = tag_profiles(&past, &items).unwrap();
    assert!((profile.row_values(0).unwrap()[0] - 2.0 / 3.0).abs() < 1e-6);
    let candidates = top(&[(0, 0.9), (1, 0.8), (2, 0.7), (4, 0.6), (3, 0.5)]);
    let calibrated = calibration(0.9).rerank(&candidates, 3, &profile, &items).unwrap();
    // One of tag 0 diverges least (KL .67·ln(.67/.997) + .33·ln 100), then tag 1 mends the list
    // (q = ½, ½), and a second of tag 0 makes it match.
    assert_eq!(calibrated.row(0), (&[0, 3, 1][..], &[0.9, 0.5, 0.8][..]));
    let plain = calibration(0.0).rerank(&candidates, 3, &profile, &items).unwrap();
    assert_eq!(plain.row(0).0, [0, 1, 2]);
}

#[test]
fn the_divergence_is_steck_s() {
    let target = Target::new(&[(0, 0.7), (2, 0.3)], 0.01);
    // Two items, one of tags 0 and 1, one of tag 2: q = (¼, ¼, ½).
    let shares = target.shares(&[0, 1]);
    assert_eq!(shares, [(0, 0.5)]);
    let got = target.divergence(&[0.0, 1.0], &shares, 2.0);
    let (q0, q2) = (0.99 * 0.25 + 0.01 * 0.7, 0.99 * 0.5 + 0.01 * 0.3);
    let want = 0.7 * (0.7f64 / q0).ln() + 0.3 * (0.3f64 / q2).ln();
    assert!((got - want).abs() < 1e-6, "{got} is not {want}");
    // A perfect list diverges by nothing; one without any of the tags by ln(1/α).
    assert!(target.divergence(&[0.7, 0.3], &[], 1.0).abs() < 1e-6);
    assert!((target.divergence(&[0.0, 0.0], &[], 1.0) - 100f64.ln()).abs() < 1e-6);
}

#[test]
fn similarities_by_hand() {
    let of = cosine(&[3.0, 4.0, 4.0, 3.0, 0.0, 0.0], 2).unwrap();
    assert!((of(0, 1) - 0.96).abs() < 1e-6);
    assert_eq!((of(0, 2), of(0, 9)), (0.0, 0.0));
    assert!(cosine(&[1.0; 3], 2).is_err() && cosine(&[], 0).is_err());
    let items = tags(&[&[0, 1], &[1, 2], &[]], 3);
    let of = jaccard(&items);
    assert_eq!((of(0, 1), of(0, 0), of(0, 2), of(2, 2), of(0, 7)), (1.0 / 3.0, 1.0, 0.0, 0.0, 0.0));
}

#[test]
fn bad_parameters_are_refused() {
    let candidates = top(&[(0, 1.0), (1, 0.5)]);
    for lambda in [-0.1, 1.1, f32::NAN] {
        assert!(mmr(lambda).rerank(&candidates, 1, |_, _| 0.0).is_err());
    }
    for k in [0, 3] {
        assert!(mmr(0.5).rerank(&candidates, k, |_, _| 0.0).is_err());
    }
    assert!(matches!(mmr(0.5).rerank(&candidates, 2, |_, _| f32::NAN), Err(Error::Data { .. })));
    let (items, profile) = (tags(&[&[0], &[1]], 2), tags(&[&[0]], 2));
    let fine = calibration(0.5);
    assert!(fine.rerank(&candidates, 2, &profile, &items).is_ok());
    assert!(fine.rerank(&candidates, 2, &tags(&[&[0], &[0]], 2), &items).is_err());
    assert!(fine.rerank(&candidates, 2, &profile, &tags(&[&[0], &[1]], 3)).is_err());
    assert!(fine.rerank(&candidates, 2, &profile, &tags(&[&[0]], 2)).is_err());
    let alpha = Calibration { alpha: 0.0, ..fine };
    assert!(alpha.rerank(&candidates, 2, &profile, &items).is_err());
    assert!(tag_profiles(&tags(&[&[0]], 3), &items).is_err());
}

proptest! {
    #[test]
    fn without_a_second_aim_the_order_stays(
        scores in proptest::collection::vec(-5i8..5, 1..20),
        k in 1usize..20,
        normalize in prop_oneof![Just(Normalize::None), Just(Normalize::MinMax)],
    ) {
        let mut row: Vec<(u32, f32)> = (0..).zip(scores.iter().map(|&s| f32::from(s))).collect();
        row.sort_by(|&a, &b| super::super::better(a, b));
        let (candidates, k) = (top(&row), k.min(row.len()));
        let want = &candidates.row(0).0[..k];
        let mmr = Mmr { lambda: 1.0, normalize };
        let kept = mmr.rerank(&candidates, k, |a, b| (a * b % 3) as f32).unwrap();
        prop_assert_eq!(kept.row(0).0, want);
        let items = Csr::from_rows((0..20).map(|i| vec![(i % 4, 1.0)]), 4);
        let kept = Calibration { lambda: 0.0, alpha: 0.01, normalize };
        let kept = kept.rerank(&candidates, k, &tags(&[&[1, 2]], 4), &items).unwrap();
        prop_assert_eq!(kept.row(0).0, want);
        // No profile, nothing to calibrate to.
        let kept = Calibration { lambda: 0.5, alpha: 0.01, normalize };
        let kept = kept.rerank(&candidates, k, &tags(&[&[]], 4), &items).unwrap();
        prop_assert_eq!(kept.row(0).0, want);
    }

    #[test]
    fn rows_hold_distinct_candidates(
        scores in proptest::collection::vec(-5i8..5, 1..20),
        lambda in 0.0f32..=1.0,
    ) {
        let mut row: Vec<(u32, f32)> = (0..).zip(scores.iter().map(|&s| f32::from(s))).collect();
        row.sort_by(|&a, &b| super::super::better(a, b));
        let candidates = top(&row);
        let items = Csr::from_rows((0..20).map(|i| vec![(i % 4, 1.0)]), 4);
        let mmr = mmr(lambda).rerank(&candidates, row.len(), jaccard(&items)).unwrap();
        let profile = tags(&[&[1, 2]], 4);
        let calibrated = calibration(lambda).rerank(&candidates, row.len(), &profile, &items);
        for reranked in [mmr, calibrated.unwrap()] {
            let (items, scores) = reranked.row(0);
            let mut got: Vec<(u32, f32)> =
                items.iter().copied().zip(scores.iter().copied()).collect();
            got.sort_by(|&a, &b| super::super::better(a, b));
            prop_assert_eq!(&got, &row);
        }
    }
}

fn dpp(theta: f32) -> Dpp {
    Dpp { theta, normalize: Normalize::None }
}

/// `log det` of the kernel over a list, by elimination.
fn log_det(dpp: Dpp, items: &[u32], scores: &[f32], similarity: &impl Fn(u32, u32) -> f32) -> f64 {
    let alpha = f64::from(dpp.theta) / (2.0 * (1.0 - f64::from(dpp.theta)));
    let n = items.len();
    let entry = |a: usize, b: usize| {
        (alpha * f64::from(scores[a] + scores[b])).exp() * f64::from(similarity(items[a], items[b]))
    };
    let mut l: Vec<Vec<f64>> = (0..n).map(|a| (0..n).map(|b| entry(a, b)).collect()).collect();
    let mut log = 0.0;
    for at in 0..n {
        log += l[at][at].ln();
        let pivot = l[at].clone();
        for row in &mut l[at + 1..] {
            let factor = row[at] / pivot[at];
            row.iter_mut().zip(&pivot).for_each(|(x, p)| *x -= factor * p);
        }
    }
    log
}

#[test]
fn a_dpp_grows_the_determinant_greedily() {
    let vectors = [1.0, 0.0, 0.0, 0.9, 0.436, 0.0, 0.1, 0.995, 0.0, 0.6, 0.6, 0.53, 0.0, 0.2, 0.98];
    let similarity = cosine(&vectors, 3).unwrap();
    let (items, scores) = ([3, 0, 1, 4, 2], [1.0, 0.9, 0.85, 0.5, 0.2]);
    let candidates = top(&items.into_iter().zip(scores).collect::<Vec<_>>());
    for theta in [0.3, 0.7, 0.9] {
        let got = dpp(theta).rerank(&candidates, 3, &similarity).unwrap();
        let (mut list, mut points): (Vec<u32>, Vec<f32>) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let grown = |at: usize| {
                let (mut l, mut p) = (list.clone(), points.clone());
                l.push(items[at]);
                p.push(scores[at]);
                log_det(dpp(theta), &l, &p, &similarity)
            };
            let left = (0..5).filter(|&at| !list.contains(&items[at]));
            let next = left.max_by(|&a, &b| grown(a).total_cmp(&grown(b))).unwrap();
            list.push(items[next]);
            points.push(scores[next]);
        }
        assert_eq!(got.row(0).0, list, "θ = {theta}");
    }
}

#[test]
fn a_dpp_without_another_direction_goes_on_by_score() {
    let candidates = top(&[(0, 1.0), (1, 0.9), (2, 0.8), (3, 0.7)]);
    let twins = |a: u32, b: u32| f32::from(u8::from((a < 3) == (b < 3)));
    assert_eq!(dpp(0.5).rerank(&candidates, 4, twins).unwrap().row(0).0, [0, 3, 1, 2]);
    assert!(dpp(1.0).rerank(&candidates, 4, twins).is_err());
    assert!(dpp(0.5).rerank(&candidates, 4, |_, _| f32::NAN).is_err());
}

#[test]
fn freshness_by_hand() {
    let candidates = top(&[(0, 3.0), (1, 2.0), (2, 1.0)]);
    let freshness = Freshness { half_life: 10.0, weight: 0.5, normalize: Normalize::MinMax };
    // Ages 20, none, 0: ½ · 1 + ½ · ¼, ½ · ½, ½ · 0 + ½ · 1.
    let got = freshness.adjust(&candidates, &[Some(80), None, Some(130)], 100).unwrap();
    assert_eq!(got.row(0), (&[0, 2, 1][..], &[0.625, 0.5, 0.25][..]));
    let never = Freshness { half_life: 0.0, ..freshness };
    assert!(never.adjust(&candidates, &[], 0).is_err());
}

fn catalogue() -> (IdMap, Csr, IdMap) {
    let ids = IdMap::from_ids([10i64, 11, 12, 13, 14]).unwrap();
    let names = IdMap::from_ids(["red", "blue"]).unwrap();
    (ids, tags(&[&[0], &[0], &[0, 1], &[1], &[]], 2), names)
}

#[test]
fn rules_hide_favour_and_bound() {
    let (ids, tags, names) = catalogue();
    let candidates = top(&[(0, 5.0), (1, 4.0), (2, 3.0), (3, 2.0), (4, 1.0)]);
    let rules = Rules {
        blocked_items: vec![Id::Int(10)],
        boosted: vec![Boost { item: None, tag: Some("blue".into()), factor: 4.0 }],
        quotas: vec![Quota { tag: "blue".into(), at_most: 1 }],
        pinned: vec![Pin { item: Id::Int(14), position: 2 }],
        ..Rules::default()
    };
    let bound = rules.bind(&ids, Some((&tags, &names))).unwrap();
    let adjusted = bound.adjust(&candidates).unwrap();
    // Scaled over what is left: 1, ⅔, ⅓, 0; blue ones fourfold.
    assert_eq!(adjusted.row(0).0, [2, 3, 1, 4]);
    assert!((adjusted.row(0).1[0] - 8.0 / 3.0).abs() < 1e-6);
    // One blue item; 14 in the second place, whatever its score.
    let list = bound.select(&adjusted, 3).unwrap();
    assert_eq!(list.row(0).0, [2, 4, 1]);
    let without = top(&[(2, 3.0), (1, 2.0)]);
    assert_eq!(bound.select(&without, 3).unwrap().row(0), (&[2, 4, 1][..], &[3.0, 2.0, 2.0][..]));
}

#[test]
fn rules_that_contradict_are_refused() {
    let (ids, tags, names) = catalogue();
    let refused = |rules: Rules| rules.bind(&ids, Some((&tags, &names))).unwrap_err().to_string();
    let pin = |item, position| Pin { item: Id::Int(item), position };
    let said = refused(Rules {
        pinned: vec![pin(10, 1)],
        blocked_tags: vec!["red".into()],
        ..Rules::default()
    });
    assert!(said.contains("blocked as well"), "{said}");
    let said = refused(Rules { pinned: vec![pin(10, 1), pin(11, 1)], ..Rules::default() });
    assert!(said.contains("pinned already"), "{said}");
    let said = refused(Rules { pinned: vec![pin(99, 1)], ..Rules::default() });
    assert!(said.contains("99"), "{said}");
    let said = refused(Rules { blocked_tags: vec!["green".into()], ..Rules::default() });
    assert!(said.contains("green"), "{said}");
    let boost = Boost { item: None, tag: None, factor: 2.0 };
    let said = refused(Rules { boosted: vec![boost], ..Rules::default() });
    assert!(said.contains("an item or a tag"), "{said}");
}
