//! Evaluation of ready-made ranked lists.

use std::time::Instant;

use super::beyond::Popularity;
use super::board::{Board, Known};
use super::bootstrap::Bootstrap;
use super::options::{check_confidence, check_metrics};
use super::report::figures;
use super::truth::Truth;
use super::{EvaluateOptions, ItemSimilarity, Metric, Report, UserIds};
use crate::data::{Csr, IdMap, IdRef, Interactions};
use crate::rank::{Recommendations, TopK};
use crate::{Error, Result, parallel};

/// Ranked lists of dense items, one a user, best first.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedLists {
    ends: Vec<usize>,
    items: Vec<u32>,
}

impl Default for RankedLists {
    fn default() -> Self {
        Self { ends: vec![0], items: Vec::new() }
    }
}

impl RankedLists {
    /// From lists, one after another.
    pub fn from_lists<L: AsRef<[u32]>>(lists: &[L]) -> Self {
        let mut all = Self::default();
        lists.iter().for_each(|list| all.push(list.as_ref().iter().copied()));
        all
    }

    /// From a flat `[n, k]` table, every list `k` long.
    ///
    /// # Errors
    /// [`Error::Shape`] where it is no such table.
    pub fn from_table(items: Vec<u32>, k: usize) -> Result<Self> {
        if k == 0 || !items.len().is_multiple_of(k) {
            return Err(Error::shape("ranked lists", format!("[n, {k}]"), items.len()));
        }
        Ok(Self { ends: (0..=items.len() / k).map(|row| row * k).collect(), items })
    }

    /// From selected items.
    pub fn from_top_k(top: &TopK) -> Self {
        let mut all = Self::default();
        (0..top.n_rows()).for_each(|row| all.push(top.row(row).0.iter().copied()));
        all
    }

    /// Adds a list.
    pub fn push(&mut self, list: impl IntoIterator<Item = u32>) {
        self.items.extend(list);
        self.ends.push(self.items.len());
    }

    /// Number of lists.
    pub fn len(&self) -> usize {
        self.ends.len() - 1
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One list.
    pub fn list(&self, at: usize) -> &[u32] {
        &self.items[self.ends[at]..self.ends[at + 1]]
    }
}

/// How [`evaluate_lists`] runs.
#[derive(Clone)]
pub struct ListOptions<'a> {
    /// What to measure. AUC is not among what lists can tell.
    pub metrics: Vec<Metric>,
    /// The items' popularity in training; novelty and serendipity need it.
    pub popularity: Option<&'a Popularity>,
    /// How alike items are; diversity needs it.
    pub similarity: Option<&'a dyn ItemSimilarity>,
    /// What each user had before, `[lists, items]`: what serendipity's popularity baseline leaves
    /// out.
    pub seen: Option<&'a Csr>,
    /// What the report says of data and split.
    pub protocol: String,
    /// Bootstrap samples of the confidence intervals; 0 for none.
    pub bootstrap: usize,
    /// Level of the confidence intervals.
    pub confidence: f64,
    /// Seed of the bootstrap.
    pub seed: u64,
    /// Threads; `None` for the pool in use.
    pub threads: Option<usize>,
}

impl ListOptions<'_> {
    /// These metrics, and for the rest the defaults of [`EvaluateOptions`].
    pub fn new(metrics: Vec<Metric>) -> Self {
        let EvaluateOptions { bootstrap, confidence, seed, .. } = EvaluateOptions::default();
        Self {
            metrics,
            popularity: None,
            similarity: None,
            seen: None,
            protocol: String::new(),
            bootstrap,
            confidence,
            seed,
            threads: None,
        }
    }

    fn check(&self) -> Result<()> {
        check_metrics(&self.metrics)?;
        check_confidence(self.confidence)?;
        if self.metrics.contains(&Metric::Auc) {
            return Err(Error::parameter(
                "metric",
                Metric::Auc,
                "a ranked list does not hold the scores of all items; evaluate a model",
            ));
        }
        Ok(())
    }
}

/// Measures ranked lists against relevant items: row `i` of `relevant`, `[lists, items]`, belongs to
/// list `i`; its values, where it has any, are weights, and those of 0 or less are not relevant.
/// Rows without a relevant item are left out and counted. The reported users are the row numbers.
///
/// # Errors
/// [`Error::Shape`] where lists and rows differ in number or a list names an item past the columns,
/// [`Error::Data`] for a list that names one twice, [`Error::Parameter`] for options outside their
/// domain, [`Error::Empty`] where no row has a relevant item.
pub fn evaluate_lists(
    lists: &RankedLists,
    relevant: &Csr,
    options: &ListOptions<'_>,
) -> Result<Report> {
    let start = Instant::now();
    options.check()?;
    if lists.len() != relevant.n_rows() {
        return Err(Error::shape("ranked lists", relevant.n_rows(), lists.len()));
    }
    parallel::install(options.threads, || {
        let truth = Truth::of_rows(relevant);
        if truth.len() == 0 {
            return Err(Error::empty("the relevant items", "no row has any"));
        }
        let users = UserIds::Int(truth.users.iter().map(|&row| i64::from(row)).collect());
        judge(lists, &truth, users, options, start)
    })
}

fn judge(
    lists: &RankedLists,
    truth: &Truth<'_>,
    users: UserIds,
    options: &ListOptions<'_>,
    start: Instant,
) -> Result<Report> {
    let n_items = truth.relevant.n_cols();
    let known = Known {
        popularity: options.popularity,
        similarity: options.similarity,
        seen: options.seen,
    };
    known.check(&options.metrics, n_items)?;
    let board = Board::new(&options.metrics, known, n_items, None);
    let mut values = board.missed(truth);
    let list = |at: usize| truth.row(at).map_or(&[][..], |row| lists.list(row as usize));
    board.judge(truth, 0..truth.len(), list, &mut values)?;
    let bootstrap = Bootstrap {
        samples: options.bootstrap,
        confidence: options.confidence,
        seed: options.seed,
    };
    Ok(Report {
        protocol: options.protocol.clone(),
        setting: "ranked lists as given".into(),
        figures: figures(&options.metrics, &board, None, &values, truth.len(), bootstrap, ""),
        segments: Vec::new(),
        counts: truth.counts,
        confidence: options.confidence,
        bootstrap: options.bootstrap,
        seed: options.seed,
        users,
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// Ranked lists by the caller's ids.
#[derive(Clone, Debug, Default)]
pub struct Run {
    users: IdMap,
    items: IdMap,
    lists: RankedLists,
}

impl Run {
    /// No lists yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a user's list, best first.
    ///
    /// # Errors
    /// [`Error::Data`] if the user has one already.
    pub fn push<'a>(
        &mut self,
        user: impl Into<IdRef<'a>>,
        items: impl IntoIterator<Item = IdRef<'a>>,
    ) -> Result<()> {
        let user = user.into();
        if self.users.intern(user) as usize != self.lists.len() {
            return Err(Error::data("run", format!("user {user} has two lists; keep one")));
        }
        let ids = &mut self.items;
        self.lists.push(items.into_iter().map(|item| ids.intern(item)));
        Ok(())
    }

    /// A model's answer.
    ///
    /// # Errors
    /// [`Error::Data`] if it answers one user twice.
    pub fn from_recommendations(answer: &Recommendations) -> Result<Self> {
        let mut run = Self::new();
        for (row, user) in answer.queries.iter().enumerate() {
            run.push(user, answer.row(row).map(|(item, _)| item))?;
        }
        Ok(run)
    }
}

/// Measures ready-made lists on test events, matched by the caller's ids. A test user without a
/// list counts as a miss; listed users without relevant test items are not counted. The catalogue
/// is the test data's item map and whatever else the lists name.
///
/// # Errors
/// As [`evaluate_lists`].
pub fn evaluate_run(run: &Run, test: &Interactions, options: &ListOptions<'_>) -> Result<Report> {
    let start = Instant::now();
    options.check()?;
    let mut catalogue = test.ids().items.clone();
    let dense: Vec<u32> = run.items.iter().map(|item| catalogue.intern(item)).collect();
    let mut lists = RankedLists::default();
    for at in 0..run.lists.len() {
        lists.push(run.lists.list(at).iter().map(|&item| dense[item as usize]));
    }
    parallel::install(options.threads, || {
        let row_of = |user: u32| run.users.get(test.ids().users.id(user)?);
        let size = (lists.len(), catalogue.len());
        let default = EvaluateOptions::default();
        let truth = Truth::of_test(test, row_of, Some, size, None, &default)?;
        let users = UserIds::of(&test.ids().users, &truth.users);
        judge(&lists, &truth, users, options, start)
    })
}
