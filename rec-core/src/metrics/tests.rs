//! `evaluate` against a naive full sort, on small matrices full of ties.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::data::{Csr, IdMap, IdMaps, Interactions, InteractionsBuilder};
use crate::rank::{Recommend, Scorer};
use crate::{Error, Result, parallel};

/// A model that knows its users' scores by heart; its ids are `u0…` and `i0…`.
#[derive(Clone, Debug)]
struct Table {
    scores: Vec<Vec<f32>>,
    seen: Csr,
    ids: Arc<IdMaps>,
}

impl Table {
    fn new(scores: Vec<Vec<f32>>, seen: Vec<Vec<u32>>) -> Self {
        let (n, m) = (scores.len(), scores[0].len());
        let named = |kind: char, n: usize| {
            let names: Vec<String> = (0..n).map(|i| format!("{kind}{i}")).collect();
            IdMap::from_strings(names.iter().map(|s| &s[..])).unwrap()
        };
        let seen = seen.into_iter().map(|row| row.into_iter().map(|i| (i, 1.0)).collect());
        let seen = Csr::from_rows(seen, m).binary();
        Self { scores, seen, ids: IdMaps::shared(named('u', n), named('i', m)) }
    }
}

impl Scorer for Table {
    fn n_users(&self) -> usize {
        self.scores.len()
    }
    fn n_items(&self) -> usize {
        self.scores[0].len()
    }
    fn score(&self, users: &[u32], out: &mut [f32]) -> Result<()> {
        for (&user, row) in users.iter().zip(out.chunks_mut(self.n_items())) {
            row.copy_from_slice(&self.scores[user as usize]);
        }
        Ok(())
    }
}

impl Recommend for Table {
    fn ids(&self) -> &Arc<IdMaps> {
        &self.ids
    }
    fn seen(&self) -> &Csr {
        &self.seen
    }
    /// The last user is one the model learned nothing of.
    fn knows(&self, user: u32) -> bool {
        user as usize + 1 < self.scores.len() || self.scores.len() == 1
    }
}

#[derive(Clone, Debug)]
struct Case {
    model: Table,
    /// (user, item, weight); ids past the model's are unknown to it.
    test: Vec<(u32, u32, u8)>,
}

impl Case {
    fn interactions(&self) -> Interactions {
        let mut builder = InteractionsBuilder::new();
        for &(user, item, weight) in &self.test {
            let (user, item) = (format!("u{user}"), format!("i{item}"));
            builder.push(&user[..], &item[..], Some(f32::from(weight)), None).unwrap();
        }
        builder.build().unwrap()
    }
}

fn case() -> impl Strategy<Value = Case> {
    (1usize..7, 2usize..14).prop_flat_map(|(n, m)| {
        let score = prop_oneof![9 => (0u8..4).prop_map(f32::from), 1 => Just(f32::NEG_INFINITY)];
        let scores = prop::collection::vec(prop::collection::vec(score, m), n);
        let seen = prop::collection::vec(prop::collection::vec(0..m as u32, 0..4), n);
        let event = (0..n as u32 + 2, 0..m as u32 + 2, 0u8..4);
        let test = prop::collection::hash_map((event.0, event.1), event.2, 1..40);
        (scores, seen, test).prop_map(|(scores, seen, test)| Case {
            model: Table::new(scores, seen),
            test: test.into_iter().map(|((u, i), w)| (u, i, w)).collect(),
        })
    })
}

fn options(ties: bool, filter: bool, leave_out: [bool; 3]) -> EvaluateOptions<'static> {
    let missing = |out| if out { Missing::LeaveOut } else { Missing::Miss };
    EvaluateOptions {
        metrics: Metric::parse_all(&ACCURACY).unwrap(),
        seen: if filter { Seen::Model } else { Seen::Nothing },
        ties: if ties { Ties::Pessimistic } else { Ties::ById },
        unknown_users: missing(leave_out[0]),
        unknown_items: missing(leave_out[1]),
        seen_items: missing(leave_out[2]),
        bootstrap: 0,
        ..EvaluateOptions::default()
    }
}

const ACCURACY: [&str; 12] = [
    "precision@3",
    "recall@3",
    "hr@1",
    "hr@5",
    "ndcg@3",
    "ndcg@99",
    "ndcg_linear@4",
    "ndcg_exp@4",
    "mrr@6",
    "map@3",
    "map_full@3",
    "recall@99",
];

/// The same by sorting every user's whole catalogue: user → values of ACCURACY, r_precision, auc.
fn naive(case: &Case, options: &EvaluateOptions<'_>) -> Vec<(String, Vec<f64>)> {
    let (n, m) = (case.model.n_users(), case.model.n_items() as u32);
    let mut answer = Vec::new();
    for user in 0..n as u32 + 2 {
        let known = (user as usize) < n && case.model.knows(user);
        let filtered = |item: u32| {
            known
                && matches!(options.seen, Seen::Model)
                && case.model.seen.contains(user as usize, item)
        };
        let mut relevant: Vec<(u32, f32)> = case
            .test
            .iter()
            .filter(|e| e.0 == user && e.2 > 0)
            .filter(|e| options.unknown_items == Missing::Miss || e.1 < m)
            .filter(|e| options.seen_items == Missing::Miss || e.1 >= m || !filtered(e.1))
            .map(|e| (e.1, f32::from(e.2)))
            .collect();
        relevant.sort_by_key(|e| e.0);
        if relevant.is_empty() || (!known && options.unknown_users == Missing::LeaveOut) {
            continue;
        }
        let (items, weights): (Vec<u32>, Vec<f32>) = relevant.into_iter().unzip();
        let id = format!("u{user}");
        if !known {
            answer.push((id, vec![0.0; ACCURACY.len() + 2]));
            continue;
        }
        let score = |item: u32| case.model.scores[user as usize][item as usize];
        let loses = |i: u32| options.ties == Ties::Pessimistic && items.contains(&i);
        let mut list: Vec<u32> =
            (0..m).filter(|&i| !filtered(i) && score(i) > f32::NEG_INFINITY).collect();
        list.sort_by(|&a, &b| {
            score(b).total_cmp(&score(a)).then(loses(a).cmp(&loses(b))).then(a.cmp(&b))
        });
        let mut values = vec![
            precision(&list, &items, 3),
            recall(&list, &items, 3),
            hit_rate(&list, &items, 1),
            hit_rate(&list, &items, 5),
            ndcg(&list, &items, 3),
            ndcg(&list, &items, 99),
            ndcg_graded(&list, &items, &weights, 4, Gain::Linear),
            ndcg_graded(&list, &items, &weights, 4, Gain::Exponential),
            reciprocal_rank(&list, &items, 6),
            average_precision(&list, &items, 3),
            average_precision_full(&list, &items, 3),
            recall(&list, &items, 99),
            r_precision(&list, &items),
        ];
        let negative: Vec<f32> =
            (0..m).filter(|i| !filtered(*i) && !items.contains(i)).map(score).collect();
        let wins: f64 = items
            .iter()
            .filter(|i| list.contains(i))
            .flat_map(|&i| negative.iter().map(move |&n| (score(i), n)))
            .map(|(p, n)| {
                if p > n {
                    1.0
                } else if p == n {
                    0.5
                } else {
                    0.0
                }
            })
            .sum();
        let pairs = negative.len() * items.len();
        values.push(if pairs == 0 { 0.5 } else { wins / pairs as f64 });
        answer.push((id, values));
    }
    answer
}

/// Users and their values, in the naive order.
fn values(report: &Report) -> Vec<(String, Vec<f64>)> {
    let mut rows: Vec<(String, Vec<f64>)> = (0..report.users.len())
        .map(|at| {
            let row = report.figures.iter().map(|figure| figure.values[at]).collect();
            (report.users.get(at).unwrap().to_string(), row)
        })
        .collect();
    rows.sort_by_key(|row| row.0[1..].parse::<u32>().unwrap());
    rows
}

fn assert_same(got: &[(String, Vec<f64>)], want: &[(String, Vec<f64>)], columns: usize) {
    assert_eq!(got.len(), want.len());
    for (got, want) in got.iter().zip(want) {
        assert_eq!(got.0, want.0);
        for c in 0..columns {
            let (g, w) = (got.1[c], want.1[c]);
            assert!((g - w).abs() < 1e-12, "user {}, metric {c}: {g}, naively {w}", got.0);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn evaluate_equals_a_full_sort(
        case in case(), ties: bool, filter: bool, leave_out: [bool; 3],
    ) {
        let mut options = options(ties, filter, leave_out);
        let want = naive(&case, &options);
        let test = case.interactions();
        let got = evaluate(&case.model, &test, &options);
        if want.is_empty() {
            prop_assert!(matches!(got, Err(Error::Empty { .. })), "no user is left");
            return Ok(());
        }
        let report = got.unwrap();
        assert_same(&values(&report), &want, ACCURACY.len());
        for (c, figure) in report.figures.iter().enumerate() {
            let mean = want.iter().map(|w| w.1[c]).sum::<f64>() / want.len() as f64;
            prop_assert!((figure.mean - mean).abs() < 1e-12);
        }
        options.metrics.extend([Metric::RPrecision, Metric::Auc]);
        let whole = evaluate(&case.model, &test, &options).unwrap();
        assert_same(&values(&whole), &want, ACCURACY.len() + 2);
        prop_assert_eq!(whole.counts, report.counts);
    }

    #[test]
    fn both_ways_of_ranking_show_the_same_lists(case in case(), ties: bool, filter: bool) {
        let tags: Vec<Vec<(u32, f32)>> =
            (0..case.model.n_items() as u32).map(|i| vec![(i % 3, 1.0), (3 + i % 2, 1.0)]).collect();
        let tags = Csr::from_rows(tags, 5);
        let similarity = TagJaccard(&tags);
        let names = ["coverage@3", "gini@3", "novelty@4", "diversity@4", "serendipity@3"];
        let mut options = options(ties, filter, [false; 3]);
        options.metrics = Metric::parse_all(&names).unwrap();
        options.similarity = Some(&similarity);
        prop_assume!(case.test.iter().any(|e| e.2 > 0));
        let test = case.interactions();
        let lists = evaluate(&case.model, &test, &options).unwrap();
        options.metrics.push(Metric::Auc);
        let rows = evaluate(&case.model, &test, &options).unwrap();
        for (a, b) in lists.figures.iter().zip(&rows.figures) {
            prop_assert_eq!(&a.name, &b.name);
            prop_assert!(a.mean == b.mean || (a.mean.is_nan() && b.mean.is_nan()), "{}", a.name);
            let bits = |f: &Figure| f.values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(a), bits(b));
        }
    }

    #[test]
    fn sampling_everything_is_full_ranking(case in case(), ties: bool, by_popularity: bool) {
        let mut options = options(ties, true, [false; 3]);
        options.metrics.extend([Metric::RPrecision, Metric::Auc]);
        prop_assume!(case.test.iter().any(|e| e.2 > 0));
        let test = case.interactions();
        let full = evaluate(&case.model, &test, &options).unwrap();
        let sampler = if by_popularity { Sampler::Popularity } else { Sampler::Uniform };
        options.candidates = Candidates::Sampled { n: 99, sampler, seed: 3 };
        let sampled = evaluate(&case.model, &test, &options).unwrap();
        for (a, b) in full.figures.iter().zip(&sampled.figures) {
            prop_assert_eq!(format!("sampled(99)_{}", a.name), b.name.clone());
            prop_assert_eq!(&a.values, &b.values);
        }
        options.metrics.truncate(ACCURACY.len());
        let lists = evaluate(&case.model, &test, &options).unwrap();
        for (a, b) in lists.figures.iter().zip(&sampled.figures) {
            prop_assert_eq!(&a.values, &b.values);
        }
    }
}

/// 3,000 users of a model that knows 60 items and scores with ties.
fn large() -> (Table, Interactions) {
    let hash = |a: u32, b: u32| crate::rng::mix(u64::from(a) << 32 | u64::from(b));
    let (n, m) = (3000, 60);
    let scores = (0..n).map(|u| (0..m).map(|i| (hash(u, i) % 9) as f32).collect()).collect();
    let seen = (0..n).map(|u| (0..m).filter(|&i| hash(u, i + 100) % 8 == 0).collect()).collect();
    let mut builder = InteractionsBuilder::new();
    for u in 0..n {
        for i in (0..m + 3).filter(|&i| hash(u, i + 900) % 9 == 0) {
            builder.push(&format!("u{u}")[..], &format!("i{i}")[..], None, None).unwrap();
        }
    }
    (Table::new(scores, seen), builder.build().unwrap())
}

#[test]
fn threads_change_nothing() {
    let (model, test) = large();
    let names = ["ndcg@10", "map@5", "auc", "coverage@1", "gini@10", "novelty@10"];
    let run = |threads| {
        let options = EvaluateOptions {
            threads: Some(threads),
            bootstrap: 50,
            ..EvaluateOptions::of(&names).unwrap()
        };
        let mut report = evaluate(&model, &test, &options).unwrap();
        report.seconds = 0.0;
        report
    };
    let one = run(1);
    let json = serde_json::to_string(&one).unwrap();
    assert!(json == serde_json::to_string(&run(4)).unwrap(), "4 threads, another report");
    assert!(one.figure("ndcg@10").unwrap().interval.unwrap().0 < one.mean("ndcg@10").unwrap());
    let text = one.to_string();
    assert!(text.contains("full ranking, the model's training items removed, pessimistic on ties"));
    assert!(text.contains("95% interval"), "{text}");
    assert!(json.contains("null"), "the unknown user has no novelty");
    // serde_json reads a number back to within its last bit.
    let back: Report = serde_json::from_str(&json).unwrap();
    assert_eq!((&back.users, back.counts, &back.setting), (&one.users, one.counts, &one.setting));
    for (a, b) in back.figures.iter().zip(&one.figures) {
        assert_eq!((a.metric, a.users), (b.metric, b.users));
        let same = |(x, y): (&f64, &f64)| (x - y).abs() < 1e-14 || (x.is_nan() && y.is_nan());
        assert!(a.values.len() == b.values.len() && a.values.iter().zip(&b.values).all(same));
    }
}

#[test]
fn a_model_that_scores_all_alike_gains_nothing() {
    let model = Table::new(vec![vec![1.0; 30]; 2], vec![vec![], vec![]]);
    let mut builder = InteractionsBuilder::new();
    builder.push("u0", "i0", None, None).unwrap();
    let test = builder.build().unwrap();
    let mut options = EvaluateOptions::of(&["hr@10", "auc"]).unwrap();
    let mean = |options: &EvaluateOptions<'_>| evaluate(&model, &test, options).unwrap();
    assert_eq!(mean(&options).mean("hr@10"), Some(0.0));
    assert_eq!(mean(&options).mean("auc"), Some(0.5));
    options.ties = Ties::ById;
    assert_eq!(mean(&options).mean("hr@10"), Some(1.0));
}

#[test]
fn filters_can_be_given_and_added() {
    let model = Table::new(vec![vec![5.0, 4.0, 3.0, 2.0], vec![0.0; 4]], vec![vec![0], vec![]]);
    let events = |item: &str| {
        let mut builder = InteractionsBuilder::new();
        builder.push("u0", item, None, None).unwrap();
        builder.push("nobody", "i2", None, None).unwrap();
        builder.build().unwrap()
    };
    let (test, one, two) = (events("i3"), events("i1"), events("i2"));
    let rank = |seen, also_seen| {
        let options =
            EvaluateOptions { seen, also_seen, ..EvaluateOptions::of(&["mrr@9"]).unwrap() };
        let report = evaluate(&model, &test, &options).unwrap();
        assert_eq!((report.counts.users, report.counts.users_missed), (2, 1));
        1.0 / report.figures[0].values[0]
    };
    assert_eq!(rank(Seen::Nothing, vec![]), 4.0);
    assert_eq!(rank(Seen::Model, vec![]), 3.0);
    assert_eq!(rank(Seen::Of(&one), vec![]), 3.0);
    assert_eq!(rank(Seen::Model, vec![&one]), 2.0);
    assert_eq!(rank(Seen::Model, vec![&one, &two]), 1.0);
    assert_eq!(rank(Seen::Nothing, vec![&one]), 3.0);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let (model, test) = large();
    let run = |options: EvaluateOptions<'_>| evaluate(&model, &test, &options).unwrap_err();
    let of = |name: &str| EvaluateOptions::of(&[name]).unwrap();
    assert!(run(of("diversity@5")).to_string().contains("similarity"));
    let sampled = Candidates::Sampled { n: 5, sampler: Sampler::Uniform, seed: 1 };
    run(EvaluateOptions { candidates: sampled, ..of("coverage@5") });
    run(EvaluateOptions { metrics: vec![], ..of("auc") });
    run(EvaluateOptions { metrics: vec![Metric::Auc; 2], ..of("auc") });
    run(EvaluateOptions { metrics: vec![Metric::Ndcg(0)], ..of("auc") });
    run(EvaluateOptions { confidence: 1.0, ..of("auc") });
    run(EvaluateOptions { threads: Some(0), ..of("auc") });
    run(EvaluateOptions { min_weight: Some(f32::NAN), ..of("auc") });
    let mut builder = InteractionsBuilder::new();
    builder.push("stranger", "i1", None, None).unwrap();
    let strangers = builder.build().unwrap();
    let options = EvaluateOptions { unknown_users: Missing::LeaveOut, ..of("auc") };
    let empty = evaluate(&model, &strangers, &options).unwrap_err();
    assert!(matches!(empty, Error::Empty { .. }), "{empty}");
    let mut broken = model.clone();
    broken.scores[0].fill(f32::NAN);
    for name in ["auc", "ndcg@5"] {
        assert!(matches!(evaluate(&broken, &test, &of(name)), Err(Error::Data { .. })));
    }
}

#[test]
fn two_models_are_compared_on_the_same_users_only() {
    let (model, test) = large();
    let report = |model: &Table, test: &Interactions| {
        let options = EvaluateOptions {
            bootstrap: 0,
            ..EvaluateOptions::of(&["ndcg@10", "gini@10"]).unwrap()
        };
        evaluate(model, test, &options).unwrap()
    };
    let plain = report(&model, &test);
    let mut better = model.clone();
    let relevant = test.mapped_to(&model.ids).unwrap().0;
    for user in (0..3000).step_by(10) {
        for &item in relevant.sequence(user) {
            better.scores[user as usize][item as usize] += 3.0;
        }
    }
    let better = report(&better, &test);
    let options = PairedOptions { permutations: 999, ..PairedOptions::default() };
    let found = paired_test(&better, &plain, "ndcg@10", &options).unwrap();
    assert!(found.difference > 0.0 && found.p_value == 0.001, "{found}");
    assert!(found.interval.unwrap().0 > 0.0 && found.wins.0 > 200 && found.wins.1 == 0);
    let parallel = parallel::install(Some(3), || paired_test(&better, &plain, "ndcg@10", &options));
    assert_eq!(parallel.unwrap(), found);
    assert_eq!(paired_test(&plain, &plain, "ndcg@10", &options).unwrap().p_value, 1.0);
    assert!(paired_test(&plain, &better, "gini@10", &options).is_err());
    assert!(paired_test(&plain, &better, "mrr@10", &options).is_err());
    let fewer = report(&model, &test.filter(|_, e| e.user != 7));
    let refused = paired_test(&plain, &fewer, "ndcg@10", &options);
    assert!(matches!(refused, Err(Error::IdMismatch { .. })));
}

#[test]
fn ready_made_lists() {
    let relevant = Csr::new(vec![0, 2, 2, 3], vec![1, 3, 0], Some(vec![1.0, 2.0, 0.0]), 5).unwrap();
    let options = ListOptions::new(Metric::parse_all(&["recall@2", "coverage@2"]).unwrap());
    let lists = RankedLists::from_lists(&[vec![3, 0, 1], vec![2], vec![4, 0]]);
    let report = evaluate_lists(&lists, &relevant, &options).unwrap();
    assert_eq!(report.users, UserIds::Int(vec![0]));
    assert_eq!((report.counts.users, report.counts.users_without_relevant), (1, 2));
    assert_eq!((report.mean("recall@2"), report.mean("coverage@2")), (Some(0.5), Some(0.4)));
    let refuse = |lists: &[Vec<u32>]| {
        evaluate_lists(&RankedLists::from_lists(lists), &relevant, &options).unwrap_err()
    };
    assert!(matches!(refuse(&[vec![3, 0, 3], vec![], vec![]]), Error::Data { .. }));
    assert!(matches!(refuse(&[vec![5], vec![], vec![]]), Error::Shape { .. }));
    assert!(matches!(refuse(&[vec![]]), Error::Shape { .. }));
    let auc = ListOptions::new(vec![Metric::Auc]);
    assert!(evaluate_lists(&lists, &relevant, &auc).is_err());
}

#[test]
fn runs_by_the_callers_ids() {
    let mut builder = InteractionsBuilder::new();
    for (user, item) in [("a", 10), ("a", 20), ("b", 30), ("c", 10)] {
        builder.push(user, item, None, None).unwrap();
    }
    let test = builder.build().unwrap();
    let mut run = Run::new();
    run.push("c", [77.into(), 10.into()]).unwrap();
    run.push("a", [20.into(), 10.into(), 99.into()]).unwrap();
    run.push("stranger", [10.into()]).unwrap();
    assert!(run.push("a", []).is_err());
    let options = ListOptions::new(Metric::parse_all(&["mrr@5", "recall@1"]).unwrap());
    let report = evaluate_run(&run, &test, &options).unwrap();
    assert_eq!(report.users, UserIds::Text(vec!["a".into(), "b".into(), "c".into()]));
    assert_eq!(report.figure("mrr@5").unwrap().values, [1.0, 0.0, 0.5]);
    assert_eq!(report.figure("recall@1").unwrap().values, [0.5, 0.0, 0.0]);
    assert_eq!(report.counts.users_missed, 1);
}
