//! Tables of any format, row by row as cells; for files of items, where a row is kept whole.

use std::path::Path;

use super::csv::Splitter;
use super::jsonl;
use super::options::Format;
use super::report::Reason;
use super::sniff::{Said, Sniffed, sniff};
use super::source::{Blocks, Source};
use super::values::Refused;
use crate::{Error, Result};

/// One value of a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Cell {
    #[default]
    Missing,
    Text(String),
    List(Vec<String>),
    Vector(Vec<f32>),
}

impl Cell {
    /// The text, where it is one that is not empty.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }
}

/// A table whose columns are known and whose rows are still to be read.
pub(super) struct Table {
    source: Source,
    splitter: Splitter,
    pub(super) format: Format,
    pub(super) gzip: bool,
    pub(super) header: bool,
    pub(super) names: Vec<String>,
    /// The first rows.
    pub(super) sample: Vec<Vec<Cell>>,
}

impl Table {
    pub(super) fn open(path: &Path, said: &Said<'_>) -> Result<Self> {
        let source = Source::open(path)?;
        let (start, whole) = source.start();
        let sniffed = sniff(path, start, whole, said)?;
        let gzip = source.gzip;
        let Sniffed { format, splitter, header, names, rows } = sniffed;
        let mut table = Self { gzip, source, splitter, format, header, names, sample: Vec::new() };
        match format {
            Format::JsonLines => table.look_at_objects(path)?,
            Format::Parquet => table.look_at_parquet(path)?,
            _ => {
                let cells = |row: Vec<String>| row.into_iter().map(Cell::Text).collect();
                table.sample = rows.into_iter().map(cells).collect();
            }
        }
        Ok(table)
    }

    fn look_at_objects(&mut self, path: &Path) -> Result<()> {
        let objects = jsonl::sample(self.source.start().0);
        self.names = jsonl::keys(&objects);
        if self.names.is_empty() {
            let why = "the first line is no JSON object; write one object a line";
            return Err(Error::format(path, Some(1), why));
        }
        self.sample = objects.into_iter().map(|o| object_row(o, &self.names)).collect();
        Ok(())
    }

    #[cfg(feature = "parquet")]
    fn look_at_parquet(&mut self, path: &Path) -> Result<()> {
        (self.names, self.sample) = super::arrow_table::look(path, self.gzip)?;
        Ok(())
    }

    #[cfg(not(feature = "parquet"))]
    fn look_at_parquet(&mut self, path: &Path) -> Result<()> {
        let what = format!("reading {}", path.display());
        Err(Error::unsupported(what, "this build", "enable rec-core's feature `parquet`"))
    }

    /// Calls `row` for each row with its line (row, in Parquet) from 1.
    pub(super) fn for_each(
        self,
        mut row: impl FnMut(u64, Result<Vec<Cell>, Refused>),
    ) -> Result<()> {
        match self.format {
            #[cfg(feature = "parquet")]
            Format::Parquet => super::arrow_table::for_each(self.source, &self.names, row),
            Format::JsonLines => {
                let names = self.names;
                blocks(self.source, None, |block, base, _| {
                    jsonl::each_line(block, |line, text| {
                        let object = serde_json::from_slice(text)
                            .map(|object| object_row(object, &names))
                            .map_err(|e| (Reason::Json, format!("not a JSON object: {e}")));
                        row(base + line + 1, object);
                    })
                })
            }
            _ => {
                let (splitter, width, header) = (self.splitter, self.names.len(), self.header);
                blocks(self.source, splitter.quoted(), |block, base, first| {
                    let mut header = header && first;
                    splitter.each(block, |line, fields| {
                        if std::mem::take(&mut header) {
                            return;
                        }
                        let cells = fields.and_then(|fields| match fields.len() {
                            n if n == width => {
                                Ok(fields.iter().map(|f| Cell::Text(f.into())).collect())
                            }
                            n => {
                                let why = format!("{n} fields where {width} belong");
                                Err((Reason::Fields, why))
                            }
                        });
                        row(base + line + 1, cells);
                    })
                })
            }
        }
    }
}

/// Calls `each` with every block, the number of lines before it, and whether it is the first.
fn blocks(
    source: Source,
    quoted: Option<u8>,
    mut each: impl FnMut(&[u8], u64, bool) -> u64,
) -> Result<()> {
    let mut blocks = Blocks::new(source, quoted);
    let (mut base, mut first) = (0, true);
    while let Some(block) = blocks.next()? {
        base += each(&block, base, first);
        first = false;
    }
    Ok(())
}

fn object_row(
    mut object: serde_json::Map<String, serde_json::Value>,
    names: &[String],
) -> Vec<Cell> {
    names.iter().map(|name| object.remove(name).map_or(Cell::Missing, json_cell)).collect()
}

pub(super) fn json_cell(value: serde_json::Value) -> Cell {
    use serde_json::Value;
    match value {
        Value::Null => Cell::Missing,
        Value::String(text) => Cell::Text(text),
        Value::Array(values) if !values.is_empty() && values.iter().all(Value::is_number) => {
            let float = |v: &Value| v.as_f64().map_or(f32::NAN, |v| v as f32);
            Cell::Vector(values.iter().map(float).collect())
        }
        Value::Array(values) => Cell::List(
            values
                .into_iter()
                .map(|v| if let Value::String(text) = v { text } else { v.to_string() })
                .collect(),
        ),
        other => Cell::Text(other.to_string()),
    }
}

/// What is said of a plain file of two columns or more.
pub(super) fn plain_table<'a>(usual: &'a [&'a [&'a str]]) -> Said<'a> {
    Said {
        format: None,
        header: None,
        quotes: None,
        latin1: None,
        by_name: false,
        usual,
        adjacency: false,
    }
}
