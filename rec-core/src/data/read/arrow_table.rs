//! Parquet tables row by row as cells.

use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::Float32Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::cast;
use arrow_schema::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::arrow::is_text;
use super::source::Source;
use super::table::Cell;
use super::values::Refused;
use crate::{Error, Result};

/// Rows looked at to tell what a column holds.
const SAMPLE: usize = 200;

/// Rows decoded at a time; small, for texts and vectors are long.
const BATCH: usize = 1 << 12;

/// The columns of a file and its first rows.
pub(super) fn look(path: &Path, gzip: bool) -> Result<(Vec<String>, Vec<Vec<Cell>>)> {
    let file = match gzip {
        true => Source::open(path)?.into_file()?,
        false => File::open(path).map_err(Error::io(path))?,
    };
    let builder = open(path, file)?;
    let names: Vec<String> = builder.schema().fields().iter().map(|f| f.name().clone()).collect();
    let reader = builder.with_batch_size(SAMPLE).with_limit(SAMPLE).build();
    let mut rows = Vec::new();
    for batch in reader.map_err(|e| bad(path, e))? {
        rows.extend(cells(path, &batch.map_err(|e| bad(path, e))?)?);
    }
    Ok((names, rows))
}

/// Calls `row` for each row with its position from 1.
pub(super) fn for_each(
    source: Source,
    names: &[String],
    mut row: impl FnMut(u64, Result<Vec<Cell>, Refused>),
) -> Result<()> {
    let path = source.path().to_path_buf();
    let builder = open(&path, source.into_file()?)?.with_batch_size(BATCH);
    let mut at = 0;
    for batch in builder.build().map_err(|e| bad(&path, e))? {
        for cells in cells(&path, &batch.map_err(|e| bad(&path, e))?)? {
            debug_assert_eq!(cells.len(), names.len());
            at += 1;
            row(at, Ok(cells));
        }
    }
    Ok(())
}

fn open(path: &Path, file: File) -> Result<ParquetRecordBatchReaderBuilder<File>> {
    ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| bad(path, e))
}

fn cells(path: &Path, batch: &RecordBatch) -> Result<Vec<Vec<Cell>>> {
    let mut rows = vec![Vec::with_capacity(batch.num_columns()); batch.num_rows()];
    for column in batch.columns() {
        let cells = column_cells(column).map_err(|e| bad(path, e))?;
        rows.iter_mut().zip(cells).for_each(|(row, cell)| row.push(cell));
    }
    Ok(rows)
}

fn column_cells(column: &ArrayRef) -> Result<Vec<Cell>, arrow_schema::ArrowError> {
    let lists = match column.data_type() {
        DataType::List(_) => column.clone(),
        DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            cast(column, &DataType::List(item.clone()))?
        }
        DataType::Struct(_) | DataType::Map(..) => return Ok(vec![Cell::Missing; column.len()]),
        _ => {
            let texts = cast(column, &DataType::Utf8)?;
            let texts = texts.as_string::<i32>();
            let cell = |text: Option<&str>| text.map_or(Cell::Missing, |t| Cell::Text(t.into()));
            return Ok(texts.iter().map(cell).collect());
        }
    };
    lists.as_list::<i32>().iter().map(|list| list.map_or(Ok(Cell::Missing), list_cell)).collect()
}

fn list_cell(list: ArrayRef) -> Result<Cell, arrow_schema::ArrowError> {
    if is_text(list.data_type()) {
        let texts = cast(&list, &DataType::Utf8)?;
        let texts = texts.as_string::<i32>().iter().flatten().map(str::to_owned);
        return Ok(Cell::List(texts.collect()));
    }
    let values = cast(&list, &DataType::Float32)?;
    let values = values.as_primitive::<Float32Type>();
    Ok(Cell::Vector(values.iter().map(|v| v.unwrap_or(f32::NAN)).collect()))
}

fn bad(path: &Path, e: impl std::fmt::Display) -> Error {
    Error::format(path, None, e.to_string())
}
