//! What most people like: the baseline, and the fallback for users without a past.

use std::sync::Arc;

use rec_core::data::{Csr, Dataset, IdMaps, Interactions, TimeUnit};
use rec_core::parallel;
use rec_core::rank::{History, Recommend, Scorer};
use rec_core::store::{ModelReader, ModelWriter};
use serde::{Deserialize, Serialize};

use super::item_weights::{check_block, check_events};
use crate::fit::{Fit, FitContext, Model};
use crate::{Error, Result};

/// Popularity: an item's score is how often it was chosen, the same for every user,
/// `s_i = Σ_events w · 2^(-(t_max - t) / half_life)`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Popular {
    /// Days after which an event counts half, measured back from the latest event of the data;
    /// `None` for no decay. Needs timestamps whose unit is known or can be guessed.
    pub half_life_days: Option<f64>,
    /// Whether an event counts as much as it weighs, instead of 1.
    pub weighted: bool,
}

/// The model of [`Popular`].
#[derive(Clone, Debug)]
pub struct PopularModel {
    config: Popular,
    ids: Arc<IdMaps>,
    seen: Csr,
    scores: Vec<f32>,
}

const KIND: &str = "popular";

impl Fit for Popular {
    type Model = PopularModel;

    fn reads_items(&self) -> bool {
        false
    }

    fn fit(&self, data: &Dataset, ctx: &mut FitContext<'_>) -> Result<PopularModel> {
        let events = &data.interactions;
        check_events(events)?;
        let decay = self.half_life_days.map(|days| Decay::new(days, events)).transpose()?;
        ctx.cancel.check("popularity")?;
        parallel::install(ctx.cpu_threads("Popular")?, || {
            let mut sums = vec![0f64; events.n_items()];
            for event in events.events() {
                let weight = if self.weighted { f64::from(event.weight) } else { 1.0 };
                let age = decay.as_ref().zip(event.time).map_or(1.0, |(d, t)| d.of(t));
                sums[event.item as usize] += weight * age;
            }
            Ok(PopularModel {
                config: self.clone(),
                ids: events.ids().clone(),
                seen: events.matrix().binary(),
                scores: sums.into_iter().map(|s| s as f32).collect(),
            })
        })
    }
}

/// `2^(-(latest - t) / half_life)`, in the data's ticks.
struct Decay {
    latest: i64,
    half_life: f64,
}

impl Decay {
    fn new(days: f64, events: &Interactions) -> Result<Self> {
        if !(days.is_finite() && days > 0.0) {
            return Err(Error::parameter(
                "half_life_days",
                days,
                "give a number of days above 0, or none for no decay",
            ));
        }
        let Some((_, latest)) = events.time_span() else {
            return Err(Error::data(
                "timestamps",
                "half_life_days needs them and the events have none; name the time column when \
                 reading, or fit without half_life_days",
            ));
        };
        let unit = match events.time_unit() {
            TimeUnit::Unknown => TimeUnit::guess(latest),
            known => known,
        };
        let per_second = unit.per_second().ok_or_else(|| {
            Error::data(
                "timestamps",
                format!(
                    "half_life_days needs their unit, and {latest} is no date between 1980 and \
                     2100 in s, ms, µs or ns; state the time unit when reading"
                ),
            )
        })?;
        Ok(Self { latest, half_life: days * 86_400.0 * per_second as f64 })
    }

    fn of(&self, time: i64) -> f64 {
        (-(self.latest.wrapping_sub(time) as f64) / self.half_life).exp2()
    }
}

impl PopularModel {
    /// The score of every item: `[n_items]`.
    pub fn scores(&self) -> &[f32] {
        &self.scores
    }

    /// A model from its folder.
    ///
    /// # Errors
    /// [`Error::Format`] where the folder does not hold one.
    pub fn load(reader: &ModelReader) -> Result<Self> {
        let ids = reader.ids()?;
        let seen = reader.csr("seen")?;
        let (_, scores) = reader.f32("scores")?;
        super::item_weights::check_loaded(
            &ids,
            &seen,
            "scores",
            &[ids.items.len()],
            &[scores.len()],
        )?;
        Ok(Self { config: reader.config()?, ids, seen, scores })
    }
}

impl Scorer for PopularModel {
    fn n_users(&self) -> usize {
        self.ids.users.len()
    }
    fn n_items(&self) -> usize {
        self.scores.len()
    }
    fn score(&self, users: &[u32], out: &mut [f32]) -> Result<()> {
        check_block(users.len(), self.n_items(), out)?;
        out.chunks_exact_mut(self.n_items()).for_each(|row| row.copy_from_slice(&self.scores));
        Ok(())
    }
    fn common_scores(&self) -> Option<&[f32]> {
        Some(&self.scores)
    }
}

impl Recommend for PopularModel {
    fn ids(&self) -> &Arc<IdMaps> {
        &self.ids
    }
    fn seen(&self) -> &Csr {
        &self.seen
    }
    fn knows(&self, user: u32) -> bool {
        (user as usize) < self.n_users()
    }
    fn score_histories(&self, histories: &[History], out: &mut [f32]) -> Result<()> {
        check_block(histories.len(), self.n_items(), out)?;
        out.chunks_exact_mut(self.n_items()).for_each(|row| row.copy_from_slice(&self.scores));
        Ok(())
    }
}

impl Model for PopularModel {
    fn kind(&self) -> &'static str {
        KIND
    }
    fn writer(&self) -> Result<ModelWriter> {
        let mut writer = ModelWriter::new(KIND, &self.config)?;
        writer.ids(&self.ids).csr("seen", &self.seen)?.f32(
            "scores",
            &[self.scores.len()],
            &self.scores,
        )?;
        Ok(writer)
    }
}
