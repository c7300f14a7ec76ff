//! The comparison as a page.

use super::html::{escape, tables};
use super::plot::{Mark, Point, intervals, scatter};
use super::table::percent;
use super::{Entry, Leaderboard};

const STYLE: &str = "
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem;
       color: #1b1f24; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.wide { overflow-x: auto; }
table.leaderboard { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
table.leaderboard caption { text-align: left; font-weight: 600; padding: .3rem 0; }
table.leaderboard th, table.leaderboard td { padding: .25rem .7rem; text-align: right;
       border-bottom: 1px solid #d8dee4; white-space: nowrap; }
table.leaderboard tr > :first-child { text-align: left; }
table.leaderboard small { color: #57606a; font-weight: 400; }
.up { color: #1a7f37; margin-left: .2em; } .down { color: #cf222e; margin-left: .2em; }
.plots { display: flex; flex-wrap: wrap; gap: 1rem; }
svg { max-width: 100%; height: auto; } svg text { font: 12px system-ui, sans-serif; fill: #1b1f24; }
svg .title { font-weight: 600; } svg .name { text-anchor: end; }
svg .tick, svg .label { text-anchor: middle; fill: #57606a; }
svg .grid { stroke: #eaeef2; } svg .base { stroke: #bf8700; stroke-dasharray: 4 3; }
svg .mark line { stroke: #0969da; stroke-width: 2; } svg .mark circle { fill: #0969da; }
svg .baseline line { stroke: #bf8700; } svg .baseline circle { fill: #bf8700; }
";

pub(super) fn page(board: &Leaderboard) -> String {
    let title =
        if board.protocol.is_empty() { "Recommenders side by side" } else { &board.protocol };
    let title = escape(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n\
         <p>{}</p>\n<h2>Figures</h2>\n<div class=\"wide\">{}</div>\n\
         <h2>Means and intervals, all users</h2>\n<div class=\"plots\">{}</div>\n{}{}\
         <h2>What the figures are</h2>\n{}\n</body>\n</html>\n",
        escape(&setting(board)),
        tables(board),
        plots(board, None, &board.metrics),
        by_segment(board),
        against(board),
        notes(board),
    )
}

fn setting(board: &Leaderboard) -> String {
    let mut text = format!("{}; {} users.", board.setting, board.users);
    if board.bootstrap > 0 {
        text += &format!(
            " Intervals: {} percentile bootstrap over users, {} samples, seed {}.",
            percent(board.confidence),
            board.bootstrap,
            board.seed
        );
    }
    if let Some(name) = &board.baseline {
        text += &format!(
            " ▲ and ▼: better and worse than {name} by a paired sign-flip permutation test ({} flips), \
             p < 0.05 after Holm's adjustment for the number of recommenders.",
            board.permutations
        );
    }
    text
}

fn plots(board: &Leaderboard, segment: Option<&str>, metrics: &[String]) -> String {
    let one = |metric: &String| {
        let mark = |entry| mark(board, entry, metric, segment);
        let marks: Vec<Mark<'_>> = board.entries.iter().filter_map(mark).collect();
        let title =
            segment.map_or_else(|| metric.clone(), |name| format!("{metric}, {name} users"));
        intervals(&title, &marks)
    };
    metrics.iter().map(one).collect()
}

fn mark<'a>(
    board: &Leaderboard,
    entry: &'a Entry,
    metric: &str,
    segment: Option<&str>,
) -> Option<Mark<'a>> {
    let cell = entry.cell(metric, segment)?;
    Some(Mark {
        name: &entry.name,
        mean: cell.mean?,
        interval: cell.interval,
        is_baseline: board.baseline.as_deref() == Some(&entry.name),
    })
}

/// The first metric in each segment.
fn by_segment(board: &Leaderboard) -> String {
    let with_users = board.segments.iter().filter(|segment| segment.2 > 0);
    let first = &board.metrics[..board.metrics.len().min(1)];
    let plots: String = with_users.map(|(name, ..)| plots(board, Some(name), first)).collect();
    if plots.is_empty() {
        return plots;
    }
    format!("<h2>By segment of users</h2>\n<div class=\"plots\">{plots}</div>\n")
}

/// The first metric against each figure beyond accuracy.
fn against(board: &Leaderboard) -> String {
    let beyond = ["coverage", "gini", "novelty", "diversity", "serendipity", "recall_tail"];
    let Some((first, rest)) = board.metrics.split_first() else { return String::new() };
    let is_beyond = |metric: &&String| {
        beyond.contains(&metric.split_once('@').map_or(metric.as_str(), |(name, _)| name))
    };
    let one = |metric: &String| {
        let point = |entry: &'_ Entry| {
            Some((entry.cell(metric, None)?.mean?, entry.cell(first, None)?.mean?))
        };
        let points: Vec<Point<'_>> = board
            .entries
            .iter()
            .filter_map(|entry| point(entry).map(|(x, y)| Point { name: &entry.name, x, y }))
            .collect();
        scatter(metric, first, &points)
    };
    let plots: String = rest.iter().filter(is_beyond).map(one).collect();
    if plots.is_empty() {
        return plots;
    }
    format!("<h2>Accuracy against what lies beyond it</h2>\n<div class=\"plots\">{plots}</div>\n")
}

/// What each kind of metric in the report measures.
const NOTES: &[(&str, &str)] = &[
    ("ndcg", "discounted cumulative gain of the relevant items, as a share of the best possible"),
    ("recall", "share of the user's relevant items that the list holds"),
    ("recall_head", "recall of relevant items among the fifth of the catalogue most users had"),
    ("recall_tail", "recall of relevant items in the rest of the catalogue"),
    ("precision", "share of the list that is relevant"),
    ("hr", "share of users whose list holds a relevant item"),
    ("mrr", "reciprocal rank of the first relevant item"),
    ("map", "mean average precision"),
    ("coverage", "share of the catalogue that stands in at least one list"),
    ("gini", "inequality of exposure over the catalogue: 0 for even, towards 1 for one item"),
    ("novelty", "mean self-information of the items listed, in bits: rarer is higher"),
    ("diversity", "one less the mean similarity of the pairs in a list"),
    ("serendipity", "share of the list that is relevant and that popularity would not have given"),
];

fn notes(board: &Leaderboard) -> String {
    let named = |name: &str| board.metrics.iter().any(|m| m.split('@').next() == Some(name));
    let used = NOTES.iter().filter(|(name, _)| named(name));
    let lines: String =
        used.map(|(name, what)| format!("<li><b>{name}</b>: {what}</li>\n")).collect();
    format!("<ul>\n{lines}</ul>")
}
