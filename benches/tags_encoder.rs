//! Accuracy of tag models on an encoder: `cargo bench -p rec-models --bench tags_encoder -- FOLDER`,
//! with the folder of a checkpoint such as all-MiniLM-L6-v2. Data: banking77, its own parts.
//!
//! Further arguments choose what is measured: `head`, `fine`; both by default.
//! `epochs=4 rate=2e-5` changes the fine-tuning.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rec_core::data::Id;
use rec_core::data::read::read_text_columns;
use rec_models::language::{EncoderOptions, TextEncoder};
use rec_models::tags::{FineTuneTagger, HeadTagger, Labelled, TagClassifier};
use rec_models::{FitContext, Result};

#[allow(dead_code, clippy::unwrap_used)]
mod support;

struct Part {
    texts: Vec<String>,
    labels: Vec<Id>,
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let Some(folder) = args.first().map(Path::new).filter(|folder| folder.is_dir()) else {
        println!("skipped: name the folder of a checkpoint");
        return Ok(());
    };
    let parts = (read("train")?, read("test")?);
    let (Some(train), Some(test)) = parts else { return Ok(()) };
    let wants = |what: &str| {
        let named = args.iter().any(|a| ["head", "fine"].contains(&a.as_str()));
        !named || args.iter().any(|a| a == what)
    };
    if wants("head") {
        head(folder, &train, &test)?;
    }
    if wants("fine") {
        let setting = |name: &str| {
            args.iter().find_map(|a| a.strip_prefix(name)?.strip_prefix('=')?.parse::<f64>().ok())
        };
        fine(folder, &train, &test, setting)?;
    }
    Ok(())
}

fn head(folder: &Path, train: &Part, test: &Part) -> Result<()> {
    let encoder = Arc::new(TextEncoder::from_pretrained(folder, &EncoderOptions::default())?);
    let labelled = Labelled::single(&train.labels)?;
    let start = Instant::now();
    let classifier =
        HeadTagger::default().fit(encoder, &train.texts, &labelled, &FitContext::default())?;
    report("frozen encoder, linear head", &classifier, test, start)
}

fn fine(
    folder: &Path,
    train: &Part,
    test: &Part,
    setting: impl Fn(&str) -> Option<f64>,
) -> Result<()> {
    let labelled = Labelled::single(&train.labels)?;
    let mut tagger = FineTuneTagger::default();
    tagger.training.epochs = setting("epochs").map_or(tagger.training.epochs, |n| n as usize);
    tagger.training.learning_rate = setting("rate").unwrap_or(tagger.training.learning_rate);
    let start = Instant::now();
    let ctx = FitContext::default();
    let tuned = tagger.fit(folder, (&train.texts, &labelled), None, &ctx)?;
    println!("losses {:?}, validation {:?}", tuned.losses, tuned.validation);
    report("fine-tuned", &tuned.classifier, test, start)
}

fn report(what: &str, classifier: &TagClassifier, test: &Part, start: Instant) -> Result<()> {
    let trained = start.elapsed().as_secs_f64();
    let truth: Vec<Vec<Id>> = test.labels.iter().map(|l| vec![l.clone()]).collect();
    let start = Instant::now();
    let report = classifier.evaluate(&test.texts, &truth)?;
    println!(
        "{what}: accuracy {:.4}, macro F1 {:.4}, ECE {:.3}, training {trained:.0} s, test {:.1} s",
        report.accuracy,
        report.counts.macro_f1(),
        report.expected_calibration_error,
        start.elapsed().as_secs_f64(),
    );
    Ok(())
}

fn read(part: &str) -> Result<Option<Part>> {
    let Some(path) = support::data(&format!("banking77/{part}.csv.gz")) else { return Ok(None) };
    let mut found = read_text_columns(path, &["text".into(), "category".into()])?;
    let labels = found.pop().unwrap_or_default().iter().map(|l| Id::from(l.as_str())).collect();
    Ok(Some(Part { texts: found.pop().unwrap_or_default(), labels }))
}
