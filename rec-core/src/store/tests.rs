use std::fs;
use std::path::Path;

use serde_json::json;

use super::*;
use crate::Error;
use crate::data::{Csr, IdMap, IdMaps};

fn writer() -> ModelWriter {
    let ids = IdMaps {
        users: IdMap::from_strings(["甲", "", "007"]).unwrap(),
        items: IdMap::from_ids([3, -1]).unwrap(),
    };
    let seen = Csr::from_rows([vec![(1, 2.0)], vec![], vec![(0, 1.0), (1, 0.5)]], 2);
    let mut w = ModelWriter::new("toy", &json!({ "factors": 2 })).unwrap();
    w.ids(&ids).csr("seen", &seen).unwrap();
    w.f32("items", &[2, 2], &[1.0, f32::MIN_POSITIVE, -0.0, 4.0]).unwrap();
    w.f64("double", &[1], &[0.1]).unwrap();
    w
}

fn saved(dir: &tempfile::TempDir) -> std::path::PathBuf {
    let path = dir.path().join("model");
    writer().save(&path).unwrap();
    path
}

fn edit_manifest(path: &Path, edit: impl FnOnce(&mut serde_json::Value)) {
    let file = path.join("manifest.json");
    let mut manifest = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    edit(&mut manifest);
    fs::write(file, serde_json::to_vec(&manifest).unwrap()).unwrap();
}

fn entries(dir: &Path) -> Vec<String> {
    fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn what_is_saved_is_what_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let reader = ModelReader::open(saved(&dir)).unwrap();
    assert_eq!(reader.manifest().kind, "toy");
    assert_eq!(reader.config::<serde_json::Value>().unwrap(), json!({ "factors": 2 }));
    let ids = reader.ids().unwrap();
    assert_eq!(ids.users.get("007"), Some(2));
    assert!(!ids.users.is_integer() && ids.items.is_integer());
    assert_eq!(reader.csr("seen").unwrap().row_values(2), Some(&[1.0, 0.5][..]));
    let (shape, values) = reader.f32("items").unwrap();
    assert_eq!((shape, values[1], values[2].to_bits()), (vec![2, 2], f32::MIN_POSITIVE, 1 << 31));
    assert!(matches!(reader.f32("double"), Err(Error::Format { .. })));
    assert!(matches!(reader.u32("absent"), Err(Error::Format { .. })));
}

#[test]
fn saving_again_replaces_the_model_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let path = saved(&dir);
    writer().save(&path).unwrap();
    assert!(ModelReader::open(&path).is_ok());
    assert_eq!(entries(dir.path()), ["model"]);
}

#[test]
fn a_changed_or_shortened_file_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = saved(&dir);
    let file = path.join("model.safetensors");
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
    let Err(Error::Format { path: named, .. }) = ModelReader::open(&path) else { panic!() };
    assert_eq!(named, file);
    let mut flipped = bytes;
    *flipped.last_mut().unwrap() ^= 1;
    fs::write(&file, flipped).unwrap();
    assert!(matches!(ModelReader::open(&path), Err(Error::Format { .. })));
    fs::remove_file(&file).unwrap();
    assert!(matches!(ModelReader::open(&path), Err(Error::Io { .. })));
}

#[test]
fn changed_ids_and_escaping_file_names_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = saved(&dir);
    edit_manifest(&path, |m| m["ids"]["users"] = json!("00"));
    assert!(matches!(ModelReader::open(&path).unwrap().ids(), Err(Error::Format { .. })));
    edit_manifest(&path, |m| m["files"]["../other"] = json!("00"));
    assert!(matches!(ModelReader::open(&path), Err(Error::Format { .. })));
}

#[test]
fn a_newer_format_is_refused_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let path = saved(&dir);
    edit_manifest(&path, |m| *m = json!({ "format": 2, "unheard": "of" }));
    assert!(matches!(
        ModelReader::open(&path),
        Err(Error::Version { found: 2, supported: FORMAT, .. })
    ));
}

#[test]
fn other_folders_are_neither_read_nor_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("thesis.txt"), "years of work").unwrap();
    assert!(matches!(ModelReader::open(dir.path()), Err(Error::Format { .. })));
    assert!(matches!(writer().save(dir.path()), Err(Error::Format { .. })));
    assert_eq!(entries(dir.path()), ["thesis.txt"]);
    assert!(matches!(ModelReader::open(dir.path().join("none")), Err(Error::Io { .. })));
}

#[test]
fn a_path_that_cannot_be_written_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let blocked = dir.path().join("file");
    fs::write(&blocked, "").unwrap();
    assert!(matches!(writer().save(blocked.join("model")), Err(Error::Io { .. })));
    assert_eq!(entries(dir.path()), ["file"]);
}

#[test]
fn a_shape_that_does_not_hold_its_values_is_refused() {
    let mut w = writer();
    assert!(matches!(w.f32("x", &[2, 3], &[0.0; 5]), Err(Error::Shape { .. })));
}

#[test]
fn an_inner_folder_is_verified_and_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    let mut w = writer();
    w.folder("encoder", |folder| {
        fs::create_dir(folder.join("part")).unwrap();
        fs::write(folder.join("part/config.json"), "{}").unwrap();
        fs::write(folder.join("weights"), vec![7; 200_000]).unwrap();
        Ok(())
    });
    w.save(&path).unwrap();
    let reader = ModelReader::open(&path).unwrap();
    assert_eq!(reader.folder("encoder").unwrap(), path.join("encoder"));
    assert_eq!(reader.manifest().files.len(), 4);
    assert!(matches!(reader.folder("decoder"), Err(Error::Format { .. })));
    fs::write(path.join("encoder/part/config.json"), "[]").unwrap();
    let Err(Error::Format { path: named, .. }) = ModelReader::open(&path) else { panic!() };
    assert_eq!(named, path.join("encoder/part/config.json"));
    edit_manifest(&path, |m| m["files"]["encoder/../../other"] = json!("00"));
    let error = ModelReader::open(&path).err().unwrap().to_string();
    assert!(error.contains("../other") || error.contains("changed"), "{error}");
    let mut w = writer();
    w.folder("encoder", |folder| Err(Error::empty(folder.display().to_string(), "nothing")));
    let before = entries(dir.path());
    assert!(w.save(dir.path().join("other")).is_err());
    assert_eq!(entries(dir.path()), before);
}
