//! Words that stand side by side, made one keyword.

use hashbrown::{HashMap, HashSet};

use super::Scored;
use super::document::{Document, lower};

/// Section 3.1 of the TextRank paper: the best third of the words is kept, and runs of them in the
/// text become keywords, scored by the mean of their words.
pub(super) fn phrases(document: &Document<'_>, words: &[Scored]) -> Vec<Scored> {
    let kept = best_third(words);
    let mut scores: HashMap<String, f64> = HashMap::new();
    for word in words {
        let key = lower(&word.text).into_owned();
        if kept.contains(key.as_str()) {
            scores.insert(key, word.score);
        }
    }
    let mut found: Vec<Scored> = Vec::new();
    let mut seen = HashSet::new();
    let mut at = 0;
    while at < document.words.len() {
        let score_at = |i: usize| document.words.get(i).and_then(|w| scores.get(&*w.key));
        let mut sum = 0.0;
        let mut len = 0;
        while let Some(score) = score_at(at + len) {
            if len > 0 && !document.continues(at + len) {
                break;
            }
            sum += score;
            len += 1;
        }
        if len > 0 && seen.insert(lower(document.slice(at, len))) {
            let text = document.slice(at, len).to_owned();
            found.push(Scored { text, score: sum / len as f64, first: at });
        }
        at += len.max(1);
    }
    found
}

fn best_third(words: &[Scored]) -> HashSet<String> {
    let mut order: Vec<&Scored> = words.iter().collect();
    order.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.first.cmp(&b.first)));
    order.truncate(words.len().div_ceil(3));
    order.into_iter().map(|word| lower(&word.text).into_owned()).collect()
}
