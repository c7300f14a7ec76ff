//! Recommending by what items are: their words, tags or vectors.

mod model;
#[cfg(test)]
mod tests;
mod vectors;

use rec_core::data::{Csr, Dataset, Items};
use rec_core::parallel;
use serde::{Deserialize, Serialize};

pub use model::ContentModel;

use self::vectors::ItemVectors;
use crate::collab::checks;
use crate::collab::item_weights::check_events;
use crate::collab::rows::Task;
use crate::fit::{Fit, FitContext};
use crate::tags::{NgramOptions, TfIdf};
use crate::{Error, Result};

/// What an item is known by.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Features {
    /// TF-IDF of its words: see [`TfIdf`].
    Words {
        /// The text fields to read; all where none is named.
        #[serde(default)]
        fields: Vec<String>,
        /// From text to words and n-grams.
        #[serde(default = "words")]
        ngrams: Box<NgramOptions>,
    },
    /// Its tags, each weighing `ln((1 + n) / (1 + df)) + 1`.
    Tags,
    /// A table of vectors (of a text encoder, of images): the one of this name, or the first.
    Vectors {
        /// The table's name.
        #[serde(default)]
        field: Option<String>,
    },
}

/// Words alone, and pairs of ideographs: a title is too short for more.
fn words() -> Box<NgramOptions> {
    Box::new(NgramOptions {
        words: 1,
        ideographs: (2, 2),
        letters: (0, 0),
        ..NgramOptions::default()
    })
}

impl Default for Features {
    fn default() -> Self {
        Self::Words { fields: Vec::new(), ngrams: words() }
    }
}

/// Content-based recommending: with `x_i` an item's features at length 1, a user's profile is the
/// weighted mean of their items' and scores by it,
///
/// `p_u = Σ_e w_e x_e / Σ_e w_e`, `w_e = weight · 2^(−later / half_life)`, `s(u, i) = ⟨p_u, x_i⟩`,
///
/// where `later` counts the user's events after `e` (P. Lops, M. de Gemmis, G. Semeraro,
/// "Content-based recommender systems: state of the art and trends", 2011, §3.3). The score is the
/// mean cosine with the user's past, and each past item's part of it is known.
///
/// Items nobody had yet are scored like others, once the data set's id map has them:
/// [`rec_core::data::Interactions::with_items`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Content {
    /// What an item is known by.
    pub features: Features,
    /// After so many events of a user, an event counts half; none for all alike.
    pub half_life: Option<f32>,
}

/// The kind that model folders name.
const KIND: &str = "content";

impl Fit for Content {
    type Model = ContentModel;

    fn fit(&self, data: &Dataset, ctx: &mut FitContext<'_>) -> Result<ContentModel> {
        if let Some(events) = self.half_life {
            checks::positive("half_life", events)?;
        }
        let events = &data.interactions;
        check_events(events)?;
        checks::weights("Content", &events.matrix(), events)?;
        let items = data.items.as_deref().ok_or_else(|| {
            Error::empty(
                "the table of items",
                "give the data set its items' texts, tags or vectors",
            )
        })?;
        let task = Task::begin(ctx, "content", 2);
        parallel::install(ctx.cpu_threads("Content")?, || {
            let ids = events.ids();
            let (vectors, tfidf) = self.features.of(items, &items.rows_of(&ids.items))?;
            task.advance(1)?;
            let rows = (0..events.n_users() as u32).map(|user| {
                let range = events.range(user);
                let weights = events.weights().map(|weights| &weights[range]);
                let weight = |at: usize| weights.map_or(1.0, |weights| weights[at]);
                let sequence = events.sequence(user).iter().enumerate();
                self.profile(&sequence.map(|(at, &item)| (item, weight(at))).collect::<Vec<_>>())
            });
            let profile = Csr::from_rows(rows, events.n_items());
            task.advance(1)?;
            ContentModel::new(self.clone(), ids.clone(), profile, vectors, tfidf)
        })
    }
}

impl Content {
    /// How much each event of a past counts, given the events in order of time; they add up to 1.
    fn profile(&self, history: &[(u32, f32)]) -> Vec<(u32, f32)> {
        let n = history.len();
        let fade = |at: usize| self.half_life.map_or(1.0, |h| (-((n - 1 - at) as f32) / h).exp2());
        let weighted = history.iter().enumerate().map(|(at, &(item, w))| (item, w * fade(at)));
        let mut row: Vec<(u32, f32)> = weighted.collect();
        row.sort_by_key(|&(item, _)| item);
        row.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0.0 };
            same
        });
        let total: f32 = row.iter().map(|&(_, w)| w).sum();
        if total > 0.0 {
            row.iter_mut().for_each(|(_, w)| *w /= total);
        }
        row
    }
}

impl Features {
    /// The vectors of the items in `rows` of the table, none for those not in it; and what turns
    /// other texts into such vectors.
    fn of(&self, items: &Items, rows: &[Option<u32>]) -> Result<(ItemVectors, Option<TfIdf>)> {
        match self {
            Self::Words { fields, ngrams } => {
                ngrams.check()?;
                let texts = texts(items, fields, rows)?;
                let bags = ngrams.bags(&texts)?;
                let bags: Vec<_> = bags.iter().collect();
                let tfidf = TfIdf::fit(ngrams, &bags);
                Ok((ItemVectors::sparse(tfidf.transform(&bags)), Some(tfidf)))
            }
            Self::Tags => {
                let tags = items.tags().ok_or_else(|| {
                    Error::empty("the items' tags", "give them, or use words or vectors")
                })?;
                let row = |row: &Option<u32>| {
                    row.map_or_else(Vec::new, |row| tags.iter_row(row as usize).collect())
                };
                let mine = Csr::from_rows(rows.iter().map(row), tags.n_cols());
                Ok((ItemVectors::sparse(by_rarity(&mine)), None))
            }
            Self::Vectors { field } => Ok((dense(items, field.as_deref(), rows)?, None)),
        }
    }
}

/// The named text fields of each item, one after another.
fn texts(items: &Items, fields: &[String], rows: &[Option<u32>]) -> Result<Vec<String>> {
    let known: Vec<&str> = items.texts().iter().map(|field| field.name.as_str()).collect();
    let all = || known.iter().map(|&name| name.to_owned()).collect();
    let fields: Vec<String> = if fields.is_empty() { all() } else { fields.to_vec() };
    if fields.is_empty() {
        return Err(Error::empty("the items' texts", "give a text field, or use tags or vectors"));
    }
    let columns = fields.iter().map(|name| {
        items.text(name).ok_or_else(|| {
            Error::parameter("fields", name, format!("the items' texts are {}", known.join(", ")))
        })
    });
    let columns: Vec<&[String]> = columns.collect::<Result<_>>()?;
    let of =
        |row: u32| columns.iter().map(|texts| texts[row as usize].as_str()).collect::<Vec<_>>();
    Ok(rows.iter().map(|row| row.map_or_else(String::new, |row| of(row).join("\n"))).collect())
}

/// Rows of length 1, a column weighing more the fewer rows have it.
fn by_rarity(tags: &Csr) -> Csr {
    let n = tags.n_rows() as f32;
    let idf: Vec<f32> =
        tags.column_counts().iter().map(|&df| ((1.0 + n) / (1.0 + df as f32)).ln() + 1.0).collect();
    let norm =
        |row: usize| tags.row(row).iter().map(|&tag| idf[tag as usize].powi(2)).sum::<f32>().sqrt();
    let norms: Vec<f32> = (0..tags.n_rows()).map(norm).collect();
    tags.map_values(|row, tag, _| idf[tag as usize] / norms[row])
}

fn dense(items: &Items, field: Option<&str>, rows: &[Option<u32>]) -> Result<ItemVectors> {
    let tables = items.vectors();
    let found = match field {
        Some(name) => tables.iter().find(|table| table.name == name),
        None => tables.first(),
    };
    let Some(table) = found else {
        let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
        let why = match names.is_empty() {
            true => "the items have none; give them, or use words or tags".to_owned(),
            false => format!("the items' tables of vectors are {}", names.join(", ")),
        };
        return Err(Error::parameter("field", field.unwrap_or("none"), why));
    };
    let mut values = vec![0.0; rows.len() * table.dim];
    for (out, row) in values.chunks_exact_mut(table.dim).zip(rows) {
        if let Some(row) = row {
            out.copy_from_slice(&table.values[*row as usize * table.dim..][..table.dim]);
        }
    }
    Ok(ItemVectors::dense(table.dim, values))
}
