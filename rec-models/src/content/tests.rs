use rec_core::data::{Dataset, IdMap, InteractionsBuilder, Items};
use rec_core::rank::{Explain, Query, Recommend, Scorer, Similar, Users};
use rec_core::store::ModelReader;
use std::sync::Arc;

use super::{Content, ContentModel, Features};
use crate::Error;
use crate::fit::{Fit, FitContext, Model};

const TITLES: [(&str, &str); 6] = [
    ("phone", "智能手机 大屏幕"),
    ("case", "手机 保护壳"),
    ("charger", "手机 快充 充电器"),
    ("tea", "绿茶 茶叶"),
    ("cup", "茶杯 绿茶 陶瓷"),
    ("new", "新款 手机 保护壳 透明"),
];

/// Two users with a taste each, one who had everything but the new item, and an item nobody had.
fn shop() -> Dataset {
    let mut events = InteractionsBuilder::new();
    let mut push = |user: &str, items: &[&str]| {
        for (at, item) in items.iter().enumerate() {
            events.push(user, *item, None, Some(at as i64)).unwrap();
        }
    };
    push("phones", &["phone", "charger"]);
    push("teas", &["tea"]);
    push("all", &["tea", "cup", "phone", "charger", "case"]);
    let ids = IdMap::from_strings(TITLES.map(|(id, _)| id)).unwrap();
    let tags = ["tech", "tech", "tech tool", "food", "food", "tech"];
    let tags: Vec<Vec<&str>> = tags.iter().map(|tags| tags.split(' ').collect()).collect();
    let vectors = [1.0, 0.0, 0.8, 0.6, 0.9, 0.1, 0.0, 2.0, 0.0, 3.0, 0.0, 0.0];
    let items = Items::new(ids)
        .with_text("title", TITLES.map(|(_, title)| title.to_owned()).to_vec())
        .unwrap()
        .with_tags(&tags)
        .unwrap()
        .with_vectors("image", 2, vectors.to_vec())
        .unwrap();
    let events = events.build().unwrap().with_items(items.ids());
    Dataset { interactions: events, items: Some(Arc::new(items)), social: None }
}

fn fit(content: Content) -> ContentModel {
    content.fit(&shop(), &mut FitContext::default()).unwrap()
}

fn by(features: Features) -> Content {
    Content { features, ..Content::default() }
}

fn all() -> [Content; 3] {
    [by(Features::default()), by(Features::Tags), by(Features::Vectors { field: None })]
}

fn best(model: &ContentModel, user: &str, k: usize) -> Vec<String> {
    let users = [user.into()];
    let answer = model.recommend(&Query::new(Users::Ids(&users), k)).unwrap();
    answer.row(0).map(|(item, _)| item.to_string()).collect()
}

#[test]
fn an_item_nobody_had_is_recommended_by_its_words() {
    let model = fit(Content::default());
    assert_eq!(model.n_items(), 6);
    let mut two = best(&model, "phones", 2);
    two.sort_unstable();
    assert_eq!(two, ["case", "new"]);
    assert_eq!(best(&model, "teas", 1), ["cup"]);
    assert_eq!(best(&model, "all", 1), ["new"]);
    let similar = model.similar(&[model.ids().items.get("case").unwrap()], 1).unwrap();
    assert_eq!(similar.row(0).0, [model.ids().items.get("new").unwrap()]);
}

#[test]
fn scores_are_mean_cosines_with_the_past() {
    for content in all() {
        let model = fit(content);
        let (user, n) = (model.ids().users.get("all").unwrap(), model.n_items());
        let mut scores = vec![0.0; n];
        model.score(&[user], &mut scores).unwrap();
        let had = model.seen().row(user as usize);
        for item in 0..n as u32 {
            let cosines = had.iter().map(|&mine| model.similarity(mine, item).unwrap());
            let mean = cosines.sum::<f32>() / had.len() as f32;
            assert!((scores[item as usize] - mean).abs() < 1e-5);
            let explained = model.explain(user, item).unwrap();
            assert!(explained.exact && (explained.score - mean).abs() < 1e-5);
            let sum: f32 = explained.contributions.iter().map(|&(_, part)| part).sum();
            assert!((sum - explained.score).abs() < 1e-6);
            assert!(model.similarity(item, item).unwrap() < 1.0 + 1e-5);
        }
    }
}

#[test]
fn tags_weigh_by_rarity() {
    let model = fit(by(Features::Tags));
    let idf = |df: f32| (7.0f32 / (1.0 + df)).ln() + 1.0;
    let (tech, tool) = (idf(4.0), idf(1.0));
    let cosine = tech / (tech * tech + tool * tool).sqrt();
    let dense = |id: &str| model.ids().items.get(id).unwrap();
    let got = model.similarity(dense("phone"), dense("charger")).unwrap();
    assert!((got - cosine).abs() < 1e-6);
    assert_eq!(model.similarity(dense("phone"), dense("tea")).unwrap(), 0.0);
}

#[test]
fn later_events_count_more_with_a_half_life() {
    let model = fit(Content { half_life: Some(1.0), ..Content::default() });
    let all = model.ids().users.get("all").unwrap() as usize;
    let weights = model.seen().row_values(all).unwrap();
    let case = model.seen().row(all).binary_search(&model.ids().items.get("case").unwrap());
    assert!((weights[case.unwrap()] - 16.0 / 31.0).abs() < 1e-6);
    let dense = |id: &str| model.ids().items.get(id).unwrap();
    let history = [vec![(dense("tea"), 1.0), (dense("phone"), 1.0)]];
    let (mut fading, mut even) = ([0.0; 6], [0.0; 6]);
    model.score_histories(&history, &mut fading).unwrap();
    fit(Content::default()).score_histories(&history, &mut even).unwrap();
    let cup = dense("cup") as usize;
    assert!((fading[cup] - even[cup] * 2.0 / 3.0).abs() < 1e-6 && fading[cup] > 0.0);
}

#[test]
fn interests_in_words() {
    let model = fit(Content::default());
    let mut scores = vec![0.0; 2 * model.n_items()];
    model.score_texts(&["想买保护壳", "绿茶"], &mut scores).unwrap();
    let best = |row: &[f32]| (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
    let case = model.ids().items.get("case").unwrap() as usize;
    let tea = model.ids().items.get("tea").unwrap() as usize;
    assert_eq!(best(&scores[..6]), case);
    assert_eq!(best(&scores[6..]), tea);
    let tags = fit(by(Features::Tags));
    assert!(matches!(tags.score_texts(&["x"], &mut scores[..6]), Err(Error::Unsupported { .. })));
}

#[test]
fn a_folder_scores_the_same() {
    for content in all() {
        let (model, folder) = (fit(content), tempfile::tempdir().unwrap());
        model.writer().unwrap().save(folder.path().join("m")).unwrap();
        let back =
            ContentModel::load(&ModelReader::open(folder.path().join("m")).unwrap()).unwrap();
        let (mut a, mut b) = (vec![0.0; 18], vec![0.0; 18]);
        model.score(&[0, 1, 2], &mut a).unwrap();
        back.score(&[0, 1, 2], &mut b).unwrap();
        assert_eq!(a, b);
    }
}

#[test]
fn what_is_missing_is_named() {
    let refused = |content: Content, data: &Dataset| {
        content.fit(data, &mut FitContext::default()).unwrap_err().to_string()
    };
    let bare = Dataset { items: None, ..shop() };
    assert!(refused(Content::default(), &bare).contains("texts, tags or vectors"));
    let empty = Items::new(IdMap::from_ids(["phone"]).unwrap());
    let nothing = Dataset { items: Some(Arc::new(empty)), ..shop() };
    for content in all() {
        let said = refused(content, &nothing);
        assert!(said.contains("give"), "{said}");
    }
    let field = by(Features::Vectors { field: Some("audio".into()) });
    assert!(refused(field, &shop()).contains("image"));
    let Features::Words { ngrams, .. } = Features::default() else { unreachable!() };
    let body = by(Features::Words { fields: vec!["body".into()], ngrams });
    assert!(refused(body, &shop()).contains("title"));
    let half_life = Content { half_life: Some(0.0), ..Content::default() };
    assert!(refused(half_life, &shop()).contains("half_life"));
}
