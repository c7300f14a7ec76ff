use std::sync::Arc;

use super::*;
use crate::data::{Csr, Id};
use crate::metrics::ndcg;
use crate::rank::learn::tests::World;
use crate::rank::{Query, Recommend, Scorer, Shortlisted, Users, recommend};
use crate::{Error, parallel};

/// Whom to trust depends on the item in a way that no weights by user can say: the first model is right
/// about items of even number, the second about the others.
fn models(world: &World) -> Vec<Arc<dyn Recommend>> {
    let lift =
        |even: bool| move |user: usize| if user.is_multiple_of(2) == even { 1.5 } else { -0.2 };
    vec![world.model(1, lift(true)), world.model(2, lift(false))]
}

/// Tags that tell the items of even number.
fn facts(items: usize) -> ItemFacts {
    let rows = (0..items).map(|item| vec![((item % 2) as u32, 1.0)]);
    let ages = (0..items).map(|item| (item % 2) as f32).collect();
    ItemFacts { ages: Some(ages), tags: Some(Csr::from_rows(rows, 2).binary()) }
}

fn learner() -> TreeLearner {
    let weights =
        FusionLearner { levels: vec![0], min_users: 20, k: 5, ..FusionLearner::default() };
    TreeLearner { negatives: 20, trees: 40, leaves: 8, weights, ..TreeLearner::default() }
}

fn shortlists(world: &World) -> Shortlisted {
    Shortlisted::new(models(world), crate::rank::Fusion::ReciprocalRank { k: 60.0 }, 15).unwrap()
}

#[test]
fn trees_learn_what_weights_cannot_say() {
    let world = World::of(600);
    let facts = facts(world.ids.items.len());
    let found = learner().learn(&shortlists(&world), &world.truth, &facts).unwrap();
    assert!(found.trees > found.weights.learnt + 0.05, "{found:?}");
    let ranker = found.ranker.unwrap();
    let want = [
        "score 1",
        "rank 1",
        "score 2",
        "rank 2",
        "lists",
        "popularity",
        "activity",
        "age",
        "tags",
    ];
    assert_eq!(ranker.columns(), want);
    let ranked = TreeRanked::new(shortlists(&world), ranker, facts).unwrap();
    // What it recommends is as good as it said, and better on what it has seen.
    let answer = recommend(&ranked, &Query::new(Users::All, 5)).unwrap();
    let one = |row: usize| {
        let Id::Int(user) = answer.queries[row] else { panic!("{:?}", answer.queries[row]) };
        ndcg(answer.top.row(row).0, &[10 + user as u32 % 20], 5)
    };
    let mean = (0..answer.len()).map(one).sum::<f64>() / answer.len() as f64;
    assert!(mean > found.trees - 0.03, "{mean} {}", found.trees);
    // Scores order as the list does, and what the user had has none.
    let mut scores = vec![0.0; ranked.n_items()];
    ranked.score(&[1], &mut scores).unwrap();
    let (items, listed) = answer.top.row(1);
    assert!(items.iter().zip(listed).all(|(&item, &score)| scores[item as usize] == score));
    assert!(ranked.seen().row(1).iter().all(|&item| scores[item as usize] == f32::NEG_INFINITY));
}

#[test]
fn saved_trees_rank_the_same_at_any_number_of_threads() {
    let world = World::of(200);
    let facts = facts(world.ids.items.len());
    let learnt = |threads| {
        let learn = || learner().learn(&shortlists(&world), &world.truth, &facts);
        parallel::install(Some(threads), learn).unwrap()
    };
    let (one, three) = (learnt(1), learnt(3));
    let json = serde_json::to_string(&one).unwrap();
    assert_eq!(json, serde_json::to_string(&three).unwrap());
    let again: LearntTrees = serde_json::from_str(&json).unwrap();
    let rank = |ranker: Option<TreeRanker>| {
        let ranked = TreeRanked::new(shortlists(&world), ranker.unwrap(), facts.clone()).unwrap();
        recommend(&ranked, &Query::new(Users::All, 8)).unwrap().top
    };
    let (now, then) = (rank(one.ranker), rank(again.ranker));
    for row in 0..now.n_rows() {
        assert_eq!(now.row(row), then.row(row));
    }
}

#[test]
fn where_trees_do_not_win_the_weights_stay() {
    // One model knows everything: there is nothing to gain.
    let world = World::of(200);
    let sure: Vec<Arc<dyn Recommend>> = vec![world.model(1, |_| 9.0)];
    let lists =
        Shortlisted::new(sure, crate::rank::Fusion::ReciprocalRank { k: 60.0 }, 15).unwrap();
    let found = learner().learn(&lists, &world.truth, &ItemFacts::default()).unwrap();
    assert!(found.ranker.is_none(), "{found:?}");
}

#[test]
fn bad_input_is_named() {
    let world = World::of(60);
    let (lists, items) = (shortlists(&world), world.ids.items.len());
    let learn = |learner: TreeLearner, facts: &ItemFacts| {
        learner.learn(&lists, &world.truth, facts).unwrap_err()
    };
    for bad in [
        TreeLearner { trees: 0, ..learner() },
        TreeLearner { negatives: 0, ..learner() },
        TreeLearner { leaves: 1, ..learner() },
        TreeLearner { learning_rate: f32::NAN, ..learner() },
    ] {
        assert!(matches!(learn(bad, &ItemFacts::default()), Error::Parameter { .. }));
    }
    assert!(matches!(learn(learner(), &facts(3)), Error::Shape { .. }));
    // Recommenders that never put the right item forward teach nothing.
    let blind: Vec<Arc<dyn Recommend>> = vec![world.model(1, |_| -9.0)];
    let lists =
        Shortlisted::new(blind, crate::rank::Fusion::ReciprocalRank { k: 60.0 }, 3).unwrap();
    let nothing = learner().learn(&lists, &world.truth, &ItemFacts::default());
    assert!(matches!(nothing, Err(Error::Empty { .. })));
    // Trees rank by the columns they were learned from.
    let world = World::of(200);
    let found = learner().learn(&shortlists(&world), &world.truth, &facts(items)).unwrap();
    let other = TreeRanked::new(shortlists(&world), found.ranker.unwrap(), ItemFacts::default());
    assert!(matches!(other, Err(Error::Shape { .. })));
}
