use super::*;
use crate::vectors::{Architecture, CorpusBuilder, Term, Vectors};

/// Sentences of two topics: words of the first begin with `fluss`, of the second with `berg`.
fn corpus() -> Corpus {
    let mut builder = CorpusBuilder::new();
    for n in 0..1500u64 {
        let topic = if n % 2 == 0 { "fluss" } else { "berg" };
        let word = |k: u64| {
            format!("{topic}{}", char::from(b'a' + (rec_core::rng::mix(n * 12 + k) % 9) as u8))
        };
        builder.add((0..8).map(word).chain(["und".to_owned()])).unwrap();
    }
    builder.build().unwrap()
}

fn config(architecture: Architecture, hs: bool) -> FastText {
    let word2vec = Word2Vec {
        vector_size: 20,
        epochs: 20,
        workers: 1,
        sample: 0.0,
        hs,
        negative: if hs { 0 } else { 5 },
        architecture,
        ..Word2Vec::default()
    };
    FastText { word2vec, ..FastText::default() }
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn unseen_words_stand_by_those_that_look_alike() {
    let corpus = corpus();
    for architecture in [Architecture::SkipGram, Architecture::Cbow] {
        for hs in [false, true] {
            let config = config(architecture, hs);
            let model = config.fit(&corpus, &FitContext::default()).unwrap();
            assert_eq!(model.vector("flussa").unwrap(), model.vectors().get("flussa").unwrap());
            let unseen = model.vector("flussx").unwrap();
            let own = cosine(&unseen, &model.vector("flussb").unwrap());
            let other = cosine(&unseen, &model.vector("bergb").unwrap());
            assert!(own > other + 0.2, "{architecture:?} {hs}: {own} {other}");
            let near = model.vectors().most_similar(&[Term::Vector(&unseen)], &[], 5).unwrap();
            assert!(near.iter().all(|n| n.word.starts_with("fluss")), "{near:?}");
            let error = model.vector("zzzz").unwrap_err().to_string();
            assert!(error.contains("n-grams"), "{error}");
        }
    }
}

/// By the paths of a tree, for of negatives plain words share theirs among windows.
#[test]
fn without_ngrams_it_is_word2vec_and_a_word_of_one_part() {
    let corpus = corpus();
    let plain = FastText { max_n: 0, ..config(Architecture::Cbow, true) };
    let model = plain.fit(&corpus, &FitContext::default()).unwrap();
    let word2vec = plain.word2vec.fit(&corpus, &FitContext::default()).unwrap();
    assert_eq!(model.n_ngrams(), 0);
    assert_eq!(model.vectors().values(), word2vec.vectors().values());
    assert!(model.vector("flussx").is_err());
}

#[test]
fn a_saved_model_knows_unseen_words() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    let few = FastText { bucket: 50, ..config(Architecture::SkipGram, false) };
    let model = few.fit(&corpus(), &FitContext::default()).unwrap();
    assert!((2..=50).contains(&model.n_ngrams()));
    model.save(&path).unwrap();
    let loaded = FastTextModel::load(&path).unwrap();
    assert_eq!(loaded.config(), model.config());
    assert_eq!(loaded.vector("flussxyz").unwrap(), model.vector("flussxyz").unwrap());
    assert_eq!(Vectors::load(&path).unwrap().values(), model.vectors().values());
}

#[test]
fn one_worker_is_deterministic_and_bad_parameters_are_refused() {
    let corpus = corpus();
    let base = config(Architecture::SkipGram, false);
    let fit = |seed| {
        base.fit(&corpus, &FitContext { seed, ..FitContext::default() }).unwrap().vectors().clone()
    };
    assert_eq!(fit(1).values(), fit(1).values());
    assert_ne!(fit(1).values(), fit(2).values());
    for bad in [
        FastText { min_n: 0, ..base.clone() },
        FastText { max_n: 1000, ..base.clone() },
        FastText { bucket: 0, ..base.clone() },
        FastText { word2vec: Word2Vec { hs: true, ..base.word2vec.clone() }, ..base.clone() },
    ] {
        let error = bad.fit(&corpus, &FitContext::default()).unwrap_err();
        assert!(matches!(error, Error::Parameter { .. }), "{error}");
    }
}
