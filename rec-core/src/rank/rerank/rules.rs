//! The rules of the house: what is shown, hidden, favoured and kept in bounds, whatever the scores.

use serde::{Deserialize, Serialize};

use super::freshness::adjusted;
use crate::data::{Csr, Id, IdMap};
use crate::rank::{Normalize, TopK};
use crate::{Error, IdKind, Result};

/// Rules by the caller's item ids and the names of tags. [`Rules::bind`] makes them ready to use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Items shown to everyone at a place of the list, from 1.
    pub pinned: Vec<Pin>,
    /// Items that are never shown.
    pub blocked_items: Vec<Id>,
    /// No item with one of these tags is shown.
    pub blocked_tags: Vec<String>,
    /// Items and tags whose scores are multiplied.
    pub boosted: Vec<Boost>,
    /// How many items of a tag a list may hold.
    pub quotas: Vec<Quota>,
}

/// An item with a place of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pin {
    /// The item.
    pub item: Id,
    /// Its place in the list, from 1.
    pub position: usize,
}

/// A factor on scores that are scaled to 0 (a user's worst candidate) … 1 (the best).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Boost {
    /// The item, or none for all of a tag.
    #[serde(default)]
    pub item: Option<Id>,
    /// The tag, where no item is given.
    #[serde(default)]
    pub tag: Option<String>,
    /// Above 1 to favour, below to hold back; not negative. Factors on one item multiply.
    pub factor: f32,
}

/// The most items of a tag in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quota {
    /// The tag.
    pub tag: String,
    /// The most items.
    pub at_most: usize,
}

/// [`Rules`] in a catalogue's dense ids.
#[derive(Clone, Debug)]
pub struct Bound<'a> {
    pinned: Vec<(usize, u32)>,
    blocked: Vec<bool>,
    factors: Option<Vec<f32>>,
    quotas: Vec<(u32, usize)>,
    tags: Option<&'a Csr>,
}

impl Rules {
    /// The rules over these items; `tags` are theirs, `[items, tags]`, with their names.
    ///
    /// # Errors
    /// [`Error::UnknownId`] for an unknown item, [`Error::Data`] for a tag no item has,
    /// [`Error::Parameter`] for two items pinned to one place, an item that is pinned and blocked,
    /// place 0, a factor that is negative or not finite, and a boost of neither or both of item and
    /// tag.
    pub fn bind<'a>(&self, items: &IdMap, tags: Option<(&'a Csr, &IdMap)>) -> Result<Bound<'a>> {
        let names = Names { items, tags };
        let mut blocked = vec![false; items.len()];
        for id in &self.blocked_items {
            blocked[names.item(id)? as usize] = true;
        }
        for tag in &self.blocked_tags {
            names.items_of(tag)?.into_iter().for_each(|item| blocked[item as usize] = true);
        }
        let quota = |q: &Quota| Ok((names.tag(&q.tag)?, q.at_most));
        Ok(Bound {
            pinned: self.pins(&names, &blocked)?,
            blocked,
            factors: self.factors(&names)?,
            quotas: self.quotas.iter().map(quota).collect::<Result<_>>()?,
            tags: tags.map(|(tags, _)| tags),
        })
    }

    fn pins(&self, names: &Names<'_>, blocked: &[bool]) -> Result<Vec<(usize, u32)>> {
        let mut pinned: Vec<(usize, u32)> = Vec::with_capacity(self.pinned.len());
        for pin in &self.pinned {
            let item = names.item(&pin.item)?;
            let refuse = |why: &str| Err(Error::parameter("pinned", format!("{pin:?}"), why));
            if pin.position == 0 {
                return refuse("places count from 1");
            }
            if blocked[item as usize] {
                return refuse("the item is blocked as well; take away one of the two rules");
            }
            if pinned.iter().any(|&(at, other)| at == pin.position - 1 || other == item) {
                return refuse("the place or the item is pinned already");
            }
            pinned.push((pin.position - 1, item));
        }
        pinned.sort_unstable();
        Ok(pinned)
    }

    fn factors(&self, names: &Names<'_>) -> Result<Option<Vec<f32>>> {
        if self.boosted.is_empty() {
            return Ok(None);
        }
        let mut factors = vec![1.0; names.items.len()];
        for boost in &self.boosted {
            let refuse = |why: &str| Err(Error::parameter("boosted", format!("{boost:?}"), why));
            if !(boost.factor.is_finite() && boost.factor >= 0.0) {
                return refuse("choose a factor ≥ 0");
            }
            let of = match (&boost.item, &boost.tag) {
                (Some(item), None) => vec![names.item(item)?],
                (None, Some(tag)) => names.items_of(tag)?,
                _ => return refuse("give an item or a tag, and not both"),
            };
            of.into_iter().for_each(|item| factors[item as usize] *= boost.factor);
        }
        Ok(Some(factors))
    }
}

struct Names<'a> {
    items: &'a IdMap,
    tags: Option<(&'a Csr, &'a IdMap)>,
}

impl Names<'_> {
    fn item(&self, id: &Id) -> Result<u32> {
        self.items.require(IdKind::Item, id)
    }

    fn tag(&self, name: &str) -> Result<u32> {
        self.tags.and_then(|(_, names)| names.get(name)).ok_or_else(|| {
            Error::data(format!("tag {name:?} of a rule"), "no item has it; check its spelling")
        })
    }

    fn items_of(&self, name: &str) -> Result<Vec<u32>> {
        let tag = self.tag(name)?;
        let Some((tags, _)) = self.tags else { return Ok(Vec::new()) };
        let n = tags.n_rows().min(self.items.len());
        Ok((0..n as u32).filter(|&item| tags.contains(item as usize, tag)).collect())
    }
}

impl Bound<'_> {
    /// The candidates without the blocked ones, boosted where the rules say so; best first. With
    /// boosts, scores are scaled to `[0, 1]` a row, and multiplied.
    ///
    /// # Errors
    /// [`Error::Shape`] for an item past the catalogue.
    pub fn adjust(&self, candidates: &TopK) -> Result<TopK> {
        let rows: Vec<Vec<(u32, f32)>> = (0..candidates.n_rows())
            .map(|row| {
                let (items, scores) = candidates.row(row);
                let pairs = items.iter().copied().zip(scores.iter().copied());
                self.known(items)?;
                Ok(pairs.filter(|&(item, _)| !self.blocked[item as usize]).collect())
            })
            .collect::<Result<_>>()?;
        let left = TopK::from_rows(&rows, candidates.k())?;
        let Some(factors) = &self.factors else { return Ok(left) };
        adjusted(&left, |items, scores| {
            Normalize::MinMax.apply(scores);
            for (score, &item) in scores.iter_mut().zip(items) {
                *score *= factors[item as usize];
            }
        })
    }

    /// The first `k` of each row that quotas let pass, with the pinned items in their places. An
    /// unscored pinned item carries the score of the item whose place it takes (0 in an empty
    /// list), and counts towards its tags' quotas; a place past the end of a list is its end.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a `k` of 0, [`Error::Shape`] for an item past the catalogue.
    pub fn select(&self, candidates: &TopK, k: usize) -> Result<TopK> {
        if k == 0 {
            return Err(Error::parameter("k", k, "choose at least 1"));
        }
        let rows: Vec<Vec<(u32, f32)>> = (0..candidates.n_rows())
            .map(|row| {
                let (items, scores) = candidates.row(row);
                self.known(items)?;
                Ok(self.choose(items, scores, k))
            })
            .collect::<Result<_>>()?;
        TopK::from_rows(&rows, k)
    }

    fn known(&self, items: &[u32]) -> Result<()> {
        match items.iter().find(|&&item| item as usize >= self.blocked.len()) {
            Some(item) => {
                Err(Error::shape("items under rules", format!("> {item}"), self.blocked.len()))
            }
            None => Ok(()),
        }
    }

    fn choose(&self, items: &[u32], scores: &[f32], k: usize) -> Vec<(u32, f32)> {
        let pinned: Vec<(usize, u32)> =
            self.pinned.iter().copied().filter(|&(at, _)| at < k).collect();
        let mut left: Vec<usize> = self.quotas.iter().map(|&(_, at_most)| at_most).collect();
        pinned.iter().for_each(|&(_, item)| self.spend(item, &mut left));
        let mut list = Vec::with_capacity(k);
        for (&item, &score) in items.iter().zip(scores) {
            if list.len() + pinned.len() == k {
                break;
            }
            let fixed = pinned.iter().any(|&(_, pin)| pin == item);
            if !fixed && self.affords(item, &left) {
                self.spend(item, &mut left);
                list.push((item, score));
            }
        }
        for (at, item) in pinned {
            let at = at.min(list.len());
            let own = items.iter().position(|&other| other == item).map(|at| scores[at]);
            let beside = list.get(at).or(list.last()).map_or(0.0, |&(_, score)| score);
            list.insert(at, (item, own.unwrap_or(beside)));
        }
        list
    }

    fn affords(&self, item: u32, left: &[usize]) -> bool {
        self.quotas.iter().zip(left).all(|(&(tag, _), &left)| left > 0 || !self.has(item, tag))
    }

    fn spend(&self, item: u32, left: &mut [usize]) {
        for (&(tag, _), left) in self.quotas.iter().zip(left) {
            *left = left.saturating_sub(usize::from(self.has(item, tag)));
        }
    }

    fn has(&self, item: u32, tag: u32) -> bool {
        self.tags.is_some_and(|tags| {
            (item as usize) < tags.n_rows() && tags.contains(item as usize, tag)
        })
    }
}
