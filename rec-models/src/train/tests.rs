//! The loop over epochs, tried on ALS and BPR.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rec_core::data::{Csr, Dataset};
use rec_core::store::ModelReader;

use super::Measurement;
use crate::collab::samples::{dataset, two_tastes};
use crate::collab::{Als, AlsModel, Bpr, BprModel};
use crate::fit::{Cancel, Checkpoints, Fit, FitContext, Progress, Validation};
use crate::{Error, Result};

fn als(epochs: usize) -> Als {
    Als { factors: 4, alpha: 3.0, epochs, ..Als::default() }
}

fn bpr(epochs: usize) -> Bpr {
    Bpr { factors: 4, epochs, ..Bpr::default() }
}

fn data() -> Dataset {
    dataset(&two_tastes(40, 30, 1))
}

fn saving(dir: &Path, every: usize) -> FitContext<'static> {
    let checkpoints = Some(Checkpoints { dir: dir.into(), every });
    FitContext { seed: 3, checkpoints, ..FitContext::default() }
}

/// Writes down what it is told, and cancels after some steps.
struct Diary {
    lines: Mutex<Vec<String>>,
    cancel: Option<(u64, Cancel)>,
}

impl Diary {
    fn new(cancel: Option<(u64, Cancel)>) -> Arc<Self> {
        Arc::new(Self { lines: Mutex::default(), cancel })
    }
    fn write(&self, line: String) {
        self.lines.lock().unwrap().push(line);
    }
}

impl Progress for Diary {
    fn begin(&self, task: &str, total: u64) {
        self.write(format!("begin {task} {total}"));
    }
    fn step(&self, done: u64, note: &str) {
        self.write(format!("{done} {note}"));
        if let Some((at, cancel)) = &self.cancel
            && *at == done
        {
            cancel.cancel();
        }
    }
    fn end(&self) {
        self.write("end".into());
    }
}

/// Runs until cancelled after `at` epochs.
fn cancelled_at<F: Fit>(estimator: &F, at: u64, mut ctx: FitContext<'_>) -> (Error, Vec<String>) {
    let cancel = Cancel::default();
    let diary = Diary::new(Some((at, cancel.clone())));
    ctx.cancel = cancel;
    ctx.progress = diary.clone();
    let error = estimator.fit(&data(), &mut ctx).err().expect("it was cancelled");
    let lines = diary.lines.lock().unwrap().clone();
    (error, lines)
}

#[test]
fn progress_is_told_each_epoch_and_the_end() {
    let diary = Diary::new(None);
    let mut ctx = FitContext { progress: diary.clone(), ..FitContext::default() };
    als(2).fit(&data(), &mut ctx).unwrap();
    let lines = diary.lines.lock().unwrap().clone();
    assert_eq!((lines.len(), lines[0].as_str(), lines[3].as_str()), (4, "begin als 2", "end"));
    assert!(lines[1].starts_with("1 loss 0."), "{lines:?}");
}

#[test]
fn cancelling_stops_and_leaves_only_whole_checkpoints() {
    let dir = tempfile::tempdir().unwrap();
    let (error, lines) = cancelled_at(&als(9), 3, saving(dir.path(), 2));
    assert!(matches!(&error, Error::Cancelled(what) if what.contains("after 3 of 9")), "{error}");
    assert_eq!(lines.last().map(String::as_str), Some("end"));
    let left: Vec<_> = dir.path().read_dir().unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["als-checkpoint"]);
    ModelReader::open(dir.path().join("als-checkpoint")).unwrap();
    let mut ctx = FitContext::default();
    ctx.cancel.cancel();
    assert!(matches!(bpr(1).fit(&data(), &mut ctx), Err(Error::Cancelled(_))));
}

fn als_factors(model: &AlsModel) -> (Vec<f32>, Vec<f32>) {
    (model.user_factors().to_vec(), model.item_factors().to_vec())
}

fn bpr_factors(model: &BprModel) -> (Vec<f32>, Vec<f32>) {
    (model.user_factors().to_vec(), model.item_factors().to_vec())
}

#[test]
fn a_resumed_run_is_the_unbroken_one() {
    let dir = tempfile::tempdir().unwrap();
    let unbroken = als(7).fit(&data(), &mut saving(&dir.path().join("a"), 100)).unwrap();
    cancelled_at(&als(7), 5, saving(&dir.path().join("b"), 2));
    let resumed = als(7).fit(&data(), &mut saving(&dir.path().join("b"), 2)).unwrap();
    assert_eq!(als_factors(&resumed), als_factors(&unbroken));
    assert_eq!(resumed.log(), unbroken.log());

    let unbroken = bpr(7).fit(&data(), &mut saving(&dir.path().join("c"), 100)).unwrap();
    cancelled_at(&bpr(7), 4, saving(&dir.path().join("d"), 3));
    let resumed = bpr(7).fit(&data(), &mut saving(&dir.path().join("d"), 3)).unwrap();
    assert_eq!(bpr_factors(&resumed), bpr_factors(&unbroken));
}

#[test]
fn a_run_can_be_made_longer() {
    let dir = tempfile::tempdir().unwrap();
    als(3).fit(&data(), &mut saving(dir.path(), 10)).unwrap();
    let (_, lines) = cancelled_at(&als(5), 4, saving(dir.path(), 10));
    assert_eq!(lines[1], "3 resumed");
    let longer = als(5).fit(&data(), &mut saving(dir.path(), 10)).unwrap();
    let at_once = als(5).fit(&data(), &mut saving(&dir.path().join("other"), 10)).unwrap();
    assert_eq!(als_factors(&longer), als_factors(&at_once));
    assert!(matches!(
        als(3).fit(&data(), &mut saving(dir.path(), 10)),
        Err(Error::Parameter { name, .. }) if name == "epochs"
    ));
}

#[test]
fn another_runs_checkpoint_is_refused_by_its_difference() {
    let dir = tempfile::tempdir().unwrap();
    als(2).fit(&data(), &mut saving(dir.path(), 1)).unwrap();
    let again = |als: Als, data: &Dataset, seed| {
        let mut ctx = FitContext { seed, ..saving(dir.path(), 1) };
        als.fit(data, &mut ctx).map(|_| ()).err()
    };
    assert!(again(als(2), &data(), 3).is_none());
    let named = |error: Option<Error>, expected: &str| match error {
        Some(Error::Parameter { name, why, .. }) => {
            assert_eq!(name, expected);
            assert!(why.contains("remove it to start anew"), "{why}");
        }
        other => panic!("{expected}: {other:?}"),
    };
    named(again(als(2), &data(), 4), "seed");
    named(again(Als { alpha: 2.0, ..als(2) }, &data(), 3), "alpha");
    let fewer = dataset(&two_tastes(39, 30, 1));
    assert!(matches!(again(als(2), &fewer, 3), Some(Error::IdMismatch { .. })));
    let others = dataset(&two_tastes(40, 30, 2));
    assert!(matches!(again(als(2), &others, 3), Some(Error::Data { .. })));
}

#[test]
fn a_damaged_checkpoint_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    als(2).fit(&data(), &mut saving(dir.path(), 1)).unwrap();
    let file = dir.path().join("als-checkpoint/model.safetensors");
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
    let error = als(2).fit(&data(), &mut saving(dir.path(), 1)).map(|_| ());
    assert!(matches!(error, Err(Error::Format { .. })));
}

/// Fits while measuring figures from a list, and counts the measurements.
fn measured(
    figures: &[f64],
    every: usize,
    patience: Option<usize>,
    mut ctx: FitContext<'static>,
) -> Result<AlsModel> {
    let at = AtomicUsize::new(0);
    let measure =
        |_: &dyn rec_core::rank::Recommend| Ok(figures[at.fetch_add(1, Ordering::Relaxed)]);
    let validation = Validation { metric: "ndcg@5".into(), measure: &measure, every, patience };
    let mut ctx = FitContext {
        seed: ctx.seed,
        progress: ctx.progress.clone(),
        checkpoints: ctx.checkpoints.take(),
        cancel: ctx.cancel.clone(),
        validation: Some(validation),
        ..FitContext::default()
    };
    als(8).fit(&data(), &mut ctx)
}

#[test]
fn early_stopping_returns_the_best_model() {
    let seeded = || FitContext { seed: 3, ..FitContext::default() };
    // Two measurements without a better one after the second epoch: epochs 3 and 4.
    let model = measured(&[0.1, 0.3, 0.3, 0.2], 1, Some(2), seeded()).unwrap();
    let best = als(2).fit(&data(), &mut seeded()).unwrap();
    assert_eq!(als_factors(&model), als_factors(&best));
    assert_eq!((model.log().epochs, model.log().metric.as_deref()), (2, Some("ndcg@5")));
    assert_eq!(model.log().measurements[3], Measurement { epoch: 4, figure: 0.2 });
    // Without patience training goes to its end; measured after 3, 6 and the last.
    let model = measured(&[0.9, 0.2, 0.1], 3, None, seeded()).unwrap();
    let epochs: Vec<usize> = model.log().measurements.iter().map(|m| m.epoch).collect();
    assert_eq!((model.log().epochs, epochs), (8, vec![3, 6, 8]));
    assert!(matches!(measured(&[f64::NAN], 1, None, seeded()), Err(Error::Data { .. })));
    assert!(matches!(measured(&[], 0, None, seeded()), Err(Error::Parameter { .. })));
    assert!(matches!(measured(&[], 1, Some(0), seeded()), Err(Error::Parameter { .. })));
}

#[test]
fn the_best_so_far_survives_a_break() {
    let dir = tempfile::tempdir().unwrap();
    let cancel = Cancel::default();
    let diary = Diary::new(Some((3, cancel.clone())));
    let ctx = FitContext { progress: diary, cancel, ..saving(dir.path(), 1) };
    assert!(measured(&[0.1, 0.31, 0.2], 1, Some(3), ctx).is_err());
    let model = measured(&[0.3, 0.2], 1, Some(3), saving(dir.path(), 1)).unwrap();
    assert_eq!((model.log().epochs, model.log().measurements.len()), (2, 5));
    let best = als(2).fit(&data(), &mut FitContext { seed: 3, ..FitContext::default() }).unwrap();
    assert_eq!(als_factors(&model), als_factors(&best));
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    let result = als(1).fit(&data(), &mut saving(&file, 1)).map(|_| ());
    assert!(matches!(result, Err(Error::Io { .. })), "{result:?}");
    let result = als(1).fit(&data(), &mut saving(dir.path(), 0)).map(|_| ());
    assert!(matches!(result, Err(Error::Parameter { .. })), "{result:?}");
    let one = dataset(&Csr::from_rows([vec![(0, 1.0)]], 1));
    assert!(als(1).fit(&one, &mut saving(dir.path(), 1)).is_ok());
}
