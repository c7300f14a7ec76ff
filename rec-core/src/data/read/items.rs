//! Files of items: ids with texts, tags and vectors.

use std::path::{Path, PathBuf};

use hashbrown::HashMap;

use super::columns::{ITEM, Names};
use super::item_columns::{Chosen, TITLE};
use super::options::{Column, Format};
use super::report::{ReadReport, Reason, Tally};
use super::sniff::Said;
use super::table::{Cell, Table, plain_table};
use super::tags::{number_tags, split_tags};
use super::values::Refused;
use crate::data::{IdMap, Items};
use crate::{Error, Result};

/// How to read a file of items.
#[derive(Clone, Debug, Default)]
pub struct ItemOptions {
    /// The layout; found out from the contents unless given.
    pub format: Option<Format>,
    /// Whether the first row names the columns; found out unless given.
    pub header: Option<bool>,
    /// Whether `"` quotes fields; as in [`ReadOptions`](super::ReadOptions).
    pub quotes: Option<bool>,
    /// Whether rows that are not UTF-8 are read as Latin-1; as in
    /// [`ReadOptions`](super::ReadOptions).
    pub latin1: Option<bool>,
    /// The item's id.
    pub id: Column,
    /// The text fields, the one to show as title first. Unless given: the column named like a
    /// title, then the other columns that hold words.
    pub text: Option<Vec<Column>>,
    /// The column of tags.
    pub tags: Column,
    /// What separates tags. Unless given: lists as they are, JSON lists, `|` where there is one,
    /// else `,`; spaces in RecBole's sequences; else a cell is one tag.
    pub tag_separator: Option<String>,
    /// List columns of vectors. Unless given: those whose rows hold equally many numbers.
    pub vectors: Option<Vec<Column>>,
    /// A file of two columns, the id that events use and the id this file uses; items then carry
    /// the former, and those without one are left out and counted.
    pub id_map: Option<PathBuf>,
    /// Malformed rows are counted in the report instead of ending the read.
    pub skip_bad: bool,
}

/// Reads a file of items: the formats of [`read_interactions`](super::read_interactions) but for
/// user lists; vectors come from list columns of JSON lines or Parquet.
///
/// # Errors
/// As [`read_interactions`](super::read_interactions). A repeated id and a vector of another length
/// are malformed rows.
pub fn read_items(path: impl AsRef<Path>, options: &ItemOptions) -> Result<(Items, ReadReport)> {
    let path = path.as_ref();
    let columns = [Some(&options.id), Some(&options.tags)].into_iter().flatten();
    let lists = [&options.text, &options.vectors].into_iter().flatten().flatten();
    let table = Table::open(
        path,
        &Said {
            format: options.format,
            header: options.header,
            quotes: options.quotes,
            latin1: options.latin1,
            by_name: columns.chain(lists).any(|c| matches!(c, Column::Name(_))),
            usual: &[ITEM, TITLE, &["id"]],
            adjacency: false,
        },
    )?;
    let names = Names { path, names: &table.names, header: table.header };
    let chosen = Chosen::find(&names, options, table.format, &table.sample)?;
    let mapping = options.id_map.as_deref().map(read_mapping).transpose()?;
    let mut report = ReadReport::new(path, table.format, table.gzip, table.header);
    report.columns = chosen.describe(&table.names);
    let lines = table.format != Format::Parquet;
    let mut rows = Rows::new(&chosen, mapping);
    let mut tally = Tally::default();
    table.for_each(|line, row| {
        report.rows += 1;
        if let Err((reason, why)) = row.and_then(|row| rows.add(row)) {
            tally.refuse(line, reason, || why);
        }
    })?;
    if !options.skip_bad {
        tally.first_error(path, lines)?;
    }
    if rows.ids.is_empty() {
        let why = match rows.unmapped {
            0 => "there is no item in it".to_owned(),
            n => format!("the id mapping names none of its {n} items; check its direction"),
        };
        return Err(Error::empty(format!("the file {}", path.display()), why));
    }
    report.refused = tally.finish();
    report.unmapped = rows.unmapped;
    report.kept = rows.ids.len() as u64;
    Ok((rows.finish(options)?, report))
}

/// The ids events use, by the id the item file uses.
fn read_mapping(path: &Path) -> Result<HashMap<String, Vec<String>>> {
    let table = Table::open(path, &plain_table(&[ITEM, &["id"]]))?;
    let mut map: HashMap<String, Vec<String>> = HashMap::new();
    let mut tally = Tally::default();
    table.for_each(|line, row| {
        let pair = row.and_then(|row| match (row.first(), row.get(1)) {
            (Some(Cell::Text(ours)), Some(Cell::Text(theirs))) => {
                map.entry(theirs.clone()).or_default().push(ours.clone());
                Ok(())
            }
            _ => Err((Reason::Fields, "an id mapping has two columns".into())),
        });
        if let Err((reason, why)) = pair {
            tally.refuse(line, reason, || why);
        }
    })?;
    tally.first_error(path, true)?;
    Ok(map)
}

/// Items so far, column by column.
struct Rows<'a> {
    chosen: &'a Chosen,
    mapping: Option<HashMap<String, Vec<String>>>,
    ids: IdMap,
    texts: Vec<Vec<String>>,
    tags: Vec<Cell>,
    vectors: Vec<Vec<Cell>>,
    dims: Vec<Option<usize>>,
    unmapped: u64,
}

impl<'a> Rows<'a> {
    fn new(chosen: &'a Chosen, mapping: Option<HashMap<String, Vec<String>>>) -> Self {
        Self {
            mapping,
            ids: IdMap::new(),
            texts: vec![Vec::new(); chosen.texts.len()],
            tags: Vec::new(),
            vectors: vec![Vec::new(); chosen.vectors.len()],
            dims: vec![None; chosen.vectors.len()],
            unmapped: 0,
            chosen,
        }
    }

    fn add(&mut self, mut row: Vec<Cell>) -> Result<(), Refused> {
        let Some(id) = row[self.chosen.id].text().map(str::to_owned) else {
            return Err((Reason::EmptyId, "the item id is empty".into()));
        };
        for (slot, &at) in self.chosen.vectors.iter().enumerate() {
            self.dims[slot] = check_vector(&row[at], self.dims[slot])?;
        }
        let ids = match &self.mapping {
            None => vec![id],
            Some(mapping) => mapping.get(&id).cloned().unwrap_or_default(),
        };
        self.unmapped += u64::from(ids.is_empty());
        if let Some(id) = ids.iter().find(|id| self.ids.get(id.as_str()).is_some()) {
            return Err((Reason::Repeated, format!("item {id} stands in the file already")));
        }
        let last = ids.len().saturating_sub(1);
        for (copy, id) in ids.iter().enumerate() {
            self.ids.intern(id.as_str());
            // Nearly always there is one copy, and its cells move.
            let mut take = |at: usize| match copy == last {
                true => std::mem::take(&mut row[at]),
                false => row[at].clone(),
            };
            for (texts, &at) in self.texts.iter_mut().zip(&self.chosen.texts) {
                texts.push(as_text(take(at)));
            }
            self.tags.extend(self.chosen.tags.map(&mut take));
            for (vectors, &at) in self.vectors.iter_mut().zip(&self.chosen.vectors) {
                vectors.push(take(at));
            }
        }
        Ok(())
    }

    fn finish(self, options: &ItemOptions) -> Result<Items> {
        let n = self.ids.len();
        let chosen = self.chosen;
        let mut items = Items::new(self.ids);
        for (name, texts) in chosen.text_names.iter().zip(self.texts) {
            items = items.with_text(name, texts)?;
        }
        if chosen.tags.is_some() {
            let separator = options.tag_separator.as_deref();
            items = items.with_tags(&split_tags(self.tags, separator, chosen.tag_sequence))?;
        }
        for ((name, cells), dim) in chosen.vector_names.iter().zip(self.vectors).zip(self.dims) {
            let dim = dim.ok_or_else(|| Error::data(name, "no item has a vector there"))?;
            let mut values = Vec::with_capacity(n * dim);
            for cell in cells {
                match cell {
                    Cell::Vector(vector) => values.extend(vector),
                    _ => values.resize(values.len() + dim, 0.0),
                }
            }
            items = items.with_vectors(name, dim, values)?;
        }
        Ok(items)
    }
}

fn as_text(cell: Cell) -> String {
    match cell {
        Cell::Missing => String::new(),
        Cell::Text(text) => text,
        Cell::List(list) => list.join(" "),
        Cell::Vector(values) => number_tags(&values).join(" "),
    }
}

fn check_vector(cell: &Cell, dim: Option<usize>) -> Result<Option<usize>, Refused> {
    let refused = |why| Err((Reason::Vector, why));
    match (cell, dim) {
        (Cell::Missing, _) => Ok(dim),
        (Cell::Vector(v), _) if v.iter().any(|x| !x.is_finite()) => {
            refused("a vector with values that are not finite numbers".into())
        }
        (Cell::Vector(v), Some(dim)) if v.len() != dim => {
            refused(format!("a vector of {} values where {dim} belong", v.len()))
        }
        (Cell::Vector(v), _) => Ok(Some(v.len())),
        _ => refused("not a list of numbers".into()),
    }
}
