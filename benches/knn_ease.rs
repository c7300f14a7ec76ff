//! Neighbourhood models, EASE and SLIM: quality on real data, and fitting time beside the peers
//! (`benches/peers/knn_ease.py` prints theirs).
//!
//! ```sh
//! cargo bench -p rec-models --bench knn_ease -- quality | fit | ease | sequence | tune
//! ```

#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first failure")]

mod support;

use std::time::Instant;

use rec_core::data::Dataset;
use rec_models::collab::{CoTransition, Ease, ItemKnn, Popular, Similarity, Slim, UserKnn};
use rec_models::fit::{Fit, FitContext, Model};
use support::{data, dataset, hit_rate, n_items, recall_ndcg, sequences};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let wanted = |job: &str| args.is_empty() || args.iter().any(|a| a == job);
    if wanted("quality") {
        quality("lightgcnpp-ml-1m");
        quality("gowalla");
    }
    if wanted("fit") {
        fit_times();
    }
    if wanted("ease") {
        ease_times();
    }
    if wanted("sequence") {
        sequence();
    }
    if args.iter().any(|a| a == "tune-slim") {
        tune_slim();
    }
    if args.iter().any(|a| a == "tune") {
        tune();
    }
}

fn ctx() -> FitContext<'static> {
    FitContext { threads: Some(2), ..FitContext::default() }
}

fn timed<F: Fit>(estimator: &F, data: &Dataset) -> (F::Model, f64) {
    let start = Instant::now();
    let model = estimator.fit(data, &mut ctx()).unwrap();
    (model, start.elapsed().as_secs_f64())
}

fn similarities() -> [(&'static str, Similarity); 5] {
    [
        ("cosine", Similarity::Cosine),
        ("jaccard", Similarity::Jaccard),
        ("tf_idf", Similarity::TfIdf),
        ("bm25", Similarity::bm25()),
        ("dot", Similarity::Dot),
    ]
}

fn split(name: &str) -> Option<(Dataset, Vec<Vec<u32>>)> {
    let train = sequences(&data(&format!("{name}/train.txt.gz"))?);
    let mut test = sequences(&data(&format!("{name}/test.txt.gz"))?);
    test.resize(train.len().max(test.len()), Vec::new());
    let n = n_items(&train).max(n_items(&test));
    Some((dataset(&train, n), test))
}

fn quality(name: &str) {
    let Some((train, test)) = split(name) else { return };
    println!("{name}: model, Recall@20, NDCG@20, seconds to fit");
    let report = |label: String, (model, seconds): (&dyn Model, f64)| {
        let (recall, ndcg) = recall_ndcg(model, &test, 20);
        println!("  {label:28} {recall:.4} {ndcg:.4} {seconds:8.2}");
    };
    let (model, seconds) = timed(&Popular::default(), &train);
    report("popular".into(), (&model, seconds));
    for (label, similarity) in similarities() {
        let (model, seconds) = timed(&ItemKnn { similarity, k: 99, ..ItemKnn::default() }, &train);
        report(format!("item_knn {label} k=99"), (&model, seconds));
    }
    let (model, seconds) = timed(&UserKnn::default(), &train);
    report("user_knn cosine k=100".into(), (&model, seconds));
    if train.interactions.n_items() < 10_000 {
        let (model, seconds) = timed(&Ease::default(), &train);
        report("ease l2=1000".into(), (&model, seconds));
        let (model, seconds) = timed(&Slim::default(), &train);
        report("slim".into(), (&model, seconds));
    }
}

/// The median of five runs, and their mean processor time: on a machine that others use too, the
/// figure to compare.
fn median(mut of: impl FnMut() -> f64) -> String {
    let before = processor_seconds();
    let mut times: Vec<f64> = (0..5).map(|_| of()).collect();
    let processor = (processor_seconds() - before) / 5.0;
    times.sort_by(f64::total_cmp);
    format!("{:.3} s (processor {processor:.3} s)", times[2])
}

/// User and system time of this process so far, where Linux tells.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks.filter_map(|t| t.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn fit_times() {
    for name in ["lightgcnpp-ml-1m", "gowalla"] {
        let Some((train, _)) = split(name) else { continue };
        for (label, similarity) in similarities() {
            let knn = ItemKnn { similarity, k: 99, ..ItemKnn::default() };
            let seconds = median(|| timed(&knn, &train).1);
            println!("fit {name} item_knn {label}: {seconds}");
        }
    }
}

/// A generated catalogue: `n` items, users of 50 events drawn with Zipf-like popularity.
fn generated(n: usize, n_users: usize) -> Dataset {
    let mut state = 1u64;
    let mut uniform = || {
        state = rec_core::rng::mix(state);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let users: Vec<Vec<u32>> = (0..n_users)
        .map(|_| {
            let mut row: Vec<u32> =
                (0..50).map(|_| (n as f64 * uniform().powi(3)) as u32).collect();
            row.sort_unstable();
            row.dedup();
            row
        })
        .collect();
    dataset(&users, n)
}

fn ease_times() {
    if let Some((train, test)) = split("lightgcnpp-ml-1m") {
        let seconds = median(|| timed(&Ease::default(), &train).1);
        let (model, _) = timed(&Ease::default(), &train);
        let start = Instant::now();
        let (recall, ndcg) = recall_ndcg(&model, &test, 20);
        let scored = start.elapsed().as_secs_f64();
        let mut alone = FitContext { threads: Some(1), ..FitContext::default() };
        let again = Ease::default().fit(&train, &mut alone).unwrap();
        println!("one thread gives the same weights: {}", again.weights() == model.weights());
        println!(
            "ease lightgcnpp-ml-1m: {seconds}, {recall:.4} {ndcg:.4}, all users scored in {scored:.2} s"
        );
    }
    let large = generated(8_000, 20_000);
    let seconds = median(|| timed(&Ease::default(), &large).1);
    println!("ease 8000 generated items: {seconds}");
}

/// A sequence file cut for leave-one-out: `(train, validation item, test item)`.
type Cut = (Vec<Vec<u32>>, Vec<Option<u32>>, Vec<Option<u32>>);

fn cut(file: &str) -> Option<(Cut, usize)> {
    let mut train = sequences(&data(file)?);
    let n = n_items(&train);
    let (mut valid, mut test) = (vec![None; train.len()], vec![None; train.len()]);
    for (u, sequence) in train.iter_mut().enumerate() {
        if sequence.len() >= 3 {
            test[u] = sequence.pop();
            valid[u] = sequence.pop();
        }
    }
    Some(((train, valid, test), n))
}

const SEQUENCES: [&str; 3] =
    ["ml-1m/ml-1m_sas.txt.gz", "s3rec/Beauty.txt.gz", "s3rec/Sports_and_Outdoors.txt.gz"];

fn sequence() {
    for file in SEQUENCES {
        let Some(((train, valid, test), n)) = cut(file) else { continue };
        let (model, seconds) = timed(&CoTransition::default(), &dataset(&train, n));
        let v = hit_rate(&model, &train, &valid, 10);
        let t = hit_rate(&model, &train, &test, 10);
        let longer: Vec<Vec<u32>> =
            train.iter().zip(&valid).map(|(s, v)| s.iter().copied().chain(*v).collect()).collect();
        let l = hit_rate(&model, &longer, &test, 10);
        let (refit, _) = timed(&CoTransition::default(), &dataset(&longer, n));
        let r = hit_rate(&refit, &longer, &test, 10);
        println!(
            "{file}: HR@10/NDCG@10 validation {:.4}/{:.4}, test {:.4}/{:.4}, with the validation \
             item as history {:.4}/{:.4}, fitted with it {:.4}/{:.4}; {seconds:.2} s",
            v.0, v.1, t.0, t.1, l.0, l.1, r.0, r.1
        );
    }
}

/// Coordinate search on the validation items of the three sequence sets: the mean of NDCG@10
/// relative to the start.
fn tune() {
    let sets: Vec<_> = SEQUENCES.iter().filter_map(|f| cut(f)).collect();
    let data: Vec<Dataset> = sets.iter().map(|((train, ..), n)| dataset(train, *n)).collect();
    let figures = |c: &CoTransition| -> Vec<f64> {
        let of = |(((train, valid, _), _), data): (&(Cut, usize), &Dataset)| {
            hit_rate(&timed(c, data).0, train, valid, 10).1
        };
        sets.iter().zip(&data).map(of).collect()
    };
    let mut best = CoTransition::default();
    let start = figures(&best);
    let mut top = 1.0;
    println!("start {start:.4?}");
    for _ in 0..2 {
        for change in changes() {
            let mut tried = best.clone();
            let label = change(&mut tried);
            let found = figures(&tried);
            let ratio =
                found.iter().zip(&start).map(|(f, s)| f / s).sum::<f64>() / start.len() as f64;
            println!("{label:24} {found:.4?} {ratio:.4}");
            if ratio > top {
                (top, best) = (ratio, tried);
            }
        }
        println!("best so far {best:?} {top:.4}");
    }
}

/// SLIM's penalties on the validation part of lightgcnpp-ml-1m.
fn tune_slim() {
    let Some((train, _)) = split("lightgcnpp-ml-1m") else { return };
    let Some(path) = data("lightgcnpp-ml-1m/valid.txt.gz") else { return };
    let mut valid = sequences(&path);
    valid.resize(train.interactions.n_users(), Vec::new());
    for (l1, l2) in [(1.0, 100.0), (1.0, 500.0), (5.0, 500.0), (1.0, 1000.0), (5.0, 100.0)] {
        let (model, seconds) = timed(&Slim { l1, l2, ..Slim::default() }, &train);
        let (recall, ndcg) = recall_ndcg(&model, &valid, 20);
        println!("slim l1={l1} l2={l2}: {recall:.4} {ndcg:.4}, {seconds:.1} s");
    }
}

type Change = Box<dyn Fn(&mut CoTransition) -> String>;

fn changes() -> Vec<Change> {
    let mut all: Vec<Change> = Vec::new();
    for v in [1, 2, 3, 5, 10, 20] {
        all.push(Box::new(move |c| {
            c.window = v;
            format!("window {v}")
        }));
    }
    for v in [0.0, 0.5, 1.0, 1.5, 2.0] {
        all.push(Box::new(move |c| {
            c.decay = v;
            format!("decay {v}")
        }));
        all.push(Box::new(move |c| {
            c.recency = v;
            format!("recency {v}")
        }));
    }
    for v in [0.0, 0.1, 0.25, 0.5, 0.75, 1.0] {
        all.push(Box::new(move |c| {
            c.backward = v;
            format!("backward {v}")
        }));
        all.push(Box::new(move |c| {
            c.target_power = v;
            format!("target_power {v}")
        }));
        all.push(Box::new(move |c| {
            c.source_power = v;
            format!("source_power {v}")
        }));
    }
    for v in [1, 2, 5, 10, 20, 50] {
        all.push(Box::new(move |c| {
            c.last_n = v;
            format!("last_n {v}")
        }));
    }
    for v in [50, 100, 300, 1000] {
        all.push(Box::new(move |c| {
            c.k = v;
            format!("k {v}")
        }));
    }
    all
}
