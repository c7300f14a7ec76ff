//! Which columns of a file of items hold what.

use super::columns::{ITEM, Names, plain, untyped, usual};
use super::items::ItemOptions;
use super::options::{Column, Format};
use super::table::Cell;
use crate::Result;

/// Names a title column usually has.
pub(super) const TITLE: &[&str] = &[
    "title",
    "name",
    "movietitle",
    "itemname",
    "itemtitle",
    "productname",
    "producttitle",
    "gamename",
    "booktitle",
    "artistname",
    "songname",
    "trackname",
    "headline",
    "标题",
    "名称",
    "商品名称",
];

/// Names a column of tags usually has.
const TAGS: &[&str] = &[
    "tags",
    "tag",
    "genres",
    "genre",
    "categories",
    "category",
    "class",
    "attributenames",
    "attributes",
    "keywords",
    "topics",
    "topic",
    "cat",
    "标签",
    "类别",
    "分类",
];

/// The columns that are read.
pub(super) struct Chosen {
    pub(super) id: usize,
    pub(super) texts: Vec<usize>,
    pub(super) text_names: Vec<String>,
    pub(super) tags: Option<usize>,
    /// Whether tags are a RecBole sequence, separated by spaces.
    pub(super) tag_sequence: bool,
    pub(super) vectors: Vec<usize>,
    pub(super) vector_names: Vec<String>,
}

impl Chosen {
    pub(super) fn find(
        names: &Names<'_>,
        options: &ItemOptions,
        format: Format,
        sample: &[Vec<Cell>],
    ) -> Result<Self> {
        let id = match (&options.id, names.header) {
            (Column::Auto, true) => id_column(names)?,
            (column, _) => names.require("id", column, ITEM, Some(0))?,
        };
        let tags = match (&options.tags, names.header) {
            (Column::Auto, false) => piped_column(sample, names.names.len()),
            (column, _) => names.find(column, TAGS, None)?,
        };
        let all = || (0..names.names.len()).filter(move |&at| at != id && Some(at) != tags);
        let vectors = match &options.vectors {
            Some(columns) => named(names, columns)?,
            None => all().filter(|&at| holds_vectors(sample, at)).collect(),
        };
        let texts = match &options.text {
            Some(columns) => named(names, columns)?,
            None => {
                let title = match names.header {
                    true => usual(names.names, TITLE).filter(|&at| at != id),
                    false => Some(1).filter(|&at| at < names.names.len() && Some(at) != tags),
                };
                let words = all().filter(|&at| Some(at) != title && holds_words(sample, at));
                title.into_iter().chain(words).collect()
            }
        };
        let title = |at: usize| match names.header {
            true => untyped(&names.names[at]).to_owned(),
            false if texts.first() == Some(&at) => "title".to_owned(),
            false => names.names[at].clone(),
        };
        let tag_sequence = format == Format::RecBole
            && tags.is_some_and(|at| names.names[at].ends_with(":token_seq"));
        Ok(Self {
            id,
            text_names: texts.iter().map(|&at| title(at)).collect(),
            vector_names: vectors.iter().map(|&at| title(at)).collect(),
            texts,
            tags,
            tag_sequence,
            vectors,
        })
    }

    /// The columns used, for the report.
    pub(super) fn describe(&self, names: &[String]) -> Vec<(&'static str, String)> {
        let one = |part, at: usize| (part, names[at].clone());
        let mut columns = vec![one("id", self.id)];
        columns.extend(self.texts.iter().map(|&at| one("text", at)));
        columns.extend(self.tags.map(|at| one("tags", at)));
        columns.extend(self.vectors.iter().map(|&at| one("vectors", at)));
        columns
    }
}

/// An item's id: named like one, else `id`, else the first column whose name ends so.
fn id_column(names: &Names<'_>) -> Result<usize> {
    let ends = |n: &String| {
        let plain = plain(untyped(n));
        plain.ends_with("id") || plain.ends_with("ids")
    };
    let found = usual(names.names, ITEM).or_else(|| usual(names.names, &["id"]));
    match found.or_else(|| names.names.iter().position(ends)) {
        Some(at) => Ok(at),
        None => names.require("id", &Column::Auto, ITEM, None),
    }
}

fn named(names: &Names<'_>, columns: &[Column]) -> Result<Vec<usize>> {
    columns.iter().map(|column| names.require("text", column, &[], None)).collect()
}

/// Without a header, tags are the last column with a `|` in it.
fn piped_column(sample: &[Vec<Cell>], width: usize) -> Option<usize> {
    let piped = |at: &usize| {
        sample.iter().any(|row| row.get(*at).and_then(Cell::text).is_some_and(|t| t.contains('|')))
    };
    (2..width).rev().find(piped)
}

/// Whether a column holds words: most of its cells have several, or are not in Latin letters.
fn holds_words(sample: &[Vec<Cell>], at: usize) -> bool {
    let texts: Vec<&str> =
        sample.iter().filter_map(|row| row.get(at)?.text()).map(str::trim).collect();
    let is_words = |t: &&&str| {
        let letters = t.chars().any(char::is_alphabetic);
        let link = t.split_whitespace().all(|word| word.contains("://"));
        letters && !link && (t.contains(' ') || !t.is_ascii())
    };
    2 * texts.iter().filter(is_words).count() > texts.len()
}

/// Whether a column holds lists of equally many numbers.
fn holds_vectors(sample: &[Vec<Cell>], at: usize) -> bool {
    let mut length = None;
    let fits = sample.iter().filter_map(|row| row.get(at)).all(|cell| match cell {
        Cell::Missing => true,
        Cell::Vector(v) => *length.get_or_insert(v.len()) == v.len(),
        _ => false,
    });
    fits && length.is_some_and(|n| n > 1)
}
