//! Ranking metrics of 100,000 users: `cargo bench -p rec-core --bench metrics`. Lists of the same shape, by
//! ranx and RecTools: `benches/peers/metrics.py`.
//!
//! Prints the median wall time in ms of judging all users with 2 threads, per-user values kept.

use std::time::Instant;

use rand::RngExt as _;
use rec_core::Result;
use rec_core::data::Csr;
use rec_core::metrics::{ListOptions, Metric, RankedLists, evaluate_lists};
use rec_core::rng::stream;

const METRICS: [&str; 8] = [
    "precision@20",
    "recall@20",
    "hr@20",
    "mrr@20",
    "map_full@20",
    "ndcg_linear@20",
    "ndcg_exp@20",
    "r_precision",
];

fn main() -> Result<()> {
    for n_users in [100_000, 200_000] {
        let (lists, relevant) = lists(n_users, 20_000, 20);
        let all = Metric::parse_all(&METRICS)?;
        let one = all[5..6].to_vec();
        for (what, metrics, bootstrap) in [
            ("8 metrics", all.clone(), 0),
            ("ndcg alone", one, 0),
            ("8 metrics, intervals", all, 1000),
        ] {
            let mut options = ListOptions::new(metrics);
            options.bootstrap = bootstrap;
            options.threads = Some(2);
            let mut times = Vec::new();
            for _ in 0..if bootstrap > 0 { 3 } else { 15 } {
                let start = Instant::now();
                let report = evaluate_lists(&lists, &relevant, &options)?;
                times.push(start.elapsed().as_secs_f64() * 1e3);
                assert_eq!(report.counts.users, n_users);
            }
            times.sort_by(f64::total_cmp);
            println!("{n_users} users, {what}: {:.1} ms", times[times.len() / 2]);
        }
    }
    Ok(())
}

/// Lists of `k` distinct items, and 5 to 15 relevant ones a user, half of them drawn from the list.
fn lists(n_users: usize, n_items: u32, k: usize) -> (RankedLists, Csr) {
    let mut rng = stream(1, "bench-metrics", 0);
    let mut lists = RankedLists::default();
    let mut rows = Vec::with_capacity(n_users);
    for _ in 0..n_users {
        let mut list: Vec<u32> = Vec::with_capacity(k);
        while list.len() < k {
            let item = rng.random_range(0..n_items);
            if !list.contains(&item) {
                list.push(item);
            }
        }
        let mut row: Vec<(u32, f32)> = Vec::new();
        for _ in 0..rng.random_range(5..=15) {
            let item = match rng.random_range(0..2) {
                0 => list[rng.random_range(0..k)],
                _ => rng.random_range(0..n_items),
            };
            if row.iter().all(|e| e.0 != item) {
                row.push((item, rng.random_range(1..=4) as f32));
            }
        }
        lists.push(list);
        rows.push(row);
    }
    (lists, Csr::from_rows(rows, n_items as usize))
}
