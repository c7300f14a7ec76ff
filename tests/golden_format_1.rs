//! Model folders of format 1, kept as they were first written: every later build must read them and
//! recommend the same.
//!
//! `cargo test --release --test golden_format_1 -- --ignored` writes them anew; do that only for a kind
//! that has none yet.

#![allow(clippy::unwrap_used, clippy::panic)] // a test

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rec_core::data::{Dataset, Id, InteractionsBuilder, Items, SocialGraph, UnknownUsers};
use rec_core::rank::{Query, Users, recommend};
use rec_models::collab::{Als, Bpr, CoTransition, Ease, ItemKnn, Popular, Slim, UserKnn};
use rec_models::content::Content;
use rec_models::fit::Estimator;
use rec_models::graph::{
    Bspm, GfCf, LightGcn, LinkPredictor, Ngcf, Sept, Sgfcf, SocialLightGcn, UltraGcn,
};
use rec_models::hybrid::{Pipeline, PipelineConfig};
use rec_models::vectors::Item2Vec;
use rec_models::{FitContext, KINDS, Model, load};

fn folder(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/format_1").join(kind)
}

/// Seven users and six items with Chinese and Latin ids, which are their texts as well; two tastes and
/// one item that all share.
fn shop() -> Dataset {
    let mut events = InteractionsBuilder::new();
    let baskets =
        ["手机 壳 茶", "手机 壳 充电器", "壳 充电器 茶", "tea 茶", "tea 茶 杯", "杯 tea", "手机"];
    for (user, basket) in baskets.iter().enumerate() {
        for (at, item) in basket.split(' ').enumerate() {
            events.push(format!("u{user}").as_str(), item, None, Some(at as i64)).unwrap();
        }
    }
    let events = events.build().unwrap();
    let ids = events.ids().items.clone();
    let titles = ids.iter().map(|id| id.to_string()).collect();
    let items = Items::new(ids).with_text("title", titles).unwrap();
    let friends = [("u0", "u1", 1.0), ("u1", "u2", 1.0), ("u3", "u4", 1.0), ("u4", "u6", 1.0)];
    let users = events.ids().clone();
    let social = SocialGraph::new(users, friends, false, UnknownUsers::Error).unwrap();
    let (items, social) = (Some(Arc::new(items)), Some(Arc::new(social)));
    Dataset { interactions: events, items, social }
}

/// Two recommenders, keywords, a fusion given by hand, and lists put in another order.
const PIPELINE: &str = r#"
    keywords = { min_items = 1, max_share = 1.0 }
    split = { protocol = "leave_last_out", n = 1, validation = false }
    refit = false

    [[recommenders]]
    model = "item_knn"

    [[recommenders]]
    model = "popular"

    [fusion.fixed]
    fusion = "weighted_sum"
    weights = [1.0, 0.5]
    normalize = "min_max"

    [rules]
    blocked_items = ["杯"]
"#;

fn estimator(kind: &str) -> Box<dyn Estimator> {
    match kind {
        "als" => Box::new(Als { factors: 3, epochs: 3, ..Als::default() }),
        "bpr" => Box::new(Bpr { factors: 3, epochs: 5, workers: 1, ..Bpr::default() }),
        "bspm" => Box::new(Bspm { factors: 3, ..Bspm::default() }),
        "co_transition" => Box::new(CoTransition::default()),
        "content" => Box::new(Content::default()),
        "ease" => Box::new(Ease { l2: 1.0, ..Ease::default() }),
        "gfcf" => Box::new(GfCf { factors: 3, ..GfCf::default() }),
        "lightgcn" => Box::new(LightGcn { factors: 3, epochs: 5, ..LightGcn::default() }),
        "link_predictor" => {
            Box::new(LinkPredictor { hidden: 3, factors: 3, epochs: 5, ..LinkPredictor::default() })
        }
        "ngcf" => Box::new(Ngcf { factors: 3, layers: 2, epochs: 5, ..Ngcf::default() }),
        "sept" => Box::new(Sept { factors: 3, epochs: 5, positives: 2, ..Sept::default() }),
        "sgfcf" => Box::new(Sgfcf { factors: 3, betas: [0.5, 1.5], ..Sgfcf::default() }),
        "social_lightgcn" => {
            Box::new(SocialLightGcn { factors: 3, epochs: 5, ..SocialLightGcn::default() })
        }
        "item2vec" => Box::new(Item2Vec { vector_size: 3, epochs: 5, ..Item2Vec::default() }),
        "item_knn" => Box::new(ItemKnn::default()),
        "pipeline" => {
            let config = PipelineConfig::from_toml_str(PIPELINE).unwrap();
            Box::new(Pipeline::new(config))
        }
        "popular" => Box::new(Popular::default()),
        "slim" => Box::new(Slim { l1: 0.01, l2: 0.1, ..Slim::default() }),
        "ultragcn" => Box::new(UltraGcn {
            factors: 3,
            epochs: 20,
            negatives: 4,
            learning_rate: 0.05,
            ..UltraGcn::default()
        }),
        "user_knn" => Box::new(UserKnn::default()),
        other => panic!("a golden {other} model has no estimator here"),
    }
}

/// The two best unseen items of each user, with scores, as text.
fn answers(model: &dyn Model) -> String {
    let users: Vec<Id> = (0..7).map(|u| Id::from(format!("u{u}"))).collect();
    let answer = recommend(model, &Query::new(Users::Ids(&users), 2)).unwrap();
    let mut text = String::new();
    for (row, user) in answer.queries.iter().enumerate() {
        for (item, score) in answer.row(row) {
            text.push_str(&format!("{user} {item} {score:.5}\n"));
        }
    }
    text
}

#[test]
fn every_kind_of_format_1_is_read_and_recommends_as_it_did() {
    for kind in KINDS {
        let model = load(folder(kind)).unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(model.kind(), kind);
        let expected = std::fs::read_to_string(folder(kind).with_extension("txt")).unwrap();
        assert_close(&answers(model.as_ref()), &expected, kind);
    }
}

/// Equal words, and numbers equal to 1e-4: the order of summation may differ between processors.
fn assert_close(got: &str, expected: &str, kind: &str) {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let (got, expected) = (words(got), words(expected));
    assert_eq!(got.len(), expected.len(), "{kind}");
    for (a, b) in got.iter().zip(&expected) {
        match (a.parse::<f64>(), b.parse::<f64>()) {
            (Ok(x), Ok(y)) => assert!((x - y).abs() < 1e-4, "{kind}: {x} instead of {y}"),
            _ => assert_eq!(a, b, "{kind}"),
        }
    }
}

#[test]
#[ignore = "writes the golden folders"]
fn write_missing() {
    for kind in KINDS {
        if !folder(kind).exists() {
            let model = estimator(kind).fit_model(&shop(), &mut FitContext::default()).unwrap();
            model.writer().unwrap().save(folder(kind)).unwrap();
            std::fs::write(folder(kind).with_extension("txt"), answers(model.as_ref())).unwrap();
        }
    }
}
