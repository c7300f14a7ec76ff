//! What to show a shop's visitors next, and why.
//!
//! ```text
//! cargo run --release --example 04_shop -- --events events.csv --items items.csv \
//!     --event type --event-weights view=1,cart=3,purchase=5
//! ```
//!
//! Views, carts and purchases weigh differently; items are known by their titles and tags as well, so
//! that those nobody bought yet can be shown. Several recommenders are trained, and how much each
//! counts for new and for old customers is learned from what users did next. The list is then made
//! diverse, held to the rules of the house, and written down with the reason beside each item: whoever
//! looked at a phone is shown its accessories because of the phone. Without `--events` it does all
//! that on a generated shop with Chinese titles.

mod models;
mod reasons;
mod source;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use rec_core::data::Dataset;
use rec_core::profile::{ProfileOptions, profiles};
use rec_core::rank::{Dpp, Normalize, Query, Quota, Rules, Users, jaccard, recommend};

/// What to show a shop's visitors next, and why.
#[derive(Parser)]
#[command(name = "04_shop")]
struct Args {
    /// The log of views, carts and purchases, in any format the library reads; generated if not given
    #[arg(long, requires = "items")]
    events: Option<PathBuf>,
    /// The items: an id, titles and other texts, tags
    #[arg(long)]
    items: Option<PathBuf>,
    /// Column of the event type, and the weight of each: `--event-weights view=1,cart=3,purchase=5`
    #[arg(long, requires = "event_weights")]
    event: Option<String>,
    /// Weight of each event type
    #[arg(long, value_delimiter = ',')]
    event_weights: Vec<String>,
    /// No item with one of these tags is shown
    #[arg(long, value_delimiter = ',')]
    block_tags: Vec<String>,
    /// The most items of a tag in a list: `--quota 手机=3`
    #[arg(long, value_delimiter = ',')]
    quota: Vec<String>,
    /// Where the recommendations go
    #[arg(long, default_value = "recommendations.csv")]
    out: PathBuf,
    /// Items shown to each user
    #[arg(short, long, default_value_t = 10)]
    k: usize,
    /// Relevance against diversity, below 1
    #[arg(long, default_value_t = 0.8)]
    relevance: f32,
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
    let Some(items) = data.items.clone() else { return Err("the items are missing".into()) };
    let fusion = models::learn(&data, args)?;
    let (fused, content) = models::fit(&data, args, fusion)?;

    // More candidates than are shown, for diversity and rules to choose from.
    let many = (args.k * 5).min(data.interactions.n_items());
    let mut answer = recommend(&fused, &Query::new(Users::All, many))?;
    let ids = answer.ids.items.clone();
    let tags = items.tags_for(&ids);
    let rules = rules(args)?;
    let rules = rules.bind(&ids, tags.as_ref().map(|tags| (tags, items.tag_names())))?;
    let mut top = rules.adjust(&answer.top)?;
    if let Some(tags) = &tags {
        let dpp = Dpp { theta: args.relevance, normalize: Normalize::MinMax };
        top = dpp.rerank(&top, top.k(), jaccard(tags))?;
    }
    answer.top = rules.select(&top, args.k.min(many))?;

    let written = reasons::write(&args.out, &answer, &data, &content)?;
    println!("\nWrote {written} recommendations with their reasons to {}", args.out.display());
    introduce(&data, &answer, &content)
}

/// One user as the shop now knows them, and what they are shown.
fn introduce(
    data: &Dataset,
    answer: &rec_core::rank::Recommendations,
    content: &rec_models::content::ContentModel,
) -> Result<(), Box<dyn Error>> {
    let Some(user) = answer.queries.first() else { return Ok(()) };
    if let Some(items) = data.items.as_deref()
        && let Some(tags) = items.tags_for(&data.interactions.ids().items)
    {
        let one = std::slice::from_ref(user);
        let options = ProfileOptions { interests: 3, ..ProfileOptions::default() };
        for profile in profiles(&data.interactions, &tags, items.tag_names(), one, &options)? {
            println!("\nUser {user}, {} events, cares for:", profile.events);
            for interest in &profile.interests {
                println!("  {}: {:.0} %", interest.label, 100.0 * interest.share);
            }
        }
    }
    println!("and is shown:");
    for (rank, line) in reasons::of_row(answer, 0, data, content)?.iter().take(5).enumerate() {
        println!("  {}. {} {}  — {}", rank + 1, line.item, line.title, line.because);
    }
    Ok(())
}

fn rules(args: &Args) -> Result<Rules, Box<dyn Error>> {
    let quota = |rule: &String| {
        let parsed = rule.split_once('=').and_then(|(tag, n)| Some((tag, n.parse().ok()?)));
        let (tag, at_most) = parsed.ok_or_else(|| format!("--quota {rule}: write tag=number"))?;
        Ok::<_, Box<dyn Error>>(Quota { tag: tag.to_owned(), at_most })
    };
    Ok(Rules {
        blocked_tags: args.block_tags.clone(),
        quotas: args.quota.iter().map(quota).collect::<Result<_, _>>()?,
        ..Rules::default()
    })
}
