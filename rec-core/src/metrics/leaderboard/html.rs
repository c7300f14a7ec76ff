//! The comparison as HTML tables.

use std::fmt::Write as _;

use super::table::{figure, percent};
use super::{Cell, Leaderboard};

/// Text that may stand between tags and in attributes.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// A table of all users and one of each segment that has users.
pub(super) fn tables(board: &Leaderboard) -> String {
    let mut html = table(board, None, &format!("All {} users", board.users));
    for (at, (name, ..)) in board.segments.iter().enumerate().filter(|segment| segment.1.2 > 0) {
        html += &table(board, Some(name), &board.described(at));
    }
    html
}

fn table(board: &Leaderboard, segment: Option<&str>, caption: &str) -> String {
    let mut html = format!("<table class=\"leaderboard\"><caption>{}</caption>\n", escape(caption));
    html += "<thead><tr><th>recommender</th>";
    for metric in &board.metrics {
        let _ = write!(html, "<th>{}</th>", escape(metric));
    }
    html += "</tr></thead>\n<tbody>\n";
    for entry in &board.entries {
        let base = board.baseline.as_deref() == Some(&entry.name);
        let note = if base { " <small>baseline</small>" } else { "" };
        let _ = write!(html, "<tr><th>{}{note}</th>", escape(&entry.name));
        for metric in &board.metrics {
            let best = best(board, metric, segment);
            html += &cell(entry.cell(metric, segment), best, board.confidence);
        }
        html += "</tr>\n";
    }
    html + "</tbody></table>\n"
}

/// The largest mean of a column; Gini, where less is better, has none.
fn best(board: &Leaderboard, metric: &str, segment: Option<&str>) -> Option<f64> {
    let means = board.entries.iter().filter_map(|entry| entry.cell(metric, segment)?.mean);
    means.filter(|_| !metric.starts_with("gini")).reduce(f64::max)
}

fn cell(cell: Option<&Cell>, best: Option<f64>, confidence: f64) -> String {
    let (mean, mark) = figure(cell);
    let mark = match mark {
        "+" => "<span class=\"up\" title=\"significantly better than the baseline\">▲</span>",
        "-" => "<span class=\"down\" title=\"significantly worse than the baseline\">▼</span>",
        _ => "",
    };
    let is_best = best.is_some() && cell.and_then(|cell| cell.mean) == best;
    let mean = if is_best { format!("<b>{mean}</b>") } else { mean };
    let mut html = format!("<td title=\"{}\">{mean}{mark}", escape(&hint(cell, confidence)));
    if let Some((low, high)) = cell.and_then(|cell| cell.interval) {
        let _ = write!(html, "<br><small>{low:.4} – {high:.4}</small>");
    }
    html + "</td>"
}

/// What a cell says when pointed at.
fn hint(cell: Option<&Cell>, confidence: f64) -> String {
    let Some(cell) = cell else { return String::new() };
    let mut text = format!("{} users", cell.users);
    if let Some(versus) = &cell.versus {
        let _ = write!(text, "; difference to the baseline {:+.4}", versus.difference);
        if let Some((low, high)) = versus.interval {
            let _ = write!(text, " ({} interval {low:+.4} – {high:+.4})", percent(confidence));
        }
        let _ = write!(text, ", p = {:.4}, adjusted {:.4}", versus.p_value, versus.p_adjusted);
    }
    text
}
