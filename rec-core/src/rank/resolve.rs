//! The caller's ids of a query as dense ids.

use super::{History, OnUnknown, Query, Recommend, Users};
use crate::data::{Id, IdMaps};
use crate::{Error, IdKind, Result};

/// Whom a query is for: one row of the answer each.
#[derive(Default)]
pub(super) struct Resolved {
    rows: Vec<Row>,
    /// Where each row stands among the asked users.
    asked: Vec<usize>,
    /// How many were asked for.
    n_asked: usize,
    /// The caller's id of each row.
    pub(super) queries: Vec<Id>,
    /// Unknown users without a row.
    pub(super) skipped: Vec<Id>,
}

/// A trained row of the model, or a history to fold in.
enum Row {
    User(u32),
    History(History),
}

impl Resolved {
    /// # Errors
    /// [`Error::UnknownId`] where the query's policy says so, [`Error::Data`] for weights of a
    /// history that are not finite.
    pub(super) fn new(model: &dyn Recommend, query: &Query<'_>) -> Result<Self> {
        let mut to = Self::default();
        match query.users {
            Users::All => to.all(model),
            Users::Ids(users) => to.listed(model, users, query.on_unknown)?,
            Users::Histories(histories) => to.told(model.ids(), histories, query.on_unknown)?,
        }
        Ok(to)
    }

    fn push(&mut self, row: Row, id: Id) {
        self.rows.push(row);
        self.asked.push(self.n_asked);
        self.n_asked += 1;
        self.queries.push(id);
    }

    fn skip(&mut self, id: Id) {
        self.n_asked += 1;
        self.skipped.push(id);
    }

    fn all(&mut self, model: &dyn Recommend) {
        for (user, id) in model.ids().users.iter().enumerate() {
            if model.knows(user as u32) {
                self.push(Row::User(user as u32), id.to_owned());
            } else {
                self.skip(id.to_owned());
            }
        }
    }

    fn listed(
        &mut self,
        model: &dyn Recommend,
        users: &[Id],
        on_unknown: OnUnknown<'_>,
    ) -> Result<()> {
        let known = &model.ids().users;
        for id in users {
            match (known.get(id).filter(|&user| model.knows(user)), on_unknown) {
                (Some(user), _) => self.push(Row::User(user), id.clone()),
                (None, OnUnknown::Fallback(_)) => self.push(Row::History(vec![]), id.clone()),
                (None, OnUnknown::Skip) => self.skip(id.clone()),
                (None, OnUnknown::Error) => {
                    return Err(Error::UnknownId {
                        kind: IdKind::User,
                        id: id.to_string(),
                        known: known.len(),
                    });
                }
            }
        }
        Ok(())
    }

    fn told(
        &mut self,
        ids: &IdMaps,
        histories: &[Vec<(Id, f32)>],
        on_unknown: OnUnknown<'_>,
    ) -> Result<()> {
        for (at, history) in histories.iter().enumerate() {
            self.push(Row::History(dense_history(ids, history, on_unknown)?), Id::Int(at as i64));
        }
        Ok(())
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The trained users, and the rows they fill.
    pub(super) fn users(&self) -> (Vec<u32>, Vec<usize>) {
        let users = self.rows.iter().enumerate().filter_map(|(at, row)| match row {
            Row::User(user) => Some((*user, at)),
            Row::History(_) => None,
        });
        users.unzip()
    }

    /// The histories, and the rows they fill.
    pub(super) fn histories(&self) -> (Vec<&History>, Vec<usize>) {
        let histories = self.rows.iter().enumerate().filter_map(|(at, row)| match row {
            Row::User(_) => None,
            Row::History(history) => Some((history, at)),
        });
        histories.unzip()
    }
}

/// Weights must be finite; unknown items are an error by default, and left out otherwise.
fn dense_history(ids: &IdMaps, history: &[(Id, f32)], unknown: OnUnknown<'_>) -> Result<History> {
    let mut dense = Vec::with_capacity(history.len());
    for (id, weight) in history {
        if !weight.is_finite() {
            return Err(Error::data(
                "history",
                format!("the weight of item {id} is {weight}; give finite numbers"),
            ));
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

/// Items by the caller's ids as dense ones, ascending, each once.
///
/// # Errors
/// [`Error::UnknownId`] for an item never seen.
pub(super) fn dense_set(ids: &IdMaps, items: &[Id]) -> Result<Vec<u32>> {
    let mut dense =
        items.iter().map(|id| ids.items.require(IdKind::Item, id)).collect::<Result<Vec<_>>>()?;
    dense.sort_unstable();
    dense.dedup();
    Ok(dense)
}

/// Candidate lists beside the rows of an answer.
pub(super) struct Candidates(Vec<Vec<u32>>);

impl Candidates {
    /// The lists of the users who have a row; those of skipped users are left aside.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of lists than users, [`Error::UnknownId`] for an item
    /// never seen.
    pub(super) fn new(
        ids: &IdMaps,
        lists: Option<&[Vec<Id>]>,
        users: &Resolved,
    ) -> Result<Option<Self>> {
        let Some(lists) = lists else { return Ok(None) };
        if lists.len() != users.n_asked {
            return Err(Error::shape("candidate lists", users.n_asked, lists.len()));
        }
        let rows = users.asked.iter().map(|&asked| dense_set(ids, &lists[asked]));
        Ok(Some(Self(rows.collect::<Result<_>>()?)))
    }

    pub(super) fn row(&self, row: usize) -> &[u32] {
        &self.0[row]
    }
}
