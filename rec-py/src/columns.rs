//! Columns of an Arrow table as ids, numbers, timestamps and texts, each row checked.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Float64Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{DataType, TimeUnit as ArrowUnit};
use rec_core::data::{IdMap, TimeUnit};
use rec_core::{Error, Result};

/// A column on its way in: its name, and the row of the whole table at which this batch begins.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) column: &'a str,
    pub(crate) first_row: usize,
}

impl Place<'_> {
    pub(crate) fn error(&self, row: usize, why: impl std::fmt::Display) -> Error {
        let row = self.first_row + row;
        Error::data(format!("column {:?}, row {row}", self.column), why.to_string())
    }

    fn column_error(&self, why: impl std::fmt::Display) -> Error {
        Error::data(format!("column {:?}", self.column), why.to_string())
    }

    fn no_nulls(&self, array: &dyn Array, what: &str) -> Result<()> {
        if array.logical_null_count() == 0 {
            return Ok(());
        }
        let nulls = array.logical_nulls();
        let row = nulls.and_then(|n| (0..n.len()).find(|&row| n.is_null(row))).unwrap_or(0);
        Err(self.error(row, format!("{what} is missing; drop or fill such rows first")))
    }
}

fn cast(array: &ArrayRef, to: &DataType, at: Place<'_>) -> Result<ArrayRef> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, to, &strict).map_err(|e| at.column_error(e))
}

/// Whether a column holds texts, so that its ids come back as texts.
pub(crate) fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, value) => is_text(value),
        _ => false,
    }
}

/// Adds a column of ids to a map: the dense id of each row.
pub(crate) fn intern(array: &ArrayRef, map: &mut IdMap, at: Place<'_>) -> Result<Vec<u32>> {
    if array.is_empty() {
        return Ok(Vec::new());
    }
    at.no_nulls(array, "the id")?;
    match array.data_type() {
        DataType::Dictionary(_, _) => intern_dictionary(array, map, at),
        kind if is_text(kind) => {
            let texts = cast(array, &DataType::Utf8View, at)?;
            Ok(texts.as_string_view().iter().flatten().map(|s| map.intern_str(s)).collect())
        }
        DataType::UInt64 => Ok(array
            .as_primitive::<UInt64Type>()
            .values()
            .iter()
            .map(|&v| match i64::try_from(v) {
                Ok(v) => map.intern_int(v),
                Err(_) => map.intern_str(&v.to_string()),
            })
            .collect()),
        kind if kind.is_integer() => {
            let values = cast(array, &DataType::Int64, at)?;
            let values = values.as_primitive::<Int64Type>();
            Ok(values.values().iter().map(|&v| map.intern_int(v)).collect())
        }
        kind if kind.is_floating() => intern_floats(array, map, at),
        kind => Err(at.column_error(format!("{kind} cannot be an id; use integers or strings"))),
    }
}

/// Interns each dictionary value once, when a row first uses it.
fn intern_dictionary(array: &ArrayRef, map: &mut IdMap, at: Place<'_>) -> Result<Vec<u32>> {
    let dictionary = array.as_any_dictionary();
    let values = dictionary.values();
    let keys = dictionary.normalized_keys();
    // Values in the order in which rows use them, so that ids are numbered by first appearance.
    let mut place = vec![u32::MAX; values.len()];
    let mut used: Vec<u32> = Vec::new();
    for &key in &keys {
        if place[key] == u32::MAX {
            place[key] = used.len() as u32;
            used.push(key as u32);
        }
    }
    let used = arrow_array::UInt32Array::from(used);
    let values = arrow_select::take::take(values, &used, None).map_err(|e| at.column_error(e))?;
    let dense = intern(&values, map, at)?;
    Ok(keys.into_iter().map(|key| dense[place[key] as usize]).collect())
}

/// Whole numbers only: what pandas makes of an integer column that once had gaps.
fn intern_floats(array: &ArrayRef, map: &mut IdMap, at: Place<'_>) -> Result<Vec<u32>> {
    let values = cast(array, &DataType::Float64, at)?;
    let values = values.as_primitive::<Float64Type>().values();
    let id = |(row, &v): (usize, &f64)| {
        let whole = v.fract() == 0.0 && v.abs() <= 9.007_199_254_740_992e15;
        if whole {
            return Ok(map.intern_int(v as i64));
        }
        Err(at.error(row, format!("{v} cannot be an id; use integers or strings")))
    };
    values.iter().enumerate().map(id).collect()
}

/// A column of weights.
pub(crate) fn weights(array: &ArrayRef, at: Place<'_>) -> Result<Vec<f32>> {
    if array.is_empty() {
        return Ok(Vec::new());
    }
    let kind = array.data_type();
    let numeric = kind.is_numeric() || *kind == DataType::Boolean;
    if !numeric {
        return Err(at.column_error(format!("{kind} cannot be a weight; use numbers")));
    }
    at.no_nulls(array, "the weight")?;
    let values = cast(array, &DataType::Float64, at)?;
    let weight = |(row, &v): (usize, &f64)| {
        let weight = v as f32;
        if weight.is_finite() {
            return Ok(weight);
        }
        Err(at.error(row, format!("{v} is not a finite 32-bit weight; clean the column")))
    };
    values.as_primitive::<Float64Type>().values().iter().enumerate().map(weight).collect()
}

/// A column of timestamps, with their unit where the type names one.
pub(crate) fn times(array: &ArrayRef, at: Place<'_>) -> Result<(Vec<i64>, TimeUnit)> {
    if array.is_empty() {
        return Ok((Vec::new(), TimeUnit::Unknown));
    }
    at.no_nulls(array, "the timestamp")?;
    match array.data_type() {
        DataType::Timestamp(unit, _) => Ok(timestamps(array, *unit)),
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().values();
            Ok((days.iter().map(|&d| i64::from(d) * 86_400).collect(), TimeUnit::Second))
        }
        DataType::Date64 => {
            Ok((array.as_primitive::<Date64Type>().values().to_vec(), TimeUnit::Millisecond))
        }
        kind if kind.is_integer() => {
            let values = cast(array, &DataType::Int64, at)?;
            Ok((values.as_primitive::<Int64Type>().values().to_vec(), TimeUnit::Unknown))
        }
        kind if kind.is_floating() => Ok((whole_floats(array, at)?, TimeUnit::Unknown)),
        kind => Err(at.column_error(format!(
            "{kind} cannot be a timestamp; use integers or datetimes (pandas.to_datetime, polars \
             str.to_datetime)"
        ))),
    }
}

fn timestamps(array: &ArrayRef, unit: ArrowUnit) -> (Vec<i64>, TimeUnit) {
    match unit {
        ArrowUnit::Second => {
            (array.as_primitive::<TimestampSecondType>().values().to_vec(), TimeUnit::Second)
        }
        ArrowUnit::Millisecond => (
            array.as_primitive::<TimestampMillisecondType>().values().to_vec(),
            TimeUnit::Millisecond,
        ),
        ArrowUnit::Microsecond => (
            array.as_primitive::<TimestampMicrosecondType>().values().to_vec(),
            TimeUnit::Microsecond,
        ),
        ArrowUnit::Nanosecond => (
            array.as_primitive::<TimestampNanosecondType>().values().to_vec(),
            TimeUnit::Nanosecond,
        ),
    }
}

fn whole_floats(array: &ArrayRef, at: Place<'_>) -> Result<Vec<i64>> {
    let values = cast(array, &DataType::Float64, at)?;
    let whole = |(row, &v): (usize, &f64)| {
        if v.fract() == 0.0 && v.abs() < 9.2e18 {
            return Ok(v as i64);
        }
        Err(at.error(row, format!("{v} is no whole timestamp; use integers or datetimes")))
    };
    values.as_primitive::<Float64Type>().values().iter().enumerate().map(whole).collect()
}

/// A column of texts; `None` where missing. Numbers are written out.
pub(crate) fn texts(array: &ArrayRef, at: Place<'_>) -> Result<Vec<Option<String>>> {
    let texts = cast(array, &DataType::Utf8View, at)?;
    Ok(texts.as_string_view().iter().map(|s| s.map(str::to_owned)).collect())
}

/// A column of tags: a list of texts a row, or one text in which `|` separates them.
pub(crate) fn tags(array: &ArrayRef, at: Place<'_>) -> Result<Vec<Vec<String>>> {
    let lists = match array.data_type() {
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::ListView(_)
        | DataType::LargeListView(_)
        | DataType::FixedSizeList(_, _) => array,
        _ => return Ok(texts(array, at)?.into_iter().map(split_tags).collect()),
    };
    let item = arrow_schema::Field::new("item", DataType::Utf8View, true);
    let lists = cast(lists, &DataType::LargeList(item.into()), at)?;
    let lists = lists.as_list::<i64>();
    Ok((0..lists.len())
        .map(|row| match lists.is_null(row) {
            true => Vec::new(),
            false => {
                let row = lists.value(row);
                row.as_string_view().iter().flatten().map(str::to_owned).collect()
            }
        })
        .collect())
}

fn split_tags(text: Option<String>) -> Vec<String> {
    let text = text.unwrap_or_default();
    text.split('|').map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned).collect()
}

/// A column of vectors, a list of numbers a row and all of one length: the values, and the length.
pub(crate) fn vectors(array: &ArrayRef, at: Place<'_>) -> Result<(Vec<f32>, usize)> {
    let item = arrow_schema::Field::new("item", DataType::Float32, true);
    let lists = cast(array, &DataType::LargeList(item.into()), at)?;
    let lists = lists.as_list::<i64>();
    let (mut values, mut dim) = (Vec::new(), None);
    for row in 0..lists.len() {
        if lists.is_null(row) {
            return Err(at.error(row, "the vector is missing; give zeros where unknown"));
        }
        let vector = lists.value(row);
        let expected = *dim.get_or_insert(vector.len());
        if vector.len() != expected {
            let why = format!("a vector of {}, the first has {expected}", vector.len());
            return Err(at.error(row, why));
        }
        if vector.null_count() > 0 {
            return Err(at.error(row, "the vector has missing values"));
        }
        values.extend_from_slice(vector.as_primitive::<arrow_array::types::Float32Type>().values());
    }
    Ok((values, dim.unwrap_or(0)))
}
