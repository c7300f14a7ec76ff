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

/// The same scores for everyone, told to be so or not.
struct Alike {
    n: usize,
    scores: Vec<f32>,
    common: bool,
}

impl Scorer for Alike {
    fn n_users(&self) -> usize {
        self.n
    }
    fn n_items(&self) -> usize {
        self.scores.len()
    }
    fn score(&self, _: &[u32], out: &mut [f32]) -> Result<()> {
        out.chunks_exact_mut(self.scores.len()).for_each(|row| row.copy_from_slice(&self.scores));
        Ok(())
    }
    fn common_scores(&self) -> Option<&[f32]> {
        self.common.then_some(&self.scores)
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
    (dims, 1usize..140, 1..max_items, any::<bool>(), 1i32..4, any::<u64>()).prop_map(
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
    fn equals_a_full_sort_on_all_paths(
        scorer in small(900), k in 1usize..40, seed: u64, filters in 0u32..32,
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
        let mut first = vec![0.0; m];
        scorer.score(&[0], &mut first).unwrap();
        first.iter_mut().step_by(7).for_each(|score| *score = f32::NEG_INFINITY);
        let [common, copied] = [true, false].map(|common| Alike { n, scores: first.clone(), common });
        let by_rank = top_k(&common, &users, &selection).unwrap();
        prop_assert_eq!(by_rank, top_k(&copied, &users, &selection).unwrap());
        let fused = Small { fused: true, ..scorer };
        prop_assert_eq!(top_k(&fused, &users, &selection).unwrap(), by_rows);
    }
}

/// Rough factors: what the kernels round differently if they add up in another order.
fn rough(dim: usize, n: usize, m: usize) -> Small {
    let mut rng = crate::rng::stream(5, "rough", (dim * m) as u64);
    let mut draw = |len: usize| -> Vec<f32> {
        use rand::RngExt as _;
        (0..len).map(|_| rng.random_range(-1.0..1.0)).collect()
    };
    Small {
        dim,
        users: draw(n * dim),
        items: draw(m * dim),
        bias: (dim % 2 == 1).then(|| draw(m)),
        fused: true,
    }
}

#[test]
fn both_paths_give_one_answer_at_any_number_of_threads_and_for_any_company() {
    for (dim, n, m) in [
        (1, 70, 600),
        (3, 131, 515),
        (8, 64, 3000),
        (64, 150, 2049),
        (100, 97, 700),
        (257, 66, 1031),
    ] {
        let fused = rough(dim, n, m);
        let users: Vec<u32> = (0..n as u32).rev().collect();
        let seen = table(n, m, 5, dim as u64);
        let selection = Selection { seen: Some(&seen), ..Selection::top(20) };
        let want = by_sorting(&fused, &users, &selection);
        for threads in [1, 2, 3, 7] {
            let run = || top_k(&fused, &users, &selection);
            let top = crate::parallel::install(Some(threads), run).unwrap();
            assert_eq!(rows_of(&top), want, "dim {dim}, {threads} threads");
        }
        let rows = Small { fused: false, ..fused.clone() };
        assert_eq!(rows_of(&top_k(&rows, &users, &selection).unwrap()), want);
        // Few users take another way than many.
        for (row, user) in users.iter().enumerate().step_by(17) {
            let alone = top_k(&fused, &[*user], &selection).unwrap();
            assert_eq!(rows_of(&alone)[0], want[row], "dim {dim}, user {user} alone");
        }
        let mut scores = vec![0.0; 3 * m];
        fused.as_factors().score(&[5, 0, 2], &mut scores).unwrap();
        for (user, row) in [5, 0, 2].into_iter().zip(scores.chunks(m)) {
            let one = |i: usize| fused.as_factors().score_one(user, i as u32);
            assert!(row.iter().enumerate().all(|(i, &s)| s == one(i)));
        }
    }
}

#[test]
fn many_equal_scores_and_steep_norms_are_ranked_exactly() {
    let mut model = rough(16, 100, 2000);
    // Every item four times over, and lengths over four orders of magnitude.
    for i in 0..2000 {
        let scale = 0.8f32.powi((i % 500) as i32 / 12);
        for d in 0..16 {
            model.items[i * 16 + d] =
                model.items[i % 500 * 16 + d] * if i < 500 { scale } else { 1.0 };
        }
    }
    model.users[..32].fill(0.0);
    let users: Vec<u32> = (0..100).collect();
    let losing = table(100, 2000, 50, 9);
    for k in [1, 10, 499, 2000] {
        let selection = Selection { losing_ties: Some(&losing), ..Selection::top(k) };
        let top = top_k(&model, &users, &selection).unwrap();
        assert_eq!(rows_of(&top), by_sorting(&model, &users, &selection), "k {k}");
    }
}

#[test]
fn factors_that_are_not_numbers_are_refused_for_many_users_and_few() {
    for (at, value) in [(0, f32::NAN), (40_000, f32::NAN), (77, f32::INFINITY)] {
        let mut model = rough(64, 100, 1000);
        model.items[at] = value;
        // An infinite factor meets a zero: not a number either.
        model.users[at % 64] = 0.0;
        for n in [1, 100] {
            let users: Vec<u32> = (0..n).collect();
            let refused = top_k(&model, &users, &Selection::top(10));
            assert!(matches!(refused, Err(Error::Data { .. })), "{value} for {n} users");
        }
    }
    let mut model = rough(64, 100, 1000);
    model.users[70 * 64] = f32::NAN;
    let users: Vec<u32> = (0..100).collect();
    assert!(matches!(top_k(&model, &users, &Selection::top(10)), Err(Error::Data { .. })));
}

#[test]
fn what_does_not_fit_the_scorer_is_refused() {
    let model = rough(3, 5, 9);
    let top = |users: &[u32], s: &Selection<'_>| top_k(&model, users, s);
    let all = Selection::top(3);
    assert!(matches!(top(&[5], &all), Err(Error::Shape { .. })));
    assert!(matches!(top(&[0], &Selection { block: &[9], ..all }), Err(Error::Shape { .. })));
    assert!(matches!(
        top(&[0], &Selection { allow: Some(&[2, 1]), ..all }),
        Err(Error::Data { .. })
    ));
    assert!(matches!(
        top(&[0], &Selection { allow: Some(&[1, 1]), ..all }),
        Err(Error::Data { .. })
    ));
    let lists = [&[0, 9][..]];
    let listed = Selection { candidates: Some(&lists), ..all };
    assert!(matches!(top(&[0], &listed), Err(Error::Shape { .. })));
    assert!(matches!(top(&[0, 1], &listed), Err(Error::Shape { .. })));
    let few = Csr::zeros(4, 9);
    assert!(matches!(top(&[0], &Selection { seen: Some(&few), ..all }), Err(Error::Shape { .. })));
    assert!(matches!(top(&[0], &Selection::top(usize::MAX)), Err(Error::Parameter { .. })));
    assert_eq!(top(&[], &all).unwrap().n_rows(), 0);
    assert_eq!(top(&[0], &Selection::top(0)).unwrap().row(0).0.len(), 0);
    assert_eq!(top(&[0], &Selection { allow: Some(&[]), ..all }).unwrap().row(0).0.len(), 0);
    assert_eq!(top(&[0], &Selection::top(50)).unwrap().row(0).0.len(), 9);
}
