//! Against implicit 0.7 and scikit-learn (`tests/fixtures/item_models/make.py`).

use rec_models::collab::{Ease, ItemKnn, Similarity, Slim, UserKnn};
use serde_json::Value;

use super::{close, dense, fit, full};

fn peers() -> Value {
    serde_json::from_str(include_str!("../fixtures/item_models/peers.json")).unwrap()
}

fn matrix(value: &Value) -> Vec<Vec<f64>> {
    serde_json::from_value(value.clone()).unwrap()
}

fn data(peers: &Value) -> Vec<Vec<f32>> {
    serde_json::from_value(peers["dense"].clone()).unwrap()
}

fn without_diagonal(mut m: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    (0..m.len()).for_each(|i| m[i][i] = 0.0);
    m
}

const SIMILARITIES: [(&str, Similarity); 4] = [
    ("cosine", Similarity::Cosine),
    ("tf_idf", Similarity::TfIdf),
    ("bm25", Similarity::bm25()),
    ("dot", Similarity::Dot),
];

#[test]
fn item_similarities_are_those_of_implicit() {
    let peers = peers();
    for kind in ["weighted", "plain"] {
        for (label, similarity) in SIMILARITIES {
            let want = without_diagonal(matrix(&peers[kind][label]));
            let all = ItemKnn { similarity, k: want.len(), ..ItemKnn::default() };
            let model = fit(&all, &dense(&data(&peers), kind == "plain"));
            close(&full(model.weights()), &want, 2e-5);
        }
    }
}

#[test]
fn the_k_nearest_are_the_best_of_each_row() {
    let peers = peers();
    let want = without_diagonal(matrix(&peers["weighted"]["cosine"]));
    let model = fit(&ItemKnn { k: 5, ..ItemKnn::default() }, &dense(&data(&peers), false));
    for (got, want) in full(model.weights()).iter().zip(&want) {
        let mut sorted: Vec<f64> = want.iter().copied().filter(|&w| w != 0.0).collect();
        sorted.sort_by(|a, b| b.total_cmp(a));
        sorted.truncate(5);
        let mut kept: Vec<f64> = got.iter().map(|&g| f64::from(g)).filter(|&g| g != 0.0).collect();
        kept.sort_by(|a, b| b.total_cmp(a));
        assert_eq!(kept.len(), sorted.len());
        assert!(kept.iter().zip(&sorted).all(|(a, b)| (a - b).abs() < 1e-5));
    }
}

#[test]
fn users_are_as_alike_as_items_of_the_transposed_matrix() {
    let rows = data(&peers());
    let turned: Vec<Vec<f32>> =
        (0..rows[0].len()).map(|i| rows.iter().map(|row| row[i]).collect()).collect();
    for (_, similarity) in SIMILARITIES.into_iter().chain([("jaccard", Similarity::Jaccard)]) {
        let items =
            fit(&ItemKnn { similarity, k: 7, ..ItemKnn::default() }, &dense(&turned, false));
        let users = fit(&UserKnn { similarity, k: 7, ..UserKnn::default() }, &dense(&rows, false));
        for u in 0..rows.len() {
            for (v, s) in users.neighbours().iter_row(u) {
                assert_eq!(s, items.weights().get(u as u32, v));
            }
        }
    }
}

#[test]
fn slim_weights_are_those_of_scikit_learn() {
    let peers = peers();
    let (l1, l2) = (peers["l1"].as_f64().unwrap(), peers["l2"].as_f64().unwrap());
    for kind in ["weighted", "plain"] {
        for (label, non_negative) in [("slim", true), ("elastic_net", false)] {
            let slim =
                Slim { l1, l2, non_negative, tol: 1e-7, max_iter: 10_000, ..Slim::default() };
            let model = fit(&slim, &dense(&data(&peers), kind == "plain"));
            let want = matrix(&peers[kind][label]);
            for (got, want) in full(model.weights()).iter().zip(&want) {
                let near = |(g, w): (&f32, &f64)| (f64::from(*g) - w).abs() < 2e-5;
                assert!(got.iter().zip(want).all(near), "{kind} {label}: {got:?} {want:?}");
            }
        }
    }
}

#[test]
fn slim_on_selected_items_keeps_to_them() {
    let data = dense(&data(&peers()), false);
    let nearest = fit(&ItemKnn { k: 4, ..ItemKnn::default() }, &data);
    let slim = fit(&Slim { l1: 0.1, l2: 1.0, k: Some(4), ..Slim::default() }, &data);
    let mut kept = 0;
    for (source, row) in full(slim.weights()).iter().enumerate() {
        for (target, _) in row.iter().enumerate().filter(|w| *w.1 != 0.0) {
            kept += 1;
            assert!(nearest.weights().get(target as u32, source as u32) > 0.0);
        }
    }
    assert!(kept > 20);
}

/// `B = -P / diag(P)` with `P = (XᵀX + l2 I)⁻¹` by Gauss-Jordan elimination in f64.
fn closed_form(rows: &[Vec<f32>], l2: f64) -> Vec<Vec<f64>> {
    let n = rows[0].len();
    let mut a = vec![vec![0f64; 2 * n]; n];
    for (i, row) in a.iter_mut().enumerate() {
        for j in 0..n {
            row[j] = rows.iter().map(|x| f64::from(x[i]) * f64::from(x[j])).sum();
        }
        row[i] += l2;
        row[n + i] = 1.0;
    }
    for pivot in 0..n {
        let scale = a[pivot][pivot];
        a[pivot].iter_mut().for_each(|v| *v /= scale);
        let from = a[pivot].clone();
        for (i, row) in a.iter_mut().enumerate().filter(|r| r.0 != pivot) {
            let times = row[pivot];
            assert!(i < n);
            row.iter_mut().zip(&from).for_each(|(v, f)| *v -= times * f);
        }
    }
    let entry = |i: usize, j: usize| if i == j { 0.0 } else { -a[i][n + j] / a[j][n + j] };
    (0..n).map(|i| (0..n).map(|j| entry(i, j)).collect()).collect()
}

#[test]
fn ease_is_its_closed_form_in_both_precisions() {
    let rows = data(&peers());
    // 100 solves in f32; 0.01 makes the condition number too large for it.
    for l2 in [100.0, 3.0, 0.01] {
        let model = fit(&Ease { l2, ..Ease::default() }, &dense(&rows, false));
        close(&full(model.weights()), &closed_form(&rows, l2), 1e-4);
    }
}
