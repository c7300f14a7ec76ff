//! A file as blocks of texts.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use memchr::memchr_iter;

use crate::data::read::source::{Blocks, Source};
use crate::{Error, Result};

/// A column of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// By its name in the header row.
    Name(String),
    /// By its position, from 0.
    Index(usize),
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Index(at) => at.fmt(f),
        }
    }
}

/// How a file holds texts.
#[derive(Clone, Debug)]
pub struct TextFile {
    /// The column of a file with separated fields; `None` where each line is a text.
    pub column: Option<Field>,
    /// What separates fields: one ASCII character.
    pub separator: u8,
    /// Whether the first row names the columns.
    pub header: bool,
    /// Whether bytes that are not UTF-8 become U+FFFD; otherwise they are an error.
    pub lossy: bool,
}

impl TextFile {
    /// Each line is a text.
    pub fn lines() -> Self {
        Self { column: None, separator: b',', header: false, lossy: false }
    }

    /// A column of a CSV file whose first row names the columns.
    pub fn csv(column: impl Into<String>) -> Self {
        Self { column: Some(Field::Name(column.into())), header: true, ..Self::lines() }
    }
}

/// Calls `read` with the texts of a file, a block of about half a MiB at a time, in order. Gzip is
/// recognised by its contents. A row may be up to 64 MiB long.
///
/// # Errors
/// [`Error::Io`]; [`Error::Format`] with the line for invalid UTF-8 (unless `lossy`), a row without
/// the column, or a row that is too long; [`Error::MissingColumn`]; [`Error::Empty`] for an empty
/// file; whatever `read` returns.
pub fn for_each_text(
    path: impl AsRef<Path>,
    file: &TextFile,
    read: &mut dyn FnMut(&[Cow<'_, str>]) -> Result<()>,
) -> Result<()> {
    let path = path.as_ref();
    let quoted = file.column.as_ref().map(|_| file.separator);
    let mut blocks = Blocks::new(Source::open(path)?, quoted);
    let mut rows = Rows { path, file, at: None, line: 1 };
    while let Some(block) = blocks.next()? {
        let texts = match &file.column {
            None => rows.lines(&block)?,
            Some(column) => rows.fields(&block, column)?,
        };
        read(&texts)?;
        rows.line += memchr_iter(b'\n', &block).count() as u64;
    }
    Ok(())
}

struct Rows<'a> {
    path: &'a Path,
    file: &'a TextFile,
    /// Where the column stands, once the header is read.
    at: Option<usize>,
    /// The line at which the block begins.
    line: u64,
}

impl Rows<'_> {
    fn lines<'b>(&self, block: &'b [u8]) -> Result<Vec<Cow<'b, str>>> {
        let lines = block.split_inclusive(|&b| b == b'\n').enumerate();
        lines
            .map(|(n, line)| {
                let line = line.strip_suffix(b"\n").unwrap_or(line);
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                self.text(line, self.line + n as u64)
            })
            .collect()
    }

    fn fields(&mut self, block: &[u8], column: &Field) -> Result<Vec<Cow<'static, str>>> {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(self.file.separator)
            .has_headers(false)
            .flexible(true)
            .from_reader(block);
        let (mut row, mut texts) = (csv::ByteRecord::new(), Vec::new());
        let broken = |e: csv::Error| Error::format(self.path, None, e.to_string());
        while reader.read_byte_record(&mut row).map_err(broken)? {
            let at = match self.at {
                Some(at) => at,
                None => {
                    let at = position(self.path, column, self.file.header, &row)?;
                    self.at = Some(at);
                    if self.file.header {
                        continue;
                    }
                    at
                }
            };
            let line = self.line + row.position().map_or(0, |p| p.line() - 1);
            let field = row.get(at).ok_or_else(|| {
                let why = format!("{} fields, and the text is field {}", row.len(), at + 1);
                Error::format(self.path, Some(line), why)
            })?;
            texts.push(Cow::Owned(self.text(field, line)?.into_owned()));
        }
        Ok(texts)
    }

    fn text<'b>(&self, bytes: &'b [u8], line: u64) -> Result<Cow<'b, str>> {
        if self.file.lossy {
            return Ok(String::from_utf8_lossy(bytes));
        }
        std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|e| {
            let why = format!(
                "not UTF-8 at byte {} of the text; convert the file to UTF-8, or read it lossy \
                 to put U+FFFD in the place of such bytes",
                e.valid_up_to() + 1
            );
            Error::format(self.path, Some(line), why)
        })
    }
}

/// Where the column stands, by the first row.
fn position(path: &Path, column: &Field, header: bool, row: &csv::ByteRecord) -> Result<usize> {
    let names: Vec<String> = row.iter().map(|f| String::from_utf8_lossy(f).into_owned()).collect();
    let found = match column {
        Field::Index(at) => Some(*at).filter(|&at| at < names.len()),
        Field::Name(name) if header => names.iter().position(|n| n == name),
        Field::Name(name) => {
            let why = "without a header row, name the column by its number, from 0";
            return Err(Error::parameter("column", format!("{name:?}"), why));
        }
    };
    found.ok_or_else(|| Error::MissingColumn {
        path: path.to_path_buf(),
        column: column.to_string(),
        present: names,
    })
}
