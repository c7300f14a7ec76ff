//! Vectors of words that are known by number, for models whose tokens have no strings.

use super::{Tables, Trainer, Word2Vec};
use crate::Result;
use crate::fit::FitContext;
use crate::vectors::corpus::{END, Sentences};

/// The vectors of `words` words, learned from sentences of their numbers on CPU threads: row-major
/// `[words, vector_size]`. A word that no sentence has keeps the vector it starts with. Reports no
/// progress of its own.
///
/// # Errors
/// As [`Word2Vec::fit`]; [`crate::Error::Empty`] where the sentences have no word.
pub(crate) fn vectors_of_ids<'s>(
    config: &Word2Vec,
    sentences: impl Iterator<Item = &'s [u32]>,
    words: usize,
    ctx: &FitContext<'_>,
) -> Result<Vec<f32>> {
    let (mut ids, mut counts) = (Vec::new(), vec![0u64; words]);
    for sentence in sentences {
        sentence.iter().for_each(|&id| counts[id as usize] += 1);
        ids.extend_from_slice(sentence);
        ids.push(END);
    }
    let trainer = Trainer::new(config, &counts)?;
    let sentences = Sentences::new(ids);
    let mut tables = Tables::new(words, config.vector_size, ctx.seed);
    for epoch in 0..config.epochs {
        trainer.epoch(epoch, &sentences, &mut tables, ctx.seed, &ctx.cancel)?;
    }
    let [vectors, _] = tables.packed();
    Ok(vectors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::Architecture;
    use crate::vectors::CorpusBuilder;
    use crate::vectors::word2vec::tests::config;

    /// Where the numbers are those that a vocabulary gives, by count downward.
    #[test]
    fn the_vectors_are_those_of_words_as_text() {
        let sentences: Vec<Vec<u32>> = (0..60)
            .map(|n| {
                (0..6).map(|k| rec_core::rng::mix(n * 6 + k) as u32 % (k as u32 + 1)).collect()
            })
            .collect();
        let mut builder = CorpusBuilder::new();
        for sentence in &sentences {
            builder.add(sentence.iter().map(u32::to_string)).unwrap();
        }
        let corpus = builder.build().unwrap();
        let config = config(Architecture::SkipGram);
        let ctx = FitContext::default();
        let model = config.fit(&corpus, &ctx).unwrap();
        let number = |word: &str| corpus.vocab().get(word).unwrap();
        let ids: Vec<Vec<u32>> = sentences
            .iter()
            .map(|s| s.iter().map(|id| number(&id.to_string())).collect())
            .collect();
        let sentences = || ids.iter().map(Vec::as_slice);
        let found = vectors_of_ids(&config, sentences(), 6, &ctx).unwrap();
        assert_eq!(found.len(), 6 * 24);
        for word in 0..6 {
            let row = model.vectors().index(&word.to_string()).unwrap();
            let at = number(&word.to_string()) as usize * 24;
            assert_eq!(&found[at..][..24], model.vectors().row(row), "{word}");
        }
        let seventh = &vectors_of_ids(&config, sentences(), 7, &ctx).unwrap()[6 * 24..];
        assert!(seventh.iter().all(|x| x.abs() <= 1.0 / 24.0), "it stands in no sentence");
        assert!(vectors_of_ids(&config, [].into_iter(), 7, &ctx).is_err());
    }
}
