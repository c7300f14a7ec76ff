//! Several models on the same parts: trained, timed, measured.

use std::error::Error;
use std::time::Instant;

use rec_core::data::Interactions;
use rec_core::metrics::{EvaluateOptions, Report, Seen, evaluate};
use rec_models::Model;
use rec_models::collab::{Als, Bpr, CoTransition, Ease, ItemKnn, Popular, Slim, UserKnn};
use rec_models::fit::Estimator;

use crate::source::Parts;
use crate::{Args, MEMORY, context};

/// A model that competes.
pub(crate) struct Candidate {
    pub(crate) name: String,
    pub(crate) estimator: Box<dyn Estimator>,
}

/// What came of it.
struct Entry {
    candidate: Candidate,
    valid: Report,
    test: Report,
    seconds: f64,
    peak: usize,
}

/// Trains and measures all candidates, prints the table, and returns the one that is best on the
/// validation part.
pub(crate) fn hold(args: &Args, parts: &Parts, k: usize) -> Result<Candidate, Box<dyn Error>> {
    let mut entries = Vec::new();
    for name in &args.models {
        let candidate = Candidate { name: name.clone(), estimator: estimator(name)? };
        match enter(args, parts, k, candidate) {
            Ok(entry) => entries.push(entry),
            Err(error) => eprintln!("  {name} does not compete: {error}"),
        }
    }
    let choose_by = format!("ndcg@{k}");
    print_table(&entries, parts, k, &choose_by);
    entries
        .into_iter()
        .max_by(|a, b| {
            a.valid
                .mean(&choose_by)
                .partial_cmp(&b.valid.mean(&choose_by))
                .unwrap_or(std::cmp::Ordering::Equal)
        })
        .map(|entry| entry.candidate)
        .ok_or_else(|| "no model could be trained; see the messages above".into())
}

fn estimator(name: &str) -> Result<Box<dyn Estimator>, Box<dyn Error>> {
    Ok(match name {
        "popular" => Box::new(Popular::default()),
        "item_knn" => Box::new(ItemKnn::default()),
        "user_knn" => Box::new(UserKnn::default()),
        "co_transition" => Box::new(CoTransition::default()),
        "ease" => Box::new(Ease::default()),
        "slim" => Box::new(Slim::default()),
        "als" => Box::new(Als::default()),
        "bpr" => Box::new(Bpr::default()),
        other => {
            return Err(
                format!("--models {other}: choose among {}", rec_models::KINDS.join(", ")).into()
            );
        }
    })
}

fn enter(
    args: &Args,
    parts: &Parts,
    k: usize,
    candidate: Candidate,
) -> Result<Entry, Box<dyn Error>> {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let start = Instant::now();
    let model = candidate.estimator.fit_model(&parts.train, &mut context(args))?;
    let seconds = start.elapsed().as_secs_f64();
    let peak = MEMORY.peak_usage().saturating_sub(before);
    let valid = measure(args, model.as_ref(), &parts.valid, &[], parts, k)?;
    let test = measure(args, model.as_ref(), &parts.test, &[&parts.valid], parts, k)?;
    Ok(Entry { candidate, valid, test, seconds, peak })
}

fn measure(
    args: &Args,
    model: &dyn Model,
    part: &Interactions,
    also_seen: &[&Interactions],
    parts: &Parts,
    k: usize,
) -> Result<Report, Box<dyn Error>> {
    let names = ["ndcg", "recall", "hr", "coverage"].map(|name| format!("{name}@{k}"));
    let options = EvaluateOptions {
        seen: Seen::Model,
        also_seen: also_seen.to_vec(),
        protocol: parts.protocol.clone(),
        seed: args.seed,
        threads: args.threads,
        ..EvaluateOptions::of(&names)?
    };
    Ok(evaluate(model, part, &options)?)
}

fn print_table(entries: &[Entry], parts: &Parts, k: usize, choose_by: &str) {
    println!("\n{}, all items ranked, what a user had before removed:", parts.protocol);
    println!(
        "{:<14} {:>12} {:>23} {:>10} {:>8} {:>9} {:>9} {:>10}",
        "model",
        format!("valid ndcg@{k}"),
        format!("test ndcg@{k}"),
        format!("recall@{k}"),
        format!("hr@{k}"),
        "coverage",
        "seconds",
        "memory",
    );
    for entry in entries {
        let of = |report: &Report, name: &str| report.mean(&format!("{name}@{k}")).unwrap_or(0.0);
        let (low, high) = entry.test.figure(choose_by).and_then(|f| f.interval).unwrap_or_default();
        println!(
            "{:<14} {:>12.4} {:>8.4} [{:.4}, {:.4}] {:>9.4} {:>8.4} {:>9.3} {:>9.2} {:>10}",
            entry.candidate.name,
            of(&entry.valid, "ndcg"),
            of(&entry.test, "ndcg"),
            low,
            high,
            of(&entry.test, "recall"),
            of(&entry.test, "hr"),
            of(&entry.test, "coverage"),
            entry.seconds,
            rec_core::bytes(entry.peak as u64),
        );
    }
    if let Some(counts) = entries.first().map(|entry| &entry.test.counts) {
        let (users, relevant) = (counts.users, counts.relevant);
        println!(
            "{users} users with {relevant} held-out items; in brackets, 95 % bootstrap intervals"
        );
    }
}
