//! From an event log to recommendations, measured.
//!
//! ```text
//! cargo run --release --example 01_quickstart -- --events events.csv --items items.csv
//! ```
//!
//! Reads the log and says what it found, splits it, trains several models, prints their figures on
//! events they have not seen, and recommends for every user with the best of them, trained again on
//! everything. Without `--events` it does all that on a small generated shop.

mod contest;
mod source;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use rec_core::data::read::write_recommendations;
use rec_core::rank::{Query, Users, recommend};
use rec_models::train::Bars;
use rec_models::{FitContext, Model};

/// Counts what is allocated, so that the table can say what each model's training took.
#[global_allocator]
static MEMORY: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

/// From an event log to recommendations.
#[derive(Parser)]
#[command(name = "01_quickstart")]
struct Args {
    /// The log: CSV, TSV, JSON lines, Parquet, RecBole .inter or `user item item …` lines, plain or
    /// .gz; or a folder with train/valid/test files or a RecBole data set. Generated if not given
    #[arg(long)]
    events: Option<PathBuf>,
    /// Item titles and tags, in the same formats
    #[arg(long)]
    items: Option<PathBuf>,
    /// A two-column file that maps the log's item ids to those of --items
    #[arg(long)]
    item_map: Option<PathBuf>,
    /// Where the recommendations go
    #[arg(long, default_value = "recommendations.csv")]
    out: PathBuf,
    /// Column of the user id, by name or position from 0 (found by itself if not given)
    #[arg(long)]
    user: Option<String>,
    /// Column of the item id
    #[arg(long)]
    item: Option<String>,
    /// Column of the time
    #[arg(long)]
    time: Option<String>,
    /// Column of the weight
    #[arg(long)]
    weight: Option<String>,
    /// Column of the event type, and the weight of each: `--event-weights view=1,cart=3,purchase=5`
    #[arg(long, requires = "event_weights")]
    event: Option<String>,
    /// Weight of each event type
    #[arg(long, value_delimiter = ',')]
    event_weights: Vec<String>,
    /// Only events that weigh at least this count (ratings: 4)
    #[arg(long)]
    min_weight: Option<f32>,
    /// Count malformed rows instead of stopping at the first
    #[arg(long)]
    skip_bad: bool,
    /// How the log is parted into training, validation and test
    #[arg(long, value_enum, default_value = "leave-last-out")]
    split: SplitBy,
    /// The models that compete
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "popular,item_knn,co_transition,ease,als,bpr"
    )]
    models: Vec<String>,
    /// Items recommended to each user
    #[arg(short, long, default_value_t = 10)]
    k: usize,
    /// Seed of everything random
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Threads (all cores if not given)
    #[arg(long)]
    threads: Option<usize>,
}

/// Protocols, as named on the command line. A folder with a split of its own keeps that.
#[derive(Clone, Copy, ValueEnum)]
enum SplitBy {
    /// Each user's last event is for the test, the one before for validation
    LeaveLastOut,
    /// The last tenth of the time is for the test, the tenth before for validation
    Time,
    /// The last tenth of each user's events, and the tenth before
    UserRatio,
    /// A tenth at random, and another
    Random,
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
    let parts = source::load(args)?;
    let k = args.k;
    let best = contest::hold(args, &parts, k)?;

    println!("\nTraining {} again on all {} events…", best.name, parts.all.interactions.len());
    let mut ctx = context(args);
    let model = best.estimator.fit_model(&parts.all, &mut ctx)?;
    recommend_for_all(args, &parts, model.as_ref(), k)
}

fn context(args: &Args) -> FitContext<'static> {
    FitContext {
        seed: args.seed,
        threads: args.threads,
        progress: std::sync::Arc::new(Bars::new()),
        ..FitContext::default()
    }
}

fn recommend_for_all(
    args: &Args,
    parts: &source::Parts,
    model: &dyn Model,
    k: usize,
) -> Result<(), Box<dyn Error>> {
    let query = Query::new(Users::All, k);
    let answer = rec_core::parallel::install(args.threads, || recommend(model, &query))?;
    write_recommendations(&args.out, &answer, parts.all.items.as_deref())?;
    println!("Wrote the best {k} items of {} users to {}", answer.len(), args.out.display());
    if answer.is_empty() {
        return Ok(());
    }
    println!("For user {}, for instance:", answer.queries[0]);
    for (rank, (item, score)) in answer.row(0).take(5).enumerate() {
        let items = parts.all.items.as_deref();
        let title = items.and_then(|t| t.title(t.ids().get(item)?)).unwrap_or_default();
        println!("  {}. {item}  {title}  ({score:.3})", rank + 1);
    }
    Ok(())
}
