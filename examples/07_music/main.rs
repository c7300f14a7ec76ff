//! What a listener may like next, from listens, tags and friends, and why.
//!
//! ```text
//! cargo run --release --example 07_music -- --listens user_artists.csv --artists artists.csv --friends friends.csv
//! ```
//!
//! Listens are counted, not rated: a play a hundred times over is taken by its logarithm. Artists are known
//! by who hears them together, by their tags, and by whom friends hear; one pipeline trains a recommender
//! for each of these, learns on held-out listens how much to believe which, and says how good each is alone.
//! A list is then made to hold the genres in the shares in which its listener hears them, and every artist
//! in it comes with the reason. With `--hetrec FOLDER` it reads the files of the HetRec 2011 Last.fm data
//! as they are; without files it does all that on a generated scene.

mod source;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use rec_core::data::read::write_recommendations;
use rec_core::data::split::{Fractions, Protocol};
use rec_core::data::{Dataset, Id};
use rec_core::rank::explain::{Domain, Language};
use rec_core::rank::{Query, Recommend as _, Users};
use rec_models::FitContext;
use rec_models::fit::Fit as _;
use rec_models::hybrid::{Pipeline, PipelineConfig, Recommender, Reorder};
use rec_models::train::Bars;
use serde_json::json;

/// What a listener may like next.
#[derive(Parser)]
#[command(name = "07_music")]
struct Args {
    /// Who heard which artist, and how often
    #[arg(long)]
    listens: Option<PathBuf>,
    /// The artists: an id, a name, tags
    #[arg(long, requires = "listens")]
    artists: Option<PathBuf>,
    /// Who is whose friend
    #[arg(long, requires = "listens")]
    friends: Option<PathBuf>,
    /// A folder with the files of the HetRec 2011 Last.fm data, instead
    #[arg(long, conflicts_with = "listens")]
    hetrec: Option<PathBuf>,
    /// Where the recommendations go
    #[arg(long, default_value = "recommendations.csv")]
    out: PathBuf,
    /// Artists a listener
    #[arg(short, long, default_value_t = 10)]
    k: usize,
    /// How much the shares of genres count against the score, from 0 to 1
    #[arg(long, default_value_t = 0.2)]
    calibration: f32,
    /// Seed of everything random
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
    let data = source::load(args)?;
    let mut ctx = FitContext { progress: Arc::new(Bars::new()), ..FitContext::default() };
    let model = Pipeline::new(config(args, &data)?).fit(&data, &mut ctx)?;
    if let Some(board) = &model.report().leaderboard {
        println!("{board}");
    }
    let answer = model.recommend(&Query::new(Users::All, args.k))?;
    write_recommendations(&args.out, &answer, model.data().items.as_deref())?;
    println!("Wrote {} lists to {}", answer.len(), args.out.display());

    let Some(listener) = answer.queries.first() else { return Ok(()) };
    if let Ok(profiles) = model.profiles(std::slice::from_ref(listener), None) {
        let interests = profiles.iter().flat_map(|profile| &profile.interests).take(4);
        let told: Vec<String> =
            interests.map(|one| format!("{} {:.0} %", one.label, 100.0 * one.share)).collect();
        println!("\nListener {listener} hears {}, and may like:", told.join(", "));
    }
    let artists: Vec<Id> = answer.row(0).take(5).map(|(id, _)| id.to_owned()).collect();
    for why in model.explain(listener, &artists)? {
        let name = why.item.title.clone().unwrap_or_else(|| why.item.id.to_string());
        println!("  {name}: {}", why.to_sentence(Language::En, Domain::Music));
    }
    Ok(())
}

/// A recommender for each kind of evidence there is.
fn config(args: &Args, data: &Dataset) -> Result<PipelineConfig, Box<dyn Error>> {
    let mut recommenders = vec![
        Recommender::new("popular", &json!({}))?,
        Recommender::new("item_knn", &json!({ "similarity": "tf_idf" }))?,
        Recommender::new("als", &json!({ "factors": 32 }))?,
        Recommender::new("ease", &json!({}))?,
    ];
    let tagged = data.items.as_deref().is_some_and(|items| items.tags().is_some());
    if tagged {
        recommenders.push(Recommender::new("content", &json!({ "features": { "by": "tags" } }))?);
    }
    if data.social.is_some() {
        let friends = json!({ "epochs": 60, "learning_rate": 0.005, "batch_size": 8192 });
        recommenders.push(Recommender::new("social_lightgcn", &friends)?);
    }
    if data.interactions.n_items() > 6_000 {
        // EASE is cubic in the items.
        recommenders.retain(|one| one.model != "ease");
    }
    // Counts of listens have no time; a tenth of each listener's is held out at random, twice.
    let timed = data.interactions.times().is_some();
    let split = match timed {
        true => Protocol::LeaveLastOut { n: 1, validation: true },
        false => Protocol::Random { fractions: Fractions::new(&[0.8, 0.1, 0.1])?, seed: args.seed },
    };
    let calibration = (tagged && args.calibration > 0.0).then_some(args.calibration);
    Ok(PipelineConfig {
        split,
        recommenders,
        rerank: Reorder { calibration, ..Reorder::default() },
        seed: args.seed,
        ..PipelineConfig::default()
    })
}
