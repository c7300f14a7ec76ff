use std::sync::Arc;

use super::*;
use crate::data::{Csr, Id, IdMap, IdMaps, TimeUnit};
use crate::metrics::{Metric, paired_test};
use crate::rank::{Query, Scorer, Users, recommend};
use crate::rng::mix;

const USERS: usize = 60;
const ITEMS: usize = 20;

/// Random scores, and `lift` on what the user did next.
struct Noise {
    ids: Arc<IdMaps>,
    seen: Csr,
    seed: u64,
    lift: f32,
}

fn next(user: usize) -> u32 {
    (10 + user % 10) as u32
}

impl Scorer for Noise {
    fn n_users(&self) -> usize {
        USERS
    }
    fn n_items(&self) -> usize {
        ITEMS
    }
    fn score(&self, users: &[u32], out: &mut [f32]) -> Result<()> {
        for (&user, row) in users.iter().zip(out.chunks_exact_mut(ITEMS)) {
            for (item, score) in row.iter_mut().enumerate() {
                let hash = mix(self.seed ^ mix(u64::from(user) << 20 | item as u64));
                *score = (hash >> 40) as f32 / (1u64 << 24) as f32;
            }
            row[next(user as usize) as usize] += self.lift;
        }
        Ok(())
    }
}

impl Recommend for Noise {
    fn ids(&self) -> &Arc<IdMaps> {
        &self.ids
    }
    fn seen(&self) -> &Csr {
        &self.seen
    }
}

/// Users with 0, 1 or 6 past items in turns, always the first ones; test holds each user's next item
/// and item 3.
fn world() -> (Arc<IdMaps>, Csr, Interactions) {
    let ids = IdMaps::shared(IdMap::range(USERS), IdMap::range(ITEMS));
    let rows = (0..USERS).map(|user| (0..[0, 1, 6][user % 3]).map(|item| (item, 1.0)).collect());
    let seen = Csr::from_rows(rows, ITEMS);
    let (users, items): (Vec<u32>, Vec<u32>) =
        (0..USERS as u32).flat_map(|user| [(user, next(user as usize)), (user, 3)]).unzip();
    let test =
        Interactions::from_columns(ids.clone(), &users, items, None, None, TimeUnit::Unknown);
    (ids, seen, test.unwrap())
}

fn model(seed: u64, lift: f32) -> Noise {
    let (ids, seen, _) = world();
    Noise { ids, seen, seed, lift }
}

fn evaluation(metrics: &[&str]) -> EvaluateOptions<'static> {
    EvaluateOptions { bootstrap: 200, ..EvaluateOptions::of(metrics).unwrap() }
}

fn options() -> LeaderboardOptions<'static> {
    let levels = [("cold", 0), ("warm", 1), ("heavy", 5)].map(|(name, n)| (name.to_owned(), n));
    LeaderboardOptions {
        baseline: Some("noise"),
        levels: levels.to_vec(),
        permutations: 500,
        ..LeaderboardOptions::default()
    }
}

fn board() -> Leaderboard {
    let (noise, good, better) = (model(1, 0.0), model(2, 0.6), model(3, 0.9));
    let models: [(&str, &dyn Recommend); 3] =
        [("noise", &noise), ("good & <fast>", &good), ("better", &better)];
    let metrics = ["ndcg@5", "recall@5", "coverage@5", "novelty@5", "recall_tail@5"];
    leaderboard(&models, &world().2, &evaluation(&metrics), &options()).unwrap()
}

#[test]
fn it_says_what_evaluations_and_paired_tests_say() {
    let (got, test) = (board(), world().2);
    let names: Vec<&str> = got.entries.iter().map(|entry| &entry.name[..]).collect();
    assert_eq!(names, ["better", "good & <fast>", "noise"]);
    let report =
        |model: &Noise| evaluate(model, &test, &evaluation(&["ndcg@5", "coverage@5"])).unwrap();
    let (base, own) = (report(&model(1, 0.0)), report(&model(3, 0.9)));
    let cell = got.cell("better", "ndcg@5", None).unwrap();
    assert_eq!((cell.mean, cell.interval), (own.mean("ndcg@5"), own.figures[0].interval));
    let paired = PairedOptions { permutations: 500, bootstrap: 200, ..PairedOptions::default() };
    let want = paired_test(&own, &base, "ndcg@5", &paired).unwrap();
    let versus = cell.versus.unwrap();
    assert_eq!((versus.difference, versus.p_value), (want.difference, want.p_value));
    assert!(versus.p_adjusted >= versus.p_value && versus.verdict() == 1);
    assert_eq!(got.cell("better", "coverage@5", None).unwrap().mean, own.mean("coverage@5"));
    assert!(got.cell("noise", "ndcg@5", None).unwrap().versus.is_none());
    assert!(got.cell("better", "coverage@5", None).unwrap().versus.is_none());
}

#[test]
fn segments_are_the_means_of_their_users_and_the_coverage_of_their_lists() {
    let (got, test, own) = (board(), world().2, model(3, 0.9));
    assert_eq!(
        got.segments,
        [("cold", 0), ("warm", 1), ("heavy", 5)].map(|(n, l)| (n.to_owned(), l, 20))
    );
    let report = evaluate(&own, &test, &evaluation(&["ndcg@5"])).unwrap();
    let answer = recommend(&own, &Query::new(Users::All, 5)).unwrap();
    for (segment, name) in ["cold", "warm", "heavy"].into_iter().enumerate() {
        let values = &report.figures[0].values;
        let mean = (segment..USERS).step_by(3).map(|user| values[user]).sum::<f64>() / 20.0;
        let cell = got.cell("better", "ndcg@5", Some(name)).unwrap();
        assert!((cell.mean.unwrap() - mean).abs() < 1e-12 && cell.users == 20);
        let listed = |row: &usize| match answer.queries[*row] {
            Id::Int(user) => user as usize % 3 == segment,
            Id::Str(_) => false,
        };
        let rows = (0..answer.len()).filter(listed);
        let mut items: Vec<u32> = rows.flat_map(|row| answer.top.row(row).0.to_vec()).collect();
        items.sort_unstable();
        items.dedup();
        let coverage = got.cell("better", "coverage@5", Some(name)).unwrap().mean;
        assert_eq!(coverage, Some(items.len() as f64 / ITEMS as f64));
    }
    // Nothing is known of users without training: they are missed.
    assert_eq!(got.cell("better", "ndcg@5", Some("cold")).unwrap().mean, Some(0.0));
}

#[test]
fn the_tail_is_the_catalogue_without_its_most_popular_fifth() {
    // Items 0 to 3 of 20 are the head. Item 3 is seen by heavy users, and a miss to all of them.
    let test = world().2;
    let metrics = ["recall_head@20", "recall_tail@20", "auc"];
    let sure = evaluate(&model(3, 9.0), &test, &evaluation(&metrics[..2])).unwrap();
    for (user, (&head, &tail)) in
        sure.figures[0].values.iter().zip(&sure.figures[1].values).enumerate()
    {
        let (known, saw_it) = (user % 3 > 0, user % 3 == 2);
        assert_eq!(
            (head, tail),
            (f64::from(u8::from(known && !saw_it)), f64::from(u8::from(known)))
        );
    }
    // The same through whole rows of scores.
    let rows = evaluate(&model(3, 9.0), &test, &evaluation(&metrics)).unwrap();
    assert_eq!(rows.figures[0].values, sure.figures[0].values);
    assert_eq!(rows.figures[1].values, sure.figures[1].values);
    // Users without a relevant item of the head have no value; a list of one holds the next item.
    let few = test.filter(|_, event| event.item != 3);
    let few =
        evaluate(&model(3, 9.0), &few, &evaluation(&["recall_head@1", "recall_tail@1"])).unwrap();
    assert_eq!((few.figures[0].users, few.figures[1].users), (0, 60));
    assert_eq!(few.mean("recall_tail@1"), Some(40.0 / 60.0));
}

#[test]
fn holm_by_hand() {
    assert_eq!(holm::adjusted(&[0.01, 0.04, 0.03, 0.5]), [0.04, 0.09, 0.09, 0.5]);
    assert_eq!(holm::adjusted(&[0.9, 0.8]), [1.0, 1.0]);
    assert!(holm::adjusted(&[]).is_empty());
}

#[test]
fn the_page_needs_nothing_beside_it() {
    let got = board();
    let html = got.to_html();
    assert!(!html.contains("<script") && !html.contains("<link") && !html.contains("src="));
    // The name space of SVG is a name, and the only address.
    assert_eq!(html.matches("http").count(), html.matches("http://www.w3.org/2000/svg").count());
    assert!(html.contains("good &amp; &lt;fast&gt;") && !html.contains("<fast>"));
    for tag in ["table", "svg", "g", "td", "tr", "text", "div", "ul", "h2"] {
        let opened =
            html.matches(&format!("<{tag} ")).count() + html.matches(&format!("<{tag}>")).count();
        assert!(opened > 0 && opened == html.matches(&format!("</{tag}>")).count(), "{tag}");
    }
    // One plot a metric, one a segment, one against coverage, novelty and the tail's recall each.
    assert_eq!(html.matches("<svg").count(), 5 + 3 + 3);
    assert!(!["NaN", ">inf", "\"inf", "\"-inf"].iter().any(|bad| html.contains(bad)));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    got.write_html(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), html);
    assert!(matches!(got.write_html(&folder.path().join("no/report.html")), Err(Error::Io { .. })));
    let json = serde_json::to_string(&got).unwrap();
    let again: Leaderboard = serde_json::from_str(&json).unwrap();
    assert_eq!(again.entries[0].name, got.entries[0].name);
    let text = got.to_string();
    for said in
        ["cold: 20 users with 0 training items", "warm: 20 users with 1 to 4 training items"]
    {
        assert!(text.contains(said), "{text}");
    }
    assert!(text.contains("heavy: 20 users with 5 training items or more"), "{text}");
    let line = text.lines().find(|line| line.starts_with("better")).unwrap();
    assert!(line.contains('+'), "{line}");
}

#[test]
fn bad_input_is_named() {
    let (a, test) = (model(1, 0.0), world().2);
    let ask = |models: &[(&str, &dyn Recommend)], options: &LeaderboardOptions<'_>| {
        leaderboard(models, &test, &evaluation(&["ndcg@5"]), options).unwrap_err()
    };
    let fine = LeaderboardOptions { baseline: None, ..options() };
    assert!(matches!(ask(&[], &fine), Error::Empty { .. }));
    let said = ask(&[("a", &a), ("a", &a)], &fine).to_string();
    assert!(said.contains("given twice"), "{said}");
    let said = ask(&[("a", &a), ("b", &a)], &options()).to_string();
    assert!(said.contains("choose one of a, b"), "{said}");
    let none = LeaderboardOptions { baseline: Some("a"), permutations: 0, ..fine.clone() };
    assert!(matches!(ask(&[("a", &a)], &none), Error::Parameter { .. }));
    let levels = vec![("warm".to_owned(), 3)];
    assert!(matches!(
        ask(&[("a", &a)], &LeaderboardOptions { levels, ..fine.clone() }),
        Error::Parameter { .. }
    ));
    assert!(UserSegments::new(vec!["a".into()], vec![1]).is_err());
    let other = UserSegments::new(vec!["a".into()], vec![0; 3]).unwrap();
    let wrong = EvaluateOptions { segments: Some(&other), ..evaluation(&["ndcg@5"]) };
    assert!(matches!(evaluate(&a, &test, &wrong), Err(Error::Shape { .. })));
    assert!("recall_tail".parse::<Metric>().is_err());
}
