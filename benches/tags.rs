//! Accuracy of tag models without outside weights: `cargo bench -p rec-models --bench tags`.
//! TF-IDF with a linear SVM by scikit-learn on the same rows: `benches/peers/tags.py`.
//!
//! Arguments: `-- NAME …` chooses data sets (below); `-- cnn` measures the default with a convolutional
//! network alone; `-- cv` cross-validates on the training part
//! instead, for choosing parameters, and never looks at the test part; `-- export FOLDER` writes the
//! parts as CSV for the peer. `learners=JSON` measures those, alone with `cv`, `more` gives them texts
//! without labels too, `with=NAME` those of another data set with its labels, `auxiliary=NAME` labels
//! of another kind, `threads=N` and `seed=N` are what they say, `mixture` leaves out stacking.
//! `learn=FOLDER` learns the language of the texts as the `gru` among the learners says, for learners that
//! name the folder as their `language`.
//!
//! Where a data set has no parts of its own, 20 % of the rows are the test part, by seed 42.

use std::collections::HashMap;
use std::time::Instant;

use rec_core::data::read::{Column, read_text_columns, write_text_columns};
use rec_core::data::{Csr, Id};
use rec_models::tags::{
    FastText, Labelled, Learner, NgramOptions, NgramTagger, TextCnn, train_test_split,
};
use rec_models::{FitContext, Result};

#[allow(dead_code, clippy::unwrap_used)]
mod support;

struct Part {
    texts: Vec<String>,
    labels: Vec<Id>,
}

struct Task {
    name: &'static str,
    train: Part,
    test: Part,
    /// Texts of which no label is read.
    unlabelled: Vec<String>,
}

const NAMES: [&str; 7] = [
    "thucnews",
    "csl",
    "shopping-category",
    "shopping-sentiment",
    "waimai",
    "stackoverflow",
    "banking77",
];

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let named: Vec<&str> = NAMES.into_iter().filter(|n| args.iter().any(|a| a == n)).collect();
    let chosen = if named.is_empty() { NAMES.to_vec() } else { named };
    let folder = args.iter().position(|a| a == "export").and_then(|at| args.get(at + 1));
    for name in chosen {
        let Some(task) = read_task(name)? else { return Ok(()) };
        let given = args.iter().find_map(|a| a.strip_prefix("learners="));
        let cv = args.iter().any(|a| a == "cv");
        if let Some(folder) = folder {
            export(&task, folder)?;
        } else if let Some(given) = given {
            try_learners(&task, given, cv, &args)?;
        } else if cv {
            cross_validate(&task)?;
        } else {
            measure(&task, args.iter().any(|a| a == "cnn"))?;
        }
    }
    Ok(())
}

fn measure(task: &Task, cnn_alone: bool) -> Result<()> {
    let labelled = Labelled::single(&task.train.labels)?;
    let truth: Vec<Vec<Id>> = task.test.labels.iter().map(|l| vec![l.clone()]).collect();
    let alone = |learner| {
        let learners = vec![learner];
        NgramTagger { learners, folds: 0, ..NgramTagger::default() }
    };
    let all = [
        ("SVM", vec![alone(Learner::Svm { c: 1.0 })]),
        ("fastText", vec![alone(Learner::FastText(FastText::default()))]),
        ("default", vec![NgramTagger::default()]),
        ("with CNN", vec![with_cnn()]),
        ("best of 6 by CV", NgramTagger::candidates()),
    ];
    for (what, candidates) in all {
        if cnn_alone && what != "with CNN" {
            continue;
        }
        let start = Instant::now();
        let (tagger, at) = choose(candidates, task, &labelled)?;
        let classifier = tagger.fit(&task.train.texts, &labelled, &FitContext::default())?;
        let train = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let report = classifier.evaluate(&task.test.texts, &truth)?;
        println!(
            "{:<18} {what:<15}{at} accuracy {:.4}, macro F1 {:.4}, ECE {:.3}, training {train:.1} s, test {:.2} s",
            task.name,
            report.accuracy,
            report.counts.macro_f1(),
            report.expected_calibration_error,
            start.elapsed().as_secs_f64(),
        );
    }
    Ok(())
}

/// The default's learners and a convolutional network.
fn with_cnn() -> NgramTagger {
    let mut tagger = NgramTagger::default();
    tagger.learners.push(Learner::Cnn(TextCnn::default()));
    tagger
}

/// The candidate that does best on held-out folds of the training part, and which it is.
fn choose(
    mut candidates: Vec<NgramTagger>,
    task: &Task,
    labelled: &Labelled,
) -> Result<(NgramTagger, String)> {
    if candidates.len() == 1 {
        return Ok((candidates.remove(0), String::new()));
    }
    let ctx = FitContext::default();
    let (best, figures) = NgramTagger::best_of(&candidates, &task.train.texts, labelled, &ctx)?;
    let top = figures.iter().copied().fold(0.0, f64::max);
    let at = figures.iter().position(|&f| f == top).unwrap_or_default();
    Ok((best, format!(" ({at})")))
}

/// Accuracy of each learner and of their mixture on held-out folds of the training part.
fn cross_validate(task: &Task) -> Result<()> {
    let labelled = Labelled::single(&task.train.labels)?;
    let fasttext = |dim, epochs, learning_rate| {
        Learner::FastText(FastText { dim, epochs, learning_rate, ..FastText::default() })
    };
    let learners = vec![
        Learner::Svm { c: 0.25 },
        Learner::Svm { c: 1.0 },
        Learner::NbSvm { c: 0.25, alpha: 1.0 },
        Learner::NbSvm { c: 1.0, alpha: 1.0 },
        Learner::NaiveBayes { alpha: 0.1 },
        Learner::NaiveBayes { alpha: 0.5 },
        Learner::Logistic { c: 10.0 },
        fasttext(32, 12, 1.0),
        fasttext(32, 25, 2.0),
    ];
    for (what, features) in [
        ("words 2, characters", NgramOptions::default()),
        ("words 1, characters", NgramOptions { words: 1, ..NgramOptions::default() }),
        ("in 2 texts or more", NgramOptions { min_df: 2, ..NgramOptions::default() }),
    ] {
        let tagger = NgramTagger { features, learners: learners.clone(), ..NgramTagger::default() };
        let start = Instant::now();
        let found = tagger.held_out(&task.train.texts, &labelled, &FitContext::default())?;
        println!("{} {what} ({:.0} s)", task.name, start.elapsed().as_secs_f64());
        for ((learner, scores), weight) in learners.iter().zip(&found.learners).zip(&found.weights)
        {
            println!("  {:.4} weight {weight:.2} {learner:?}", accuracy(scores, &labelled.rows));
        }
        println!("  {:.4} mixture", accuracy(&found.mixture, &labelled.rows));
    }
    Ok(())
}

/// Learners given as JSON: on held-out folds of the training part with `cv`, else on the test part.
/// `rows=N` trains on every so many-th text, `more` also on the others and on those of which no label
/// is read, without their labels. `with=TASK` trains on all of another task's training part too, which has
/// the same labels; figures are of the task's own texts. `auxiliary=TASK` gives another task's labels of the
/// same texts to learners that learn pairs (`joint`); texts that it does not have are of a kind of their own.
fn try_learners(task: &Task, given: &str, cv: bool, args: &[String]) -> Result<()> {
    let learners: Vec<Learner> = serde_json::from_str(given)
        .map_err(|e| rec_core::Error::data("learners", e.to_string()))?;
    let option = |name: &str| args.iter().find_map(|a| a.strip_prefix(name)?.strip_prefix('='));
    let all = task.train.texts.len();
    let n = option("rows").and_then(|n| n.parse().ok()).unwrap_or(all).min(all);
    // Rows of a file may lie in the order of their labels.
    let rows: Vec<usize> = (0..n).map(|at| at * all / n).collect();
    let mut texts: Vec<&str> = rows.iter().map(|&row| task.train.texts[row].as_str()).collect();
    let mut labels: Vec<Id> = rows.iter().map(|&row| task.train.labels[row].clone()).collect();
    let named = |option: &str, name: Option<&str>| match name {
        None => Ok(None),
        Some(name) => {
            let known = NAMES.into_iter().find(|known| *known == name);
            read_task(
                known.ok_or_else(|| rec_core::Error::parameter(option, name, NAMES.join(", ")))?,
            )
        }
    };
    let other = named("with", option("with"))?;
    if let Some(other) = &other {
        texts.extend(other.train.texts.iter().map(String::as_str));
        labels.extend(other.train.labels.iter().cloned());
    }
    let labelled = Labelled::single(&labels)?;
    let labelled = match named("auxiliary", option("auxiliary"))? {
        None => labelled,
        Some(kinds) => labelled.with_auxiliary(&kinds_of(&texts, &kinds))?,
    };
    let unlabelled: Vec<&str> = match args.iter().any(|a| a == "more") {
        true => {
            let others = (0..all).filter(|row| rows.binary_search(row).is_err());
            let others = others.map(|row| task.train.texts[row].as_str());
            task.unlabelled.iter().map(String::as_str).chain(others).collect()
        }
        false => Vec::new(),
    };
    let stacking = !args.iter().any(|a| a == "mixture");
    let tagger = NgramTagger { learners: learners.clone(), stacking, ..NgramTagger::default() };
    let threads = option("threads").and_then(|n| n.parse().ok());
    let seed = option("seed").and_then(|n| n.parse().ok()).unwrap_or(0);
    let ctx = FitContext { threads, seed, ..FitContext::default() };
    let start = Instant::now();
    if let Some(folder) = option("learn") {
        texts.extend(unlabelled);
        return learn_language(task, &learners, &texts, folder, &ctx);
    }
    if !cv {
        let classifier = tagger.fit_with_unlabelled(&texts, &labelled, &unlabelled, &ctx)?;
        let train = start.elapsed().as_secs_f64();
        let truth: Vec<Vec<Id>> = task.test.labels.iter().map(|l| vec![l.clone()]).collect();
        let report = classifier.evaluate(&task.test.texts, &truth)?;
        let (accuracy, f1) = (report.accuracy, report.counts.macro_f1());
        println!(
            "{} {n} labels: accuracy {accuracy:.4}, macro F1 {f1:.4}, ECE {:.3}, training {train:.0} s",
            task.name, report.expected_calibration_error
        );
        return Ok(());
    }
    let found = tagger.held_out_with_unlabelled(&texts, &labelled, &unlabelled, &ctx)?;
    println!("{} {n} labels ({:.0} s)", task.name, start.elapsed().as_secs_f64());
    for ((learner, scores), weight) in learners.iter().zip(&found.learners).zip(&found.weights) {
        let learner = serde_json::to_string(learner).unwrap_or_default();
        println!("  {:.4} weight {weight:.2} {learner}", accuracy_of(scores, &labelled.rows, n));
    }
    println!("  {:.4} mixture", accuracy_of(&found.mixture, &labelled.rows, n));
    if let Some(path) = option("dump") {
        let mut bytes = Vec::new();
        let mut put = |x: f32| bytes.extend_from_slice(&x.to_le_bytes());
        put(texts.len() as f32);
        put(labelled.labels.len() as f32);
        put(learners.len() as f32);
        (0..texts.len()).for_each(|row| put(labelled.rows.row(row)[0] as f32));
        found.learners.iter().flatten().for_each(|&x| put(x));
        std::fs::write(path, bytes).map_err(|e| rec_core::Error::data("dump", e.to_string()))?;
    }
    Ok(())
}

/// The labels of another task that texts have.
fn kinds_of(texts: &[&str], kinds: &Task) -> Vec<Id> {
    let known = kinds.train.texts.iter().map(String::as_str).zip(&kinds.train.labels);
    let known: HashMap<&str, &Id> = known.collect();
    let of = |text: &&str| known.get(text).map_or_else(|| Id::from("elsewhere"), |&id| id.clone());
    texts.iter().map(of).collect()
}

/// The language of texts, kept in a folder that learners can start from.
fn learn_language(
    task: &Task,
    learners: &[Learner],
    texts: &[&str],
    folder: &str,
    ctx: &FitContext<'_>,
) -> Result<()> {
    let units = learners.iter().find_map(|learner| match learner {
        Learner::Gru(units) => Some(units),
        _ => None,
    });
    let why = "a learner gru with language_passes is needed";
    let units = units.ok_or_else(|| rec_core::Error::parameter("learners", "no gru", why))?;
    let start = Instant::now();
    let model = units.learn_language(&NgramOptions::default(), texts, ctx)?;
    let seconds = start.elapsed().as_secs_f64();
    model.save(folder)?;
    let (of, perplexity) = (texts.len().min(2_000), model.perplexity(&task.test.texts)?);
    println!(
        "{} language of {} texts: loss {:.3}, perplexity {:.2} of its test part's, {:.2} of the first {of} \
         of its own, {} tokens, {seconds:.0} s",
        task.name,
        texts.len(),
        model.loss(),
        perplexity,
        model.perplexity(&texts[..of])?,
        model.n_tokens()
    );
    Ok(())
}

fn accuracy(scores: &[f32], truth: &Csr) -> f64 {
    accuracy_of(scores, truth, truth.n_rows())
}

/// Of the first `n` rows.
fn accuracy_of(scores: &[f32], truth: &Csr, n: usize) -> f64 {
    let best = |row: &[f32]| (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b]));
    let rows = scores.chunks_exact(truth.n_cols()).take(n).enumerate();
    let right = rows.filter(|(row, s)| best(s) == truth.row(*row).first().map(|&l| l as usize));
    right.count() as f64 / n as f64
}

fn export(task: &Task, folder: &str) -> Result<()> {
    for (part, of) in [("train", &task.train), ("test", &task.test)] {
        let rows = of.texts.iter().zip(&of.labels);
        let rows: Vec<_> = rows.map(|(t, l)| vec![t.clone(), l.as_ref().to_string()]).collect();
        let path = format!("{folder}/{}.{part}.csv", task.name);
        write_text_columns(path, &["text", "label"], &rows)?;
    }
    Ok(())
}

fn read_task(name: &'static str) -> Result<Option<Task>> {
    let place = |at| Column::Index(at);
    let shop = "zh-online-shopping-10cats/online_shopping_10_cats.csv.gz";
    Ok(match name {
        "thucnews" => {
            let file = |part| format!("zh-thucnews-titles/{part}.txt.gz");
            parts(name, &file("dev"), &file("test"), [place(0), place(1)])?
        }
        "csl" => {
            let file = |part| format!("zh-csl-papers/cls_ctg_{part}.tsv.gz");
            let task = parts(name, &file("train"), &file("test"), [place(1), place(2)])?;
            // Abstracts and titles of papers that are neither in the training nor in the test part.
            let more = read("zh-csl-papers/kg_dev.tsv.gz", [place(1), place(1)])?;
            with_unlabelled(task, more)
        }
        "banking77" => {
            let file = |part| format!("banking77/{part}.csv.gz");
            parts(name, &file("train"), &file("test"), ["text".into(), "category".into()])?
        }
        "shopping-category" => split(name, read(shop, ["review".into(), "cat".into()])?)?,
        "shopping-sentiment" => split(name, read(shop, ["review".into(), "label".into()])?)?,
        "waimai" => {
            let file = "zh-waimai-10k/waimai_10k.csv.gz";
            let task = split(name, read(file, ["review".into(), "label".into()])?)?;
            with_unlabelled(task, read(shop, ["review".into(), "review".into()])?)
        }
        _ => split(name, stack_overflow()?)?,
    })
}

fn with_unlabelled(task: Option<Task>, more: Option<Part>) -> Option<Task> {
    let unlabelled = more.map_or_else(Vec::new, |part| part.texts);
    task.map(|task| Task { unlabelled, ..task })
}

fn read(file: &str, columns: [Column; 2]) -> Result<Option<Part>> {
    let Some(path) = support::data(file) else { return Ok(None) };
    let mut found = read_text_columns(path, &columns)?;
    let labels = found.pop().unwrap_or_default().iter().map(|l| Id::from(l.as_str())).collect();
    Ok(Some(Part { texts: found.pop().unwrap_or_default(), labels }))
}

/// Titles in one file, the labels in another.
fn stack_overflow() -> Result<Option<Part>> {
    let file = |what| support::data(&format!("stackoverflow-titles/{what}_StackOverflow.txt.gz"));
    let (Some(titles), Some(labels)) = (file("title"), file("label")) else { return Ok(None) };
    let lines = |path| -> Result<Vec<String>> {
        let mut all = Vec::new();
        let file = rec_core::text::stream::TextFile::lines();
        rec_core::text::stream::for_each_text(path, &file, &mut |lines| {
            all.extend(lines.iter().map(|line| line.to_string()));
            Ok(())
        })?;
        Ok(all)
    };
    let labels = lines(labels)?.iter().map(|l| Id::from(l.trim())).collect();
    Ok(Some(Part { texts: lines(titles)?, labels }))
}

fn parts(
    name: &'static str,
    train: &str,
    test: &str,
    columns: [Column; 2],
) -> Result<Option<Task>> {
    let train = read(train, columns.clone())?;
    Ok(train.zip(read(test, columns)?).map(|(train, test)| Task {
        name,
        train,
        test,
        unlabelled: Vec::new(),
    }))
}

fn split(name: &'static str, all: Option<Part>) -> Result<Option<Task>> {
    let Some(all) = all else { return Ok(None) };
    let (train, test) = train_test_split(all.texts.len(), 0.2, 42)?;
    let part = |rows: &[usize]| Part {
        texts: rows.iter().map(|&row| all.texts[row].clone()).collect(),
        labels: rows.iter().map(|&row| all.labels[row].clone()).collect(),
    };
    Ok(Some(Task { name, train: part(&train), test: part(&test), unlabelled: Vec::new() }))
}
