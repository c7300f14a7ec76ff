//! Today's news for each reader: what just appeared, by its words and by what others read with it.
//!
//! ```text
//! cargo run --release --example 06_news -- --events reads.csv --articles articles.csv
//! ```
//!
//! News age in hours, and most articles have no reader yet when they matter most. So an article is known by
//! its words; readers by what they read lately, older reads fading; others' reading counts by what follows
//! what within a sitting, and popularity is that of the last days. Only articles of the last days may be
//! shown, new ones before older ones, and not five on one story. First it is measured how much the fading
//! and the freshness are worth on the last day of reading. A sitting under way is answered too, from a few
//! clicks of somebody unknown. Without files it does all that on a generated newspaper.

mod source;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use rec_core::data::read::write_recommendations;
use rec_core::data::{Dataset, Id, split};
use rec_core::metrics::{RankedLists, ndcg};
use rec_core::rank::{
    Freshness, Fusion, Mmr, Normalize, Query, Recommend, Recommendations, Shortlisted, Users,
    jaccard,
};
use rec_models::collab::{CoTransition, Popular};
use rec_models::content::Content;
use rec_models::fit::{Estimator, FitContext};
use source::News;

/// Today's news for each reader.
#[derive(Parser)]
#[command(name = "06_news")]
struct Args {
    /// Who read what, and when; in any format the library reads; generated if not given
    #[arg(long, requires = "articles")]
    events: Option<PathBuf>,
    /// The articles: an id, title and text, tags
    #[arg(long, requires = "events")]
    articles: Option<PathBuf>,
    /// The articles' column of when they appeared, in the unit of the log; their first reader's time if
    /// there is none
    #[arg(long, default_value = "published")]
    published: String,
    /// Where the recommendations go
    #[arg(long, default_value = "recommendations.csv")]
    out: PathBuf,
    /// Articles a reader
    #[arg(short, long, default_value_t = 10)]
    k: usize,
    /// Only articles of so many days are shown
    #[arg(long, default_value_t = 3.0)]
    days: f64,
    /// Hours after which half of an article's freshness is left
    #[arg(long, default_value_t = 12.0)]
    half_life: f64,
    /// The share of freshness in the score, from 0 to 1
    #[arg(long, default_value_t = 0.3)]
    freshness: f32,
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
    let news = source::load(args)?;
    measure(args, &news)?;
    let model = fit(&news.data)?;
    let now = news.data.interactions.time_span().map_or(0, |(_, last)| last);
    let front = FrontPage { args, news: &news, model: &model, now, weight: args.freshness };
    let answer = front.of(Users::All, args.k)?;
    write_recommendations(&args.out, &answer, news.data.items.as_deref())?;
    println!("\nWrote {} front pages to {}", answer.len(), args.out.display());
    let day = news.data.interactions.time_unit().per_second().unwrap_or(1) * 86_400;
    let is_new = |&item: &u32| news.published[item as usize].is_some_and(|time| now - time <= day);
    let shown: Vec<u32> =
        (0..answer.len()).flat_map(|row| answer.top.row(row).0).copied().collect();
    let new = shown.iter().filter(|item| is_new(item)).count();
    println!(
        "{:.0} % of what they hold is of the last day",
        100.0 * new as f64 / shown.len().max(1) as f64
    );
    sitting(&front)
}

/// By the words, by what follows what, by the popularity of the last days; ranks fused.
fn fit(data: &Dataset) -> Result<Shortlisted, Box<dyn Error>> {
    let estimators: [Box<dyn Estimator>; 3] = [
        Box::new(Content { half_life: Some(5.0), ..Content::default() }),
        Box::new(CoTransition::default()),
        Box::new(Popular { half_life_days: Some(1.0), ..Popular::default() }),
    ];
    let mut ctx = FitContext::default();
    let mut models: Vec<Arc<dyn Recommend>> = Vec::with_capacity(estimators.len());
    for estimator in estimators {
        let model: Arc<dyn rec_models::Model> = Arc::from(estimator.fit_model(data, &mut ctx)?);
        models.push(model);
    }
    Ok(Shortlisted::new(models, Fusion::ReciprocalRank { k: 20.0 }, 100)?)
}

/// What turns candidates into a page.
struct FrontPage<'a> {
    args: &'a Args,
    news: &'a News,
    model: &'a Shortlisted,
    now: i64,
    /// The share of freshness.
    weight: f32,
}

impl FrontPage<'_> {
    fn of(&self, users: Users<'_>, k: usize) -> Result<Recommendations, Box<dyn Error>> {
        let ids = &self.model.ids().items;
        let unit = self.news.data.interactions.time_unit().per_second().unwrap_or(1) as f64;
        let oldest = self.now - (self.args.days * 86_400.0 * unit) as i64;
        let current =
            |&(_, time): &(usize, &Option<i64>)| time.is_some_and(|t| t >= oldest && t <= self.now);
        let allowed = self.news.published.iter().enumerate().filter(current);
        let allow: Vec<Id> =
            allowed.filter_map(|(at, _)| Some(ids.id(at as u32)?.to_owned())).collect();
        if allow.is_empty() {
            return Err(format!(
                "no article appeared in the last {} days; set --days",
                self.args.days
            )
            .into());
        }
        let many = (5 * k).min(ids.len());
        let query = Query { allow: Some(&allow), ..Query::new(users, many) };
        let mut answer = self.model.recommend(&query)?;
        let fresh = Freshness {
            half_life: self.args.half_life * 3600.0 * unit,
            weight: self.weight,
            normalize: Normalize::MinMax,
        };
        let top = fresh.adjust(&answer.top, &self.news.published, self.now)?;
        let items = self.news.data.items.as_deref();
        answer.top = match items.and_then(|items| items.tags_for(ids)) {
            Some(tags) => {
                let mmr = Mmr { lambda: 0.8, normalize: Normalize::MinMax };
                mmr.rerank(&top, k.min(many), jaccard(&tags))?
            }
            None => first(&top, k)?,
        };
        Ok(answer)
    }
}

/// The first `k` of each row.
fn first(top: &rec_core::rank::TopK, k: usize) -> Result<rec_core::rank::TopK, rec_core::Error> {
    let row = |row: usize| {
        let (items, scores) = top.row(row);
        items.iter().copied().zip(scores.iter().copied()).take(k).collect()
    };
    let rows: Vec<Vec<(u32, f32)>> = (0..top.n_rows()).map(row).collect();
    rec_core::rank::TopK::from_rows(&rows, k)
}

/// The last day of reading, from what came before it: with freshness and without.
fn measure(args: &Args, news: &News) -> Result<(), Box<dyn Error>> {
    let log = &news.data.interactions;
    let Some((_, last)) = log.time_span() else { return Err("the log is empty".into()) };
    let day = log.time_unit().per_second().unwrap_or(1) * 86_400;
    let parts = split::at_time(log, None, last - day)?;
    let model = fit(&news.data.with_interactions(parts.train.clone()))?;
    // Articles of that day are asked for as well: they are what readers will see.
    let cold = parts.cold.test;
    println!(
        "\nThe last day, {} reads of articles known before and {} of new ones:",
        parts.test.len(),
        cold.len()
    );
    for (name, weight) in [("by scores alone", 0.0), ("with freshness", args.freshness)] {
        let front = FrontPage { args, news, model: &model, now: last, weight };
        let mut sum = (0.0, 0usize);
        for user in 0..log.n_users() as u32 {
            let mut truth: Vec<u32> =
                [&parts.test, &cold].iter().flat_map(|p| p.sequence(user)).copied().collect();
            truth.sort_unstable();
            truth.dedup();
            let id = log.user_id(user);
            if let (false, Some(id)) =
                (truth.is_empty() || parts.train.sequence(user).is_empty(), id)
            {
                let page = front.of(Users::Ids(std::slice::from_ref(&id)), args.k)?;
                let lists = RankedLists::from_top_k(&page.top);
                sum = (sum.0 + ndcg(lists.list(0), &truth, args.k), sum.1 + 1);
            }
        }
        println!(
            "  {name:<16} NDCG@{} {:.4} over {} readers",
            args.k,
            sum.0 / sum.1.max(1) as f64,
            sum.1
        );
    }
    Ok(())
}

/// What follows a sitting of somebody unknown.
fn sitting(front: &FrontPage<'_>) -> Result<(), Box<dyn Error>> {
    let log = &front.news.data.interactions;
    let items = front.news.data.items.as_deref();
    let title = |id: &Id| {
        items.and_then(|items| items.title(items.ids().get(id)?)).unwrap_or("").to_owned()
    };
    let clicks: Vec<(Id, f32)> = log
        .sequence(0)
        .iter()
        .rev()
        .take(2)
        .rev()
        .filter_map(|&item| Some((log.item_id(item)?, 1.0)))
        .collect();
    println!(
        "\nSomebody opens {}; next:",
        clicks.iter().map(|(id, _)| title(id)).collect::<Vec<_>>().join(", then ")
    );
    let page = front.of(Users::Histories(&[clicks]), 5.min(front.args.k))?;
    for (rank, (id, _)) in page.row(0).enumerate() {
        println!("  {}. {}", rank + 1, title(&id.to_owned()));
    }
    Ok(())
}
