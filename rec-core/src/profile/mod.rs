//! What a user is interested in, by what they did, with the evidence beside it.

mod interests;
mod nearest;
#[cfg(test)]
mod tests;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use self::nearest::nearest_users;

use self::interests::{Past, interests};
use crate::data::{Csr, Id, IdMap, Interactions, TimeUnit};
use crate::{Error, IdKind, Result};

/// How profiles are made.
///
/// With `p(g|i)` the share of label `g` (a tag, a keyword, a cluster) among the labels of item `i`, and
/// `w_e` the weight of an event times `2^(−age / half-life)`, an interest is
///
/// `p(g|u) = Σ_e w_e p(g|i_e) / Σ_e w_e`
///
/// over the events on labelled items (H. Steck, "Calibrated recommendations", RecSys 2018, eq. 2, with
/// a fading weight): once with a long half-life, what lasts, and once with a short one, what is
/// recent. Ages count from `now` in the log's unit of time; without times, in the user's own later
/// events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProfileOptions {
    /// Half-life of what lasts; none for no fading.
    pub half_life: Option<f64>,
    /// Half-life of what is recent.
    pub recent_half_life: f64,
    /// The moment from which ages count; the last event of the log if none.
    pub now: Option<i64>,
    /// At most so many interests of a user, largest first.
    pub interests: usize,
    /// At most so many events as evidence of each.
    pub evidence: usize,
    /// Hours to add to UTC for the hours of activity.
    pub utc_offset: i32,
}

impl Default for ProfileOptions {
    fn default() -> Self {
        Self {
            half_life: None,
            recent_half_life: 5.0,
            now: None,
            interests: 10,
            evidence: 3,
            utc_offset: 0,
        }
    }
}

/// One user's interests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserProfile {
    /// The user.
    pub user: Id,
    /// Events.
    pub events: usize,
    /// Events on items that have labels.
    pub labelled: usize,
    /// The times of the first and the last event.
    pub span: Option<(i64, i64)>,
    /// Largest share first.
    pub interests: Vec<Interest>,
    /// How many interests there are in effect: `exp(−Σ_g p ln p)`, 0 without any.
    pub diversity: f64,
    /// Shares of the events by hour of the day, where the log's times are dates.
    pub hours: Option<Vec<f32>>,
}

/// One label a user cares for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interest {
    /// The label.
    pub label: String,
    /// Its share of the user's lasting interest.
    pub share: f32,
    /// Its share of the recent one.
    pub recent: f32,
    /// `recent − share`: above 0, the interest grows.
    pub trend: f32,
    /// The events that weigh most in the share.
    pub evidence: Vec<Evidence>,
}

/// An event behind an interest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The item.
    pub item: Id,
    /// When.
    pub time: Option<i64>,
    /// Its part of the interest's share.
    pub part: f32,
}

/// The profiles of these users, in their order. `labels` are the items' labels, `[items, labels]` in
/// the order of the log's ids (see [`crate::data::Items::tags_for`]), with their names.
///
/// # Errors
/// [`Error::UnknownId`] for a user the log does not have, [`Error::Shape`] where items and labels do
/// not fit, [`Error::Parameter`] for a half-life that is not above 0, [`Error::Data`] for negative
/// weights.
pub fn profiles(
    log: &Interactions,
    labels: &Csr,
    names: &IdMap,
    users: &[Id],
    options: &ProfileOptions,
) -> Result<Vec<UserProfile>> {
    options.check()?;
    for (what, expected, got) in [
        ("items with labels", log.n_items(), labels.n_rows()),
        ("names of labels", labels.n_cols(), names.len()),
    ] {
        if expected != got {
            return Err(Error::shape(what, expected, got));
        }
    }
    if let Some(w) = log.weights().unwrap_or_default().iter().find(|&&w| w < 0.0) {
        let why = format!("a weight of {w} is no interest; drop such events first");
        return Err(Error::data("weights", why));
    }
    let now = options.now.or_else(|| log.time_span().map(|(_, last)| last)).unwrap_or(0);
    let dense = users.iter().map(|id| log.ids().users.require(IdKind::User, id));
    let dense: Vec<u32> = dense.collect::<Result<_>>()?;
    let one = |(id, &user): (&Id, &u32)| {
        let past = Past::of(log, user, now);
        let (interests, diversity) = interests(&past, labels, names, log, options);
        UserProfile {
            user: id.clone(),
            events: past.items.len(),
            labelled: past.items.iter().filter(|&&i| !labels.row(i as usize).is_empty()).count(),
            span: past.times.and_then(|times| Some((*times.first()?, *times.last()?))),
            interests,
            diversity,
            hours: past.times.and_then(|times| hours(times, log.time_unit(), options.utc_offset)),
        }
    };
    Ok(users.par_iter().zip(&dense).map(one).collect())
}

impl ProfileOptions {
    fn check(&self) -> Result<()> {
        let lengths =
            [("half_life", self.half_life), ("recent_half_life", Some(self.recent_half_life))];
        for (name, length) in lengths {
            if let Some(length) = length.filter(|&length| !(length.is_finite() && length > 0.0)) {
                let why = "choose a length of time above 0, in the log's unit";
                return Err(Error::parameter(name, length, why));
            }
        }
        if !(-24..=24).contains(&self.utc_offset) {
            return Err(Error::parameter("utc_offset", self.utc_offset, "choose hours, -24 to 24"));
        }
        Ok(())
    }
}

/// Shares of the events by hour of the day; none for times that are no dates.
fn hours(times: &[i64], unit: TimeUnit, offset: i32) -> Option<Vec<f32>> {
    let second = unit.per_second()?;
    let mut hours = vec![0f32; 24];
    for &time in times {
        let hour = time.div_euclid(second * 3600) + i64::from(offset);
        hours[hour.rem_euclid(24) as usize] += 1.0 / times.len() as f32;
    }
    Some(hours)
}
