mod refusals;
mod resume;

use std::fs;
use std::path::Path;

use rec_core::data::read::{write_interactions, write_items};
use rec_core::data::synthetic::Shop;
use rec_core::data::{Dataset, Id, IdMap};
use rec_core::rank::explain::{Domain, Language};
use rec_core::rank::{Query, Recommend as _, Recommendations, Users, recommend};

use super::*;
use crate::fit::{Fit as _, FitContext, Model as _};

/// Every stage, quick to train and the same with any number of threads.
const TOML: &str = r#"
metrics = ["recall@10", "ndcg@10", "diversity@10"]
seed = 7

[data]
events = "events.csv"
items = "items.csv"
merge_repeated = true

[text]
stop_words = ["zh"]

[vectors]
method = "words"
min_count = 1
word2vec = { vector_size = 16, epochs = 2, workers = 1 }

[clusters]
count = 6

[keywords]
most = 4

[tags]
min_probability = 0.4

[[recommenders]]
model = "popular"

[[recommenders]]
model = "item_knn"
name = "together"

[[recommenders]]
model = "als"
factors = 8
epochs = 4

[[recommenders]]
model = "content"
features = { by = "vectors", field = "content" }

[fusion]
candidates = 30
learn = { levels = [0], min_users = 20 }

[rerank]
diversity = { by = "mmr", lambda = 0.8 }
"#;

fn shop() -> Dataset {
    Shop { users: 150, items: 96, events: 3000, seed: 3 }.generate().unwrap()
}

/// The shop's files and the configuration in a folder; every fifth item without tags.
fn files(dir: &Path) -> std::path::PathBuf {
    let data = shop();
    let items = data.items.as_deref().unwrap();
    let tags: Vec<Vec<String>> = (0..items.len())
        .map(|row| {
            let own = items.tags().unwrap().row(if row % 5 == 0 { return vec![] } else { row });
            own.iter().map(|&tag| items.tag_names().id(tag).unwrap().to_string()).collect()
        })
        .collect();
    let table = rec_core::data::Items::new(items.ids().clone());
    let table = table.with_text("title", items.text("title").unwrap().to_vec()).unwrap();
    write_items(dir.join("items.csv"), &table.with_tags(&tags).unwrap()).unwrap();
    write_interactions(dir.join("events.csv"), &data.interactions).unwrap();
    let path = dir.join("shop.toml");
    fs::write(&path, TOML).unwrap();
    path
}

fn everyone(model: &PipelineModel) -> Recommendations {
    model.recommend(&Query::new(Users::All, 5)).unwrap()
}

fn run(path: &Path, work: &Path) -> PipelineModel {
    let pipeline = Pipeline::from_toml(path).unwrap().keep_in(work);
    pipeline.run(&FitContext::default()).unwrap()
}

#[test]
fn from_files_to_lists_with_every_stage_told() {
    let dir = tempfile::tempdir().unwrap();
    let model = run(&files(dir.path()), &dir.path().join("work"));
    let stages: Vec<&str> = model.report().stages.iter().map(|s| s.stage.as_str()).collect();
    let expected = [
        "read",
        "words",
        "vectors",
        "clusters",
        "keywords",
        "tags",
        "try-popular",
        "try-together",
        "try-als",
        "try-content",
        "fusion",
        "measure",
        "fit-popular",
        "fit-together",
        "fit-als",
        "fit-content",
    ];
    assert_eq!(stages, expected);
    assert!(model.report().predicted_tags > 0);

    let answer = everyone(&model);
    assert_eq!(answer.len(), 150);
    assert!((0..150).all(|row| answer.top.row(row).0.len() == 5));
    let board = model.report().leaderboard.as_ref().unwrap();
    let mean = |name: &str, metric: &str| board.cell(name, metric, None).unwrap().mean.unwrap();
    assert!(mean("fusion", "ndcg@10") > 1.3 * mean("popular", "ndcg@10"), "{board}");
    assert!(mean("shown", "diversity@10") > mean("fusion", "diversity@10"), "{board}");
    assert!(board.baseline.is_some());

    let someone = [answer.queries[0].clone()];
    let by = |by| model.profiles(&someone, by).unwrap().remove(0);
    let profile = by(None);
    assert!(!profile.interests.is_empty() && !profile.interests[0].evidence.is_empty());
    assert_eq!(profile, by(Some(Interests::Tags)));
    let profile = by(Some(Interests::Clusters));
    assert!((1..=6).contains(&profile.interests.len()), "{profile:?}");
    assert!(profile.interests[0].label.contains(" / "), "{profile:?}");
    assert!(!by(Some(Interests::Keywords)).interests.is_empty());
    assert!(!model.keywords(0).is_empty());
    let near = model.nearest_users(&someone, 3).unwrap().remove(0);
    assert!(
        near.len() == 3 && near[0].1 >= near[2].1 && near.iter().all(|(id, _)| *id != someone[0])
    );
    assert!(model.nearest_users(&[Id::from("nobody")], 3).is_err());

    let shown = answer.row(0).next().unwrap().0.to_owned();
    let why = model.explain(&someone[0], std::slice::from_ref(&shown)).unwrap().remove(0);
    let parts: f32 = why.recommenders.iter().map(|share| share.part).sum();
    assert!((parts - why.score).abs() < 1e-5 && !why.past.is_empty());
    assert!(why.to_sentence(Language::Zh, Domain::Shop).contains('“'), "{why:?}");
}

#[test]
fn a_saved_pipeline_answers_alike() {
    let dir = tempfile::tempdir().unwrap();
    let model = run(&files(dir.path()), &dir.path().join("work"));
    let path = dir.path().join("pipeline");
    model.writer().unwrap().save(&path).unwrap();
    fs::remove_dir_all(dir.path().join("work")).unwrap();
    let back = crate::load(&path).unwrap();
    let again = recommend(back.as_ref(), &Query::new(Users::All, 5)).unwrap();
    assert_eq!(everyone(&model).top, again.top);
    let reader = rec_core::store::ModelReader::open(&path).unwrap();
    let back = PipelineModel::load(&reader).unwrap();
    assert_eq!(back.keywords(3), model.keywords(3));
    let everyone: Vec<Id> = model.ids().users.iter().map(|id| id.to_owned()).collect();
    let clusters = |model: &PipelineModel| model.profiles(&everyone, Some(Interests::Clusters));
    assert_eq!(clusters(&back).unwrap(), clusters(&model).unwrap());
    assert_eq!(back.report().stages, model.report().stages);
    let history = [vec![(Id::from("P00001"), 1.0)]];
    let query = Query::new(Users::Histories(&history), 3);
    assert_eq!(model.recommend(&query).unwrap().top, back.recommend(&query).unwrap().top);
}

#[test]
fn an_item_nobody_had_is_shown_for_its_words() {
    let data = shop();
    let items = data.items.as_deref().unwrap();
    let mut ids = items.ids().clone();
    ids.intern("new");
    let mut titles = items.text("title").unwrap().to_vec();
    titles.push(titles[0].clone());
    let table = rec_core::data::Items::new(ids.clone()).with_text("title", titles).unwrap();
    let log = data.interactions.with_items(&ids);
    let cold = Dataset { interactions: log, items: Some(table.into()), social: None };
    let content = Recommender::new("content", &serde_json::json!({})).unwrap();
    let config = PipelineConfig { recommenders: vec![content], ..PipelineConfig::default() };
    let model = Pipeline::new(config).fit(&cold, &mut FitContext::default()).unwrap();
    let first = items.ids().id(0).unwrap().to_owned();
    let history = [vec![(first, 1.0)]];
    let answer = model.recommend(&Query::new(Users::Histories(&history), 1)).unwrap();
    assert_eq!(answer.row(0).next().unwrap().0.to_string(), "new");
}

#[test]
fn who_says_what_they_like_is_shown_it() {
    let config = PipelineConfig { refit: false, ..PipelineConfig::default() };
    let data = shop();
    let model = Pipeline::new(config.clone()).fit(&data, &mut FitContext::default()).unwrap();
    let items = data.items.as_deref().unwrap();
    let tags = items.tags_for(&data.interactions.ids().items).unwrap();
    // The name of a tag is all that they say.
    let name = items.tag_names().id(0).unwrap().to_string();
    let has = |item: u32| tags.row(item as usize).contains(&0);
    let share = (0..96).filter(|&item| has(item)).count() as f32 / 96.0;
    let answer = model.recommend_texts(&[&name, &name], 5).unwrap();
    let shown = answer.top.row(0).0;
    let found = shown.iter().filter(|&&item| has(item)).count() as f32 / 5.0;
    assert!(found >= 0.6 && share < 0.3, "{found} of tag {name}, {share} of all");
    assert_eq!(answer.top.row(0), answer.top.row(1));
    let stand_ins = model.stand_ins(&[&name]).unwrap().remove(0);
    assert!((1..=10).contains(&stand_ins.len()));

    let unheard = model.recommend_texts(&[&name, "zyxwvut"], 5).unwrap_err().to_string();
    assert!(unheard.contains("text 1") && unheard.contains("zyxwvut"), "{unheard}");
    let bare = Dataset::from(data.interactions.clone());
    let bare = Pipeline::new(config).fit(&bare, &mut FitContext::default()).unwrap();
    assert!(matches!(bare.recommend_texts(&["x"], 5), Err(crate::Error::Empty { .. })));
}

#[test]
fn without_a_list_of_recommenders_those_that_fit_the_data_are_taken() {
    let data = shop();
    let bare = Dataset::from(data.interactions.clone());
    let config = PipelineConfig { refit: false, ..PipelineConfig::default() };
    let fit = |data: &Dataset| Pipeline::new(config.clone()).fit(data, &mut FitContext::default());
    let names = |model: &PipelineModel| model.report().recommenders.clone();
    let plain = fit(&bare).unwrap();
    assert_eq!(names(&plain), ["popular", "item_knn", "co_transition", "als", "item2vec"]);
    assert_eq!(names(&fit(&data).unwrap()).last().unwrap(), "content");
    assert!(matches!(plain.profiles(&[], None), Err(crate::Error::Empty { .. })));
}

#[test]
fn only_what_the_catalogue_still_has_is_shown() {
    let config = PipelineConfig { refit: false, ..PipelineConfig::default() };
    let data = Dataset::from(shop().interactions);
    let model = Pipeline::new(config).fit(&data, &mut FitContext::default()).unwrap();
    let half = IdMap::from_strings(
        (0..48)
            .map(|i| format!("P{i:05}"))
            .collect::<Vec<_>>()
            .iter()
            .map(String::as_str)
            .chain(["later"]),
    );
    let change = model.set_catalogue(&half.unwrap()).unwrap();
    assert_eq!((change.known, change.gone, change.new), (48, 48, vec![Id::from("later")]));
    let answer = everyone(&model);
    let shown = |row: usize| answer.row(row).map(|(id, _)| id.to_string()).collect::<Vec<_>>();
    assert!((0..answer.len()).all(|row| shown(row).iter().all(|id| id.as_str() < "P00048")));
    assert_eq!(answer.top.row(0).0.len(), 5);
    assert!(model.set_catalogue(&IdMap::from_ids(["x"]).unwrap()).is_err());
}
