//! Friends: LightGCN with and without them, missing friendships, and circles, on the data of
//! LightGCN's authors with its trust network.
//!
//! ```sh
//! cargo bench -p rec-models --bench social -- tune --model sept …  # items; on a held-out tenth
//! cargo bench -p rec-models --bench social -- test --model sept --epochs 120 --social-epochs 30 …
//! cargo bench -p rec-models --bench social -- links --network gcn …
//! cargo bench -p rec-models --bench social -- circles
//! ```
//!
//! `tune` prints the best validation figures of one setting of `--model`, on average over `--seeds`
//! held-out tenths. `test` trains LightGCN and that model on the whole training part over `--seeds` seeds
//! and compares the users' figures, averaged over seeds, by a paired test. `links` holds a tenth of the friendships out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark stops at the first failure")]

#[allow(dead_code, reason = "shared with other benchmarks")]
mod support;

use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use rand::seq::SliceRandom as _;
use rec_core::data::{Csr, Dataset, SocialGraph, UnknownUsers};
use rec_core::graph::{Graph, Leiden, LinkHeuristic, NodeKind, Quality, evaluate_links};
use rec_core::metrics::{EvaluateOptions, PairedOptions, Report, evaluate, paired_test};
use rec_core::objective::EdgeLoss;
use rec_core::rank::Recommend;
use rec_models::fit::{Estimator, FitContext, Validation};
use rec_models::graph::{GraphLoss, LightGcn, LinkPredictor, Network, Sept, SocialLightGcn};
use support::{data, dataset, recall_ndcg, text};

const USERS: usize = 1892;
const ITEMS: usize = 4489;
type Lists = Vec<Vec<u32>>;

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Job {
    Tune,
    Test,
    Links,
    Circles,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Name {
    Lightgcn,
    LightgcnS,
    Sept,
}

#[derive(Parser, Clone)]
struct Args {
    job: Job,
    #[arg(long, default_value = "sept")]
    model: Name,
    /// Weight of a friendship in LightGCN-S.
    #[arg(long, default_value_t = 1.0)]
    friends: f32,
    /// Friendships in LightGCN-S count as much as tastes agree.
    #[arg(long)]
    by_taste: bool,
    /// Weight of agreement in SEPT.
    #[arg(long, default_value_t = 0.05)]
    agreement: f32,
    #[arg(long, default_value_t = 0.3)]
    drop: f64,
    #[arg(long, default_value_t = 200)]
    epochs: usize,
    #[arg(long, default_value_t = 0)]
    social_epochs: usize,
    #[arg(long, default_value_t = 0.005)]
    rate: f32,
    #[arg(long, default_value_t = 1e-4)]
    l2: f32,
    #[arg(long, default_value_t = 3)]
    layers: usize,
    #[arg(long, default_value_t = 2)]
    social_layers: usize,
    #[arg(long, default_value_t = 64)]
    factors: usize,
    #[arg(long, default_value_t = 2048)]
    batch: usize,
    #[arg(long)]
    temperature: Option<f32>,
    /// Keeps so many training items of each user.
    #[arg(long)]
    keep: Option<usize>,
    #[arg(long, default_value_t = 10)]
    every: usize,
    #[arg(long, default_value_t = 3)]
    patience: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// gcn or sage.
    #[arg(long, default_value = "gcn")]
    network: String,
    /// squared, bce, bpr, info_nce or ccl.
    #[arg(long, default_value = "squared")]
    loss: String,
    /// Non-edges of each edge in `links`; else items drawn a step, for a softmax over them.
    #[arg(long)]
    negatives: Option<usize>,
    /// Rows of length 1 in GraphSAGE.
    #[arg(long)]
    normalize: bool,
    /// Only features, no trained numbers of each node.
    #[arg(long)]
    inductive: bool,
    #[arg(long)]
    bench: bool,
}

fn main() {
    let args = Args::parse();
    let Some([train, test, trust]) = files() else { return };
    let train = kept(&lists(&train, ITEMS), &args);
    match args.job {
        Job::Tune => tune(&args, &train, &trust),
        Job::Test => compare(&args, &train, &lists(&test, ITEMS), &trust),
        Job::Links => links(&args, &train, &trust),
        Job::Circles => circles(&trust),
    }
}

/// The first two numbers of each line.
fn pairs(path: &Path) -> Vec<[u32; 2]> {
    let pair = |line: &str| {
        let mut numbers = line.split_whitespace().map(|number| number.parse().unwrap());
        Some([numbers.next()?, numbers.next()?])
    };
    text(path).lines().filter_map(pair).collect()
}

/// Training, test and trust pairs, from 0.
fn files() -> Option<[Vec<[u32; 2]>; 3]> {
    let read = |name: &str| Some(pairs(&data(&format!("lightgcn-lastfm/{name}.txt.gz"))?));
    let from_zero = |pairs: Vec<[u32; 2]>| pairs.into_iter().map(|p| p.map(|id| id - 1)).collect();
    Some([read("data1")?, read("test1")?, read("trustnetwork")?].map(from_zero))
}

fn lists(pairs: &[[u32; 2]], n: usize) -> Lists {
    let mut lists = vec![Vec::new(); USERS];
    for &[user, item] in pairs {
        assert!((item as usize) < n);
        lists[user as usize].push(item);
    }
    lists.iter_mut().for_each(|list| {
        list.sort_unstable();
        list.dedup();
    });
    lists
}

fn kept(train: &Lists, args: &Args) -> Lists {
    let Some(most) = args.keep else { return train.clone() };
    let mut rng = rec_core::rng::stream(7, "keep", 0);
    let some = train.iter().map(|items| {
        let mut items = items.clone();
        items.shuffle(&mut rng);
        items.truncate(most);
        items
    });
    some.collect()
}

fn with_friends(train: &Lists, trust: &[[u32; 2]]) -> Dataset {
    let mut all = dataset(train, ITEMS);
    let edges = trust.iter().filter(|[i, j]| i != j);
    let edges = edges.map(|&[i, j]| (i64::from(i), i64::from(j), 1.0));
    let ids = all.interactions.ids().clone();
    let one_way: std::collections::BTreeSet<(i64, i64)> =
        edges.clone().map(|(i, j, _)| (i, j)).collect();
    let edges = one_way.into_iter().map(|(i, j)| (i, j, 1.0));
    all.social = Some(SocialGraph::new(ids, edges, true, UnknownUsers::Error).unwrap().into());
    all
}

impl Args {
    fn loss(&self) -> GraphLoss {
        match (self.temperature, self.negatives) {
            (Some(temperature), Some(negatives)) => {
                GraphLoss::SampledSoftmax { temperature, negatives }
            }
            (Some(temperature), None) => GraphLoss::Softmax { temperature },
            (None, _) => GraphLoss::Bpr,
        }
    }

    fn social_epochs(&self) -> usize {
        if self.social_epochs == 0 { self.epochs } else { self.social_epochs }
    }

    fn estimator(&self, name: Name) -> Box<dyn Estimator> {
        match name {
            Name::Lightgcn => Box::new(LightGcn {
                factors: self.factors,
                layers: self.layers,
                learning_rate: self.rate,
                l2: self.l2,
                epochs: self.epochs,
                batch_size: self.batch,
                loss: self.loss(),
                ..LightGcn::default()
            }),
            Name::LightgcnS => Box::new(SocialLightGcn {
                factors: self.factors,
                layers: self.social_layers,
                friends: self.friends,
                by_taste: self.by_taste,
                learning_rate: self.rate,
                l2: self.l2,
                epochs: self.social_epochs(),
                batch_size: self.batch,
                loss: self.loss(),
                ..SocialLightGcn::default()
            }),
            Name::Sept => Box::new(Sept {
                factors: self.factors,
                layers: self.social_layers,
                agreement: self.agreement,
                drop_rate: self.drop,
                learning_rate: self.rate,
                l2: self.l2,
                epochs: self.social_epochs(),
                batch_size: self.batch,
                ..Sept::default()
            }),
        }
    }

    fn ctx(&self, seed: u64) -> FitContext<'static> {
        FitContext { threads: Some(self.threads), seed, ..FitContext::default() }
    }
}

/// The best validation figures of one setting, on average over `--seeds` held-out tenths.
fn tune(args: &Args, train: &Lists, trust: &[[u32; 2]]) {
    let start = Instant::now();
    let mut mean = [0.0; 3];
    for seed in 1..=args.seeds {
        let best = tune_once(args, train, trust, seed);
        mean.iter_mut().zip(best).for_each(|(mean, x)| *mean += x / args.seeds as f64);
    }
    let [epoch, recall, ndcg] = mean;
    let setting: Vec<String> = std::env::args().skip(2).filter(|arg| arg != "--bench").collect();
    println!(
        "{}: epoch {epoch:.0} Recall@20 {recall:.4} NDCG@20 {ndcg:.4} in {:.0} s",
        setting.join(" "),
        start.elapsed().as_secs_f64()
    );
}

/// The epoch of the best NDCG@20, and both figures there.
fn tune_once(args: &Args, train: &Lists, trust: &[[u32; 2]], seed: u64) -> [f64; 3] {
    let mut rng = rec_core::rng::stream(seed, "hold out", 0);
    let (kept, held): (Lists, Lists) = train
        .iter()
        .map(|items| {
            let mut items = items.clone();
            items.shuffle(&mut rng);
            let held = (items.len() / 10).max(usize::from(items.len() > 1));
            (items.split_off(held.min(items.len())), items)
        })
        .unzip();
    let data = with_friends(&kept, trust);
    let best = Mutex::new([0.0; 3]);
    let done = Mutex::new(0);
    let measure = |model: &dyn Recommend| {
        let (recall, ndcg) = recall_ndcg(model, &held, 20);
        let (mut best, mut done) = (best.lock().unwrap(), done.lock().unwrap());
        *done += args.every;
        if ndcg > best[2] {
            *best = [*done as f64, recall, ndcg];
        }
        Ok(ndcg)
    };
    let validation = Validation {
        metric: "ndcg@20".into(),
        measure: &measure,
        every: args.every,
        patience: Some(args.patience),
    };
    let mut ctx = FitContext { validation: Some(validation), ..args.ctx(seed) };
    args.estimator(args.model).fit_model(&data, &mut ctx).unwrap();
    best.into_inner().unwrap()
}

fn compare(args: &Args, train: &Lists, test: &Lists, trust: &[[u32; 2]]) {
    let data = with_friends(train, trust);
    let test = dataset(test, ITEMS).interactions;
    let options = EvaluateOptions::default();
    let mut means = Vec::new();
    for name in [Name::Lightgcn, args.model] {
        let mut mean = None;
        for seed in 1..=args.seeds {
            let start = Instant::now();
            let model = args.estimator(name).fit_model(&data, &mut args.ctx(seed)).unwrap();
            let seconds = start.elapsed().as_secs_f64();
            let report = evaluate(model.as_ref(), &test, &options).unwrap();
            let shown: Vec<String> =
                report.figures.iter().map(|f| format!("{} {:.4}", f.name, f.mean)).collect();
            println!("{name:?} seed {seed}: {} in {seconds:.1} s", shown.join(" "));
            mean = Some(match mean {
                None => report,
                Some(before) => averaged(before, &report, seed as f64),
            });
        }
        means.push(mean.unwrap());
    }
    for figure in &means[1].figures {
        let options = PairedOptions::default();
        let (name, mean) = (&figure.name, figure.values.iter().sum::<f64>());
        let mean = mean / figure.values.len() as f64;
        println!("{:?} over seeds: {name} {mean:.4}", args.model);
        println!("{}", paired_test(&means[1], &means[0], name, &options).unwrap());
    }
}

/// Each user's mean of `n − 1` reports and one more.
fn averaged(mut mean: Report, next: &Report, n: f64) -> Report {
    for (figure, next) in mean.figures.iter_mut().zip(&next.figures) {
        figure.mean += (next.mean - figure.mean) / n;
        for (value, next) in figure.values.iter_mut().zip(&next.values) {
            *value += (next - *value) / n;
        }
    }
    mean
}

fn trust_graph(trust: &[[u32; 2]]) -> Graph {
    let edges = trust.iter().filter(|[i, j]| i < j).map(|&[i, j]| (i, j, 1.0));
    let graph = Graph::from_edges(USERS, edges, false).unwrap();
    Graph::from_csr(&graph.edges().binary(), NodeKind::User).unwrap()
}

fn links(args: &Args, train: &Lists, trust: &[[u32; 2]]) {
    let graph = trust_graph(trust);
    let held = graph.hold_out(0.1, args.seed).unwrap();
    let none = Graph::non_edges(USERS, &[&graph], 10 * held.links.len(), args.seed).unwrap();
    println!("{} friendships, {} held out", graph.n_edges() / 2, held.links.len());
    for heuristic in [
        LinkHeuristic::CommonNeighbours,
        LinkHeuristic::AdamicAdar,
        LinkHeuristic::ResourceAllocation,
        LinkHeuristic::PreferentialAttachment,
    ] {
        let rows: Vec<Vec<f32>> =
            (0..USERS as u32).map(|u| heuristic.scores(&held.graph, u).unwrap()).collect();
        let score = |&(i, j): &(u32, u32)| rows[i as usize][j as usize];
        show(&format!("{heuristic:?}"), &held.links, &none, &score);
    }
    let config = LinkPredictor {
        network: match args.network.as_str() {
            "gcn" => Network::Gcn,
            "sage" => Network::Sage { neighbours: 10, normalize: args.normalize },
            other => panic!("no network {other}"),
        },
        loss: match args.loss.as_str() {
            "squared" => EdgeLoss::Squared,
            "bce" => EdgeLoss::Bce,
            "bpr" => EdgeLoss::Bpr,
            "info_nce" => EdgeLoss::InfoNce { temperature: args.temperature.unwrap_or(0.2).into() },
            "ccl" => EdgeLoss::CosineContrastive { margin: 0.4, weight: 1.0 },
            other => panic!("no loss {other}"),
        },
        layers: args.layers,
        negatives: args.negatives.unwrap_or(1),
        node_embeddings: !args.inductive,
        learning_rate: args.rate,
        l2: args.l2,
        epochs: args.epochs,
        batch_size: args.batch,
        ..LinkPredictor::default()
    };
    let had: Vec<Vec<(u32, f32)>> = train
        .iter()
        .map(|items| {
            let length = (items.len() as f32).sqrt();
            items.iter().map(|&i| (i, 1.0 / length)).collect()
        })
        .collect();
    let features = Csr::from_rows(had, ITEMS);
    let start = Instant::now();
    let mut ctx = args.ctx(args.seed);
    let model = config.fit_graph(&held.graph, Some(&features), None, &mut ctx).unwrap();
    let name = format!("{} {} in {:.0} s", args.network, args.loss, start.elapsed().as_secs_f64());
    show(&name, &held.links, &none, &|&(i, j)| model.link_score(i, j).unwrap());
}

type Pair = (u32, u32);

fn show(name: &str, links: &[Pair], none: &[Pair], score: &dyn Fn(&Pair) -> f32) {
    let of = |pairs: &[Pair]| pairs.iter().map(score).collect::<Vec<_>>();
    let report = evaluate_links(&of(links), &of(none), &[20, 50, 100]).unwrap();
    let hits: Vec<String> = report.hits.iter().map(|(k, h)| format!("hits@{k} {h:.3}")).collect();
    println!("{name}: AUC {:.4} {}", report.auc, hits.join(" "));
}

fn circles(trust: &[[u32; 2]]) {
    let graph = trust_graph(trust);
    for (quality, resolution) in [(Quality::Modularity, 1.0), (Quality::Cpm, 0.05)] {
        let start = Instant::now();
        let leiden = Leiden { quality, resolution, ..Leiden::default() };
        let circles = leiden.circles(&graph).unwrap();
        let large = circles.members().iter().filter(|c| c.len() > 2).count();
        println!(
            "{quality:?} {resolution}: {:.4}, {} circles, {large} of more than two, in {:.3} s",
            circles.quality(),
            circles.members().len(),
            start.elapsed().as_secs_f64()
        );
    }
}
