//! Tags and content beside the interactions.

use std::sync::Arc;

use rec_core::data::{Csr, Dataset, IdMap, Items};
use rec_core::rank::Scorer as _;

use super::super::LightGcn;
use super::{fit, small, softmax};
use crate::Error;
use crate::collab::samples::{dataset, two_tastes};
use crate::fit::{Fit, FitContext};

#[test]
fn items_nobody_had_are_known_by_their_tags() {
    // Of two items without events, one is tagged as the even ones are, the other as the odd.
    let rows = two_tastes(60, 30, 1);
    let kept = (0..60).map(|u| rows.iter_row(u).filter(|&(i, _)| i < 28).collect());
    let mut data = dataset(&Csr::from_rows(kept, 30));
    // With BPR they would be negatives of everyone.
    let tagged = LightGcn { tags: 1.0, ..softmax(30) };
    let refused = tagged.fit(&data, &mut FitContext::default());
    assert!(matches!(refused, Err(Error::Empty { .. })), "{:?}", refused.map(|_| ()));
    let tags: Vec<Vec<&str>> = (0..30).map(|i| vec![["even", "odd"][i % 2]]).collect();
    data.items = Some(Arc::new(Items::new(IdMap::range(30)).with_tags(&tags).unwrap()));
    let model = fit(&tagged, &data, 1);
    let right = (0..60).filter(|&u| {
        let mut scores = vec![0f32; 30];
        model.score(&[u], &mut scores).unwrap();
        let (own, other) = (28 + u as usize % 2, 29 - u as usize % 2);
        scores[own] > scores[other]
    });
    let right = right.count();
    assert!(right > 45, "{right} of 60");
}

/// Vectors in which the last four of 30 items, nobody's, look like the even or the odd ones.
fn described(seed: u64) -> Dataset {
    let rows = two_tastes(60, 30, seed);
    let kept = (0..60).map(|u| rows.iter_row(u).filter(|&(i, _)| i < 26).collect());
    let mut data = dataset(&Csr::from_rows(kept, 30));
    let vector = |i: usize| {
        let wave = |k: usize| ((i * 7 + k * 3) % 5) as f32 * 0.1;
        [if i.is_multiple_of(2) { 2.0 } else { -1.0 }, wave(1), wave(2) + 1.0]
    };
    let values = (0..30).flat_map(vector).collect();
    let items = Items::new(IdMap::range(30)).with_vectors("text", 3, values).unwrap();
    data.items = Some(Arc::new(items));
    data
}

#[test]
fn items_nobody_had_are_known_by_their_vectors() {
    let data = described(1);
    for estimator in [small(30), softmax(30)] {
        let model = fit(&LightGcn { content: Some("text".into()), ..estimator }, &data, 1);
        let right = (0..60usize).filter(|&u| {
            let mut scores = vec![0f32; 30];
            model.score(&[u as u32], &mut scores).unwrap();
            scores[26 + u % 2] > scores[27 - u % 2] && scores[28 + u % 2] > scores[29 - u % 2]
        });
        let right = right.count();
        assert!(right > 45, "{right} of 60");
    }
    let unnamed = LightGcn { content: Some("image".into()), ..small(1) };
    let refused = unnamed.fit(&data, &mut FitContext::default());
    assert!(matches!(refused, Err(Error::Empty { .. })), "{:?}", refused.map(|_| ()));
}

#[test]
fn item_nodes_start_from_principal_components() {
    let data = described(1);
    let content = super::super::content::Content::new(&data, "text").unwrap();
    let mut rows = vec![9f32; 30 * 4];
    content.start(&mut rows, 4, 0.1).unwrap();
    let column = |k: usize| rows.iter().skip(k).step_by(4).map(|&x| f64::from(x));
    // Uncorrelated, of falling variance, together of the deviation asked for; the fourth is left.
    let inner = |a: usize, b: usize| column(a).zip(column(b)).map(|(a, b)| a * b).sum::<f64>();
    let total = inner(0, 0) + inner(1, 1) + inner(2, 2);
    assert!((total / 90.0 - 0.01).abs() < 1e-5, "{total}");
    assert!(inner(0, 0) > inner(1, 1) && inner(1, 1) > inner(2, 2));
    assert!(inner(0, 1).abs() < 1e-5 * total && inner(1, 2).abs() < 1e-5 * total);
    assert!(column(3).all(|x| x == 9.0));
    // The first tells even from odd.
    let even: Vec<bool> = column(0).map(|x| x > 0.0).collect();
    assert!((2..30).all(|i| even[i] == even[i % 2]) && even[0] != even[1]);
}

#[test]
fn a_regression_on_exact_vectors_places_items_exactly() {
    let data = described(1);
    let content = super::super::content::Content::new(&data, "text").unwrap();
    // Embeddings that are an affine map of the vectors, but for the cold ones.
    let field = &data.items.as_ref().unwrap().vectors()[0];
    let affine = |v: &[f32]| [v[0] - 2.0 * v[1] + 0.5, v[2] - 1.0];
    let exact: Vec<f32> = field.values.chunks(3).flat_map(affine).collect();
    let mut table = exact.clone();
    table[52..].fill(7.0);
    let mut other = table.clone();
    content.embed_cold([&mut table, &mut other], 2, |item| item >= 26, 1e-6).unwrap();
    for (got, expected) in table.iter().zip(&exact) {
        assert!((got - expected).abs() < 1e-3, "{got} {expected}");
    }
    assert_eq!(table, other);
}
