//! `merges.txt`: one pair of tokens a line, the most frequent first.

use std::path::Path;

use super::config::read_text;
use crate::{Error, Result};

pub(super) fn read(
    path: &Path,
    vocab: &ahash::AHashMap<String, u32>,
) -> Result<Vec<(String, String)>> {
    let text = read_text(path)?;
    let mut merges = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.starts_with("#version") || line.is_empty() {
            continue;
        }
        let refuse = |why: String| Err(Error::format(path, Some(number), why));
        let mut parts = line.split(' ');
        let (Some(left), Some(right), None) = (parts.next(), parts.next(), parts.next()) else {
            return refuse("expected two tokens separated by one space".into());
        };
        let merged = format!("{left}{right}");
        if let Some(missing) = [left, right, &merged].iter().find(|t| !vocab.contains_key(**t)) {
            return refuse(format!(
                "the token {missing:?} is not in vocab.json; the two files belong to different \
                 tokenizers"
            ));
        }
        merges.push((left.to_owned(), right.to_owned()));
    }
    Ok(merges)
}
