//! Top-k selection over factors with seen items removed, to set beside `benches/peers/topk.py`,
//! which makes the same data.
//!
//! `cargo bench -p rec-core --bench topk -- --data gaussian --users 10000 --items 200000 --dim 64
//! --k 100 --threads 2 --runs 5` prints the median seconds and a sum over the ranked items, which
//! must be the peers'. Data: `gaussian`, or `skewed` with norms that fall as
//! `(1 + item / 1000)^-½`. `--path rows` selects from whole rows of scores instead.

use std::time::Instant;

use rayon::prelude::*;
use rec_core::data::Csr;
use rec_core::rank::{Factors, Scorer, Selection, top_k};
use rec_core::{Result, parallel, rng};

struct Model {
    dim: usize,
    users: Vec<f32>,
    items: Vec<f32>,
    fused: bool,
}

impl Model {
    fn as_factors(&self) -> Factors<'_> {
        Factors { dim: self.dim, users: &self.users, items: &self.items, item_bias: None }
    }
}

impl Scorer for Model {
    fn n_users(&self) -> usize {
        self.users.len() / self.dim
    }
    fn n_items(&self) -> usize {
        self.items.len() / self.dim
    }
    fn score(&self, users: &[u32], out: &mut [f32]) -> Result<()> {
        self.as_factors().score(users, out)
    }
    fn factors(&self) -> Option<Factors<'_>> {
        self.fused.then(|| self.as_factors())
    }
}

/// The `at`-th uniform number of a stream.
fn uniform(stream: u64, at: u64) -> f64 {
    (rng::mix(stream << 40 | at) >> 11) as f64 / (1u64 << 53) as f64
}

/// Standard normal numbers (Box and Muller).
fn normal(stream: u64, n: usize) -> Vec<f32> {
    let draw = |at| {
        let radius = (-2.0 * (1.0 - uniform(stream, at)).ln()).sqrt();
        (radius * (std::f64::consts::TAU * uniform(stream + 1, at)).cos()) as f32
    };
    (0..n as u64).into_par_iter().map(draw).collect()
}

/// Processor seconds used so far by all threads (Linux; 0 elsewhere): what to compare on a machine
/// that others use too.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks =
        after_name.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// The value of `--name`, or the default.
fn arg(name: &str, default: &str) -> String {
    let mut args = std::env::args();
    args.find(|a| *a == format!("--{name}")).and_then(|_| args.next()).unwrap_or(default.into())
}

fn number(name: &str, default: usize) -> usize {
    arg(name, "").parse().unwrap_or(default)
}

fn main() -> Result<()> {
    let (n, m) = (number("users", 10_000), number("items", 200_000));
    let (dim, k, n_seen) = (number("dim", 64), number("k", 100), number("seen", 50));
    let (data, path, threads) =
        (arg("data", "gaussian"), arg("path", "factors"), number("threads", 2));
    let (users, mut items) = (normal(1, n * dim), normal(3, m * dim));
    if data == "skewed" {
        for (item, row) in items.chunks_exact_mut(dim).enumerate() {
            let scale = (1.0 + item as f64 / 1000.0).powf(-0.5) as f32;
            row.iter_mut().for_each(|x| *x *= scale);
        }
    }
    let model = Model { dim, users, items, fused: path != "rows" };
    let had = |u: u64| (0..n_seen as u64).map(move |s| u * n_seen as u64 + s);
    let seen = Csr::from_rows(
        (0..n as u64).map(|u| had(u).map(|at| ((uniform(5, at) * m as f64) as u32, 1.0)).collect()),
        m,
    );
    let selection = Selection { seen: Some(&seen), ..Selection::top(k) };
    let all: Vec<u32> = (0..n as u32).collect();
    let (mut seconds, mut processor) = (Vec::new(), Vec::new());
    let mut sum = 0u64;
    for _ in 0..number("runs", 5) {
        let (start, used) = (Instant::now(), processor_seconds());
        let top = parallel::install(Some(threads), || top_k(&model, &all, &selection))?;
        seconds.push(start.elapsed().as_secs_f64());
        processor.push(processor_seconds() - used);
        sum = (0..top.n_rows()).flat_map(|row| top.row(row).0).map(|&i| u64::from(i)).sum();
    }
    seconds.sort_by(f64::total_cmp);
    processor.sort_by(f64::total_cmp);
    println!(
        "rec {path}: {data}, {n} users × {m} items × {dim}, top {k}, {n_seen} seen, {threads} \
         threads: median {:.3} s, best {:.3} s, processor {:.2} s; sum of items {sum}",
        seconds[seconds.len() / 2],
        seconds[0],
        processor[processor.len() / 2],
    );
    Ok(())
}
