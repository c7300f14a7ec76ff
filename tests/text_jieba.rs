//! Segmentation at scale: our tokens beside those of jieba-rs itself. (Python's jieba is compared in
//! `rec-py/tests/test_text.py`.) Skipped where the reviews are not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's way to fail")]

use std::path::PathBuf;

use jieba_rs::Jieba;
use rec_core::text::stream::{TextFile, for_each_text};
use rec_core::text::{Cleaner, Pipeline, Segment, Segmenter, TokenFilter};

fn reviews() -> Option<PathBuf> {
    let name = "zh-online-shopping-10cats/online_shopping_10_cats.csv.gz";
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(name);
    if !path.exists() {
        println!("skipped: no {name}");
        return None;
    }
    Some(path)
}

/// Where tokens differ from those of jieba-rs, it is by cutting its alphanumeric compounds, and by
/// the one word that its dictionary lacks.
#[test]
fn tokens_are_those_of_jieba_rs_but_for_compounds() {
    let Some(path) = reviews() else { return };
    let (ours, theirs) = (Segmenter::chinese(), Jieba::new());
    let (mut texts, mut differ) = (0, 0);
    for_each_text(path, &TextFile::csv("review"), &mut |block| {
        for text in block {
            texts += 1;
            let own = ours.cut(text);
            let other: Vec<&str> = theirs.cut(text, true).into_iter().map(|t| t.word).collect();
            if own != other {
                differ += 1;
                let compound = |t: &&str| t.contains(['.', '_', '-']) && t.len() > 2;
                let explained = other.iter().any(compound) || text.contains("B超");
                assert!(explained, "{own:?}\n{other:?}");
            }
            assert_eq!(own.concat(), **text);
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(texts, 62_774);
    assert!(differ < texts / 20, "{differ}");
}

#[test]
fn a_real_corpus_from_disk_to_disk() {
    let Some(path) = reviews() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("tokens.txt.gz");
    let pipeline = Pipeline::cleaning(&Cleaner::default())
        .and_then(|p| p.then(Segmenter::chinese()))
        .and_then(|p| p.then(TokenFilter::Words {}))
        .unwrap();
    let done = pipeline.process_file(&path, &out, &TextFile::csv("review"), |_| Ok(())).unwrap();
    assert_eq!(done.rows, 62_774);
    let (mut rows, mut tokens) = (0, 0);
    for_each_text(&out, &TextFile::lines(), &mut |block| {
        rows += block.len() as u64;
        tokens += block.iter().map(|line| line.split_whitespace().count() as u64).sum::<u64>();
        Ok(())
    })
    .unwrap();
    assert_eq!((rows, tokens), (done.rows, done.tokens));
}
