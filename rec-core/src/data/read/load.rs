//! Files of events into interactions: blocks are read, parsed and numbered at the same time.

use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::columns::Names;
use super::csv::{Fields, Splitter};
use super::events::{EVENTS, EventParser, Layout, Usual};
use super::options::{Column, Format, ReadOptions};
use super::report::{ReadReport, Reason};
use super::sink::{Parsed, Rules, Sink};
use super::sniff::{Said, Sniffed, sniff};
use super::source::{Blocks, Source};
use super::values::{Refused, TimeKind};
use super::{folder, jsonl};
use crate::data::{IdMaps, Interactions, TimeUnit};
use crate::{Error, Result};

/// Reads a file of events: CSV or any other separated text, RecBole's `.inter`, JSON lines,
/// Parquet, or a user and their items on each line; plain or gzip, recognised by content. A RecBole
/// folder may be given in place of its `.inter` file. Rows keep their order; ids are numbered as
/// they appear.
///
/// # Errors
/// [`Error::Io`] where the file cannot be read, [`Error::Empty`] without rows,
/// [`Error::MissingColumn`] naming the columns there are, [`Error::Format`] with the line of the
/// first malformed row (unless `skip_bad`) or for a damaged file.
pub fn read_interactions(
    path: impl AsRef<Path>,
    options: &ReadOptions,
) -> Result<(Interactions, ReadReport)> {
    let path = folder::log_file(path.as_ref())?;
    let raw = read_raw(&path, options, EVENTS, IdMaps::default())?;
    raw.finish(options)
}

/// A file's events as dense columns, before they are sorted.
pub(super) struct Raw {
    pub(super) sink: Sink,
    pub(super) report: ReadReport,
    time: TimeKind,
}

impl Raw {
    pub(super) fn new(mut sink: Sink, mut report: ReadReport, time: TimeKind) -> Self {
        report.rows = sink.rows;
        report.refused = std::mem::take(&mut sink.tally).finish();
        Self { sink, report, time }
    }

    /// The interactions of a file that stands for itself.
    pub(super) fn finish(mut self, options: &ReadOptions) -> Result<(Interactions, ReadReport)> {
        let ids = Arc::new(std::mem::take(&mut self.sink.ids));
        self.with_ids(ids, options)
    }

    /// The interactions, under maps that hold this file's ids.
    pub(super) fn with_ids(
        self,
        ids: Arc<IdMaps>,
        options: &ReadOptions,
    ) -> Result<(Interactions, ReadReport)> {
        let Self { sink, mut report, time } = self;
        let unit = match time {
            TimeKind::Date(unit) => unit,
            TimeKind::Number => options.time_unit.unwrap_or_else(|| {
                sink.times.iter().max().map_or(TimeUnit::Unknown, |&t| TimeUnit::guess(t))
            }),
        };
        let weights = (!sink.weights.is_empty()).then_some(sink.weights);
        let times = (!sink.times.is_empty()).then_some(sink.times);
        let log = Interactions::from_columns(ids, &sink.users, sink.items, weights, times, unit)?;
        report.describe(&log);
        Ok((log, report))
    }
}

/// Reads the columns of a file, its ids numbered after those in `ids`.
pub(super) fn read_raw(
    path: &Path,
    options: &ReadOptions,
    usual: Usual,
    ids: IdMaps,
) -> Result<Raw> {
    if let Some(events) = &options.events {
        events.check()?;
    }
    let source = Source::open(path)?;
    let said = Said {
        format: options.format,
        header: options.header,
        quotes: options.quotes,
        latin1: options.latin1,
        by_name: [&options.user, &options.item, &options.weight, &options.time]
            .into_iter()
            .chain(options.events.as_ref().map(|e| &e.column))
            .any(|c| matches!(c, Column::Name(_))),
        usual: &[usual.user, usual.item],
        adjacency: options.user == Column::Auto && options.item == Column::Auto,
    };
    let (start, whole) = source.start();
    let sniffed = sniff(path, start, whole, &said)?;
    let raw = match sniffed.format {
        Format::JsonLines => jsonl::read(source, options, usual, ids)?,
        Format::Adjacency(_) => read_adjacency(source, &sniffed, options, ids)?,
        Format::Parquet => parquet(source, options, usual, ids)?,
        _ => read_table(source, &sniffed, options, usual, ids)?,
    };
    if raw.sink.items.is_empty() {
        let why = match raw.sink.rows {
            0 if sniffed.header => "a header and no row below it".to_owned(),
            0 => "there is no row in it".to_owned(),
            n => format!("none of its {n} rows gives an event; see why with skip_bad = false"),
        };
        return Err(Error::empty(format!("the file {}", path.display()), why));
    }
    Ok(raw)
}

#[cfg(feature = "parquet")]
fn parquet(source: Source, options: &ReadOptions, usual: Usual, ids: IdMaps) -> Result<Raw> {
    super::arrow::read(source, options, usual, ids)
}

#[cfg(not(feature = "parquet"))]
fn parquet(source: Source, _: &ReadOptions, _: Usual, _: IdMaps) -> Result<Raw> {
    let what = format!("reading {}", source.path().display());
    Err(Error::unsupported(what, "this build", "enable rec-core's feature `parquet`"))
}

fn read_table(
    source: Source,
    sniffed: &Sniffed,
    options: &ReadOptions,
    usual: Usual,
    ids: IdMaps,
) -> Result<Raw> {
    let path = source.path().to_path_buf();
    let names = Names { path: &path, names: &sniffed.names, header: sniffed.header };
    let layout = Layout::find(&names, options, usual, &sniffed.rows)?;
    let parser = EventParser::new(layout, &sniffed.rows, options);
    let mut report = ReadReport::new(&path, sniffed.format, source.gzip, sniffed.header);
    report.columns = parser.layout.describe(&sniffed.names);
    let row = |fields: Fields<'_>, out: &mut Parsed| parser.row(fields, out);
    let sink = read_blocks(source, sniffed.splitter, sniffed.header, options, ids, row)?;
    Ok(Raw::new(sink, report, parser.time))
}

fn read_adjacency(
    source: Source,
    sniffed: &Sniffed,
    options: &ReadOptions,
    ids: IdMaps,
) -> Result<Raw> {
    let mut report = ReadReport::new(source.path(), sniffed.format, source.gzip, false);
    report.columns = vec![("user", "first".into()), ("item", "the others".into())];
    let sink = read_blocks(source, sniffed.splitter, false, options, ids, user_list)?;
    Ok(Raw::new(sink, report, TimeKind::Number))
}

/// A user and their items; a user alone has no events.
fn user_list(fields: Fields<'_>, out: &mut Parsed) -> Result<(), Refused> {
    if fields.iter().any(str::is_empty) {
        return Err((Reason::EmptyId, "an id is empty (two separators in a row)".into()));
    }
    let user = fields.get(0);
    for item in fields.iter().skip(1) {
        out.users.push(user);
        out.items.push(item);
    }
    Ok(())
}

/// Reads separated text, `row` adding the events of each row.
fn read_blocks(
    source: Source,
    splitter: Splitter,
    header: bool,
    options: &ReadOptions,
    ids: IdMaps,
    row: impl Fn(Fields<'_>, &mut Parsed) -> Result<(), Refused> + Sync,
) -> Result<Sink> {
    let quoted = splitter.quoted();
    pipeline(source, quoted, options, ids, |at, block| {
        let mut out = Parsed::default();
        let mut header = header && at == 0;
        out.lines = splitter.each(block, |line, fields| {
            if std::mem::take(&mut header) {
                return;
            }
            out.rows += 1;
            if let Err(refused) = fields.and_then(|fields| row(fields, &mut out)) {
                out.refuse(line, refused);
            }
        });
        out
    })
}

/// Blocks in flight at a time; fixed, so that nothing depends on the number of threads.
const WAVE: usize = 4;

/// Reads blocks, parses those read before, and numbers the ids of those parsed before, all three at
/// the same time. `parse` gets the block's position and its bytes.
pub(super) fn pipeline(
    source: Source,
    quoted: Option<u8>,
    options: &ReadOptions,
    ids: IdMaps,
    parse: impl Fn(usize, &[u8]) -> Parsed + Sync,
) -> Result<Sink> {
    let path = source.path().to_path_buf();
    let rules = Rules { path: &path, skip_bad: options.skip_bad, has_lines: true };
    let mut blocks = Blocks::new(source, quoted);
    let mut sink = Sink::new(ids);
    let (mut raw, mut failed) = wave(&mut blocks, None);
    let mut parsed = Vec::new();
    let mut position = 0;
    while !(raw.is_empty() && parsed.is_empty()) {
        let stopped = failed.take();
        let from = position;
        position += raw.len();
        let work = || -> Vec<Parsed> {
            raw.par_iter().enumerate().map(|(i, block)| parse(from + i, block)).collect()
        };
        let ((next, fresh), merged) = rayon::join(
            || rayon::join(|| wave(&mut blocks, stopped), work),
            || sink.merge(parsed, &rules),
        );
        // An earlier row's error comes before a later failure to read.
        merged?;
        (raw, failed) = next;
        parsed = fresh;
    }
    failed.map_or(Ok(sink), Err)
}

/// The next blocks, and what stopped the reading if something did.
fn wave(blocks: &mut Blocks, stopped: Option<Error>) -> (Vec<Vec<u8>>, Option<Error>) {
    let mut read = Vec::with_capacity(WAVE);
    if stopped.is_some() {
        return (read, stopped);
    }
    while read.len() < WAVE {
        match blocks.next() {
            Ok(Some(block)) => read.push(block),
            Ok(None) => break,
            Err(e) => return (read, Some(e)),
        }
    }
    (read, None)
}
