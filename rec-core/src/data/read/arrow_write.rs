//! Events and items into Parquet.

use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{
    ArrayRef, FixedSizeListArray, Float32Array, Int64Array, RecordBatch, StringArray,
};
use arrow_schema::ArrowError;
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::atomic::write_atomic;
use super::write::tags_of;
use crate::Result;
use crate::data::{IdMap, Interactions, Items};

/// Rows encoded at a time.
const BATCH: usize = 1 << 18;

pub(super) fn events(path: &Path, log: &Interactions) -> Result<()> {
    let users: Vec<u32> = log
        .indptr()
        .windows(2)
        .enumerate()
        .flat_map(|(user, row)| std::iter::repeat_n(user as u32, row[1] - row[0]))
        .collect();
    write(path, log.len(), |from, to| {
        let mut columns = vec![
            ("user_id".to_owned(), ids(&log.ids().users, users[from..to].iter().copied())),
            ("item_id".to_owned(), ids(&log.ids().items, log.items()[from..to].iter().copied())),
        ];
        if let Some(weights) = log.weights() {
            let weights = Arc::new(Float32Array::from(weights[from..to].to_vec()));
            columns.push(("rating".to_owned(), weights));
        }
        if let Some(times) = log.times() {
            let times = Arc::new(Int64Array::from(times[from..to].to_vec()));
            columns.push(("timestamp".to_owned(), times));
        }
        batch(columns)
    })
}

pub(super) fn items(path: &Path, items: &Items) -> Result<()> {
    write(path, items.len(), |from, to| {
        let mut columns = vec![("item_id".to_owned(), ids(items.ids(), from as u32..to as u32))];
        for field in items.texts() {
            let texts = StringArray::from_iter_values(&field.texts[from..to]);
            columns.push((field.name.clone(), Arc::new(texts)));
        }
        if items.tags().is_some() {
            let mut lists = ListBuilder::new(StringBuilder::new());
            for row in from..to {
                let tags = tags_of(items, row).unwrap_or_default();
                lists.append_value(tags.iter().map(Some));
            }
            columns.push(("tags".to_owned(), Arc::new(lists.finish())));
        }
        for field in items.vectors() {
            let values = field.values[from * field.dim..to * field.dim].to_vec();
            let item = Arc::new(Field::new("item", DataType::Float32, true));
            let values = Arc::new(Float32Array::from(values));
            let lists = FixedSizeListArray::try_new(item, field.dim as i32, values, None)?;
            columns.push((field.name.clone(), Arc::new(lists)));
        }
        batch(columns)
    })
}

fn ids(map: &IdMap, dense: impl Iterator<Item = u32>) -> ArrayRef {
    match map.as_integers() {
        Some(values) => Arc::new(Int64Array::from_iter_values(dense.map(|i| values[i as usize]))),
        None => Arc::new(StringArray::from_iter_values(
            dense.map(|i| map.id(i).map_or_else(String::new, |id| id.to_string())),
        )),
    }
}

fn batch(columns: Vec<(String, ArrayRef)>) -> Result<RecordBatch, ArrowError> {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, column)| Field::new(name, column.data_type().clone(), true))
        .collect();
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

/// Writes `rows` rows, `batch` making those from one position to another.
fn write(
    path: &Path,
    rows: usize,
    batch: impl Fn(usize, usize) -> Result<RecordBatch, ArrowError>,
) -> Result<()> {
    write_atomic(path, |out| {
        let failed = |e: ArrowError| std::io::Error::other(e.to_string());
        let broken = |e: parquet::errors::ParquetError| std::io::Error::other(e.to_string());
        let first = batch(0, rows.min(BATCH)).map_err(failed)?;
        let snappy = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let mut writer = ArrowWriter::try_new(out, first.schema(), Some(snappy)).map_err(broken)?;
        writer.write(&first).map_err(broken)?;
        let mut from = first.num_rows();
        while from < rows {
            let to = rows.min(from + BATCH);
            writer.write(&batch(from, to).map_err(failed)?).map_err(broken)?;
            from = to;
        }
        writer.close().map_err(broken)?;
        Ok(())
    })
}
