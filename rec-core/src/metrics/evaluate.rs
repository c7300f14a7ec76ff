//! Evaluation of a model on the test part of a split.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use rayon::prelude::*;

use super::beyond::Popularity;
use super::board::{Board, Known};
use super::bootstrap::Bootstrap;
use super::options::{Candidates, Seen, Ties};
use super::report::figures;
use super::rows::RowPass;
use super::sample::CandidateSampler;
use super::truth::Truth;
use super::{EvaluateOptions, Metric, Report, UserIds, segments};
use crate::data::{Csr, Interactions};
use crate::rank::{Recommend, Selection, top_k};
use crate::{Error, Result, parallel};

/// Users whose lists are held at once.
const CHUNK: usize = 8192;

/// Measures a model on test events, matched by the caller's ids. Every test user counts unless the
/// options say otherwise, and every relevant item stays in the denominators. Lists are made for a
/// block of users at a time.
///
/// # Errors
/// [`Error::Parameter`] for options outside their domain, [`Error::Empty`] where no user is left to
/// evaluate, [`Error::Data`] if the model scores an item NaN, and whatever scoring returns.
pub fn evaluate(
    model: &dyn Recommend,
    test: &Interactions,
    options: &EvaluateOptions<'_>,
) -> Result<Report> {
    options.check()?;
    parallel::install(options.threads, || run(model, test, options))
}

fn run(
    model: &dyn Recommend,
    test: &Interactions,
    options: &EvaluateOptions<'_>,
) -> Result<Report> {
    let start = Instant::now();
    check_model(model)?;
    let seen = seen_items(model, options)?;
    let seen = seen.as_deref();
    let truth = match_test(model, test, seen, options)?;
    let counts = training_counts(model, options);
    let trained = (0..model.n_users()).filter(|&u| !model.seen().row(u).is_empty()).count();
    let popularity = counts.as_ref().map(|counts| Popularity::new(counts, trained));
    let known = Known { popularity: popularity.as_ref(), similarity: options.similarity, seen };
    known.check(&options.metrics, model.n_items())?;
    if let Some(segments) = options.segments {
        segments.check(test.n_users())?;
    }
    let board = Board::new(&options.metrics, known, model.n_items(), options.segments);
    let sampler = CandidateSampler::new(options.candidates, counts.as_deref().unwrap_or_default());
    let run = Run { model, options, truth: &truth, board: &board, seen, sampler };
    let values = run.values()?;
    let bootstrap = Bootstrap {
        samples: options.bootstrap,
        confidence: options.confidence,
        seed: options.seed,
    };
    let prefix = match options.candidates {
        Candidates::Full => String::new(),
        Candidates::Sampled { n, .. } => format!("sampled({n})_"),
    };
    Ok(Report {
        protocol: options.protocol.clone(),
        setting: options.describe(),
        figures: figures(&options.metrics, &board, None, &values, truth.len(), bootstrap, &prefix),
        segments: segments::figures(options, &board, &truth.users, &values, bootstrap, &prefix),
        counts: truth.counts,
        confidence: options.confidence,
        bootstrap: options.bootstrap,
        seed: options.seed,
        users: UserIds::of(&test.ids().users, &truth.users),
        seconds: start.elapsed().as_secs_f64(),
    })
}

fn check_model(model: &dyn Recommend) -> Result<()> {
    let (n, m) = (model.n_users(), model.n_items());
    let (users, items) = (model.ids().users.len(), model.ids().items.len());
    if (users, items) != (n, m) {
        return Err(Error::shape(
            "the model's ids",
            format!("{n} × {m}"),
            format!("{users} × {items}"),
        ));
    }
    let seen = (model.seen().n_rows(), model.seen().n_cols());
    if seen != (n, m) {
        let got = format!("{} × {}", seen.0, seen.1);
        return Err(Error::shape("the model's training items", format!("{n} × {m}"), got));
    }
    Ok(())
}

/// What is filtered, by the model's rows.
fn seen_items<'m>(
    model: &'m dyn Recommend,
    options: &EvaluateOptions<'_>,
) -> Result<Option<Cow<'m, Csr>>> {
    let matrix = |events: &Interactions| Ok::<_, Error>(events.mapped_to(model.ids())?.0.matrix());
    let mut seen = match options.seen {
        Seen::Model => Some(Cow::Borrowed(model.seen())),
        Seen::Of(events) => Some(Cow::Owned(matrix(events)?)),
        Seen::Nothing => None,
    };
    for events in &options.also_seen {
        let more = matrix(events)?;
        seen = Some(match seen {
            None => Cow::Owned(more),
            Some(seen) => Cow::Owned(union(&seen, &more)),
        });
    }
    Ok(seen)
}

fn union(a: &Csr, b: &Csr) -> Csr {
    let row = |r: usize| a.iter_row(r).chain(b.iter_row(r)).collect();
    Csr::from_rows((0..a.n_rows()).map(row), a.n_cols()).binary()
}

fn match_test(
    model: &dyn Recommend,
    test: &Interactions,
    seen: Option<&Csr>,
    options: &EvaluateOptions<'_>,
) -> Result<Truth<'static>> {
    let (ids, test_ids) = (model.ids(), test.ids());
    let same = Arc::ptr_eq(ids, test_ids);
    let row_of = |user: u32| {
        let row = if same { Some(user) } else { ids.users.get(test_ids.users.id(user)?) };
        row.filter(|&row| model.knows(row))
    };
    let item_of =
        |item: u32| if same { Some(item) } else { ids.items.get(test_ids.items.id(item)?) };
    Truth::of_test(test, row_of, item_of, (model.n_users(), model.n_items()), seen, options)
}

/// How many training users had each item, where anything asks for it.
fn training_counts(model: &dyn Recommend, options: &EvaluateOptions<'_>) -> Option<Vec<u32>> {
    let needed = options.metrics.iter().any(|metric| metric.needs_popularity())
        || matches!(options.candidates, Candidates::Sampled { .. });
    needed.then(|| model.seen().column_counts())
}

struct Run<'a> {
    model: &'a dyn Recommend,
    options: &'a EvaluateOptions<'a>,
    truth: &'a Truth<'a>,
    board: &'a Board<'a>,
    seen: Option<&'a Csr>,
    sampler: Option<CandidateSampler>,
}

impl Run<'_> {
    /// `[users, metrics]`, for the metrics that have a value of each user.
    fn values(&self) -> Result<Vec<f64>> {
        let metrics = &self.options.metrics;
        let whole = metrics.iter().any(|m| matches!(m, Metric::Auc | Metric::RPrecision));
        let listed = |m: &Metric| m.is_beyond_accuracy() || m.of_head().is_some();
        let cut = |m: &Metric| m.k().filter(|_| !whole || listed(m));
        let depth = metrics.iter().filter_map(cut).max().unwrap_or(0).min(self.model.n_items());
        let width = self.board.per_user.len();
        let mut values = self.board.missed(self.truth);
        for from in (0..self.truth.len()).step_by(CHUNK) {
            let to = (from + CHUNK).min(self.truth.len());
            let values = &mut values[from * width..to * width];
            if whole {
                self.by_rows(from..to, depth, values)?;
            } else {
                self.by_lists(from..to, depth, values)?;
            }
        }
        Ok(values)
    }

    fn by_rows(
        &self,
        chunk: std::ops::Range<usize>,
        depth: usize,
        values: &mut [f64],
    ) -> Result<()> {
        let pass = RowPass {
            scorer: self.model,
            board: self.board,
            truth: self.truth,
            seen: self.seen,
            ties: self.options.ties,
            depth,
        };
        let candidates: Option<Vec<Vec<u32>>> = self
            .sampler
            .as_ref()
            .map(|s| chunk.clone().into_par_iter().map(|at| self.draw(s, at)).collect());
        pass.run(chunk.start, candidates.as_deref(), values)
    }

    fn by_lists(&self, chunk: std::ops::Range<usize>, k: usize, values: &mut [f64]) -> Result<()> {
        let known: Vec<usize> = chunk.clone().filter(|&at| self.truth.row(at).is_some()).collect();
        let users: Vec<u32> = known.iter().filter_map(|&at| self.truth.row(at)).collect();
        let candidates: Option<Vec<Vec<u32>>> =
            self.sampler.as_ref().map(|s| known.par_iter().map(|&at| self.draw(s, at)).collect());
        let candidates: Option<Vec<&[u32]>> =
            candidates.as_ref().map(|lists| lists.iter().map(|list| &list[..]).collect());
        let pessimistic = self.options.ties == Ties::Pessimistic;
        let selection = Selection {
            seen: self.seen,
            candidates: candidates.as_deref(),
            losing_ties: pessimistic.then_some(&*self.truth.relevant),
            ..Selection::top(k)
        };
        let top = top_k(self.model, &users, &selection)?;
        let mut place = vec![0; chunk.len()];
        for (row, &at) in known.iter().enumerate() {
            place[at - chunk.start] = row;
        }
        self.board.judge(self.truth, chunk, |at| top.row(place[at]).0, values)
    }

    fn draw(&self, sampler: &CandidateSampler, position: usize) -> Vec<u32> {
        let Some(row) = self.truth.row(position) else { return Vec::new() };
        let seen = self.seen.map_or(&[][..], |seen| seen.row(row as usize));
        sampler.draw(row, self.truth.relevant.row(row as usize), seen)
    }
}
