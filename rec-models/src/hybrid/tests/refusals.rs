//! Bad input.

use rec_core::data::Items;
use rec_core::rank::{Pin, Rules};

use super::*;
use crate::Error;

fn message(toml: &str) -> String {
    PipelineConfig::from_toml_str(toml).err().unwrap().to_string()
}

fn fit(config: PipelineConfig, data: &Dataset) -> Result<PipelineModel, Error> {
    Pipeline::new(config).fit(data, &mut FitContext::default())
}

fn quick() -> PipelineConfig {
    let popular = Recommender::new("popular", &serde_json::json!({})).unwrap();
    PipelineConfig { recommenders: vec![popular], refit: false, ..PipelineConfig::default() }
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_near_one() {
    assert!(message("seed = 1\nrefitt = true").contains("did you mean `refit`?"));
    assert!(message("seed = 1\nrefitt = true").contains(":2"));
    let section = message("[fusion]\ncandidate = 3");
    assert!(section.contains("did you mean `candidates`?"), "{section}");
    let model = message("[[recommenders]]\nmodel = \"als\"\nfactor = 3");
    assert!(model.contains("did you mean `factors`?"), "{model}");
    let kind = message("[[recommenders]]\nmodel = \"alz\"");
    assert!(kind.contains("did you mean `als`?"), "{kind}");
    let vectors = message("[vectors]\nmethod = \"word\"");
    assert!(vectors.contains("did you mean `words`?"), "{vectors}");
    assert!(message("seed = ").contains(":1"));
}

#[test]
fn two_recommenders_of_one_name_and_names_that_make_no_folder_are_refused() {
    let two = "[[recommenders]]\nmodel = \"als\"\n[[recommenders]]\nmodel = \"als\"";
    assert!(message(two).contains("give one of them a name"));
    assert!(message("[[recommenders]]\nmodel = \"als\"\nname = \"../als\"").contains("letters"));
    let both = "[rerank]\ncalibration = 0.5\ndiversity = { by = \"dpp\", theta = 0.5 }";
    assert!(message(both).contains("keep one"));
}

#[test]
fn a_configuration_comes_back_from_its_toml() {
    let config = PipelineConfig::from_toml_str(TOML).unwrap();
    let again = PipelineConfig::from_toml_str(&config.to_toml().unwrap()).unwrap();
    let json = |config: &PipelineConfig| serde_json::to_value(config).unwrap();
    assert_eq!(json(&config), json(&again));
}

#[test]
fn stages_on_texts_need_texts() {
    let data = shop();
    let asked = PipelineConfig { vectors: Some(ContentVectors::words()), ..quick() };
    let bare = Dataset::from(data.interactions.clone());
    assert!(fit(asked.clone(), &bare).unwrap_err().to_string().contains("need the items' texts"));
    let untold = Items::new(data.items.as_deref().unwrap().ids().clone());
    let untold = Dataset { items: Some(untold.into()), ..data.clone() };
    assert!(fit(asked.clone(), &untold).unwrap_err().to_string().contains("name the columns"));
    // Some without a text are no error.
    let items = data.items.as_deref().unwrap();
    let mut titles = items.text("title").unwrap().to_vec();
    titles[..20].iter_mut().for_each(String::clear);
    let some = Items::new(items.ids().clone()).with_text("title", titles).unwrap();
    let some = Dataset { items: Some(some.into()), ..data };
    assert!(fit(asked, &some).is_ok());
}

#[test]
fn a_stage_that_fails_is_named_and_what_came_before_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = files(dir.path());
    let text = TOML.replace("min_count = 1", "min_count = 1000000");
    fs::write(&path, text).unwrap();
    let work = dir.path().join("work");
    let pipeline = Pipeline::from_toml(&path).unwrap().keep_in(&work);
    let error = pipeline.run(&FitContext::default()).unwrap_err();
    let Error::Stage { stage, done, .. } = &error else { panic!("{error}") };
    assert_eq!(stage, "vectors");
    assert!(done.contains("read, words"), "{done}");
    fs::write(&path, TOML).unwrap();
    let model = run(&path, &work);
    let kept: Vec<&str> =
        model.report().stages.iter().filter(|s| s.kept).map(|s| s.stage.as_str()).collect();
    assert_eq!(kept, ["read", "words"]);
}

#[test]
fn rules_that_contradict_each_other_and_pins_past_the_end_are_refused() {
    let pin = |item: &str, position| Pin { item: Id::from(item), position };
    let rules = Rules {
        pinned: vec![pin("P00001", 1)],
        blocked_items: vec![Id::from("P00001")],
        ..Rules::default()
    };
    let refusal = fit(PipelineConfig { rules, ..quick() }, &shop()).unwrap_err().to_string();
    assert!(refusal.contains("blocked as well"), "{refusal}");
    let pinned = (1..=6).map(|at| pin(&format!("P0000{at}"), at)).collect();
    let rules = Rules { pinned, ..Rules::default() };
    let config = PipelineConfig { rules, metrics: vec!["ndcg@10".into()], ..quick() };
    let model = fit(config, &shop()).unwrap();
    let refusal = model.recommend(&Query::new(Users::All, 5)).unwrap_err().to_string();
    assert!(refusal.contains("P00006") && refusal.contains("lists have 5"), "{refusal}");
    let six = model.recommend(&Query::new(Users::All, 6)).unwrap();
    assert_eq!(six.row(0).map(|(id, _)| id.to_string()).next().unwrap(), "P00001");
    let gone = IdMap::from_ids(["P00001", "P00002"]).unwrap();
    assert!(
        model.set_catalogue(&gone).unwrap_err().to_string().contains("gone from the catalogue")
    );
}

#[test]
fn reordering_needs_what_it_goes_by() {
    let bare = Dataset::from(shop().interactions);
    let with = |rerank: Reorder| fit(PipelineConfig { rerank, ..quick() }, &bare);
    let mmr = Reorder { diversity: Some(Diversity::Mmr { lambda: 0.5 }), ..Reorder::default() };
    assert!(with(mmr).unwrap_err().to_string().contains("content vectors or tags"));
    let calibrated = Reorder { calibration: Some(0.5), ..Reorder::default() };
    assert!(with(calibrated).unwrap_err().to_string().contains("by tags"));
    let fresh = Fresh { half_life_days: 30.0, weight: 0.3 };
    assert!(with(Reorder { freshness: Some(fresh), ..Reorder::default() }).is_ok());
}

#[test]
fn a_pipeline_without_files_or_with_files_that_are_not_there_says_so() {
    let nothing = Pipeline::new(quick()).run(&FitContext::default()).unwrap_err();
    assert!(matches!(nothing, Error::Empty { .. }));
    let files = DataFiles { events: "none.csv".into(), ..DataFiles::default() };
    let missing = Pipeline::new(PipelineConfig { data: Some(files), ..quick() });
    assert!(matches!(missing.run(&FitContext::default()), Err(Error::Io { .. })));
}
