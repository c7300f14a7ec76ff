use super::*;
use crate::data::Id;
use crate::rank::fused::tests::table;
use crate::rank::{Fused, FusionLearner, Normalize, Query, Users};

const NEVER: f32 = f32::NEG_INFINITY;

/// Two models over items 10..14 and users 1 (had 10) and 2 (had 11, 12).
fn pair() -> Vec<Arc<dyn Recommend>> {
    let seen: [&[u32]; 2] = [&[0], &[1, 2]];
    vec![
        table(&[1, 2], &seen, &[[9.0, 4.0, 2.0, 0.0], [0.0, 1.0, 2.0, 4.0]], true),
        table(&[1, 2], &seen, &[[0.0, 1.0, 3.0, 5.0], [5.0, 5.0, 5.0, 6.0]], false),
    ]
}

fn sum(weights: [f32; 2]) -> Fusion {
    Fusion::WeightedSum { weights: weights.to_vec(), normalize: Normalize::MinMax }
}

fn rows(model: &Shortlisted, query: &Query<'_>) -> Vec<Vec<(i64, f32)>> {
    let answer = model.recommend(query).unwrap();
    let id = |id: crate::data::IdRef<'_>| id.to_string().parse().unwrap();
    (0..answer.len()).map(|row| answer.row(row).map(|(i, s)| (id(i), s)).collect()).collect()
}

#[test]
fn the_best_of_each_are_scaled_and_added_up_by_hand() {
    let model = Shortlisted::new(pair(), sum([1.0, 0.5]), 2).unwrap();
    let users = [Id::Int(1)];
    // Of user 1's unseen items, model 1 puts forward 11 (4) and 12 (2), model 2 13 (5) and 12 (3).
    let got = rows(&model, &Query::new(Users::Ids(&users), 2));
    assert_eq!(got, [[(11, 1.0), (13, 0.5)]]);
    let mut out = [0.0; 4];
    model.score(&[0], &mut out).unwrap();
    assert_eq!(out, [NEVER, 1.0, 0.0, 0.5]);
}

#[test]
fn filters_hold_for_each_models_list_and_do_not_empty_it() {
    let model = Shortlisted::new(pair(), sum([1.0, 1.0]), 1).unwrap();
    let (users, only, not) = ([Id::Int(1)], [Id::Int(12)], [Id::Int(11), Id::Int(13)]);
    let query = Query { allow: Some(&only), ..Query::new(Users::Ids(&users), 1) };
    assert_eq!(rows(&model, &query), [[(12, 2.0)]]);
    let query = Query { block: &not, ..Query::new(Users::Ids(&users), 1) };
    assert_eq!(rows(&model, &query), [[(12, 2.0)]]);
    let query = Query { filter_seen: false, ..Query::new(Users::Ids(&users), 2) };
    assert_eq!(rows(&model, &query), [[(10, 1.0), (13, 1.0)]]);
    let candidates = [vec![Id::Int(12), Id::Int(13)]];
    let query = Query { candidates: Some(&candidates), ..Query::new(Users::Ids(&users), 2) };
    assert_eq!(rows(&model, &query), [[(12, 1.0), (13, 1.0)]]);
}

#[test]
fn histories_are_answered_by_the_models_that_fold_in() {
    let model = Shortlisted::new(pair(), sum([1.0, 1.0]), 3).unwrap();
    let history = [vec![(Id::Int(11), 2.0), (Id::Int(12), 1.0)]];
    let query = Query { filter_seen: false, ..Query::new(Users::Histories(&history), 2) };
    assert_eq!(rows(&model, &query), [[(11, 1.0), (12, 0.5)]]);
    let query = Query::new(Users::Histories(&history), 2);
    assert_eq!(rows(&model, &query), [[(10, 1.0), (13, 1.0)]]);
    let none = Shortlisted::new(vec![pair().remove(1)], Fusion::ReciprocalRank { k: 60.0 }, 2);
    let query = Query::new(Users::Histories(&history), 2);
    assert!(matches!(none.unwrap().recommend(&query), Err(Error::Unsupported { .. })));
}

#[test]
fn with_all_items_as_candidates_it_is_the_fusion_of_whole_rows() {
    for fusion in [sum([2.0, 1.0]), Fusion::Switch { min_items: vec![2, 0] }] {
        let short = Shortlisted::new(pair(), fusion.clone(), 4).unwrap();
        let whole = Fused::new(pair(), fusion).unwrap();
        let query = Query { filter_seen: false, ..Query::new(Users::All, 4) };
        let (a, b) = (short.recommend(&query).unwrap(), whole.recommend(&query).unwrap());
        for row in 0..2 {
            assert_eq!(a.top.row(row).0, b.top.row(row).0, "{:?}", short.fusion());
        }
    }
}

#[test]
fn losing_ties_leaves_what_each_model_puts_forward_as_it_is() {
    // The second model has 10, 11 and 12 alike for user 2; in the fused list no two items are.
    let fusion = Fusion::ReciprocalRank { k: 1.0 };
    let model = Shortlisted::new(pair(), fusion, 4).unwrap();
    let losing = Csr::from_rows([vec![], vec![(1, 1.0)]], 4);
    let plain = Selection::top(4);
    let measured = Selection { losing_ties: Some(&losing), ..plain };
    let fused = |selection| top_k(&model, &[1], selection).unwrap().row(0).0.to_vec();
    assert_eq!(fused(&plain), [3, 0, 2, 1]);
    assert_eq!(fused(&measured), fused(&plain));
    // Alone, the second model's ties are lost.
    let one = Fusion::WeightedSum { weights: vec![1.0], normalize: Normalize::MinMax };
    let alone = Shortlisted::new(vec![pair().remove(1)], one, 4).unwrap();
    assert_eq!(top_k(&alone, &[1], &measured).unwrap().row(0).0, [3, 0, 2, 1]);
}

#[test]
fn weights_are_learned_on_shortlists_scaled_alike() {
    let truth = crate::data::Interactions::from_csr(
        &Csr::from_rows([vec![(1, 1.0)], vec![(0, 1.0)]], 4),
        pair()[0].ids().clone(),
    );
    let learner = FusionLearner {
        shortlists: true,
        candidates: 1,
        levels: vec![0],
        min_users: 1,
        ..FusionLearner::default()
    };
    let learnt = learner.learn(&pair(), &truth.unwrap()).unwrap();
    // For user 1, model 1 puts the right item forward, and model 2 another before it; for user 2 nobody
    // puts 10 forward, which whole rows would find.
    assert_eq!(learnt.alone, [0.5, 0.5 / 3f64.log2()]);
}

#[test]
fn models_of_other_users_and_no_candidates_are_refused() {
    let other = table(&[1, 3], &[&[0], &[1]], &[[0.0; 4], [0.0; 4]], false);
    let models = vec![pair().remove(0), other];
    let refused = Shortlisted::new(models, sum([1.0, 1.0]), 2);
    assert!(matches!(refused, Err(Error::IdMismatch { .. })));
    assert!(Shortlisted::new(pair(), sum([1.0, 1.0]), 0).is_err());
    assert!(Shortlisted::new(pair(), sum([0.0, 0.0]), 2).is_err());
    assert!(Shortlisted::new(Vec::new(), sum([1.0, 1.0]), 2).is_err());
}
