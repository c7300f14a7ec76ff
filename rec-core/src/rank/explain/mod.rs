//! Why an item was recommended: which recommenders, which past items, which interests.

mod evidence;
mod interests;
mod past;
mod reasons;
mod rows;
mod sentence;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use self::evidence::{Evidence, combined};
use self::interests::{Interests, labels_of, title_of};
use self::past::Past;
pub use self::reasons::{Basis, ItemName, Match, PastItem, Reasons, Share};
use self::rows::{MemberRow, Who};
pub use self::sentence::{Domain, Language};
use super::{Explain, Fused, Recommend, Shortlisted};
use crate::data::{Id, IdMaps, Interactions, Items};
use crate::profile::ProfileOptions;
use crate::{Error, IdKind, Result};

/// Explains the scores of a fusion, or of one model.
///
/// A fused score is a sum with one part a recommender ([`Reasons::recommenders`]); the parts add up to
/// it exactly. Inside a recommender, the past items that carried the item are its own [`Explain`]; one
/// that has none, or refuses, is asked for the user's history without each past item in turn
/// ([`Basis::LeaveOneOut`]), where it folds in histories. Parts of past items reach the fused score by
/// the slope of the user's scaling; where scores are fused by their ranks there is no slope, and the
/// recommender's part is shared among the past items in proportion to what they add
/// ([`Basis::Proportional`]).
///
/// ```
/// # use rec_core::rank::{Fused, explain::{Domain, Explainer, Language}};
/// # use rec_core::data::{Id, Items};
/// # fn f(fused: &Fused, items: &Items) -> rec_core::Result<()> {
/// let explainer = Explainer::of_fusion(fused, &[("item2vec", None), ("content", None)])?;
/// let reasons = explainer.with_items(items).explain(&Id::from("alice"), &[Id::from("case")])?;
/// println!("{}", reasons[0].to_sentence(Language::En, Domain::Shop));
/// # Ok(())
/// # }
/// ```
pub struct Explainer<'a> {
    source: Source<'a>,
    names: Vec<String>,
    own: Vec<Option<&'a dyn Explain>>,
    items: Option<&'a Items>,
    keywords: Option<&'a Items>,
    log: Option<&'a Interactions>,
    max_past: usize,
    profile: ProfileOptions,
}

fn check(named: usize, models: usize) -> Result<()> {
    if named == models { Ok(()) } else { Err(Error::shape("recommenders named", models, named)) }
}

/// What is explained.
#[derive(Clone, Copy)]
enum Source<'a> {
    Fused(&'a Fused),
    Shortlisted(&'a Shortlisted),
    One(&'a dyn Recommend),
}

impl<'a> Source<'a> {
    fn model(self) -> &'a dyn Recommend {
        match self {
            Self::Fused(fused) => fused,
            Self::Shortlisted(fused) => fused,
            Self::One(model) => model,
        }
    }

    fn rows(self, who: Who<'_>) -> Result<Vec<MemberRow<'a>>> {
        match self {
            Self::Fused(fused) => fused.member_rows(who),
            Self::Shortlisted(fused) => fused.member_rows(who),
            Self::One(model) => Ok(vec![rows::of_one(model, who)?]),
        }
    }
}

impl<'a> Explainer<'a> {
    /// Of a fusion, its recommenders in order: a name each, and what explains it, if anything does.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of recommenders than the fusion has.
    pub fn of_fusion(
        fused: &'a Fused,
        members: &[(&str, Option<&'a dyn Explain>)],
    ) -> Result<Self> {
        check(members.len(), fused.models().len())?;
        Ok(Self::of(Source::Fused(fused), members))
    }

    /// Of a fusion of shortlists, the same. An item counts as ranked where a recommender puts it
    /// forward unfiltered but for what the user had; the shares are those of these lists.
    ///
    /// # Errors
    /// As [`Explainer::of_fusion`].
    pub fn of_shortlists(
        fused: &'a Shortlisted,
        members: &[(&str, Option<&'a dyn Explain>)],
    ) -> Result<Self> {
        check(members.len(), fused.models().len())?;
        Ok(Self::of(Source::Shortlisted(fused), members))
    }

    /// Of one model.
    pub fn of_model(model: &'a dyn Recommend, name: &str, own: Option<&'a dyn Explain>) -> Self {
        Self::of(Source::One(model), &[(name, own)])
    }

    fn of(source: Source<'a>, members: &[(&str, Option<&'a dyn Explain>)]) -> Self {
        Self {
            source,
            names: members.iter().map(|(name, _)| (*name).to_owned()).collect(),
            own: members.iter().map(|(_, own)| *own).collect(),
            items: None,
            keywords: None,
            log: None,
            max_past: 50,
            profile: ProfileOptions::default(),
        }
    }

    /// Titles (the first text field) and tags, matched by the items' ids.
    #[must_use]
    pub fn with_items(mut self, items: &'a Items) -> Self {
        self.items = Some(items);
        self
    }

    /// Keywords: the tags of this table are what the items' texts are about.
    #[must_use]
    pub fn with_keywords(mut self, keywords: &'a Items) -> Self {
        self.keywords = Some(keywords);
        self
    }

    /// The training events: the order of a user's past, which sequence models need when a past item
    /// is left out, and the times by which interests fade. Without them the past is what the models
    /// have of the user, in the order of dense ids.
    #[must_use]
    pub fn with_log(mut self, log: &'a Interactions) -> Self {
        self.log = Some(log);
        self
    }

    /// How interests are weighed.
    #[must_use]
    pub fn with_profile(mut self, options: ProfileOptions) -> Self {
        self.profile = options;
        self
    }

    /// Leaves out, one by one, at most so many of the last distinct past items (50 unless set).
    #[must_use]
    pub fn with_max_past(mut self, items: usize) -> Self {
        self.max_past = items;
        self
    }

    /// Why these items have the scores they have for a user. All are scored at once: one pass of each
    /// recommender, and one for each past item left out.
    ///
    /// # Errors
    /// [`Error::UnknownId`] for a user no recommender knows or an item outside the catalogue,
    /// [`Error::Data`] for an item that is not ranked for the user.
    pub fn explain(&self, user: &Id, items: &[Id]) -> Result<Vec<Reasons>> {
        let (model, ids) = (self.source.model(), self.source.model().ids());
        let row = ids.users.get(user).filter(|&row| model.knows(row)).ok_or_else(|| {
            Error::UnknownId { kind: IdKind::User, id: user.to_string(), known: ids.users.len() }
        })?;
        let past = Past::of_user(model, self.log, user, row);
        self.all(Who::User(row), &past, Some(user), items)
    }

    /// The same for a user known only by what they had, by the caller's ids, in order of time.
    ///
    /// # Errors
    /// As [`Explainer::explain`], [`Error::Unsupported`] where no recommender folds in histories.
    pub fn explain_history(&self, history: &[(Id, f32)], items: &[Id]) -> Result<Vec<Reasons>> {
        let past = Past::of_history(self.source.model().ids(), history)?;
        self.all(Who::History(&past.history), &past, None, items)
    }

    fn all(
        &self,
        who: Who<'_>,
        past: &Past,
        user: Option<&Id>,
        items: &[Id],
    ) -> Result<Vec<Reasons>> {
        let ids = self.source.model().ids();
        let dense = items.iter().map(|id| ids.items.require(IdKind::Item, id));
        let dense: Vec<u32> = dense.collect::<Result<_>>()?;
        let rows = self.source.rows(who)?;
        let mut evidence = Vec::with_capacity(rows.len());
        for row in &rows {
            evidence.push(Evidence::of(row, self.own[row.member], past, &dense, self.max_past)?);
        }
        let tags = Interests::of(past, ids, self.items, &self.profile)?;
        let keywords = Interests::of(past, ids, self.keywords, &self.profile)?;
        let one = |(at, (&item, id)): (usize, (&u32, &Id))| {
            let (score, recommenders) = self.shares(&rows, &evidence, at, item, ids, id)?;
            let past = combined(&rows, &evidence, at, item);
            let exact = rows
                .iter()
                .zip(&evidence)
                .all(|(row, found)| found.basis[at] == Basis::Exact || (row.slope == Some(0.0)));
            Ok(Reasons {
                user: user.cloned(),
                item: self.name(id),
                score,
                rest: score - past.iter().map(|(_, part)| part).sum::<f32>(),
                recommenders,
                past: past.iter().map(|&past| self.past_item(ids, past, id)).collect(),
                tags: self.named(tags.as_ref().map(|found| found.matches(id))),
                keywords: self.named(keywords.as_ref().map(|found| found.matches(id))),
                exact,
            })
        };
        dense.iter().zip(items).enumerate().map(one).collect()
    }

    /// The fused score and each recommender's share in it, largest first.
    fn shares(
        &self,
        rows: &[MemberRow<'_>],
        evidence: &[Evidence],
        at: usize,
        item: u32,
        ids: &Arc<IdMaps>,
        id: &Id,
    ) -> Result<(f32, Vec<Share>)> {
        if rows.iter().all(|row| row.raw[item as usize] == f32::NEG_INFINITY) {
            let why = "no recommender ranks it for this user; ask for an item that was recommended";
            return Err(Error::data(format!("item {id:?}"), why));
        }
        // Summed in the fusion's own order, so that it is the fused score to the last bit.
        let score = rows.iter().fold(0.0, |sum, row| sum + row.part(item));
        let whole: f32 = rows.iter().map(|row| row.part(item).abs()).sum();
        let share = |(row, found): (&MemberRow<'_>, &Evidence)| Share {
            name: self.names[row.member].clone(),
            score: Some(row.raw[item as usize]).filter(|score| score.is_finite()),
            part: row.part(item),
            share: if whole > 0.0 { row.part(item) / whole } else { 0.0 },
            basis: found.basis[at],
            past: found.parts(row, at, item).map(|past| self.past_item(ids, past, id)).collect(),
        };
        let mut shares: Vec<Share> = rows.iter().zip(evidence).map(share).collect();
        shares.sort_by(|a, b| b.part.total_cmp(&a.part));
        Ok((score, shares))
    }

    fn name(&self, id: &Id) -> ItemName {
        ItemName { id: id.clone(), title: self.items.and_then(|items| title_of(items, id)) }
    }

    fn past_item(&self, ids: &IdMaps, (past, part): (u32, f32), item: &Id) -> PastItem {
        let id = ids.items.id(past).map_or(Id::Int(-1), |id| id.to_owned());
        let shared = |table: Option<&Items>| {
            let Some(table) = table else { return Vec::new() };
            let of_item = labels_of(table, item);
            labels_of(table, &id).into_iter().filter(|label| of_item.contains(label)).collect()
        };
        PastItem {
            part,
            shared_tags: shared(self.items),
            shared_keywords: shared(self.keywords),
            item: self.name(&id),
        }
    }

    /// Adds the titles to the evidence of matches.
    fn named(&self, matches: Option<Vec<Match>>) -> Vec<Match> {
        let mut matches = matches.unwrap_or_default();
        for found in &mut matches {
            found.evidence.iter_mut().for_each(|item| *item = self.name(&item.id));
        }
        matches
    }
}
