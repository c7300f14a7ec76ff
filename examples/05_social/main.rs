//! What friends have to do with it: items by friends' taste, people to know, and circles to join.
//!
//! ```text
//! cargo run --release --example 05_social -- --events events.csv --friends friends.csv
//! ```
//!
//! Three questions of a social network are answered from two files, who had what and who knows whom.
//! What may I like? LightGCN on the graph of users and items, and the same with friendships in it, are
//! measured side by side on held-out events, and an item comes with the friends that speak for it. Whom
//! may I know? A graph network is trained on a part of the friendships, and told apart from strangers are
//! those it did not see. Where do I belong? The Leiden algorithm parts the network into circles, and a
//! circle is recommended for the friends one has in it and for the taste of those in it. Without files it
//! does all that on a generated music scene.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use rec_core::data::read::{
    Events, ReadOptions, SocialOptions, read_path, read_social, write_recommendations,
};
use rec_core::data::synthetic::Scene;
use rec_core::data::{Dataset, UnknownUsers, split};
use rec_core::graph::{Affinity, Graph, GraphBuilder, Leiden, NodeKind, evaluate_links};
use rec_core::metrics::{EvaluateOptions, LeaderboardOptions, leaderboard};
use rec_core::rank::{Query, Recommend as _, Users};
use rec_models::fit::{Fit as _, FitContext};
use rec_models::graph::{LightGcn, LinkPredictor, SocialLightGcn, SocialLightGcnModel};
use rec_models::train::Bars;

/// What friends have to do with it.
#[derive(Parser)]
#[command(name = "05_social")]
struct Args {
    /// Who had what, in any format the library reads; generated if not given
    #[arg(long, requires = "friends")]
    events: Option<PathBuf>,
    /// Who knows whom: two columns of users, and perhaps a weight
    #[arg(long, requires = "events")]
    friends: Option<PathBuf>,
    /// Where the recommendations go
    #[arg(long, default_value = "recommendations.csv")]
    out: PathBuf,
    /// Items, people and circles a user
    #[arg(short, long, default_value_t = 10)]
    k: usize,
    /// Passes over the events
    #[arg(long, default_value_t = 100)]
    epochs: usize,
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
    let data = load(args)?;
    let mut ctx =
        FitContext { seed: args.seed, progress: Arc::new(Bars::new()), ..FitContext::default() };
    let model = items(args, &data, &mut ctx)?;
    let answer = model.recommend(&Query::new(Users::All, args.k.min(model.ids().items.len())))?;
    write_recommendations(&args.out, &answer, data.items.as_deref())?;
    println!("Wrote {} lists to {}", answer.len(), args.out.display());
    by_friends(&data, &model, &answer)?;
    people(&data, &mut ctx)?;
    circles(args, &data, &model)
}

fn load(args: &Args) -> Result<Dataset, Box<dyn Error>> {
    let (Some(events), Some(friends)) = (&args.events, &args.friends) else {
        println!("No --events given: a generated music scene.");
        return Ok(Scene { seed: args.seed, ..Scene::default() }.generate()?);
    };
    let Events::Log(log) = read_path(events, &ReadOptions::default())?.events else {
        return Err("this example wants one log, not a folder of parts".into());
    };
    print!("{}", log.report);
    let options =
        SocialOptions { directed: false, unknown: UnknownUsers::Drop, ..SocialOptions::default() };
    let (social, report) = read_social(friends, log.interactions.ids(), &options)?;
    print!("{report}");
    Ok(Dataset { interactions: log.interactions, items: None, social: Some(Arc::new(social)) })
}

/// The recommender without friends and with them on a held-out tenth, and the latter on everything.
fn items(
    args: &Args,
    data: &Dataset,
    ctx: &mut FitContext<'_>,
) -> Result<SocialLightGcnModel, Box<dyn Error>> {
    let plain = LightGcn {
        epochs: args.epochs,
        learning_rate: 0.005,
        batch_size: 8192,
        l2: 0.001,
        ..LightGcn::default()
    };
    let social = SocialLightGcn {
        epochs: args.epochs,
        learning_rate: 0.005,
        batch_size: 8192,
        l2: 0.001,
        ..SocialLightGcn::default()
    };
    let parts = split::random(&data.interactions, &[0.9, 0.1], args.seed)?;
    let train = data.with_interactions(parts.train);
    let (alone, together) = (plain.fit(&train, ctx)?, social.fit(&train, ctx)?);
    let evaluation = EvaluateOptions::of(&["ndcg@20", "recall@20"])?;
    let options = LeaderboardOptions { baseline: Some("without friends"), ..Default::default() };
    let models: [(&str, &dyn rec_core::rank::Recommend); 2] =
        [("without friends", &alone), ("with friends", &together)];
    println!("{}", leaderboard(&models, &parts.test, &evaluation, &options)?);
    Ok(social.fit(data, ctx)?)
}

/// The friends who speak for what the first user is shown.
fn by_friends(
    data: &Dataset,
    model: &SocialLightGcnModel,
    answer: &rec_core::rank::Recommendations,
) -> Result<(), Box<dyn Error>> {
    let Some(user) = answer.queries.first().and_then(|id| answer.ids.users.get(id)) else {
        return Ok(());
    };
    println!("\nUser {} may like:", answer.queries[0]);
    for &item in answer.top.row(0).0.iter().take(3) {
        let id = answer.ids.items.id(item).map(|id| id.to_string()).unwrap_or_default();
        let title =
            data.items.as_deref().and_then(|items| items.title(items.ids().get(id.as_str())?));
        let friends: Vec<String> = model
            .influences(user, item)?
            .iter()
            .take(3)
            .filter_map(|one| Some(answer.ids.users.id(one.friend)?.to_string()))
            .collect();
        println!("  {}, as friends {} speak for it", title.unwrap_or(&id), friends.join(", "));
    }
    Ok(())
}

/// How well people who know each other are told from others, and whom the first user may know.
fn people(data: &Dataset, ctx: &mut FitContext<'_>) -> Result<(), Box<dyn Error>> {
    let graph = friendships(data)?;
    let held_out = graph.hold_out(0.1, ctx.seed)?;
    let network = LinkPredictor { epochs: 50, ..LinkPredictor::default() };
    let model = network.fit_graph(&held_out.graph, None, None, ctx)?;
    let strangers =
        Graph::non_edges(graph.n_nodes(), &[&graph], 5 * held_out.links.len(), ctx.seed)?;
    let score = |pairs: &[(u32, u32)]| -> Result<Vec<f32>, rec_core::Error> {
        pairs.iter().map(|&(i, j)| model.link_score(i, j)).collect()
    };
    let report = evaluate_links(&score(&held_out.links)?, &score(&strangers)?, &[20])?;
    println!("\nFriends that were held out against strangers: AUC {:.3}", report.auc);

    let model = network.fit(data, ctx)?;
    let users = &data.interactions.ids().users;
    if let Some(first) = users.id(0).map(|id| [id.to_owned()]) {
        let answer = model.recommend(&Query::new(Users::Ids(&first), 5))?;
        let names: Vec<String> = answer.row(0).map(|(id, _)| id.to_string()).collect();
        println!("User {} may know {}", first[0], names.join(", "));
    }
    Ok(())
}

/// The circles of the network, and those the first user is drawn to.
fn circles(args: &Args, data: &Dataset, model: &SocialLightGcnModel) -> Result<(), Box<dyn Error>> {
    let graph = friendships(data)?;
    let circles = Leiden { seed: args.seed, ..Leiden::default() }.circles(&graph)?;
    let sizes: Vec<usize> = circles.members().iter().map(Vec::len).filter(|&n| n > 1).collect();
    println!(
        "\n{} circles of more than one, the largest of {:?}",
        sizes.len(),
        &sizes[..sizes.len().min(6)]
    );
    let factors = model.user_factors();
    let dim = factors.len() / data.interactions.n_users().max(1);
    let affinity = Affinity { vectors: Some((factors, dim)), taste: 0.5, min_size: 3 };
    let drawn = affinity.recommend(&circles, &graph, 0, 3)?;
    let told: Vec<String> = drawn
        .iter()
        .map(|&(circle, by)| {
            format!("circle {circle} of {} ({by:+.2})", circles.members()[circle as usize].len())
        })
        .collect();
    println!("User 0 is in circle {}, and drawn to {}", circles.labels()[0], told.join(", "));
    Ok(())
}

/// Who knows whom, both ways.
fn friendships(data: &Dataset) -> Result<Graph, Box<dyn Error>> {
    let Some(social) = data.social.as_deref() else { return Err("friends are missing".into()) };
    let edges = social.edges().clone();
    Ok(GraphBuilder::new().relation(NodeKind::User, NodeKind::User, edges, 1.0)?.build()?)
}
