//! Training time and quality of ALS and BPR, to set beside `benches/peers/als_bpr.py`.
//!
//! `cargo bench -p rec-models --bench als_bpr -- --data gowalla --model als --alpha 10 --threads 2`
//! prints seconds of training (the median of `--runs`), Recall@20 and NDCG@20 by the protocol of
//! the published figures: training items removed, all items ranked, every test user counted. The
//! data is looked for in `../shared/data`; without it the benchmark says so and ends.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Parser;
use flate2::read::GzDecoder;
use rec_core::data::{Csr, Dataset, IdMap, IdMaps, Interactions};
use rec_core::rank::{Selection, top_k};
use rec_models::collab::{Als, AlsSolver, Bpr, BprNegatives};
use rec_models::fit::{Fit, FitContext, Model};

#[derive(Parser)]
struct Args {
    /// A folder of ../shared/data with train.txt.gz and test.txt.gz.
    #[arg(long, default_value = "lightgcnpp-ml-1m")]
    data: String,
    /// als, als-cholesky or bpr.
    #[arg(long, default_value = "als")]
    model: String,
    #[arg(long, default_value_t = 64)]
    factors: usize,
    #[arg(long, default_value_t = 0.01)]
    l2: f32,
    #[arg(long, default_value_t = 1.0)]
    alpha: f32,
    #[arg(long, default_value_t = 15)]
    epochs: usize,
    /// Of BPR.
    #[arg(long, default_value_t = 0.01)]
    learning_rate: f32,
    /// Of BPR: negatives by popularity to this power; 0 is uniform, 1 is implicit's.
    #[arg(long, default_value_t = 1.0)]
    popularity: f64,
    /// Threads, and workers of BPR.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, default_value_t = 1)]
    runs: usize,
    /// Passed by cargo.
    #[arg(long)]
    bench: bool,
}

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let args = Args::parse();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(&args.data);
    if !root.join("train.txt.gz").is_file() {
        println!("skipped: no {}", root.display());
        return Ok(());
    }
    let (train, test) = read(&root)?;
    match args.model.as_str() {
        "als" => run(&als(&args, AlsSolver::default()), &args, &train, &test),
        "als-cholesky" => run(&als(&args, AlsSolver::Cholesky), &args, &train, &test),
        "bpr" => run(&bpr(&args), &args, &train, &test),
        other => Err(format!("no model {other:?}; choose als, als-cholesky or bpr").into()),
    }
}

fn als(args: &Args, solver: AlsSolver) -> Als {
    let Args { factors, l2, alpha, epochs, .. } = *args;
    Als { factors, l2, alpha, epochs, solver }
}

fn bpr(args: &Args) -> Bpr {
    let Args { factors, l2, epochs, learning_rate, popularity, .. } = *args;
    let negatives = match popularity {
        0.0 => BprNegatives::Uniform,
        alpha => BprNegatives::Popularity { alpha },
    };
    let workers = args.threads;
    Bpr { factors, l2, epochs, learning_rate, negatives, workers, ..Bpr::default() }
}

fn run<F: Fit>(estimator: &F, args: &Args, train: &Dataset, test: &Csr) -> Outcome<()> {
    let mut seconds = Vec::new();
    let cpu = cpu_seconds();
    let mut fitted = None;
    for _ in 0..args.runs.max(1) {
        let mut ctx =
            FitContext { seed: args.seed, threads: Some(args.threads), ..FitContext::default() };
        let start = Instant::now();
        fitted = Some(estimator.fit(train, &mut ctx)?);
        seconds.push(start.elapsed().as_secs_f64());
    }
    let cpu = cpu_seconds().zip(cpu).map_or(f64::NAN, |(now, then)| now - then);
    seconds.sort_by(f64::total_cmp);
    if let Some(model) = fitted {
        let (recall, ndcg) = evaluate(&model, test)?;
        println!(
            "{} {} seconds {:.3} cpu {:.2} recall@20 {recall:.4} ndcg@20 {ndcg:.4}",
            args.data,
            args.model,
            seconds[seconds.len() / 2],
            cpu / seconds.len() as f64
        );
    }
    Ok(())
}

/// Processor time of this process so far, where the system tells (Linux): on a busy machine it
/// says more than the clock. Ticks of 10 ms.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let after_name = stat.rsplit(')').next()?;
    let ticks = after_name.split_ascii_whitespace().skip(11).take(2).map(str::parse::<f64>);
    ticks.sum::<Result<f64, _>>().ok().map(|ticks| ticks / 100.0)
}

/// Lines `user item item …`; ids are dense already.
fn lines(path: PathBuf) -> Outcome<Vec<(u32, u32)>> {
    let mut pairs = Vec::new();
    for line in BufReader::new(GzDecoder::new(std::fs::File::open(path)?)).lines() {
        let line = line?;
        let mut numbers = line.split_ascii_whitespace().map(str::parse::<u32>);
        if let Some(user) = numbers.next().transpose()? {
            for item in numbers {
                pairs.push((user, item?));
            }
        }
    }
    Ok(pairs)
}

fn read(root: &Path) -> Outcome<(Dataset, Csr)> {
    let train = lines(root.join("train.txt.gz"))?;
    let test = lines(root.join("test.txt.gz"))?;
    let valid = lines(root.join("valid.txt.gz")).unwrap_or_default();
    let most = |f: fn(&(u32, u32)) -> u32| {
        train.iter().chain(&test).chain(&valid).map(f).max().map_or(0, |m| m as usize + 1)
    };
    let (n, m) = (most(|p| p.0), most(|p| p.1));
    let matrix = |pairs: &[(u32, u32)]| {
        let mut rows = vec![Vec::new(); n];
        pairs.iter().for_each(|&(u, i)| rows[u as usize].push((i, 1.0)));
        Csr::from_rows(rows, m).binary()
    };
    let ids = IdMaps::shared(IdMap::range(n), IdMap::range(m));
    Ok((Interactions::from_csr(&matrix(&train), ids)?.into(), matrix(&test)))
}

fn evaluate(model: &dyn Model, test: &Csr) -> Outcome<(f64, f64)> {
    const K: usize = 20;
    let users: Vec<u32> =
        (0..test.n_rows() as u32).filter(|&u| !test.row(u as usize).is_empty()).collect();
    let selection = Selection { seen: Some(model.seen()), ..Selection::top(K) };
    let top = top_k(model, &users, &selection)?;
    let gain = |rank: usize| 1.0 / ((rank + 2) as f64).log2();
    let (mut recall, mut ndcg) = (0.0, 0.0);
    for (row, &user) in users.iter().enumerate() {
        let truth = test.row(user as usize);
        let hits: Vec<usize> = (top.row(row).0.iter().enumerate())
            .filter(|(_, item)| truth.binary_search(item).is_ok())
            .map(|(rank, _)| rank)
            .collect();
        recall += hits.len() as f64 / truth.len() as f64;
        let ideal: f64 = (0..truth.len().min(K)).map(gain).sum();
        ndcg += hits.into_iter().map(gain).sum::<f64>() / ideal;
    }
    Ok((recall / users.len() as f64, ndcg / users.len() as f64))
}
