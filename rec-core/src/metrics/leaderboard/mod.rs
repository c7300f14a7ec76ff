//! Recommenders side by side.

mod holm;
mod html;
mod page;
mod plot;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use self::holm::adjusted;
use super::paired::paired_figures;
use super::{EvaluateOptions, Figure, PairedOptions, Report, Segment, UserSegments, evaluate};
use crate::data::{IdRef, Interactions};
use crate::rank::Recommend;
use crate::{Error, Result};

/// How [`leaderboard`] compares.
#[derive(Clone, Debug)]
pub struct LeaderboardOptions<'a> {
    /// The recommender that the others are tested against; no tests if none.
    pub baseline: Option<&'a str>,
    /// Parts of the users by their distinct training items: names with the least number, ascending
    /// from 0. No parts if empty.
    pub levels: Vec<(String, usize)>,
    /// The training events that activity is counted in; if none, what the first model has seen.
    pub train: Option<&'a Interactions>,
    /// The paired tests; their confidence and bootstrap are the evaluation's.
    pub permutations: usize,
}

impl Default for LeaderboardOptions<'_> {
    fn default() -> Self {
        let levels = [("cold", 0), ("warm", 5), ("heavy", 50)];
        Self {
            baseline: None,
            levels: levels.map(|(name, least)| (name.to_owned(), least)).to_vec(),
            train: None,
            permutations: 10_000,
        }
    }
}

/// Recommenders measured on one test part, best first by the first metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leaderboard {
    /// The caller's word on data and split.
    pub protocol: String,
    /// Candidates, filter and ties in words.
    pub setting: String,
    /// The names of the figures.
    pub metrics: Vec<String>,
    /// Evaluated users.
    pub users: usize,
    /// The parts of the users, with the least number of training items and the evaluated users.
    pub segments: Vec<(String, usize, usize)>,
    /// The recommender the others are tested against.
    pub baseline: Option<String>,
    /// Level of the intervals.
    pub confidence: f64,
    /// Bootstrap samples behind them.
    pub bootstrap: usize,
    /// Sign flips behind the p-values.
    pub permutations: usize,
    /// Seed of both.
    pub seed: u64,
    /// The recommenders.
    pub entries: Vec<Entry>,
}

/// One recommender.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Wall time of its evaluation.
    pub seconds: f64,
    /// Its figures, in the order of [`Leaderboard::metrics`]: of all users, then of each segment.
    pub cells: Vec<Cell>,
}

/// A figure of a recommender.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The figure's name.
    pub metric: String,
    /// The part of the users; none for all.
    pub segment: Option<String>,
    /// The mean over users; none where no user has a value.
    pub mean: Option<f64>,
    /// Bootstrap percentile interval of the mean; none for figures of all lists together.
    pub interval: Option<(f64, f64)>,
    /// Users that have a value.
    pub users: usize,
    /// The paired test against the baseline; none for the baseline itself, for figures of all lists
    /// together, and where no user has a value.
    pub versus: Option<Versus>,
}

/// A paired test against the baseline: [`super::paired_test`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Versus {
    /// Mean minus the baseline's mean, over the same users.
    pub difference: f64,
    /// Bootstrap percentile interval of the difference.
    pub interval: Option<(f64, f64)>,
    /// Two-sided p-value.
    pub p_value: f64,
    /// The same, adjusted for the number of recommenders tested on this figure (S. Holm, "A simple
    /// sequentially rejective multiple test procedure", 1979).
    pub p_adjusted: f64,
}

/// Measures recommenders on the same test events, each once; of all users and of each segment, with
/// paired tests against the baseline. Beside the figures, one recommender's values of single users are
/// held at a time, and the baseline's.
///
/// # Errors
/// As [`evaluate`]; [`Error::Parameter`] for a baseline that is not among the names, names given twice
/// or levels that do not ascend from 0; [`Error::Empty`] without recommenders; [`Error::IdMismatch`]
/// for recommenders of different catalogues, or where options leave out other users of one recommender than of another.
pub fn leaderboard(
    models: &[(&str, &dyn Recommend)],
    test: &Interactions,
    evaluation: &EvaluateOptions<'_>,
    options: &LeaderboardOptions<'_>,
) -> Result<Leaderboard> {
    let baseline = check(models, options)?;
    let items = &models[0].1.ids().items;
    if let Some(at) = models.iter().position(|model| !model.1.ids().items.same_as(items)) {
        return Err(Error::IdMismatch {
            what: format!("the items of {} and {}", models[0].0, models[at].0),
            why: "fit all recommenders on parts of one data set".into(),
        });
    }
    let segments = segments(models[0].1, test, options)?;
    let evaluation = EvaluateOptions { segments: segments.as_ref(), ..evaluation.clone() };
    let paired = PairedOptions {
        permutations: options.permutations,
        bootstrap: evaluation.bootstrap,
        confidence: evaluation.confidence,
        seed: evaluation.seed,
    };
    let base = baseline.map(|at| evaluate(models[at].1, test, &evaluation)).transpose()?;
    let mut board: Option<Leaderboard> = None;
    for (at, &(name, model)) in models.iter().enumerate() {
        let own;
        let (report, versus) = match &base {
            Some(base) if baseline == Some(at) => (base, None),
            _ => {
                own = evaluate(model, test, &evaluation)?;
                (&own, base.as_ref())
            }
        };
        let entry = Entry {
            name: name.to_owned(),
            seconds: report.seconds,
            cells: cells(report, versus, &paired)?,
        };
        board.get_or_insert_with(|| Leaderboard::empty(report, options)).entries.push(entry);
    }
    let mut board = board.ok_or_else(|| Error::empty("the recommenders", "name at least one"))?;
    board.adjust();
    board.sort();
    Ok(board)
}

/// The place of the baseline.
fn check(
    models: &[(&str, &dyn Recommend)],
    options: &LeaderboardOptions<'_>,
) -> Result<Option<usize>> {
    if models.is_empty() {
        return Err(Error::empty("the recommenders", "name at least one"));
    }
    if let Some(at) = (1..models.len()).find(|&at| models[..at].iter().any(|m| m.0 == models[at].0))
    {
        return Err(Error::parameter("models", models[at].0, "the name is given twice"));
    }
    let Some(name) = options.baseline else { return Ok(None) };
    if options.permutations == 0 {
        return Err(Error::parameter("permutations", 0, "choose at least 1, such as 10000"));
    }
    match models.iter().position(|model| model.0 == name) {
        Some(at) => Ok(Some(at)),
        None => {
            let names: Vec<&str> = models.iter().map(|model| model.0).collect();
            Err(Error::parameter("baseline", name, format!("choose one of {}", names.join(", "))))
        }
    }
}

fn segments(
    first: &dyn Recommend,
    test: &Interactions,
    options: &LeaderboardOptions<'_>,
) -> Result<Option<UserSegments>> {
    if options.levels.is_empty() {
        return Ok(None);
    }
    let trained = options.train.map(|train| (train, train.matrix()));
    let activity = |user: IdRef<'_>| match &trained {
        Some((train, seen)) => {
            train.ids().users.get(user).map_or(0, |u| seen.row(u as usize).len())
        }
        None => first.ids().users.get(user).map_or(0, |u| first.seen().row(u as usize).len()),
    };
    UserSegments::by_activity(&options.levels, test, activity).map(Some)
}

/// The figures of all users and of each segment, with their tests.
fn cells(report: &Report, base: Option<&Report>, paired: &PairedOptions) -> Result<Vec<Cell>> {
    if base.is_some_and(|base| base.users != report.users) {
        return Err(Error::IdMismatch {
            what: "the users of two recommenders' reports".into(),
            why: "count users unknown to a model as missed, so that all are over the same users"
                .into(),
        });
    }
    let parts = |report: &'_ Report| {
        let own = std::iter::once((None, report.figures.clone()));
        let segment = |s: &Segment| (Some(s.name.clone()), s.figures.clone());
        own.chain(report.segments.iter().map(segment)).collect::<Vec<_>>()
    };
    let others: Vec<Vec<Figure>> =
        base.map(|base| parts(base).into_iter().map(|part| part.1).collect()).unwrap_or_default();
    let mut cells = Vec::new();
    for (at, (segment, figures)) in parts(report).into_iter().enumerate() {
        for (metric, figure) in figures.into_iter().enumerate() {
            let other = others.get(at).map(|figures| &figures[metric]);
            let versus = other.map(|other| versus(&figure, other, paired)).transpose()?.flatten();
            cells.push(Cell {
                metric: figure.name,
                segment: segment.clone(),
                mean: Some(figure.mean).filter(|mean| mean.is_finite()),
                interval: figure.interval,
                users: figure.users,
                versus,
            });
        }
    }
    Ok(cells)
}

/// None where there are no pairs of values.
fn versus(own: &Figure, base: &Figure, options: &PairedOptions) -> Result<Option<Versus>> {
    let pairs = || own.values.iter().zip(&base.values);
    if !pairs().any(|(a, b)| !(a - b).is_nan()) {
        return Ok(None);
    }
    let test = paired_figures(own, base, options)?;
    Ok(Some(Versus {
        difference: test.difference,
        interval: test.interval,
        p_value: test.p_value,
        p_adjusted: test.p_value,
    }))
}

impl Leaderboard {
    fn empty(report: &Report, options: &LeaderboardOptions<'_>) -> Self {
        let least = options.levels.iter().map(|level| level.1);
        let segments = report.segments.iter().zip(least);
        Self {
            protocol: report.protocol.clone(),
            setting: report.setting.clone(),
            metrics: report.figures.iter().map(|figure| figure.name.clone()).collect(),
            users: report.counts.users,
            segments: segments.map(|(s, least)| (s.name.clone(), least, s.users)).collect(),
            baseline: options.baseline.map(str::to_owned),
            confidence: report.confidence,
            bootstrap: report.bootstrap,
            permutations: options.permutations,
            seed: report.seed,
            entries: Vec::new(),
        }
    }

    /// What a segment is, in words.
    fn described(&self, at: usize) -> String {
        let (name, least, users) = &self.segments[at];
        let span = match self.segments.get(at + 1) {
            Some((_, next, _)) if next - 1 > *least => {
                format!("{least} to {} training items", next - 1)
            }
            Some(_) => format!("{least} training items"),
            None => format!("{least} training items or more"),
        };
        format!("{name}: {users} users with {span}")
    }

    fn adjust(&mut self) {
        let mut families: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, entry) in self.entries.iter().enumerate() {
            let tested = (0..entry.cells.len()).filter(|&cell| entry.cells[cell].versus.is_some());
            tested.for_each(|cell| families.entry(cell).or_default().push(at));
        }
        for (cell, entries) in families {
            let versus = |at: &usize| self.entries[*at].cells[cell].versus;
            let raw: Vec<f64> = entries.iter().filter_map(versus).map(|v| v.p_value).collect();
            for (at, p) in entries.into_iter().zip(adjusted(&raw)) {
                if let Some(versus) = &mut self.entries[at].cells[cell].versus {
                    versus.p_adjusted = p;
                }
            }
        }
    }

    fn sort(&mut self) {
        let first = |entry: &Entry| entry.cells.first().and_then(|cell| cell.mean);
        let key = |entry: &Entry| first(entry).unwrap_or(f64::NEG_INFINITY);
        self.entries.sort_by(|a, b| key(b).total_cmp(&key(a)).then_with(|| a.name.cmp(&b.name)));
    }

    /// The cell of a recommender.
    pub fn cell(&self, name: &str, metric: &str, segment: Option<&str>) -> Option<&Cell> {
        let entry = self.entries.iter().find(|entry| entry.name == name)?;
        entry.cell(metric, segment)
    }

    /// A page of tables and plots that needs nothing beside it: no network, no script.
    pub fn to_html(&self) -> String {
        page::page(self)
    }

    /// Its tables alone, to stand in another page.
    pub fn to_html_tables(&self) -> String {
        html::tables(self)
    }

    /// Writes the page, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be written.
    pub fn write_html(&self, path: &Path) -> Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))
            .map_err(Error::io(path))?;
        std::io::Write::write_all(&mut file, self.to_html().as_bytes()).map_err(Error::io(path))?;
        file.persist(path).map_err(|error| Error::io(path)(error.error))?;
        Ok(())
    }
}

impl Entry {
    /// A figure of all users, or of a segment.
    pub fn cell(&self, metric: &str, segment: Option<&str>) -> Option<&Cell> {
        let is = |cell: &&Cell| cell.metric == metric && cell.segment.as_deref() == segment;
        self.cells.iter().find(is)
    }
}

impl Versus {
    /// Whether it is better (1), worse (−1), or neither (0) at the level of 5 %, adjusted.
    pub fn verdict(&self) -> i8 {
        match (self.p_adjusted < 0.05, self.difference > 0.0) {
            (false, _) => 0,
            (true, true) => 1,
            (true, false) => -1,
        }
    }
}
