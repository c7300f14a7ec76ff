//! What was relevant to each test user, in the ids of the model.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{EvaluateOptions, Missing};
use crate::data::{Csr, Interactions};
use crate::{Error, Result};

/// What an evaluation counted, missed and left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Users that the means are over.
    pub users: usize,
    /// Of these, users unknown to the model; each counts as a miss.
    pub users_missed: usize,
    /// Users unknown to the model that were left out.
    pub users_unknown_left_out: usize,
    /// Users left out because no event of theirs in the test data is relevant.
    pub users_without_relevant: usize,
    /// Relevant items of the evaluated users.
    pub relevant: usize,
    /// Relevant items unknown to the model: kept as missed, or left out, as the options say.
    pub items_unknown: usize,
    /// Relevant items that are filtered because the user had them before: kept as missed, or left
    /// out.
    pub items_seen: usize,
}

const NONE: u32 = u32::MAX;

/// Relevant items by position: test users in the order of the test data's ids.
pub(crate) struct Truth<'a> {
    /// Each position's user in the test data.
    pub(crate) users: Vec<u32>,
    /// Each position's row in `relevant`, or none for a user unknown to the model.
    rows: Vec<u32>,
    /// Relevant items that the model knows, with their weights: `[model users, items]`.
    pub(crate) relevant: Cow<'a, Csr>,
    /// Weights of relevant items that it does not know, by position.
    extra: (Vec<usize>, Vec<f32>),
    /// Relevant items of users whom the model does not know, by position.
    pub(crate) missed: Vec<(usize, Vec<u32>)>,
    pub(crate) counts: Counts,
}

impl<'a> Truth<'a> {
    /// Row `i` of `relevant` for the list at position `i`.
    pub(crate) fn of_rows(relevant: &'a Csr) -> Self {
        let n = relevant.n_rows();
        let positive = |values: &[f32]| values.iter().all(|&w| w > 0.0);
        let relevant = match relevant.values() {
            Some(values) if !positive(values) => Cow::Owned(only_positive(relevant)),
            _ => Cow::Borrowed(relevant),
        };
        let has = |&row: &u32| !relevant.row(row as usize).is_empty();
        let rows: Vec<u32> = (0..n as u32).filter(has).collect();
        let counts = Counts {
            users: rows.len(),
            users_without_relevant: n - rows.len(),
            relevant: relevant.nnz(),
            ..Counts::default()
        };
        let extra = (vec![0; rows.len() + 1], Vec::new());
        Self { users: rows.clone(), rows, relevant, extra, missed: Vec::new(), counts }
    }

    /// The test events matched by the caller's ids: `row_of` gives the row that answers a test
    /// user, `item_of` the item below `n_items` that a test item is. `seen` is by rows.
    pub(crate) fn of_test(
        test: &Interactions,
        row_of: impl Fn(u32) -> Option<u32>,
        item_of: impl Fn(u32) -> Option<u32>,
        (n_rows, n_items): (usize, usize),
        seen: Option<&Csr>,
        options: &EvaluateOptions<'_>,
    ) -> Result<Truth<'static>> {
        let items: Vec<Option<u32>> = (0..test.n_items() as u32).map(item_of).collect();
        let min_weight = options.min_weight.unwrap_or(f32::MIN_POSITIVE);
        let matrix = test.matrix();
        let mut build = Builder::new(n_rows);
        for user in 0..test.n_users() as u32 {
            if matrix.row(user as usize).is_empty() {
                continue;
            }
            let row = row_of(user);
            if row.is_none() && options.unknown_users == Missing::LeaveOut {
                build.counts.users_unknown_left_out += 1;
                continue;
            }
            let seen = row.and_then(|row| Some(seen?.row(row as usize))).unwrap_or_default();
            for (item, weight) in matrix.iter_row(user as usize).filter(|&(_, w)| w >= min_weight) {
                match items[item as usize] {
                    None => build.unknown_item(weight, options),
                    Some(item) if seen.binary_search(&item).is_ok() => {
                        build.seen_item(item, weight, options);
                    }
                    Some(item) => build.found.push((item, weight)),
                }
            }
            build.finish_user(user, row);
        }
        build.finish(n_items)
    }

    /// Number of positions.
    pub(crate) fn len(&self) -> usize {
        self.users.len()
    }

    /// The row of a position's user in the model, if it knows the user.
    pub(crate) fn row(&self, position: usize) -> Option<u32> {
        Some(self.rows[position]).filter(|&row| row != NONE)
    }

    /// Weights of the relevant items that no list can hold.
    pub(crate) fn extra(&self, position: usize) -> &[f32] {
        &self.extra.1[self.extra.0[position]..self.extra.0[position + 1]]
    }
}

fn only_positive(matrix: &Csr) -> Csr {
    let rows = (0..matrix.n_rows()).map(|row| matrix.iter_row(row).filter(|e| e.1 > 0.0).collect());
    Csr::from_rows(rows, matrix.n_cols())
}

struct Builder {
    users: Vec<u32>,
    rows: Vec<u32>,
    /// The relevant items of each model row, as a range of `entries`.
    ranges: Vec<(usize, usize)>,
    entries: Vec<(u32, f32)>,
    /// Where `entries` ended with the last user.
    done: usize,
    found: Vec<(u32, f32)>,
    extra: Vec<f32>,
    extra_ends: Vec<usize>,
    missed: Vec<(usize, Vec<u32>)>,
    counts: Counts,
}

impl Builder {
    fn new(n_rows: usize) -> Self {
        Self {
            users: Vec::new(),
            rows: Vec::new(),
            ranges: vec![(0, 0); n_rows],
            entries: Vec::new(),
            done: 0,
            found: Vec::new(),
            extra: Vec::new(),
            extra_ends: vec![0],
            missed: Vec::new(),
            counts: Counts::default(),
        }
    }

    fn unknown_item(&mut self, weight: f32, options: &EvaluateOptions<'_>) {
        self.counts.items_unknown += 1;
        if options.unknown_items == Missing::Miss {
            self.extra.push(weight);
        }
    }

    fn seen_item(&mut self, item: u32, weight: f32, options: &EvaluateOptions<'_>) {
        self.counts.items_seen += 1;
        if options.seen_items == Missing::Miss {
            self.found.push((item, weight));
        }
    }

    fn finish_user(&mut self, user: u32, row: Option<u32>) {
        let extra = self.extra.len() - self.extra_ends[self.extra_ends.len() - 1];
        if self.found.len() + extra == 0 {
            self.counts.users_without_relevant += 1;
            return;
        }
        self.counts.relevant += self.found.len() + extra;
        self.counts.users_missed += usize::from(row.is_none());
        self.users.push(user);
        self.rows.push(row.unwrap_or(NONE));
        self.extra_ends.push(self.extra.len());
        self.found.sort_unstable_by_key(|&(item, _)| item);
        if let Some(row) = row {
            self.entries.append(&mut self.found);
            self.ranges[row as usize] = (self.done, self.entries.len());
            self.done = self.entries.len();
        } else {
            let items = self.found.iter().map(|&(item, _)| item).collect();
            self.missed.push((self.users.len() - 1, items));
        }
        self.found.clear();
    }

    fn finish(mut self, n_items: usize) -> Result<Truth<'static>> {
        self.counts.users = self.users.len();
        if self.users.is_empty() {
            return Err(Error::empty(
                "the test data",
                format!(
                    "no user is left to evaluate ({} without relevant items, {} unknown to the model)",
                    self.counts.users_without_relevant, self.counts.users_unknown_left_out
                ),
            ));
        }
        let mut indptr = vec![0];
        let (mut indices, mut weights) = (Vec::new(), Vec::new());
        for &(from, to) in &self.ranges {
            indices.extend(self.entries[from..to].iter().map(|e| e.0));
            weights.extend(self.entries[from..to].iter().map(|e| e.1));
            indptr.push(indices.len());
        }
        Ok(Truth {
            users: self.users,
            rows: self.rows,
            relevant: Cow::Owned(Csr::new(indptr, indices, Some(weights), n_items)?),
            extra: (self.extra_ends, self.extra),
            missed: self.missed,
            counts: self.counts,
        })
    }
}
