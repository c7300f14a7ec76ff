//! WordPiece and byte-level BPE, which are learned by merging the most frequent pairs.

use ahash::{AHashMap, RandomState};
use compact_str::CompactString;
use hashbrown::{HashMap, HashSet};
use hf::models::bpe::{BPE, BpeTrainer, BpeTrainerBuilder};
use hf::models::wordpiece::WordPiece;
use hf::pre_tokenizers::byte_level::ByteLevel;
use tokenizers as hf;

use super::refused;
use super::special::SpecialRole;
use super::train::TrainOptions;
use crate::{Error, Result};

/// Learns a WordPiece vocabulary.
pub(super) fn wordpiece(words: &[(String, u64)], options: &TrainOptions) -> Result<WordPiece> {
    let trainer = trainer(options).continuing_subword_prefix("##".into()).build();
    let merged = merge(&trainer, words, options)?;
    let mut vocab: Vec<(String, u32)> = merged.get_vocab().into_iter().collect();
    vocab.sort_unstable_by_key(|(_, id)| *id);
    WordPiece::builder()
        .vocab(vocab.into_iter().collect::<AHashMap<_, _>>())
        .unk_token(options.token(SpecialRole::Unk).unwrap_or_default().to_owned())
        .build()
        .map_err(refused("the vocabulary"))
}

/// Learns a byte-level BPE: all 256 bytes are in it, so no text is unknown.
pub(super) fn byte_bpe(words: &[(String, u64)], options: &TrainOptions) -> Result<BPE> {
    let alphabet = ByteLevel::alphabet().into_iter().collect();
    let trainer = trainer(options).initial_alphabet(alphabet).build();
    merge(&trainer, words, options)
}

fn trainer(options: &TrainOptions) -> BpeTrainerBuilder {
    BpeTrainerBuilder::new()
        .show_progress(false)
        .min_frequency(options.min_frequency)
        .vocab_size(options.vocab_size)
        .special_tokens(options.special())
}

fn merge(trainer: &BpeTrainer, words: &[(String, u64)], options: &TrainOptions) -> Result<BPE> {
    check_countable(words)?;
    // The trainer numbers pieces in the order in which it meets the words: the order of a map, so
    // the map has to have the same one every time.
    let fixed = RandomState::with_seeds(1, 2, 3, 4);
    let mut counts = AHashMap::with_capacity_and_hasher(words.len(), fixed);
    for (word, n) in words {
        counts.insert(CompactString::from(word), *n);
    }
    let mut model = BPE::default();
    trainer.do_train(&counts, &mut model).map_err(refused("the training corpus"))?;
    let size = model.get_vocab().len();
    if size > options.vocab_size {
        let why = format!(
            "the special tokens and the characters of the texts alone are {size}; choose at least \
             as many, or leave rare characters out with limit_alphabet"
        );
        return Err(Error::parameter("vocab_size", options.vocab_size, why));
    }
    Ok(model)
}

/// The library counts pairs in 32 bits.
fn check_countable(words: &[(String, u64)]) -> Result<()> {
    let pairs: u64 =
        words.iter().map(|(word, n)| (word.chars().count() as u64).saturating_mul(*n)).sum();
    if pairs > i32::MAX as u64 {
        return Err(Error::TooLarge {
            what: "counting the pairs of the training corpus".into(),
            needs: pairs,
            limit: i32::MAX as u64,
            why: "train on a sample of the texts; a vocabulary needs no more".into(),
        });
    }
    Ok(())
}

/// Drops all but the most frequent characters from the words; of two equally frequent ones the
/// one with the smaller code stays.
pub(super) fn limit_alphabet(
    words: Vec<(String, u64)>,
    limit: Option<usize>,
) -> Vec<(String, u64)> {
    let Some(limit) = limit else { return words };
    let mut counts: HashMap<char, u64> = HashMap::new();
    for (word, n) in &words {
        for c in word.chars() {
            *counts.entry(c).or_default() += n;
        }
    }
    let mut order: Vec<(char, u64)> = counts.into_iter().collect();
    order.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let kept: HashSet<char> = order.into_iter().take(limit).map(|(c, _)| c).collect();
    let mut limited: Vec<(String, u64)> = words
        .into_iter()
        .map(|(word, n)| (word.chars().filter(|c| kept.contains(c)).collect::<String>(), n))
        .filter(|(word, _)| !word.is_empty())
        .collect();
    limited.sort_unstable();
    limited.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    limited
}
