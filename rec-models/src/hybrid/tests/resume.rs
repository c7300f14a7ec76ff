//! Runs after a change, and after a kill.

use super::*;

/// Copies a folder.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, name) = (entry.as_ref().unwrap().path(), entry.as_ref().unwrap().file_name());
        match path.is_dir() {
            true => copy(&path, &to.join(name)),
            false => drop(fs::copy(&path, to.join(name)).unwrap()),
        }
    }
}

fn redone(model: &PipelineModel) -> Vec<&str> {
    let stages = model.report().stages.iter();
    stages.filter(|stage| !stage.kept).map(|stage| stage.stage.as_str()).collect()
}

#[test]
fn a_change_repeats_only_what_depends_on_it() {
    let dir = tempfile::tempdir().unwrap();
    let (path, work) = (files(dir.path()), dir.path().join("work"));
    let first = run(&path, &work);
    assert_eq!(redone(&first).len(), 16);
    let second = run(&path, &work);
    assert!(redone(&second).is_empty());
    assert_eq!(everyone(&first).top, everyone(&second).top);

    let change = |from: &str, to: &str| {
        let text = TOML.replace(from, to);
        assert_ne!(text, TOML);
        fs::write(&path, text).unwrap();
        let model = run(&path, &work);
        redone(&model).join(" ")
    };
    assert_eq!(change("factors = 8", "factors = 9"), "try-als fusion measure fit-als");
    assert_eq!(change("most = 4", "most = 5"), "keywords");
    assert_eq!(change("count = 6", "count = 5"), "clusters");
    let words = change("stop_words = [\"zh\"]", "stop_words = []");
    assert_eq!(
        words,
        "words vectors clusters keywords tags try-content fusion measure fit-content"
    );
    assert_eq!(change("lambda = 0.8", "lambda = 0.7"), "measure");
    let renamed = change("name = \"together\"", "name = \"beside\"");
    assert_eq!(renamed, "try-beside measure fit-beside");
    // What reads the items' table follows its tags.
    let tags = change("min_probability = 0.4", "min_probability = 0.6");
    assert_eq!(tags, "tags try-content fusion measure fit-content");
    // A default that is spelled out changes nothing.
    assert_eq!(change("factors = 8", "factors = 8\nalpha = 1.0"), "");
    fs::write(&path, TOML).unwrap();
    let events = dir.path().join("events.csv");
    let more = fs::read_to_string(&events).unwrap() + "u1,P00001,1,1767225700\n";
    fs::write(&events, more).unwrap();
    assert_eq!(redone(&run(&path, &work)).len(), 16);
}

#[test]
fn a_run_killed_at_any_stage_ends_as_an_unbroken_one() {
    let dir = tempfile::tempdir().unwrap();
    let (path, work) = (files(dir.path()), dir.path().join("work"));
    let whole = run(&path, &work);
    let expected = everyone(&whole).top;
    let done: Vec<String> = whole.report().stages.iter().map(|s| s.stage.clone()).collect();
    for (at, stage) in done.iter().enumerate() {
        // What lies there if the process dies while the stage writes: those before it, and half of it.
        let left = dir.path().join(format!("left-{at}"));
        fs::create_dir(&left).unwrap();
        for entry in fs::read_dir(&work).unwrap() {
            let from = entry.unwrap().path();
            let name = from.file_name().unwrap().to_str().unwrap().to_owned();
            let own = name.rsplit_once('-').unwrap().0;
            let order = done.iter().position(|stage| stage == own);
            match order {
                Some(order) if order < at => copy(&from, &left.join(&name)),
                Some(order) if order == at => {
                    let half = left.join(format!("{name}.partial"));
                    fs::create_dir(&half).unwrap();
                    fs::write(half.join("outcome"), "half of it").unwrap();
                }
                _ => {}
            }
        }
        let resumed = run(&path, &left);
        assert_eq!(redone(&resumed).len(), done.len() - at, "{stage}");
        assert_eq!(everyone(&resumed).top, expected, "{stage}");
        fs::remove_dir_all(&left).unwrap();
    }
}

#[test]
fn a_cancelled_run_goes_on_where_it_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let (path, work) = (files(dir.path()), dir.path().join("work"));
    let pipeline = Pipeline::from_toml(&path).unwrap().keep_in(&work);
    let cancel = crate::fit::Cancel::default();
    let progress = std::sync::Arc::new(Stop { cancel: cancel.clone() });
    let ctx = FitContext { progress, cancel, ..FitContext::default() };
    assert!(matches!(pipeline.run(&ctx), Err(crate::Error::Cancelled(_))));
    let resumed = run(&path, &work);
    let again = redone(&resumed);
    assert!(!again.contains(&"words") && again.contains(&"try-als"), "{again:?}");
}

/// Cancels when ALS begins.
struct Stop {
    cancel: crate::fit::Cancel,
}

impl crate::fit::Progress for Stop {
    fn begin(&self, task: &str, _: u64) {
        if task.contains("als") {
            self.cancel.cancel();
        }
    }
    fn step(&self, _: u64, _: &str) {}
    fn end(&self) {}
}
