//! The unigram language model (Kudo 2018, "Subword Regularization"), learned by expectation
//! maximisation over the library's seeds.

use hashbrown::HashSet;
use hf::models::unigram::{Unigram, UnigramTrainer};
use tokenizers as hf;

use super::refused;
use super::special::SpecialRole;
use super::train::TrainOptions;
use crate::{Error, Result, parallel};

/// Longer words are cut for training: the likelihood of a very long one leaves the range of a
/// float, and no piece is longer than 16 characters.
const LONGEST_WORD: usize = 512;

/// The step by which the library lowers the scores of characters that have none.
const PENALTY: f64 = 0.0001;

pub(super) fn train(words: &[(String, u64)], options: &TrainOptions) -> Result<Unigram> {
    let unk = options.token(SpecialRole::Unk).unwrap_or_default();
    check_size(words, options)?;
    let sentences = sentences(words)?;
    let trainer = UnigramTrainer::builder()
        .show_progress(false)
        .vocab_size(options.vocab_size as u32)
        .special_tokens(options.special())
        .unk_token(Some(unk.to_owned()))
        .build()
        .map_err(|e| Error::data("the options", e.to_string()))?;
    let mut model = Unigram::default();
    // Sums of floats depend on how threads share the work, so one thread does it.
    parallel::install(Some(1), || {
        trainer.do_train(sentences, &mut model).map_err(refused("the training corpus"))
    })?;
    settle(&model, options.special().len(), unk)
}

fn check_size(words: &[(String, u64)], options: &TrainOptions) -> Result<()> {
    let alphabet: HashSet<char> = words.iter().flat_map(|(word, _)| word.chars()).collect();
    let least = alphabet.len() + options.special().len();
    if options.vocab_size >= least {
        return Ok(());
    }
    let why = format!(
        "the special tokens and the characters of the texts alone are {least}; choose at least as \
         many, or leave rare characters out with limit_alphabet"
    );
    Err(Error::parameter("vocab_size", options.vocab_size, why))
}

fn sentences(words: &[(String, u64)]) -> Result<Vec<(String, u32)>> {
    let total: u64 = words.iter().map(|(_, n)| n).sum();
    let total = total.max(words.iter().map(|(word, n)| word.len() as u64 * n).sum());
    if total > u64::from(u32::MAX) {
        return Err(Error::TooLarge {
            what: "counting the substrings of the training corpus".into(),
            needs: total,
            limit: u64::from(u32::MAX),
            why: "train on a sample of the texts; a vocabulary needs no more".into(),
        });
    }
    let mut sentences = Vec::with_capacity(words.len());
    for (word, n) in words {
        let chars: Vec<char> = word.chars().collect();
        for piece in chars.chunks(LONGEST_WORD) {
            sentences.push((piece.iter().collect(), *n as u32));
        }
    }
    Ok(sentences)
}

/// Puts the pieces into an order that is always the same. The library hands out the lowest scores
/// (to the characters that its last step had dropped) in the order of a randomly seeded map.
fn settle(model: &Unigram, special: usize, unk: &str) -> Result<Unigram> {
    let mut all: Vec<(String, f64)> = model.iter().cloned().collect();
    let mut pieces = all.split_off(special.min(all.len()));
    let lowest = pieces.iter().map(|p| p.1).fold(f64::INFINITY, f64::min);
    let mut penalty = 0.0;
    let mut dropped = Vec::new();
    loop {
        let score = lowest + penalty;
        let before = dropped.len();
        dropped.extend(
            (0..pieces.len())
                .filter(|&i| pieces[i].1 == score && pieces[i].0.chars().nth(1).is_none()),
        );
        if dropped.len() == before {
            break;
        }
        penalty += PENALTY;
    }
    let mut scores: Vec<f64> = dropped.iter().map(|&i| pieces[i].1).collect();
    scores.sort_unstable_by(|a, b| b.total_cmp(a));
    dropped.sort_unstable_by(|&a, &b| pieces[a].0.cmp(&pieces[b].0));
    for (&i, score) in dropped.iter().zip(scores) {
        pieces[i].1 = score;
    }
    pieces.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    all.extend(pieces);
    let unk_id = all.iter().position(|(token, _)| token == unk);
    Unigram::from(all, unk_id, false).map_err(refused("the vocabulary"))
}
