use ndarray::Array2;
use rec_core::objective::{Association, Reconstruction};

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

fn config() -> ContextReconstruction {
    ContextReconstruction { vector_size: 4, neighbours: 8, l2: 4.0, ..Default::default() }
}

fn fit(config: &ContextReconstruction, corpus: &Corpus, threads: usize) -> ReconstructionModel {
    let ctx = FitContext { seed: 1, threads: Some(threads), ..FitContext::default() };
    config.fit(corpus, &ctx).unwrap()
}

/// A pattern of `n` words, each rebuilt from three others.
fn pattern(n: u64) -> Associations {
    let row = |word: u64| {
        let draw = |k: u64| (word + 1 + rec_core::rng::mix(word * 3 + k) % (n - 1)) % n;
        let mut contexts: Vec<u32> = (0..3).map(|k| draw(k) as u32).collect();
        contexts.sort_unstable();
        contexts.dedup();
        contexts.iter().map(|&c| (c, 1.0 / contexts.len() as f64)).collect()
    };
    Associations::from_rows((0..n).map(row).collect())
}

fn list(weights: &Associations) -> Vec<Association> {
    let row = |word| weights.row(word).map(move |(c, w, p)| (word as u32, c, w, p));
    (0..weights.len()).flat_map(row).collect()
}

fn matrix(space: &Subspace, n: usize) -> Array2<f64> {
    Array2::from_shape_vec((n, space.dim()), space.rows()).unwrap()
}

#[test]
fn the_constraint_holds_and_the_loss_falls() {
    let corpus = topics(1500);
    let model = fit(&config(), &corpus, 2);
    let vectors = model.vectors();
    let n = vectors.len();
    let column = |c: usize| vectors.values().iter().skip(c).step_by(4).map(|&x| f64::from(x));
    for a in 0..4 {
        assert!(column(a).sum::<f64>().abs() < 1e-4);
        for b in 0..4 {
            let covariance = column(a).zip(column(b)).map(|(x, y)| x * y).sum::<f64>() / n as f64;
            let want = if a == b { 1.0 } else { 0.0 };
            assert!((covariance - want).abs() < 1e-5, "{a} {b}: {covariance}");
        }
    }
    assert!(model.losses().windows(2).all(|two| two[1] <= two[0] + 1e-9), "{:?}", model.losses());
    let found = vectors.most_similar(&[Term::Word("y3")], &[], 5).unwrap();
    assert!(found.iter().all(|n| !n.word.starts_with('x')), "{found:?}");
    assert!((0..n).all(|word| model.weights().row(word).len() <= 8));
}

#[test]
fn the_vectors_are_the_eigenvectors_of_least_eigenvalue() {
    let n = 60;
    let weights = pattern(n as u64);
    let mut rng = rng::stream(1, "test", 0);
    let mut space = Subspace::random(n, 5, &mut rng);
    let mut last = f64::INFINITY;
    for _ in 0..40 {
        let rebuilt = space.step(&weights, &mut rng).unwrap();
        let want = Reconstruction { l2: 1.0 }.loss(&matrix(&space, n), &list(&weights));
        assert!((rebuilt - want).abs() < 1e-6 * want, "{rebuilt} is not {want}");
        assert!(rebuilt <= last * (1.0 + 1e-9), "{rebuilt} is above {last}");
        last = rebuilt;
    }
    // P (I − W)ᵀ (I − W) P, with P what takes the mean off: its least eigenvalue is the constant's 0.
    let mut dense = faer::Mat::<f64>::zeros(n, n);
    for c in 0..n {
        let mut x: Vec<f64> =
            (0..n).map(|r| f64::from(u8::from(r == c)) - 1.0 / n as f64).collect();
        let (mut residual, mut out) = (vec![0.0; n], vec![0.0; n]);
        weights.apply(&x, &mut residual, &mut out);
        let mean = out.iter().sum::<f64>() / n as f64;
        x.iter_mut().zip(&out).for_each(|(x, y)| *x = y - mean);
        x.iter().enumerate().for_each(|(r, &x)| dense[(r, c)] = x);
    }
    let all = dense.self_adjoint_eigen(faer::Side::Lower).unwrap();
    let least: f64 = (1..6).map(|k| all.S()[k]).sum();
    assert!((last / n as f64 - least).abs() < 1e-6 * least, "{last} {least}");
}

#[test]
fn the_weights_leave_no_gradient() {
    let n = 40;
    let mut weights = pattern(n as u64);
    let mut rng = rng::stream(1, "test", 0);
    let mut space = Subspace::random(n, 3, &mut rng);
    space.step(&weights, &mut rng).unwrap();
    let objective = Reconstruction { l2: 0.5 };
    let vectors = matrix(&space, n);
    let before = objective.loss(&vectors, &list(&weights));
    weights.solve(&space, 0.5).unwrap();
    let after = objective.loss(&vectors, &list(&weights));
    assert!(after < before, "{after} {before}");
    let gradient = objective.by_weights(&vectors, &list(&weights));
    assert!(gradient.iter().all(|g| g.abs() < 1e-8), "{gradient:?}");
}

#[test]
fn the_result_depends_on_the_seed_alone_and_is_saved() {
    let corpus = topics(300);
    let first = fit(&config(), &corpus, 1);
    assert_eq!(first.vectors().values(), fit(&config(), &corpus, 3).vectors().values());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    first.save(&path).unwrap();
    let loaded = ReconstructionModel::load(&path).unwrap();
    assert_eq!(loaded.config(), first.config());
    assert_eq!(loaded.vectors().values(), first.vectors().values());
    assert_eq!(loaded.weights(), first.weights());
    assert_eq!(Vectors::load(&path).unwrap().dim(), 4);
}

#[test]
fn what_cannot_be_trained_is_refused() {
    let corpus = topics(20);
    for bad in [
        ContextReconstruction { vector_size: 0, ..config() },
        ContextReconstruction { vector_size: corpus.vocab().len(), ..config() },
        ContextReconstruction { neighbours: 0, ..config() },
        ContextReconstruction { epochs: 0, ..config() },
        ContextReconstruction { window: 0, ..config() },
        ContextReconstruction { l2: 0.0, ..config() },
    ] {
        let error = bad.fit(&corpus, &FitContext::default()).unwrap_err();
        assert!(matches!(error, Error::Parameter { .. }), "{error}");
    }
    let ctx = FitContext::default();
    ctx.cancel.cancel();
    assert!(matches!(config().fit(&corpus, &ctx), Err(Error::Cancelled(_))));
}
