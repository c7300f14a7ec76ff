//! The comparison as text.

use std::fmt;

use super::{Cell, Entry, Leaderboard};

/// A mean with its mark: `+` and `-` for significantly better and worse than the baseline.
pub(super) fn figure(cell: Option<&Cell>) -> (String, &'static str) {
    let Some((cell, mean)) = cell.and_then(|cell| Some((cell, cell.mean?))) else {
        return ("–".to_owned(), "");
    };
    let mark = match cell.versus.map_or(0, |versus| versus.verdict()) {
        1 => "+",
        -1 => "-",
        _ => "",
    };
    (format!("{mean:.4}"), mark)
}

pub(super) fn percent(share: f64) -> String {
    let text = format!("{:.2}", 100.0 * share);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

impl fmt::Display for Leaderboard {
    /// An aligned table of all users, then one of each segment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.protocol.is_empty() {
            writeln!(f, "{}", self.protocol)?;
        }
        writeln!(f, "{}", self.setting)?;
        writeln!(f, "{} users", self.users)?;
        self.table(f, None)?;
        for (at, (name, _, users)) in self.segments.iter().enumerate() {
            writeln!(f, "\n{}", self.described(at))?;
            if *users > 0 {
                self.table(f, Some(name))?;
            }
        }
        match &self.baseline {
            Some(name) => write!(f, "\n+ / -: better / worse than {name}, Holm-adjusted p < 0.05"),
            None => Ok(()),
        }
    }
}

impl Leaderboard {
    fn table(&self, f: &mut fmt::Formatter<'_>, segment: Option<&str>) -> fmt::Result {
        let longest = self.entries.iter().map(|entry| entry.name.chars().count()).max();
        let width = longest.unwrap_or_default().max("recommender".len());
        write!(f, "{:width$}", "recommender")?;
        let columns: Vec<usize> = self.metrics.iter().map(|name| name.len().max(7)).collect();
        for (name, column) in self.metrics.iter().zip(&columns) {
            write!(f, "  {name:>column$} ")?;
        }
        writeln!(f)?;
        for Entry { name, cells, .. } in &self.entries {
            write!(f, "{name:width$}")?;
            for (metric, column) in self.metrics.iter().zip(&columns) {
                let is = |c: &&Cell| &c.metric == metric && c.segment.as_deref() == segment;
                let (mean, mark) = figure(cells.iter().find(is));
                write!(f, "  {mean:>column$}{mark:1}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
