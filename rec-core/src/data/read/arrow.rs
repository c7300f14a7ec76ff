//! Parquet files and Arrow record batches into events.

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_cast::cast;
use arrow_schema::ArrowError;
use arrow_schema::{DataType, Schema, TimeUnit as ArrowUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::columns::Names;
use super::events::{EVENTS, EventParser, Layout, Usual, product};
use super::load::Raw;
use super::options::{Format, ReadOptions};
use super::report::{ReadReport, Reason};
use super::sink::{Parsed, RawIds, Rules, Sink};
use super::source::Source;
use super::values::{self, Refused, TimeKind};
use crate::data::{IdMaps, Interactions, TimeUnit};
use crate::{Error, Result};

/// Rows decoded at a time.
pub(super) const BATCH: usize = 1 << 16;

/// Reads the events of a Parquet file.
pub(super) fn read(
    source: Source,
    options: &ReadOptions,
    usual: Usual,
    ids: IdMaps,
) -> Result<Raw> {
    let (path, gzip) = (source.path().to_path_buf(), source.gzip);
    let bad = |e: parquet::errors::ParquetError| Error::format(&path, None, e.to_string());
    let builder = ParquetRecordBatchReaderBuilder::try_new(source.into_file()?).map_err(bad)?;
    let schema = builder.schema().clone();
    let plan = Plan::find(&path, &schema, options, usual)?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), plan.columns());
    let reader = builder.with_projection(mask).with_batch_size(BATCH).build().map_err(bad)?;
    plan.read(reader, gzip, options, ids)
}

/// Reads events from record batches of one schema, as a frame hands them over. `name` stands for
/// the file in errors and the report.
///
/// # Errors
/// As [`read_interactions`](super::read_interactions); a malformed row is named by its position
/// from 1.
pub fn interactions_from_batches(
    name: &str,
    schema: &Schema,
    batches: impl Iterator<Item = Result<RecordBatch, ArrowError>> + Send,
    options: &ReadOptions,
) -> Result<(Interactions, ReadReport)> {
    if let Some(events) = &options.events {
        events.check()?;
    }
    let plan = Plan::find(Path::new(name), schema, options, EVENTS)?;
    let raw = plan.read(batches, false, options, IdMaps::default())?;
    if raw.sink.items.is_empty() {
        return Err(Error::empty(name, "at least one event is needed"));
    }
    raw.finish(options)
}

/// Which columns are read.
struct Plan<'a> {
    path: &'a Path,
    names: Vec<String>,
    layout: Layout,
}

impl<'a> Plan<'a> {
    fn find(path: &'a Path, schema: &Schema, options: &ReadOptions, usual: Usual) -> Result<Self> {
        let names: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
        let layout =
            Layout::find(&Names { path, names: &names, header: true }, options, usual, &[])?;
        Ok(Self { path, names, layout })
    }

    fn columns(&self) -> Vec<usize> {
        let l = &self.layout;
        [Some(l.user), Some(l.item), l.weight, l.time, l.event].into_iter().flatten().collect()
    }

    /// Reads batches; the next is decoded while one is numbered.
    fn read(
        self,
        mut batches: impl Iterator<Item = Result<RecordBatch, ArrowError>> + Send,
        gzip: bool,
        options: &ReadOptions,
        ids: IdMaps,
    ) -> Result<Raw> {
        let mut report = ReadReport::new(self.path, Format::Parquet, gzip, true);
        report.columns = self.layout.describe(&self.names);
        let rules = Rules { path: self.path, skip_bad: options.skip_bad, has_lines: false };
        let mut sink = Sink::new(ids);
        let parser = EventParser::new(self.layout.clone(), &[], options);
        let mut kind: Option<TimeKind> = None;
        let mut next = batches.next();
        while let Some(batch) = next {
            let batch = batch.map_err(|e| self.bad(e))?;
            let columns = self.columns_of(&batch, options, &mut kind)?;
            let (after, merged) = rayon::join(
                || batches.next(),
                || sink.merge(vec![columns.parse(&parser, batch.num_rows())], &rules),
            );
            merged?;
            next = after;
        }
        Ok(Raw::new(sink, report, kind.unwrap_or(TimeKind::Number)))
    }

    fn columns_of(
        &self,
        batch: &RecordBatch,
        options: &ReadOptions,
        kind: &mut Option<TimeKind>,
    ) -> Result<Columns> {
        let column = |at: usize| -> Result<&ArrayRef> {
            let name = &self.names[at];
            batch.column_by_name(name).ok_or_else(|| self.bad(format!("no column {name:?}")))
        };
        let text = |at: usize| self.texts(column(at)?);
        Ok(Columns {
            user: self.ids(self.layout.user, column(self.layout.user)?)?,
            item: self.ids(self.layout.item, column(self.layout.item)?)?,
            weight: self.layout.weight.map(|at| self.numbers(column(at)?)).transpose()?,
            time: self.layout.time.map(|at| self.times(column(at)?, options, kind)).transpose()?,
            event: self.layout.event.map(text).transpose()?,
        })
    }

    fn ids(&self, at: usize, column: &ArrayRef) -> Result<Ids> {
        let wide = *column.data_type() == DataType::UInt64;
        Ok(match column.data_type() {
            t if t.is_integer() && !wide => Ids::Ints(self.integers(column)?),
            t if t.is_floating() => Ids::Floats(self.floats(column)?),
            t if wide || is_text(t) => Ids::Texts(self.texts(column)?),
            other => {
                let name = &self.names[at];
                let why = format!("column {name:?} is {other}; ids are text or integers");
                return Err(Error::format(self.path, None, why));
            }
        })
    }

    fn numbers(&self, column: &ArrayRef) -> Result<Numbers> {
        Ok(match column.data_type() {
            t if is_text(t) => Numbers::Texts(self.texts(column)?),
            _ => Numbers::Floats(self.floats(column)?),
        })
    }

    /// Times as whole numbers; `kind` is what the first batch showed.
    fn times(
        &self,
        column: &ArrayRef,
        options: &ReadOptions,
        kind: &mut Option<TimeKind>,
    ) -> Result<Times> {
        if let Some((unit, column)) = self.stamps(column)? {
            let to = options.time_unit.filter(|u| *u != TimeUnit::Unknown).unwrap_or(unit);
            *kind = Some(TimeKind::Date(to));
            return Ok(Times::Stamps { column, from: unit, to });
        }
        if is_text(column.data_type()) {
            let column = self.texts(column)?;
            let first = column.iter().flatten().next().unwrap_or_default();
            let kind = *kind.get_or_insert_with(|| TimeKind::of(first, options.time_unit));
            return Ok(Times::Texts { column, kind });
        }
        *kind = Some(TimeKind::Number);
        Ok(match column.data_type() {
            t if t.is_integer() => Times::Stamps {
                column: self.integers(column)?,
                from: TimeUnit::Unknown,
                to: TimeUnit::Unknown,
            },
            _ => Times::Floats(self.floats(column)?),
        })
    }

    fn stamps(&self, column: &ArrayRef) -> Result<Option<(TimeUnit, Int64Array)>> {
        let unit = match column.data_type() {
            DataType::Timestamp(unit, _) => *unit,
            DataType::Date32 | DataType::Date64 => ArrowUnit::Second,
            _ => return Ok(None),
        };
        let stamps = match column.data_type() {
            DataType::Timestamp(..) => column.clone(),
            _ => self.cast(column, &DataType::Timestamp(unit, None))?,
        };
        let unit = match unit {
            ArrowUnit::Second => TimeUnit::Second,
            ArrowUnit::Millisecond => TimeUnit::Millisecond,
            ArrowUnit::Microsecond => TimeUnit::Microsecond,
            ArrowUnit::Nanosecond => TimeUnit::Nanosecond,
        };
        Ok(Some((unit, self.integers(&stamps)?)))
    }

    fn cast(&self, column: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
        cast(column, to).map_err(|e| self.bad(e))
    }

    fn texts(&self, column: &ArrayRef) -> Result<StringArray> {
        Ok(self.cast(column, &DataType::Utf8)?.as_string::<i32>().clone())
    }

    fn integers(&self, column: &ArrayRef) -> Result<Int64Array> {
        Ok(self.cast(column, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
    }

    fn floats(&self, column: &ArrayRef) -> Result<Float64Array> {
        Ok(self.cast(column, &DataType::Float64)?.as_primitive::<Float64Type>().clone())
    }

    fn bad(&self, e: impl std::fmt::Display) -> Error {
        Error::format(self.path, None, e.to_string())
    }
}

/// Whether a column holds text, plain or in a dictionary.
pub(super) fn is_text(t: &DataType) -> bool {
    match t {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

enum Ids {
    Ints(Int64Array),
    Floats(Float64Array),
    Texts(StringArray),
}

enum Numbers {
    Floats(Float64Array),
    Texts(StringArray),
}

enum Times {
    Stamps { column: Int64Array, from: TimeUnit, to: TimeUnit },
    Floats(Float64Array),
    Texts { column: StringArray, kind: TimeKind },
}

struct Columns {
    user: Ids,
    item: Ids,
    weight: Option<Numbers>,
    time: Option<Times>,
    event: Option<StringArray>,
}

impl Columns {
    fn parse(&self, parser: &EventParser<'_>, rows: usize) -> Parsed {
        let mut out = Parsed { rows: rows as u64, lines: rows as u64, ..Parsed::default() };
        for at in 0..rows {
            if let Err(refused) = self.row(at, parser, &mut out) {
                out.refuse(at as u64, refused);
            }
        }
        out
    }

    fn row(&self, at: usize, parser: &EventParser<'_>, out: &mut Parsed) -> Result<(), Refused> {
        self.user.check("user", at)?;
        self.item.check("item", at)?;
        let weight = self.weight.as_ref().map(|w| w.get(at)).transpose()?;
        let factor = self.event.as_ref().map(|events| {
            let event = events.is_valid(at).then(|| events.value(at));
            let event = event.ok_or_else(|| (Reason::Event, "no event type".to_owned()))?;
            parser.event_weight(event)
        });
        let weight = product(weight, factor.transpose()?)?;
        let time = self.time.as_ref().map(|t| t.get(at)).transpose()?;
        self.user.push(at, &mut out.users);
        self.item.push(at, &mut out.items);
        out.weights.extend(weight);
        out.times.extend(time);
        Ok(())
    }
}

impl Ids {
    fn check(&self, kind: &str, at: usize) -> Result<(), Refused> {
        let empty = match self {
            Self::Ints(ids) => ids.is_null(at),
            Self::Texts(ids) => ids.is_null(at) || ids.value(at).is_empty(),
            Self::Floats(ids) => ids.is_null(at) || ids.value(at).is_nan(),
        };
        match self {
            _ if empty => Err((Reason::EmptyId, format!("the {kind} id is empty"))),
            Self::Floats(ids) if whole_id(ids.value(at)).is_none() => {
                let why = format!("{kind} id {}: give text or an integer", ids.value(at));
                Err((Reason::Id, why))
            }
            _ => Ok(()),
        }
    }

    fn push(&self, at: usize, out: &mut RawIds) {
        match self {
            Self::Ints(ids) => out.push_int(ids.value(at)),
            Self::Texts(ids) => out.push(ids.value(at)),
            Self::Floats(ids) => out.push_int(whole_id(ids.value(at)).unwrap_or_default()),
        }
    }
}

/// Integer ids become floats in a frame with gaps; up to 2⁵³ nothing is lost.
fn whole_id(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0).then_some(value as i64)
}

impl Numbers {
    fn get(&self, at: usize) -> Result<f32, Refused> {
        match self {
            Self::Texts(texts) if texts.is_valid(at) => values::weight(texts.value(at)),
            Self::Floats(column) if column.is_valid(at) => {
                let value = column.value(at) as f32;
                let why = || (Reason::Weight, format!("weight {value} is not finite"));
                value.is_finite().then_some(value).ok_or_else(why)
            }
            _ => Err((Reason::Weight, "no weight".into())),
        }
    }
}

impl Times {
    fn get(&self, at: usize) -> Result<i64, Refused> {
        let missing = || (Reason::Time, "no time".to_owned());
        match self {
            Self::Stamps { column, from, to } if column.is_valid(at) => {
                convert(column.value(at), *from, *to).ok_or_else(|| {
                    (Reason::Time, "time out of range in the unit asked for".to_owned())
                })
            }
            Self::Floats(column) if column.is_valid(at) => {
                values::whole(column.value(at)).ok_or_else(missing)
            }
            Self::Texts { column, kind } if column.is_valid(at) => kind.parse(column.value(at)),
            _ => Err(missing()),
        }
    }
}

/// A time in another unit, rounded down; none where it does not fit.
fn convert(time: i64, from: TimeUnit, to: TimeUnit) -> Option<i64> {
    let (Some(from), Some(to)) = (from.per_second(), to.per_second()) else { return Some(time) };
    i64::try_from((i128::from(time) * i128::from(to)).div_euclid(i128::from(from))).ok()
}
