use std::cell::Cell;

use super::*;

fn number(stages: &mut Stages, key: &Key, made: &Cell<u32>, value: Result<u64>) -> Result<u64> {
    let work = Work {
        make: || {
            made.set(made.get() + 1);
            value
        },
        save: |value: &u64, path: &Path| write_json(path, value),
        load: read_json,
    };
    stages.run("number", key, work)
}

fn key(option: u32) -> Key {
    Key::new("number", &option, &[]).unwrap()
}

#[test]
fn what_was_done_is_taken_again_until_what_it_depends_on_changes() {
    let dir = tempfile::tempdir().unwrap();
    let (made, folder) = (Cell::new(0), Some(dir.path().join("work")));
    let mut first = Stages::new(folder.clone()).unwrap();
    assert_eq!(number(&mut first, &key(1), &made, Ok(7)).unwrap(), 7);
    assert!(!first.done[0].kept && first.done[0].kept_bytes.unwrap() > 0);
    let mut second = Stages::new(folder.clone()).unwrap();
    assert_eq!(number(&mut second, &key(1), &made, Ok(8)).unwrap(), 7);
    assert!(second.done[0].kept);
    assert_eq!(made.get(), 1);
    assert_eq!(number(&mut second, &key(2), &made, Ok(9)).unwrap(), 9);
    let after = |input: &Key| Key::new("later", &(), &[input]).unwrap();
    assert_ne!(after(&key(1)), after(&key(2)));
    let mut nowhere = Stages::new(None).unwrap();
    assert_eq!(number(&mut nowhere, &key(1), &made, Ok(10)).unwrap(), 10);
}

#[test]
fn what_a_killed_run_left_half_written_is_not_taken() {
    let dir = tempfile::tempdir().unwrap();
    let half = dir.path().join(format!("number-{}.partial", key(1).short()));
    fs::create_dir(&half).unwrap();
    fs::write(half.join(OUTCOME), "7").unwrap();
    let made = Cell::new(0);
    let mut stages = Stages::new(Some(dir.path().into())).unwrap();
    assert!(!half.exists());
    assert_eq!(number(&mut stages, &key(1), &made, Ok(8)).unwrap(), 8);
}

#[test]
fn a_failure_names_the_stage_and_what_stays() {
    let dir = tempfile::tempdir().unwrap();
    let made = Cell::new(0);
    let mut stages = Stages::new(Some(dir.path().into())).unwrap();
    number(&mut stages, &key(1), &made, Ok(7)).unwrap();
    let refusal = number(&mut stages, &key(2), &made, Err(Error::data("it", "is wrong")));
    let message = refusal.unwrap_err().to_string();
    assert!(message.contains("stage number") && message.contains("it: is wrong"), "{message}");
    assert!(message.contains("for the next run: number"), "{message}");
    assert_eq!(number(&mut stages, &key(2), &made, Ok(9)).unwrap(), 9);
}

#[test]
fn files_are_told_apart_by_what_they_hold() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a.csv"), dir.path().join("b.csv"));
    fs::write(&a, "u,i").unwrap();
    fs::write(&b, "u,i").unwrap();
    let hash = |path: &Path| hash_files([path]).unwrap();
    assert_eq!(hash(&a), hash(&b));
    fs::write(&b, "u,j").unwrap();
    assert_ne!(hash(&a), hash(&b));
    let folder = hash(dir.path());
    fs::rename(&b, dir.path().join("c.csv")).unwrap();
    assert_ne!(folder, hash(dir.path()));
    assert!(matches!(hash_files([b.as_path()]), Err(Error::Io { .. })));
}
