//! Per-list metrics against ranx, on random rankings whose scores have many ties
//! (`fixtures/metrics_ranx.py` wrote the file).

use rec_core::Result;
use rec_core::data::Csr;
use rec_core::metrics::{ListOptions, Metric, RankedLists, evaluate_lists};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    n_items: usize,
    metrics: Vec<String>,
    users: Vec<User>,
}

#[derive(Deserialize)]
struct User {
    list: Vec<u32>,
    relevant: Vec<(u32, f32)>,
    values: Vec<f64>,
}

/// Our name for a metric of ranx. Its `ndcg` is graded with gain = weight, and its `map` divides
/// by the number of relevant items.
fn ours(ranx: &str) -> Result<Metric> {
    let (name, cut) = ranx.split_once('@').unwrap_or((ranx, ""));
    let name = match name {
        "ndcg" => "ndcg_linear",
        "map" => "map_full",
        name => name,
    };
    let text = if cut.is_empty() { name.to_string() } else { format!("{name}@{cut}") };
    text.parse()
}

#[test]
fn every_value_is_that_of_ranx() {
    let text = include_str!("fixtures/metrics_ranx.json");
    let fixture: Fixture = serde_json::from_str(text).unwrap();
    let lists: Vec<&[u32]> = fixture.users.iter().map(|user| &user.list[..]).collect();
    let relevant =
        Csr::from_rows(fixture.users.iter().map(|user| user.relevant.clone()), fixture.n_items);
    let mut options =
        ListOptions::new(fixture.metrics.iter().map(|name| ours(name).unwrap()).collect());
    options.bootstrap = 0;
    let report = evaluate_lists(&RankedLists::from_lists(&lists), &relevant, &options).unwrap();
    assert_eq!(report.users.len(), fixture.users.len());
    for (column, figure) in report.figures.iter().enumerate() {
        for (at, user) in fixture.users.iter().enumerate() {
            let (got, want) = (figure.values[at], user.values[column]);
            assert!((got - want).abs() < 1e-9, "user {at}, {}: {got}, ranx {want}", figure.name);
        }
    }
    assert_eq!(report.figures.len(), 29);
}
