//! What is asked of a model, and what comes back.

use std::sync::Arc;

use super::{History, Recommend, Scorer, Selection, TopK, top_k};
use crate::data::{Csr, Id, IdMaps, IdRef};
use crate::{Error, IdKind, Result};

/// Whom to recommend for.
#[derive(Clone, Debug)]
pub enum Users<'a> {
    /// Every user the model knows.
    All,
    /// These users, by the caller's ids.
    Ids(&'a [Id]),
    /// Users the model need not know, by what they had: the caller's item ids with weights, in
    /// order of time.
    Histories(&'a [Vec<(Id, f32)>]),
}

/// What to do with a user the model does not know.
#[derive(Clone, Copy, Default)]
pub enum OnUnknown<'a> {
    /// [`Error::UnknownId`] names the first.
    #[default]
    Error,
    /// Leave them out, and list them in [`Recommendations::skipped`].
    Skip,
    /// Ask this model, as for a user without a past. It must share the item ids.
    Fallback(&'a dyn Recommend),
}

/// A question to a model.
#[derive(Clone)]
pub struct Query<'a> {
    /// Whom to recommend for.
    pub users: Users<'a>,
    /// How many items each.
    pub k: usize,
    /// Leave out what the user had in training (or in the given history).
    pub filter_seen: bool,
    /// Only these items may be recommended.
    pub allow: Option<&'a [Id]>,
    /// These items may not.
    pub block: &'a [Id],
    /// Only these items for each user, beside `users`.
    pub candidates: Option<&'a [Vec<Id>]>,
    /// What to do with unknown users.
    pub on_unknown: OnUnknown<'a>,
}

impl<'a> Query<'a> {
    /// The best `k` unseen items for these users.
    pub fn new(users: Users<'a>, k: usize) -> Self {
        Self {
            users,
            k,
            filter_seen: true,
            allow: None,
            block: &[],
            candidates: None,
            on_unknown: OnUnknown::Error,
        }
    }
}

/// Ranked items for each of the asked users (or items).
#[derive(Clone, Debug)]
pub struct Recommendations {
    /// The ids behind the dense items in `top`.
    pub ids: Arc<IdMaps>,
    /// Whom each row is for. For histories: their position.
    pub queries: Vec<Id>,
    /// The rows; one may be shorter than `k` where filters left fewer items.
    pub top: TopK,
    /// Unknown users that were left out.
    pub skipped: Vec<Id>,
}

impl Recommendations {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.queries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.queries.is_empty()
    }

    /// One row by the caller's ids, best first, with scores.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (IdRef<'_>, f32)> + '_ {
        let (items, scores) = self.top.row(row);
        items.iter().zip(scores).filter_map(|(&i, &s)| Some((self.ids.items.id(i)?, s)))
    }
}

/// Answers a query with any model; what [`Recommend::recommend`] calls.
///
/// # Errors
/// As [`Recommend::recommend`].
pub fn recommend(model: &dyn Recommend, query: &Query<'_>) -> Result<Recommendations> {
    let ids = model.ids().clone();
    check_k(query.k, ids.items.len())?;
    let (rows, queries, skipped) = resolve_users(model, query)?;
    let allow = query.allow.map(|items| dense_set(&ids, items)).transpose()?;
    let block = dense_set(&ids, query.block)?;
    let candidates = query.candidates.map(|lists| candidate_lists(&ids, lists, query, &rows));
    let candidates = candidates.transpose()?;
    let filters = Filters { query, allow, block, candidates };
    let mut top = TopK::empty(rows.len(), query.k);
    let known: Vec<usize> = (0..rows.len()).filter(|&r| matches!(rows[r], Row::User(_))).collect();
    let users: Vec<u32> = known.iter().filter_map(|&r| rows[r].user()).collect();
    top.fill(&known, &filters.select(model, &users, &known, model.seen())?);
    let told: Vec<usize> = (0..rows.len()).filter(|&r| rows[r].history().is_some()).collect();
    let histories: Vec<&History> = told.iter().filter_map(|&r| rows[r].history()).collect();
    if !told.is_empty() {
        let from: &dyn Recommend = match (&query.users, query.on_unknown) {
            (Users::Histories(_), _) => model,
            (_, OnUnknown::Fallback(other)) => other,
            _ => model,
        };
        from.ids().items.same_as(&ids.items).then_some(()).ok_or_else(|| Error::IdMismatch {
            what: "the model and its fallback".into(),
            why: "fit both on parts of one data set".into(),
        })?;
        let folded = Folded { model: from, histories };
        let seen = folded.seen(ids.items.len());
        let all: Vec<u32> = (0..told.len() as u32).collect();
        top.fill(&told, &filters.select(&folded, &all, &told, &seen)?);
    }
    Ok(Recommendations { ids, queries, top, skipped })
}

fn check_k(k: usize, n_items: usize) -> Result<()> {
    if k == 0 || k > n_items {
        return Err(Error::parameter(
            "k",
            k,
            format!("choose 1 to {n_items}, the catalogue's size"),
        ));
    }
    Ok(())
}

/// A resolved user: a trained row, or a history to fold in.
enum Row {
    User(u32),
    History(History),
}

impl Row {
    fn user(&self) -> Option<u32> {
        match self {
            Row::User(u) => Some(*u),
            Row::History(_) => None,
        }
    }
    fn history(&self) -> Option<&History> {
        match self {
            Row::User(_) => None,
            Row::History(h) => Some(h),
        }
    }
}

type Resolved = (Vec<Row>, Vec<Id>, Vec<Id>);

fn resolve_users(model: &dyn Recommend, query: &Query<'_>) -> Result<Resolved> {
    let ids = model.ids();
    let (mut rows, mut queries, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    if let Some(lists) = query.candidates {
        let expected = match query.users {
            Users::All => ids.users.len(),
            Users::Ids(users) => users.len(),
            Users::Histories(histories) => histories.len(),
        };
        if lists.len() != expected {
            return Err(Error::shape("candidate lists", expected, lists.len()));
        }
    }
    match query.users {
        Users::All => {
            for (u, id) in ids.users.iter().enumerate() {
                if model.knows(u as u32) {
                    rows.push(Row::User(u as u32));
                    queries.push(id.to_owned());
                } else {
                    skipped.push(id.to_owned());
                }
            }
        }
        Users::Ids(users) => {
            for id in users {
                match (ids.users.get(id).filter(|&u| model.knows(u)), query.on_unknown) {
                    (Some(u), _) => rows.push(Row::User(u)),
                    (None, OnUnknown::Fallback(_)) => rows.push(Row::History(Vec::new())),
                    (None, OnUnknown::Skip) => {
                        skipped.push(id.clone());
                        continue;
                    }
                    (None, OnUnknown::Error) => {
                        return Err(Error::UnknownId {
                            kind: IdKind::User,
                            id: id.to_string(),
                            known: ids.users.len(),
                        });
                    }
                }
                queries.push(id.clone());
            }
        }
        Users::Histories(histories) => {
            for (at, history) in histories.iter().enumerate() {
                rows.push(Row::History(dense_history(ids, history, query.on_unknown)?));
                queries.push(Id::Int(at as i64));
            }
        }
    }
    Ok((rows, queries, skipped))
}

fn dense_history(ids: &IdMaps, history: &[(Id, f32)], unknown: OnUnknown<'_>) -> Result<History> {
    let mut dense = Vec::with_capacity(history.len());
    for (id, weight) in history {
        if !weight.is_finite() {
            return Err(Error::data("history", format!("weight {weight} of item {id}")));
        }
        match (ids.items.get(id), unknown) {
            (Some(item), _) => dense.push((item, *weight)),
            (None, OnUnknown::Error) => {
                ids.items.require(IdKind::Item, id)?;
            }
            (None, _) => {}
        }
    }
    Ok(dense)
}

fn dense_set(ids: &IdMaps, items: &[Id]) -> Result<Vec<u32>> {
    let mut dense =
        items.iter().map(|id| ids.items.require(IdKind::Item, id)).collect::<Result<Vec<_>>>()?;
    dense.sort_unstable();
    dense.dedup();
    Ok(dense)
}

/// Candidate lists beside the kept rows (skipped users' lists are dropped with them).
fn candidate_lists(
    ids: &IdMaps,
    lists: &[Vec<Id>],
    query: &Query<'_>,
    rows: &[Row],
) -> Result<Vec<Vec<u32>>> {
    let kept: Vec<&Vec<Id>> = match query.users {
        Users::All => rows.iter().filter_map(Row::user).map(|user| &lists[user as usize]).collect(),
        Users::Ids(users) if rows.len() < users.len() => {
            return Err(Error::parameter(
                "candidates",
                "with skipped users",
                "candidate lists need every user known; filter the users first",
            ));
        }
        _ => lists.iter().collect(),
    };
    kept.into_iter().map(|list| dense_set(ids, list)).collect()
}

struct Filters<'q> {
    query: &'q Query<'q>,
    allow: Option<Vec<u32>>,
    block: Vec<u32>,
    candidates: Option<Vec<Vec<u32>>>,
}

impl Filters<'_> {
    /// `at[i]` is the row of the whole answer that `users[i]` fills.
    fn select(&self, from: &dyn Scorer, users: &[u32], at: &[usize], seen: &Csr) -> Result<TopK> {
        let candidates: Option<Vec<&[u32]>> =
            self.candidates.as_ref().map(|lists| at.iter().map(|&row| &lists[row][..]).collect());
        top_k(
            from,
            users,
            &Selection {
                k: self.query.k,
                seen: self.query.filter_seen.then_some(seen),
                allow: self.allow.as_deref(),
                block: &self.block,
                candidates: candidates.as_deref(),
                losing_ties: None,
            },
        )
    }
}

/// Histories as users of a scorer.
struct Folded<'a> {
    model: &'a dyn Recommend,
    histories: Vec<&'a History>,
}

impl Folded<'_> {
    fn seen(&self, n_items: usize) -> Csr {
        Csr::from_rows(self.histories.iter().map(|h| h.to_vec()), n_items).binary()
    }
}

impl Scorer for Folded<'_> {
    fn n_users(&self) -> usize {
        self.histories.len()
    }
    fn n_items(&self) -> usize {
        self.model.n_items()
    }
    fn score(&self, users: &[u32], out: &mut [f32]) -> Result<()> {
        let histories: Vec<History> =
            users.iter().map(|&u| self.histories[u as usize].clone()).collect();
        self.model.score_histories(&histories, out)
    }
}
