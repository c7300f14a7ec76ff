//! Files and figures that the benchmarks of collaborative models share.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use rec_core::data::{Dataset, IdMap, IdMaps, Interactions, TimeUnit};
use rec_core::rank::{History, Recommend};

/// The folder of real data sets, or `None` with a message where it is absent.
pub(crate) fn data(file: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(file);
    if !path.exists() {
        eprintln!("skipped: no {}", path.display());
        return None;
    }
    Some(path)
}

/// What a gzip file holds.
pub(crate) fn text(path: &Path) -> String {
    let mut text = String::new();
    let file = std::fs::File::open(path).unwrap();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    text
}

/// Lines of whitespace-separated numbers, from a gzip file.
fn lines(path: &Path) -> Vec<Vec<u32>> {
    text(path).lines().map(|l| l.split_whitespace().map(|t| t.parse().unwrap()).collect()).collect()
}

/// Sequences by user: `user item item …` lines, or `user item` pairs.
pub(crate) fn sequences(path: &Path) -> Vec<Vec<u32>> {
    let mut users: Vec<Vec<u32>> = Vec::new();
    for line in lines(path) {
        let user = line[0] as usize;
        if users.len() <= user {
            users.resize(user + 1, Vec::new());
        }
        users[user].extend(&line[1..]);
    }
    users
}

/// A data set of sequences, items numbered as they are.
pub(crate) fn dataset(users: &[Vec<u32>], n_items: usize) -> Dataset {
    let ids = IdMaps::shared(IdMap::range(users.len()), IdMap::range(n_items));
    of_ids(users, ids)
}

fn of_ids(users: &[Vec<u32>], ids: Arc<IdMaps>) -> Dataset {
    let who: Vec<u32> =
        users.iter().enumerate().flat_map(|(u, s)| s.iter().map(move |_| u as u32)).collect();
    let items = users.iter().flatten().copied().collect();
    Interactions::from_columns(ids, &who, items, None, None, TimeUnit::Unknown).unwrap().into()
}

/// One more than the largest item.
pub(crate) fn n_items(users: &[Vec<u32>]) -> usize {
    users.iter().flatten().max().map_or(0, |&i| i as usize + 1)
}

/// Recall and NDCG at `k` over every user with test items; training items removed, ties lost.
pub(crate) fn recall_ndcg(model: &dyn Recommend, test: &[Vec<u32>], k: usize) -> (f64, f64) {
    let users: Vec<u32> =
        (0..test.len() as u32).filter(|&u| !test[u as usize].is_empty()).collect();
    let sums = users
        .par_chunks(16)
        .map(|block| {
            let m = model.n_items();
            let mut scores = vec![0f32; block.len() * m];
            model.score(block, &mut scores).unwrap();
            let per = block.iter().zip(scores.chunks_exact_mut(m)).map(|(&u, row)| {
                let seen: Vec<usize> =
                    model.seen().row(u as usize).iter().map(|&i| i as usize).collect();
                one_user(row, &seen, &test[u as usize], k)
            });
            per.fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1))
        })
        .reduce(|| (0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
    (sums.0 / users.len() as f64, sums.1 / users.len() as f64)
}

fn one_user(row: &mut [f32], seen: &[usize], test: &[u32], k: usize) -> (f64, f64) {
    let mut wanted: Vec<f32> = test.iter().map(|&i| row[i as usize]).collect();
    for &i in seen {
        row[i] = f32::NEG_INFINITY;
    }
    test.iter().for_each(|&i| row[i as usize] = f32::NEG_INFINITY);
    wanted.sort_by(|a, b| b.total_cmp(a));
    let others = row.len().min(k);
    row.select_nth_unstable_by(others - 1, |a, b| b.total_cmp(a));
    let best = &mut row[..others];
    best.sort_by(|a, b| b.total_cmp(a));
    let gain = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
    let (mut hits, mut dcg) = (0.0, 0.0);
    for (ahead, s) in wanted.iter().enumerate() {
        let rank = best.partition_point(|b| b >= s) + ahead;
        if rank < k {
            hits += 1.0;
            dcg += gain(rank);
        }
    }
    let ideal: f64 = (0..test.len().min(k)).map(gain).sum();
    (hits / test.len() as f64, dcg / ideal)
}

/// HR and NDCG at `k` of one target for each user; `history` is scored and removed, ties lost.
pub(crate) fn hit_rate(
    model: &dyn Recommend,
    histories: &[Vec<u32>],
    targets: &[Option<u32>],
    k: usize,
) -> (f64, f64) {
    let users: Vec<usize> = (0..targets.len()).filter(|&u| targets[u].is_some()).collect();
    let sums = users
        .par_chunks(16)
        .map(|block| {
            let m = model.n_items();
            let mut scores = vec![0f32; block.len() * m];
            let told: Vec<History> =
                block.iter().map(|&u| histories[u].iter().map(|&i| (i, 1.0)).collect()).collect();
            model.score_histories(&told, &mut scores).unwrap();
            let mut sum = (0.0, 0.0);
            for (&u, row) in block.iter().zip(scores.chunks_exact_mut(m)) {
                let target = targets[u].unwrap() as usize;
                let wanted = row[target];
                histories[u].iter().for_each(|&i| row[i as usize] = f32::NEG_INFINITY);
                row[target] = f32::NEG_INFINITY;
                row[0] = f32::NEG_INFINITY; // the files number items from 1
                let rank = row.iter().filter(|&&s| s >= wanted).count();
                if rank < k {
                    sum.0 += 1.0;
                    sum.1 += 1.0 / (rank as f64 + 2.0).log2();
                }
            }
            sum
        })
        .reduce(|| (0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
    (sums.0 / users.len() as f64, sums.1 / users.len() as f64)
}
