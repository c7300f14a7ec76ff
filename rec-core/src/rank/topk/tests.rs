//! Selection against a full sort, with many ties and all filters.

use proptest::prelude::*;

use super::*;
use crate::rank::{Factors, dot};

/// Small integer factors, so that scores tie often and every order of summation is exact.
#[derive(Debug, Clone)]
struct Small {
    dim: usize,
    users: Vec<f32>,
    items: Vec<f32>,
    bias: Option<Vec<f32>>,
    fused: bool,
}

impl Small {
    fn as_factors(&self) -> Factors<'_> {
        Factors {
            dim: self.dim,
            users: &self.users,
            items: &self.items,
            item_bias: self.bias.as_deref(),
        }
    }
}

impl Scorer for Small {
    fn n_users(&self) -> usize {
        self.users.len() / self.dim
    }
    fn n_items(&self) -> usize {
        self.items.len() / self.dim
    }
    fn score(&self, users: &[u32], out: &mut [f32]) -> Result<()> {
        for (&user, row) in users.iter().zip(out.chunks_exact_mut(self.n_items())) {
            for (i, (to, item)) in row.iter_mut().zip(self.items.chunks(self.dim)).enumerate() {
                *to = dot(&self.users[user as usize * self.dim..][..self.dim], item)
                    + self.bias.as_ref().map_or(0.0, |b| b[i]);
            }
        }
        Ok(())
    }
    fn factors(&self) -> Option<Factors<'_>> {
        self.fused.then(|| self.as_factors())
    }
}

/// The same by sorting everything.
fn by_sorting(scorer: &Small, users: &[u32], s: &Selection<'_>) -> Vec<Vec<(u32, f32)>> {
    let m = scorer.n_items();
    let mut scores = vec![0.0; m];
    let holds = |t: Option<&Csr>, u: u32, i: u32| t.is_some_and(|t| t.contains(u as usize, i));
    let rank = |(row, &user): (usize, &u32)| {
        scorer.score(&[user], &mut scores).unwrap();
        let mut all: Vec<(u32, f32)> = (0..m as u32)
            .filter(|i| s.allow.is_none_or(|a| a.contains(i)) && !s.block.contains(i))
            .filter(|i| s.candidates.is_none_or(|c| c[row].contains(i)))
            .filter(|&i| !holds(s.seen, user, i))
            .map(|i| (i, scores[i as usize]))
            .filter(|&(_, score)| score > f32::NEG_INFINITY)
            .collect();
        let loses = |i: u32| holds(s.losing_ties, user, i);
        all.sort_by(|&a, &b| {
            b.1.total_cmp(&a.1).then(loses(a.0).cmp(&loses(b.0))).then(a.0.cmp(&b.0))
        });
        all.truncate(s.k);
        all
    };
    users.iter().enumerate().map(rank).collect()
}

fn rows_of(top: &TopK) -> Vec<Vec<(u32, f32)>> {
    (0..top.n_rows())
        .map(|r| top.row(r).0.iter().copied().zip(top.row(r).1.iter().copied()).collect())
        .collect()
}

fn small(max_items: usize) -> impl Strategy<Value = Small> {
    let dims = prop_oneof![Just(1usize), Just(3), Just(8), Just(11), Just(64)];
    (dims, 1usize..70, 1..max_items, any::<bool>(), 1i32..4, any::<u64>()).prop_map(
        |(dim, n, m, biased, range, seed)| {
            let mut rng = crate::rng::stream(seed, "factors", 0);
            let mut draw = |len: usize| -> Vec<f32> {
                use rand::RngExt as _;
                (0..len).map(|_| rng.random_range(-range..=range) as f32).collect()
            };
            Small {
                dim,
                users: draw(n * dim),
                items: draw(m * dim),
                bias: biased.then(|| draw(m)),
                fused: false,
            }
        },
    )
}

fn subset(n: usize, keep: u64, seed: u64) -> Vec<u32> {
    (0..n as u32).filter(|&i| crate::rng::mix(seed ^ u64::from(i)) % 100 < keep).collect()
}

fn table(n: usize, m: usize, keep: u64, seed: u64) -> Csr {
    let rows = (0..n as u64).map(|u| subset(m, keep, crate::rng::mix(seed ^ u << 32)));
    Csr::from_rows(rows.map(|r| r.into_iter().map(|i| (i, 1.0)).collect()), m)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn equals_a_full_sort_on_both_paths(
        scorer in small(600), k in 1usize..40, seed: u64, filters in 0u32..32,
    ) {
        let (n, m) = (scorer.n_users(), scorer.n_items());
        let users: Vec<u32> = (0..n as u64 + 3).map(|u| (u * 7 % n as u64) as u32).collect();
        let on = |bit: u32| filters >> bit & 1 == 1;
        let seen = table(n, m, 20, seed);
        let losing = table(n, m, 30, !seed);
        let allow = subset(m, 60, seed ^ 1);
        let block = subset(m, 10, seed ^ 2);
        let lists: Vec<_> = (0..users.len() as u64).map(|u| subset(m, 40, seed ^ u)).collect();
        let lists: Vec<&[u32]> = lists.iter().map(|l| &l[..]).collect();
        let selection = Selection {
            k,
            seen: on(0).then_some(&seen),
            allow: on(1).then_some(&allow),
            block: if on(2) { &block } else { &[] },
            candidates: on(3).then_some(&lists),
            losing_ties: on(4).then_some(&losing),
        };
        let want = by_sorting(&scorer, &users, &selection);
        let by_rows = top_k(&scorer, &users, &selection).unwrap();
        prop_assert_eq!(rows_of(&by_rows), want);
        let fused = Small { fused: true, ..scorer };
        prop_assert_eq!(top_k(&fused, &users, &selection).unwrap(), by_rows);
    }
}
