//! Runs that were broken off.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use burn::tensor::Tensor;
use rec_core::rng;

use super::*;
use crate::fit::{Cancel, Checkpoints, Progress};
use crate::language::Noise;

/// Asks for a stop once `after` steps are done.
struct StopAfter {
    after: u64,
    cancel: Cancel,
}

impl Progress for StopAfter {
    fn begin(&self, _: &str, _: u64) {}
    fn end(&self) {}
    fn step(&self, done: u64, _: &str) {
        if done >= self.after {
            self.cancel.cancel();
        }
    }
}

#[test]
fn a_resumed_run_ends_where_the_unbroken_one_does() {
    let tokenizer = tokenizer();
    let corpus = Corpus::encode(&tokenizer, &texts(100), None).unwrap();
    let held_out = Corpus::encode(&tokenizer, &texts(20), None).unwrap();
    let training = LanguageTraining {
        accumulation: 2,
        evaluate_every: Some(2),
        patience: Some(50),
        dropout: DropoutRates::all(0.1),
        ..training()
    };
    let objective = MaskedObjective::new(&tokenizer).unwrap();
    let fit = |ctx: &FitContext<'_>| {
        training.fit(bert(&tokenizer, 3), &objective, &corpus, Some(&held_out), ctx)
    };
    let unbroken = fit(&FitContext { seed: 7, ..FitContext::default() }).unwrap();

    let dir = tempfile::tempdir().unwrap();
    let checkpoints = Some(Checkpoints { dir: dir.path().into(), every: 3 });
    let cancel = Cancel::default();
    let stopped = FitContext {
        seed: 7,
        checkpoints: checkpoints.clone(),
        progress: Arc::new(StopAfter { after: 5, cancel: cancel.clone() }),
        cancel,
        ..FitContext::default()
    };
    assert!(matches!(fit(&stopped), Err(Error::Cancelled(_))));
    // The checkpoint is of step 3: two steps are made again.
    let again = FitContext { seed: 7, checkpoints, threads: Some(1), ..FitContext::default() };
    let resumed = fit(&again).unwrap();
    assert_eq!(weights(&resumed.model), weights(&unbroken.model));
    assert_eq!(resumed.losses, unbroken.losses);
    assert_eq!(resumed.validation, unbroken.validation);
    // A finished run is not run again.
    assert_eq!(weights(&fit(&again).unwrap().model), weights(&unbroken.model));
}

#[test]
fn a_checkpoint_of_another_run_is_refused_by_name() {
    let tokenizer = tokenizer();
    let corpus = Corpus::encode(&tokenizer, &texts(40), None).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let objective = MaskedObjective::new(&tokenizer).unwrap();
    let ctx = FitContext {
        checkpoints: Some(Checkpoints { dir: dir.path().into(), every: 1 }),
        ..FitContext::default()
    };
    let fit = |training: &LanguageTraining, corpus: &Corpus, ctx: &FitContext<'_>| {
        let outcome = training.fit(bert(&tokenizer, 3), &objective, corpus, None, ctx);
        outcome.map(|_| ()).map_err(|e| e.to_string())
    };
    fit(&training(), &corpus, &ctx).unwrap();
    let faster = LanguageTraining { learning_rate: 1e-2, ..training() };
    let other = Corpus::encode(&tokenizer, &texts(41), None).unwrap();
    let seeded =
        FitContext { seed: 9, checkpoints: ctx.checkpoints.clone(), ..FitContext::default() };
    for (error, name) in [
        (fit(&faster, &corpus, &ctx), "learning_rate"),
        (fit(&training(), &other, &ctx), "corpus"),
        (fit(&training(), &corpus, &seeded), "seed"),
    ] {
        let error = error.unwrap_err();
        assert!(error.contains(name) && error.contains("remove it to start anew"), "{error}");
    }
    let few = TrainOptions::new(TokenizerModel::WordPiece).vocab_size(60);
    let few = Tokenizer::train(vec![texts(1).concat(); 9], few).unwrap();
    let other = Corpus::encode(&few, &texts(40), None).unwrap();
    let error = fit(&training(), &other, &ctx).unwrap_err();
    assert!(error.contains("vocabulary") || error.contains("corpus"), "{error}");
}

/// Masking whose loss is no number from the step on that is told, until it is cured.
struct Failing {
    masked: MaskedObjective,
    passes: AtomicUsize,
    from: AtomicUsize,
}

impl Objective<BertForMaskedLm> for Failing {
    type Data = Corpus;
    type Pass = MaskedPass;

    fn name(&self) -> &'static str {
        Objective::<BertForMaskedLm>::name(&self.masked)
    }

    fn check(&self, model: &BertForMaskedLm) -> Result<()> {
        self.masked.check(model)
    }

    fn usable(&self, data: &Corpus, row: usize) -> bool {
        Objective::<BertForMaskedLm>::usable(&self.masked, data, row)
    }

    fn prepare(&self, data: &Corpus, rows: &[usize], rng: &mut rng::Rng) -> MaskedPass {
        Objective::<BertForMaskedLm>::prepare(&self.masked, data, rows, rng)
    }

    fn predictions(&self, pass: &MaskedPass) -> usize {
        Objective::<BertForMaskedLm>::predictions(&self.masked, pass)
    }

    fn loss(&self, model: &BertForMaskedLm, pass: &MaskedPass, noise: Noise) -> Tensor<1> {
        let loss = self.masked.loss(model, pass, noise);
        let failed = self.passes.fetch_add(1, SeqCst) >= self.from.load(SeqCst);
        if failed { loss * f32::NAN } else { loss }
    }
}

#[test]
fn the_last_good_checkpoint_outlives_a_loss_that_is_no_number() {
    let tokenizer = tokenizer();
    let corpus = Corpus::encode(&tokenizer, &texts(100), None).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let objective = Failing {
        masked: MaskedObjective::new(&tokenizer).unwrap(),
        passes: AtomicUsize::new(0),
        from: AtomicUsize::new(5),
    };
    let fit = |checkpoints| {
        let ctx = FitContext { checkpoints, ..FitContext::default() };
        training().fit(bert(&tokenizer, 3), &objective, &corpus, None, &ctx)
    };
    let checkpoints = || Some(Checkpoints { dir: dir.path().into(), every: 2 });
    let message = fit(checkpoints()).unwrap_err().to_string();
    assert!(message.contains("step 6") && message.contains("lower learning_rate"), "{message}");
    objective.from.store(usize::MAX, SeqCst);
    let steps = objective.passes.swap(0, SeqCst);
    let resumed = fit(checkpoints()).unwrap();
    // It went on after step 4.
    let after = objective.passes.swap(0, SeqCst);
    let unbroken = fit(None).unwrap();
    assert_eq!((steps, after + 4), (6, objective.passes.load(SeqCst)));
    assert_eq!(weights(&resumed.model), weights(&unbroken.model));
}
