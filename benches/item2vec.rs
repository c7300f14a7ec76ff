//! Training time and quality of item2vec on a fixed split.
//!
//! `cargo bench -p rec-models --bench item2vec -- --data gowalla --workers 2` prints seconds of
//! training, and Recall@20 and NDCG@20 of both ways of scoring: all items ranked, training items removed, ties lost, every test
//! user counted. The data is looked for in `../shared/data`; without it the benchmark says so and
//! ends.

#![allow(clippy::unwrap_used)] // a benchmark

#[allow(dead_code)]
mod support;

use std::time::Instant;

use clap::Parser;
use rec_models::fit::{Fit, FitContext};
use rec_models::vectors::{Architecture, Item2Vec, ItemScore};
use support::{data, dataset, n_items, recall_ndcg, sequences};

#[derive(Parser)]
struct Args {
    #[arg(long, default_value = "lightgcnpp-ml-1m")]
    data: String,
    #[arg(long, default_value_t = 64)]
    vector_size: usize,
    #[arg(long)]
    window: Option<usize>,
    #[arg(long, default_value_t = 5)]
    negative: usize,
    #[arg(long, default_value_t = 0.75)]
    ns_exponent: f64,
    #[arg(long, default_value_t = 1e-3)]
    sample: f64,
    #[arg(long, default_value_t = 0.025)]
    alpha: f64,
    #[arg(long, default_value_t = 20)]
    epochs: usize,
    #[arg(long, default_value_t = 2)]
    workers: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Read histories in another order each epoch.
    #[arg(long)]
    shuffle: bool,
    /// Choose by this: a tenth of each user's training items are held out, and the test is not read.
    #[arg(long)]
    validate: bool,
    /// The mean of the window predicts, instead of each event of it.
    #[arg(long)]
    cbow: bool,
    /// Passed by cargo.
    #[arg(long)]
    bench: bool,
}

fn main() {
    let args = Args::parse();
    let Some(root) = data(&args.data) else { return };
    let train = sequences(&root.join("train.txt.gz"));
    let (train, test) = match args.validate {
        true => held_out(&train),
        false => (train, sequences(&root.join("test.txt.gz"))),
    };
    let train = dataset(&train, n_items(&train).max(n_items(&test)));
    let config = Item2Vec {
        vector_size: args.vector_size,
        window: args.window,
        shrink_windows: false,
        shuffle: args.shuffle,
        negative: args.negative,
        ns_exponent: args.ns_exponent,
        sample: args.sample,
        alpha: args.alpha,
        epochs: args.epochs,
        workers: args.workers,
        architecture: if args.cbow { Architecture::Cbow } else { Architecture::SkipGram },
        ..Item2Vec::default()
    };
    let start = Instant::now();
    let mut ctx =
        FitContext { seed: args.seed, threads: Some(args.workers), ..FitContext::default() };
    let model = config.fit(&train, &mut ctx).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    println!("{} seconds {seconds:.2}", args.data);
    for score in [ItemScore::Cosine, ItemScore::Output] {
        let model = model.clone().with_score(score).unwrap();
        let (recall, ndcg) = recall_ndcg(&model, &test, 20);
        println!("{score:?} recall@20 {recall:.4} ndcg@20 {ndcg:.4}");
    }
}

/// A tenth of each history, drawn at random, apart from the rest.
fn held_out(users: &[Vec<u32>]) -> (Vec<Vec<u32>>, Vec<Vec<u32>>) {
    let mut rng = rec_core::rng::stream(1, "bench.validation", 0);
    let parted = users.iter().map(|items| {
        let n = items.len().div_ceil(10).min(items.len().saturating_sub(1));
        let chosen = rand::seq::index::sample(&mut rng, items.len(), n).into_vec();
        let held = chosen.iter().map(|&at| items[at]).collect();
        let kept = (0..items.len()).filter(|at| !chosen.contains(at)).map(|at| items[at]).collect();
        (kept, held)
    });
    parted.unzip()
}
