//! What is named as the evidence of a recommendation carries it: without it the score is lower.

#![allow(clippy::unwrap_used, clippy::panic)] // a test

use std::sync::Arc;

use rec_core::data::{Dataset, IdMap, InteractionsBuilder, Items};
use rec_core::rank::explain::{Basis, Domain, Explainer, Language, Reasons};
use rec_core::rank::{
    Explain, Fused, Fusion, History, Normalize, Query, Recommend, Users, recommend,
};
use rec_core::rng::mix;
use rec_models::collab::{Als, Ease, ItemKnn, Popular, UserKnn};
use rec_models::content::Content;
use rec_models::fit::Estimator;
use rec_models::graph::{GfCf, LightGcn, UltraGcn};
use rec_models::vectors::Item2Vec;
use rec_models::{FitContext, Model};

const TOPICS: usize = 4;
const OF_TOPIC: usize = 10;

/// 120 users of four tastes over 40 items: six items of their taste each, in an order of their own, and
/// now and then one of another taste.
fn shop() -> Dataset {
    let mut events = InteractionsBuilder::new();
    for user in 0..120u64 {
        let taste = user as usize % TOPICS;
        let mut own: Vec<usize> = (0..OF_TOPIC).collect();
        own.sort_by_key(|&item| mix(user ^ mix(item as u64)));
        let stray =
            (taste + 1 + user as usize / 7 % 3) % TOPICS * OF_TOPIC + user as usize % OF_TOPIC;
        let items = own[..6].iter().map(|item| taste * OF_TOPIC + item).chain([stray]);
        for (time, item) in items.enumerate() {
            events.push(user as i64, item as i64, None, Some(time as i64)).unwrap();
        }
    }
    let (words, n) = (["茶 杯", "手机 壳", "书 纸", "灯 光"], TOPICS * OF_TOPIC);
    let text = |item: usize| format!("{} {item}", words[item / OF_TOPIC]);
    let tags: Vec<Vec<&str>> =
        (0..n).map(|item| words[item / OF_TOPIC].split(' ').collect()).collect();
    let items = Items::new(IdMap::range(n)).with_text("title", (0..n).map(text).collect());
    let items = items.unwrap().with_tags(&tags).unwrap();
    let interactions = events.build().unwrap();
    Dataset { interactions, items: Some(Arc::new(items)), social: None }
}

fn fit(estimator: &dyn Estimator, data: &Dataset) -> Arc<dyn Model> {
    let mut ctx = FitContext { seed: 3, threads: Some(1), ..FitContext::default() };
    estimator.fit_model(data, &mut ctx).unwrap().into()
}

/// The first recommendation of some users, why, and the scores with and without the past item named
/// first.
fn with_and_without(
    model: &dyn Recommend,
    explainer: &Explainer<'_>,
    data: &Dataset,
) -> Vec<(Reasons, f32, f32)> {
    let ids = model.ids();
    let users: Vec<_> = (0..24i64).map(Into::into).collect();
    let answer = recommend(model, &Query::new(Users::Ids(&users), 1)).unwrap();
    let one = |row: usize| {
        let item = answer.top.row(row).0[0];
        let asked = [ids.items.id(item).unwrap().to_owned()];
        let why = explainer.explain(&users[row], &asked).unwrap().remove(0);
        let log = &data.interactions;
        let past: History = log
            .sequence(log.ids().users.get(&users[row]).unwrap())
            .iter()
            .map(|&past| (ids.items.get(&log.item_id(past).unwrap()).unwrap(), 1.0))
            .collect();
        let named = ids.items.get(&why.past[0].item.id).unwrap();
        let less: History = past.iter().copied().filter(|&(other, _)| other != named).collect();
        let mut out = vec![0.0; 2 * model.n_items()];
        model.score_histories(&[past, less], &mut out).unwrap();
        (why, out[item as usize], out[model.n_items() + item as usize])
    };
    (0..answer.len()).map(one).collect()
}

#[test]
fn without_the_named_item_a_models_score_is_lower() {
    let data = shop();
    let cases: Vec<(Box<dyn Estimator>, Basis)> = vec![
        (Box::new(Ease { l2: 5.0, ..Ease::default() }), Basis::Exact),
        (Box::new(ItemKnn::default()), Basis::Exact),
        (Box::new(UserKnn::default()), Basis::Exact),
        (Box::new(Als { factors: 8, epochs: 10, ..Als::default() }), Basis::Exact),
        (Box::new(GfCf { factors: 8, ..GfCf::default() }), Basis::Exact),
        (Box::new(Content::default()), Basis::Exact),
        (Box::new(LightGcn { factors: 8, epochs: 30, ..LightGcn::default() }), Basis::Approximate),
        (Box::new(UltraGcn { factors: 8, epochs: 30, ..UltraGcn::default() }), Basis::Approximate),
        (Box::new(Item2Vec::default()), Basis::LeaveOneOut),
    ];
    for (estimator, basis) in cases {
        let model = fit(estimator.as_ref(), &data);
        let explainer = Explainer::of_model(model.as_ref(), model.kind(), model.as_explain())
            .with_log(&data.interactions);
        for (why, with, without) in with_and_without(model.as_ref(), &explainer, &data) {
            assert_eq!(why.recommenders[0].basis, basis, "{}", model.kind());
            assert!(without < with, "{}: {with} without it {without}; {why:?}", model.kind());
        }
    }
}

#[test]
fn without_the_named_item_the_fused_score_is_lower() {
    let data = shop();
    let models: Vec<Arc<dyn Model>> = vec![
        fit(&Ease { l2: 5.0, ..Ease::default() }, &data),
        fit(&Content::default(), &data),
        fit(&Item2Vec::default(), &data),
        fit(&Popular::default(), &data),
    ];
    let members: Vec<(&str, Option<&dyn Explain>)> =
        models.iter().map(|model| (model.kind(), model.as_explain())).collect();
    let sum = |normalize| Fusion::WeightedSum { weights: vec![0.4, 0.3, 0.2, 0.1], normalize };
    let fusions =
        [sum(Normalize::MinMax), sum(Normalize::ZScore), Fusion::ReciprocalRank { k: 60.0 }];
    for fusion in fusions {
        let parts = models.iter().map(|model| model.clone() as Arc<dyn Recommend>).collect();
        let fused = Fused::new(parts, fusion.clone()).unwrap();
        let items = data.items.as_deref().unwrap();
        let explainer = Explainer::of_fusion(&fused, &members).unwrap();
        let explainer = explainer.with_items(items).with_log(&data.interactions);
        let cases = with_and_without(&fused, &explainer, &data);
        let mut lower = 0;
        for (why, with, without) in &cases {
            lower += usize::from(without < with);
            let parts: f32 = why.recommenders.iter().map(|share| share.part).sum();
            assert!((parts - why.score).abs() < 1e-5 * why.score.abs());
            assert!(!why.past[0].shared_tags.is_empty() && !why.tags.is_empty());
        }
        // Without a past item the others' scores fall too, so that a rank may even rise.
        let ranks = matches!(fusion, Fusion::ReciprocalRank { .. });
        let least = if ranks { cases.len() * 3 / 4 } else { cases.len() };
        assert!(lower >= least, "{fusion:?}: lower for {lower} of {}", cases.len());
        let said = cases[0].0.to_sentence(Language::Zh, Domain::Shop);
        assert!(said.starts_with("因为你买过“") && said.contains("ease 占 "), "{said}");
    }
}
