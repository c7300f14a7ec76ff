use super::*;
use crate::vectors::{CorpusBuilder, Term, Vectors};

/// Sentences of two topics that share no word but `both`.
fn topics(sentences: usize) -> Corpus {
    let mut builder = CorpusBuilder::new();
    for n in 0..sentences {
        let topic = if n % 2 == 0 { "x" } else { "y" };
        let words = (0..12).map(|k| match k {
            5 => "both".to_owned(),
            _ => format!("{topic}{}", rec_core::rng::mix((n * 12 + k) as u64) % 10),
        });
        builder.add(words).unwrap();
    }
    builder.build().unwrap()
}

fn config() -> Glove {
    Glove { vector_size: 16, epochs: 40, window: 6, x_max: 20.0, workers: 1, ..Glove::default() }
}

fn fit(config: &Glove, corpus: &Corpus, seed: u64) -> GloveModel {
    config.fit(corpus, &FitContext { seed, ..FitContext::default() }).unwrap()
}

fn mean(vectors: &Vectors, topic: &str) -> f32 {
    let pairs = (0..10).flat_map(|a| (0..10).map(move |b| (a, b))).filter(|(a, b)| a != b);
    let cosines = pairs
        .map(|(a, b)| vectors.similarity(&format!("x{a}"), &format!("{topic}{b}")).unwrap())
        .collect::<Vec<_>>();
    cosines.iter().sum::<f32>() / cosines.len() as f32
}

#[test]
fn words_of_one_topic_come_together_and_the_loss_falls() {
    let corpus = topics(1500);
    for (workers, symmetric) in [(1, true), (2, true), (1, false)] {
        let model = fit(&Glove { workers, symmetric, ..config() }, &corpus, 1);
        let vectors = model.vectors();
        let apart = mean(vectors, "x") - mean(vectors, "y");
        assert!(apart > 0.3, "{workers} {symmetric}: {apart}");
        let found = vectors.most_similar(&[Term::Word("y3")], &[], 5).unwrap();
        assert!(found.iter().all(|n| !n.word.starts_with('x')), "{found:?}");
        let losses = model.losses();
        assert_eq!(losses.len(), 40);
        assert!(losses[39] < 0.2 * losses[0], "{losses:?}");
        assert_eq!(vectors.count(vectors.index("both").unwrap()), Some(1500));
    }
}

#[test]
fn one_worker_is_deterministic_in_memory_and_on_disk() {
    let corpus = topics(400);
    let first = fit(&config(), &corpus, 1);
    assert_eq!(first.vectors().values(), fit(&config(), &corpus, 1).vectors().values());
    assert_ne!(first.vectors().values(), fit(&config(), &corpus, 2).vectors().values());
    let tight = Glove { memory_limit: 2000, ..config() };
    let spilled = fit(&tight, &corpus, 1);
    assert_eq!(spilled.vectors().values(), fit(&tight, &corpus, 1).vectors().values());
    let apart = mean(spilled.vectors(), "x") - mean(spilled.vectors(), "y");
    assert!(apart > 0.3, "{apart}");
}

#[test]
fn any_length_of_vector_trains_and_is_saved() {
    let corpus = topics(60);
    let dir = tempfile::tempdir().unwrap();
    for vector_size in [1, 3, 100, 257] {
        let model = fit(&Glove { vector_size, epochs: 2, ..config() }, &corpus, 1);
        let path = dir.path().join(vector_size.to_string());
        model.save(&path).unwrap();
        let loaded = GloveModel::load(&path).unwrap();
        assert_eq!(loaded.config(), model.config());
        let pairs = loaded.losses().iter().zip(model.losses());
        assert!(
            pairs.clone().count() == 2 && pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-12)
        );
        assert_eq!(loaded.vectors().values(), model.vectors().values());
        assert_eq!(Vectors::load(&path).unwrap().dim(), vector_size);
    }
}

#[test]
fn what_cannot_be_trained_is_refused() {
    let corpus = topics(20);
    for bad in [
        Glove { vector_size: 0, ..config() },
        Glove { window: 0, ..config() },
        Glove { epochs: 0, ..config() },
        Glove { workers: 0, ..config() },
        Glove { x_max: 0.0, ..config() },
        Glove { exponent: f64::NAN, ..config() },
        Glove { learning_rate: -1.0, ..config() },
    ] {
        let error = bad.fit(&corpus, &FitContext::default()).unwrap_err();
        assert!(matches!(error, Error::Parameter { .. }), "{error}");
    }
    let ctx = FitContext::default();
    ctx.cancel.cancel();
    assert!(matches!(config().fit(&corpus, &ctx), Err(Error::Cancelled(_))));
}
