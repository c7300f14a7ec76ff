//! Everything at the size of a real shop: a million events on 200,000 items with Chinese titles and
//! descriptions, from CSV files to recommendations for every user, with their reasons.
//!
//! ```text
//! cargo run --release --example 08_case_study -- --folder case
//! ```
//!
//! The shop is generated into the folder, with HTML in its descriptions and with interests planted, so
//! that it can be checked whether they were found; with files of your own there (`events.csv`,
//! `items.csv`), those are read. The program cleans and segments the texts, learns word vectors from
//! them and content vectors of the items, finds keywords, predicts the tags of items that have none,
//! trains six recommenders, learns on held-out events how much each counts, measures all of them, trains
//! them again on everything, and writes ten items a user. Whatever a stage made stays in the folder: run
//! it again after a change in the configuration, or after killing it, and it goes on from there.

mod generate;

use std::collections::HashMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use rec_core::data::read::{read_text_columns, write_recommendations};
use rec_core::rank::explain::{Domain, Language};
use rec_core::rank::{Query, Recommend as _, Recommendations, Users};
use rec_models::FitContext;
use rec_models::hybrid::{Pipeline, PipelineConfig, PipelineModel, StageReport};
use rec_models::train::Bars;

/// Everything at the size of a real shop.
#[derive(Parser)]
#[command(name = "08_case_study")]
struct Args {
    /// Where the files lie, and where stages keep what they made
    #[arg(long, default_value = "case_study")]
    folder: PathBuf,
    /// Events to generate where the folder has none
    #[arg(long, default_value_t = 1_000_000)]
    events: usize,
    /// Items to generate
    #[arg(long, default_value_t = 200_000)]
    items: usize,
    /// Users to generate
    #[arg(long, default_value_t = 50_000)]
    users: usize,
    /// The configuration, instead of the one that comes with the program
    #[arg(long)]
    config: Option<PathBuf>,
    /// Items a user
    #[arg(short, long, default_value_t = 10)]
    k: usize,
    /// Threads; all cores if not given
    #[arg(long)]
    threads: Option<usize>,
    /// Seed of what is generated
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
    if !args.folder.join("events.csv").is_file() {
        let Args { users, items, events, seed, .. } = *args;
        println!("Generating {events} events of {users} users on {items} items");
        generate::write(&args.folder, &generate::Size { users, items, events, seed })?;
    }
    let config = match &args.config {
        Some(path) => PipelineConfig::from_toml(path)?,
        None => {
            let mut config = PipelineConfig::from_toml_str(include_str!("case.toml"))?;
            if let Some(data) = &mut config.data {
                data.events = args.folder.join("events.csv");
                data.items = Some(args.folder.join("items.csv"));
            }
            config
        }
    };
    let start = Instant::now();
    let pipeline = Pipeline::new(config).keep_in(args.folder.join("stages"));
    let ctx = FitContext {
        threads: args.threads,
        progress: Arc::new(Bars::new()),
        ..FitContext::default()
    };
    let model = pipeline.run(&ctx)?;

    let ranking = Instant::now();
    let answer = rec_core::parallel::install(args.threads, || {
        model.recommend(&Query::new(Users::All, args.k))
    })?;
    let out = args.folder.join("recommendations.csv");
    write_recommendations(&out, &answer, model.data().items.as_deref())?;
    let ranked = ranking.elapsed().as_secs_f64();

    stages(&model.report().stages);
    println!("{:<16} {ranked:>8.1} s   {} lists of {} items", "recommend", answer.len(), args.k);
    println!("{:<16} {:>8.1} s", "in all", start.elapsed().as_secs_f64());
    if let Some(board) = &model.report().leaderboard {
        println!("\n{board}");
        board.write_html(&args.folder.join("report.html"))?;
    }
    println!("\nWrote {} and report.html", out.display());
    reasons(&model, &answer)?;
    planted(&args.folder, &model, &answer)
}

/// What each stage took.
fn stages(all: &[StageReport]) {
    let mib =
        |bytes: Option<u64>| bytes.map_or("?".into(), |b| format!("{:.0}", b as f64 / 1048576.0));
    println!("\n{:<16} {:>10} {:>12} {:>12}", "stage", "time", "peak MiB", "kept MiB");
    for stage in all {
        let (peak, kept) = (mib(stage.peak_bytes), mib(stage.kept_bytes));
        let note = if stage.kept { "  (from an earlier run)" } else { "" };
        println!("{:<16} {:>8.1} s {peak:>12} {kept:>12}{note}", stage.stage, stage.seconds);
    }
}

/// Why the first user is shown what they are.
fn reasons(model: &PipelineModel, answer: &Recommendations) -> Result<(), Box<dyn Error>> {
    let Some(user) = answer.queries.first() else { return Ok(()) };
    let items: Vec<_> = answer.row(0).take(3).map(|(id, _)| id.to_owned()).collect();
    for why in model.explain(user, &items)? {
        println!("{user} ← {}: {}", why.item.id, why.to_sentence(Language::Zh, Domain::Shop));
    }
    Ok(())
}

/// How much of what was planted is found again.
fn planted(
    folder: &Path,
    model: &PipelineModel,
    answer: &Recommendations,
) -> Result<(), Box<dyn Error>> {
    let file = folder.join("interests.csv");
    if !file.is_file() {
        return Ok(());
    }
    let columns = read_text_columns(&file, &["user_id".into(), "categories".into()])?;
    let [users, interests] = columns.as_slice() else { return Ok(()) };
    let interests: HashMap<&String, &String> = users.iter().zip(interests).collect();
    let (mut found, mut all) = (0usize, 0usize);
    for (row, user) in answer.queries.iter().enumerate() {
        let Some(own) = interests.get(&user.to_string()) else { continue };
        for (item, _) in answer.row(row) {
            let category = generate::category_of(&item.to_string());
            found += usize::from(category.is_some_and(|c| own.split('|').any(|o| o == c)));
            all += 1;
        }
    }
    println!(
        "\n{:.1} % of the items shown are of their user's two planted categories (4.2 % by chance); tags were \
         predicted for {} items",
        100.0 * found as f64 / all.max(1) as f64,
        model.report().predicted_tags
    );
    Ok(())
}
