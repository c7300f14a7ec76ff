//! From labelled texts to a classifier, and from new texts to `recommendations.csv`.
//!
//! ```text
//! cargo run --release --example 03_finetune_classifier -- \
//!     --model path/to/bert-base-chinese --data data.csv --test-data test_data.csv
//! ```
//!
//! Reads texts and labels, cleans them, holds 20 % out for validation, trains a checkpoint together
//! with a classifier on the rest, and labels the texts of a second file. The checkpoint is a local
//! folder in Hugging Face or sentence-transformers layout, such as the one that example 02 keeps
//! with `--save`. Without `--model` a small BERT is trained on generated texts first, and without
//! `--data` the reviews are generated too: so it runs anywhere.

#[path = "../02_sentence_embedding/products.rs"]
#[allow(dead_code, reason = "the shelf is example 02's")]
mod products;
mod reviews;
#[path = "../02_sentence_embedding/small.rs"]
mod small;

use std::collections::HashSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use rec_core::data::Id;
use rec_core::data::read::{read_text_columns, write_text_columns};
use rec_core::text::clean;
use rec_models::FitContext;
use rec_models::tags::{
    FineTuneTagger, FineTuned, Labelled, Labels, TagClassifier, Task, train_test_split,
};
use rec_models::train::Bars;

/// From labelled texts to a classifier, and from new texts to recommendations.csv.
#[derive(Parser)]
#[command(name = "03_finetune_classifier")]
struct Args {
    /// A checkpoint folder; a small BERT is trained if not given
    #[arg(long)]
    model: Option<PathBuf>,
    /// Labelled texts, columns `text` and `label`; generated if not given
    #[arg(long, requires = "test_data")]
    data: Option<PathBuf>,
    /// Texts to label, column `text`
    #[arg(long, requires = "data")]
    test_data: Option<PathBuf>,
    /// Where the labels of the test texts go
    #[arg(long, default_value = "recommendations.csv")]
    output: PathBuf,
    /// Where to keep the classifier
    #[arg(long)]
    save: Option<PathBuf>,
    /// Passes over the training texts
    #[arg(long, default_value_t = 3)]
    epochs: usize,
    /// AdamW's learning rate at its peak
    #[arg(long, default_value_t = 1e-5)]
    learning_rate: f64,
    /// Texts of a step
    #[arg(long, default_value_t = 32)]
    batch_size: usize,
    /// Tokens of a text, if less than the model's
    #[arg(long)]
    max_len: Option<usize>,
    /// cpu, or libtorch in a build that has it
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Seed of all that is random
    #[arg(long, default_value_t = 42)]
    seed: u64,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    let (data, test_data) = files(args, scratch.path())?;
    let folder = match &args.model {
        Some(folder) => folder.clone(),
        None => {
            let folder = scratch.path().join("small-bert");
            small::train(&folder, args.device.parse()?, args.seed)?;
            folder
        }
    };

    // Cleaning strips markup and odd characters; what is empty after it, or was there before with
    // the same label, teaches nothing.
    let (texts, labels) = labelled_texts(&data)?;
    let (train, held_out) = train_test_split(texts.len(), 0.2, args.seed)?;
    let names = Labels::new(labels.iter().cloned(), Task::Single, None)?;
    let part = |rows: &[usize]| -> Result<(Vec<&str>, Labelled), rec_models::Error> {
        let sets: Vec<Vec<Id>> = rows.iter().map(|&row| vec![labels[row].clone()]).collect();
        let labelled = Labelled::new(names.clone(), &sets)?;
        Ok((rows.iter().map(|&row| texts[row].as_str()).collect(), labelled))
    };
    let (train, held_out) = (part(&train)?, part(&held_out)?);
    println!(
        "\n{} texts of {} labels: {} to train on, {} for validation",
        texts.len(),
        names.len(),
        train.0.len(),
        held_out.0.len()
    );

    let FineTuned { classifier, losses, validation } = tagger(args).fit(
        &folder,
        (&train.0, &train.1),
        Some((&held_out.0, &held_out.1)),
        &FitContext {
            device: args.device.parse()?,
            seed: args.seed,
            progress: Arc::new(Bars::new()),
            ..FitContext::default()
        },
    )?;
    for (epoch, (loss, measured)) in losses.iter().zip(&validation).enumerate() {
        println!(
            "epoch {}: training loss {loss:.4}, validation loss {:.4}",
            epoch + 1,
            measured.loss
        );
    }
    let truth: Vec<Vec<Id>> = (0..held_out.1.len())
        .map(|row| held_out.1.rows.row(row).iter().filter_map(|&l| name(&names, l)).collect())
        .collect();
    let report = classifier.evaluate(&held_out.0, &truth)?;
    println!(
        "validation accuracy {:.4}, macro F1 {:.4}",
        report.accuracy,
        report.counts.macro_f1()
    );

    recommend(&classifier, &test_data, &args.output)?;
    if let Some(path) = &args.save {
        classifier.save(path)?;
        println!("classifier saved in {}", path.display());
    }
    Ok(())
}

fn tagger(args: &Args) -> FineTuneTagger {
    let mut tagger = FineTuneTagger { max_len: args.max_len, ..FineTuneTagger::default() };
    tagger.training.epochs = args.epochs;
    tagger.training.learning_rate = args.learning_rate;
    tagger.training.batch_rows = Some(args.batch_size);
    tagger
}

/// The two files, generated if not given.
fn files(args: &Args, scratch: &Path) -> Result<(PathBuf, PathBuf), Box<dyn Error>> {
    if let (Some(data), Some(test_data)) = (&args.data, &args.test_data) {
        return Ok((data.clone(), test_data.clone()));
    }
    let (data, test_data) = (scratch.join("data.csv"), scratch.join("test_data.csv"));
    reviews::write(&data, &test_data, args.seed)?;
    println!("no --data given: reviews are generated");
    Ok((data, test_data))
}

fn labelled_texts(path: &Path) -> Result<(Vec<String>, Vec<Id>), Box<dyn Error>> {
    let mut columns = read_text_columns(path, &["text".into(), "label".into()])?.into_iter();
    let (texts, labels) = (columns.next().unwrap_or_default(), columns.next().unwrap_or_default());
    let mut seen = HashSet::new();
    let (mut kept, mut names) = (Vec::new(), Vec::new());
    for (text, label) in texts.iter().zip(labels) {
        let (text, label) = (clean(text), label.trim().to_string());
        let usable = !text.is_empty() && !label.is_empty();
        if usable && seen.insert((text.clone(), label.clone())) {
            kept.push(text);
            names.push(Id::from(label.as_str()));
        }
    }
    println!("{} of {} rows are left after cleaning", kept.len(), texts.len());
    Ok((kept, names))
}

fn name(labels: &Labels, label: u32) -> Option<Id> {
    labels.name(label).map(|name| Id::from(name.to_string().as_str()))
}

/// Labels the texts of a file: a row each, whatever cleaning leaves of it.
fn recommend(
    classifier: &TagClassifier,
    test_data: &Path,
    output: &Path,
) -> Result<(), Box<dyn Error>> {
    let texts = read_text_columns(test_data, &["text".into()])?.pop().unwrap_or_default();
    let cleaned: Vec<String> = texts.iter().map(|text| clean(text)).collect();
    let found = classifier.predict(&cleaned)?;
    let row = |(text, tags): (&String, &Vec<rec_models::tags::Tag>)| {
        let label = tags.first().and_then(|tag| name(classifier.labels(), tag.label));
        let label = label.map(|label| label.as_ref().to_string()).unwrap_or_default();
        let probability = tags.first().map_or(0.0, |tag| tag.probability);
        vec![text.clone(), label, format!("{probability:.4}")]
    };
    let rows: Vec<Vec<String>> = texts.iter().zip(&found).map(row).collect();
    write_text_columns(output, &["text", "label", "probability"], &rows)?;
    println!("{} texts labelled in {}, such as", rows.len(), output.display());
    for row in rows.iter().take(5) {
        println!("  {}  {}  {}", row[2], row[1], row[0]);
    }
    Ok(())
}
