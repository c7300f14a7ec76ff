//! Values that anyone can recompute on paper.

use rec_core::data::TimeUnit;
use rec_models::collab::{CoTransition, ItemKnn, Popular, Similarity, UserKnn};

use super::{close, dense, events, fit, full, scores};

/// Users × items:
/// ```text
/// 1 1 0 0
/// 1 1 1 0
/// 0 1 1 0
/// 1 0 0 1
/// ```
fn four() -> Vec<Vec<f32>> {
    [[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [1, 0, 0, 1]]
        .map(|row| row.map(|x| x as f32).to_vec())
        .to_vec()
}

fn symmetric(upper: [f64; 6]) -> Vec<Vec<f64>> {
    let [ab, ac, ad, bc, bd, cd] = upper;
    vec![vec![0.0, ab, ac, ad], vec![ab, 0.0, bc, bd], vec![ac, bc, 0.0, cd], vec![ad, bd, cd, 0.0]]
}

fn check(similarity: Similarity, shrinkage: f32, upper: [f64; 6]) {
    let knn = ItemKnn { similarity, shrinkage, ..ItemKnn::default() };
    close(&full(fit(&knn, &dense(&four(), true)).weights()), &symmetric(upper), 1e-6);
    close(&full(fit(&knn, &dense(&four(), false)).weights()), &symmetric(upper), 1e-6);
}

#[test]
fn set_similarities() {
    // Sizes 3, 3, 2, 1; shared ab 2, ac 1, ad 1, bc 2.
    let (six, three) = (6f64.sqrt(), 3f64.sqrt());
    check(Similarity::Dot, 0.0, [2.0, 1.0, 1.0, 2.0, 0.0, 0.0]);
    check(Similarity::Cosine, 0.0, [2. / 3., 1. / six, 1. / three, 2. / six, 0.0, 0.0]);
    let shrunk = [2. / 5., 1. / (six + 2.), 1. / (three + 2.), 2. / (six + 2.), 0.0, 0.0];
    check(Similarity::Cosine, 2.0, shrunk);
    check(Similarity::Jaccard, 0.0, [2. / 4., 1. / 4., 1. / 3., 2. / 3., 0.0, 0.0]);
    check(Similarity::Jaccard, 1.0, [2. / 5., 1. / 5., 1. / 4., 2. / 4., 0.0, 0.0]);
}

#[test]
fn weighted_similarities() {
    // Users hold 2, 3, 2, 2 of 4 items: g = (ln 4 - ln(1 + n))².
    let (g2, g3) = ((4f64 / 3.0).ln().powi(2), 0.0);
    let (ab, ac, ad, bc) = (g2 + g3, g3, g2, g2 + g3);
    let (a, b, c, d) = (2. * g2, 2. * g2, g2, g2);
    check(
        Similarity::TfIdf,
        0.0,
        [
            ab / (a * b).sqrt(),
            ac / (a * c).sqrt(),
            ad / (a * d).sqrt(),
            bc / (b * c).sqrt(),
            0.,
            0.,
        ],
    );
    // k1 = 2, b = 0.5; mean length 9 / 4.
    let w = |length: f64| 3.0 / (1.0 + 2.0 * (0.5 + 0.5 * length / 2.25));
    let (wa, wb, wc, wd) = (w(3.), w(3.), w(2.), w(1.));
    check(
        Similarity::Bm25 { k1: 2.0, b: 0.5 },
        0.0,
        [ab * wa * wb, ac * wa * wc, ad * wa * wd, bc * wb * wc, 0.0, 0.0],
    );
}

#[test]
fn ratings_count_in_the_cosine() {
    let rows = vec![vec![3.0, 4.0], vec![0.0, 3.0], vec![4.0, 0.0]];
    let model = fit(&ItemKnn::default(), &dense(&rows, false));
    close(&full(model.weights()), &[vec![0.0, 12. / 25.], vec![12. / 25., 0.0]], 1e-6);
    // User 1 had the second item with 3.
    assert!((scores(&model, 1)[0] - 3.0 * 12.0 / 25.0).abs() < 1e-6);
}

#[test]
fn normalised_neighbourhoods_add_up_to_one() {
    let knn = ItemKnn { similarity: Similarity::Dot, normalize: true, ..ItemKnn::default() };
    let model = fit(&knn, &dense(&four(), true));
    let want = [
        vec![0.0, 2. / 4., 1. / 4., 1. / 4.],
        vec![2. / 4., 0.0, 2. / 4., 0.0],
        vec![1. / 3., 2. / 3., 0.0, 0.0],
        vec![1.0, 0.0, 0.0, 0.0],
    ];
    close(&full(model.weights()), &want, 1e-6);
}

#[test]
fn user_neighbours_vote() {
    let model = fit(&UserKnn { k: 1, ..UserKnn::default() }, &dense(&four(), true));
    // User 0's nearest is user 1, by 2 / √6; the tie of user 2 with 0 and 1 is none: 2 / √6 is 1's.
    let s = 2.0 / 6f32.sqrt();
    assert!(scores(&model, 0).iter().zip([s, s, s, 0.0]).all(|(a, b)| (a - b).abs() < 1e-6));
    assert!(scores(&model, 3).iter().zip([0.5, 0.5, 0.0, 0.0]).all(|(a, b)| (a - b).abs() < 1e-6));
}

#[test]
fn transitions_by_hand() {
    // User 0: a b c; user 1: b a; both directions, two apart at half.
    let data = events(
        (2, 3),
        &[(0, 0, 1., 1), (0, 1, 1., 2), (0, 2, 1., 3), (1, 1, 1., 1), (1, 0, 1., 2)],
        TimeUnit::Unknown,
    );
    let co = CoTransition {
        window: 2,
        decay: 1.0,
        backward: 0.5,
        source_power: 1.0,
        target_power: 0.5,
        last_n: 2,
        recency: 1.0,
        ..CoTransition::default()
    };
    // c_ab = 1 + .5, c_ac = 1/2, c_ba = 1 + .5, c_bc = 1, c_ca = .5/2, c_cb = .5; n = 2, 2, 1.
    let r = 2f64.sqrt();
    let want = [
        vec![0.0, 1.5 / 2. / r, 0.5 / 2.],
        vec![1.5 / 2. / r, 0.0, 1. / 2.],
        vec![0.25 / r, 0.5 / r, 0.0],
    ];
    let model = fit(&co, &data);
    close(&full(model.weights()), &want, 1e-6);
    // User 0's last items are c, then b at half; a, the third, counts nothing.
    let score = want[2][0] + 0.5 * want[1][0];
    assert!((f64::from(scores(&model, 0)[0]) - score).abs() < 1e-6);
    let next = CoTransition { window: 1, backward: 0.0, target_power: 0.0, ..co };
    let want = [vec![0.0, 0.5, 0.0], vec![0.5, 0.0, 0.5], vec![0.0, 0.0, 0.0]];
    close(&full(fit(&next, &data).weights()), &want, 1e-6);
}

#[test]
fn popularity_counts_weighs_and_decays() {
    const DAY: i64 = 86_400;
    let now = 1_700_000_000;
    let rows = [(0, 0, 2., now), (0, 1, 5., now - 7 * DAY), (1, 1, 1., now - 14 * DAY)];
    let data = events((2, 3), &rows, TimeUnit::Unknown);
    assert_eq!(fit(&Popular::default(), &data).scores(), [1.0, 2.0, 0.0]);
    let weighted = Popular { weighted: true, ..Popular::default() };
    assert_eq!(fit(&weighted, &data).scores(), [2.0, 6.0, 0.0]);
    // The unit is guessed: seconds. After one half-life a half, after two a quarter.
    let fading = Popular { half_life_days: Some(7.0), weighted: true };
    assert_eq!(fit(&fading, &data).scores(), [2.0, 2.75, 0.0]);
    let in_ms: Vec<_> = rows.iter().map(|&(u, i, w, t)| (u, i, w, t * 1000)).collect();
    let data = events((2, 3), &in_ms, TimeUnit::Millisecond);
    assert_eq!(fit(&fading, &data).scores(), [2.0, 2.75, 0.0]);
}
