//! Arrow batches and Parquet files of every column type people have.

#![allow(clippy::unwrap_used, reason = "a test's way to fail")]

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, DictionaryArray, Float64Array, Int32Array, Int64Array, LargeStringArray,
    RecordBatch, StringArray, TimestampMillisecondArray, UInt64Array,
};
use rec_core::Error;
use rec_core::data::read::{
    EventWeights, ReadOptions, ReadReport, Reason, interactions_from_batches, read_interactions,
};
use rec_core::data::{Interactions, TimeUnit};

type Read = Result<(Interactions, ReadReport), Error>;

fn read(columns: Vec<(&str, ArrayRef)>, options: &ReadOptions) -> Read {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    )
    .unwrap();
    // In two batches, so that positions go on counting.
    let halves = [batch.slice(0, 1), batch.slice(1, batch.num_rows() - 1)];
    let schema = batch.schema();
    interactions_from_batches("frame", &schema, halves.into_iter().map(Ok), options)
}

fn ids(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn texts(log: &Interactions) -> Vec<(String, String)> {
    let text = |id: Option<rec_core::data::Id>| id.unwrap().to_string();
    log.events().map(|e| (text(log.user_id(e.user)), text(log.item_id(e.item)))).collect()
}

#[test]
fn ids_of_every_type() {
    let want = [("1", "7"), ("1", "8"), ("2", "7")].map(|(u, i)| (u.to_owned(), i.to_owned()));
    let dictionary: DictionaryArray<Int32Type> = ["7", "8", "7"].into_iter().collect();
    let items: Vec<ArrayRef> = vec![
        ids(&[7, 8, 7]),
        Arc::new(Int32Array::from(vec![7, 8, 7])),
        Arc::new(UInt64Array::from(vec![7, 8, 7])),
        Arc::new(Float64Array::from(vec![7.0, 8.0, 7.0])),
        Arc::new(StringArray::from(vec!["7", "8", "7"])),
        Arc::new(LargeStringArray::from(vec!["7", "8", "7"])),
        Arc::new(dictionary),
    ];
    for column in items {
        let kind = column.data_type().clone();
        let columns = vec![("user_id", ids(&[1, 1, 2])), ("item_id", column)];
        let (log, report) = read(columns, &ReadOptions::default()).unwrap();
        assert_eq!(texts(&log), want, "{kind}");
        assert!(log.ids().items.is_integer(), "{kind}");
        assert_eq!((report.rows, report.kept), (3, 3));
    }
    let largest = Arc::new(UInt64Array::from(vec![u64::MAX, 1]));
    let (log, _) =
        read(vec![("user", ids(&[1, 1])), ("item", largest)], &ReadOptions::default()).unwrap();
    assert_eq!(texts(&log)[0].1, "18446744073709551615");
}

#[test]
fn times_keep_their_unit_or_take_the_one_asked_for() {
    let stamps: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![-1, 1_500_000_000_123]));
    let columns = || vec![("user", ids(&[1, 1])), ("item", ids(&[1, 2])), ("time", stamps.clone())];
    let (log, _) = read(columns(), &ReadOptions::default()).unwrap();
    assert_eq!(log.times(), Some(&[-1, 1_500_000_000_123][..]));
    assert_eq!(log.time_unit(), TimeUnit::Millisecond);
    let seconds = ReadOptions { time_unit: Some(TimeUnit::Second), ..ReadOptions::default() };
    let (log, _) = read(columns(), &seconds).unwrap();
    assert_eq!(log.times(), Some(&[-1, 1_500_000_000][..]));
}

#[test]
fn malformed_rows_are_named_by_position() {
    let user = || ("user", ids(&[1, 2, 3]));
    let item = || ("item", ids(&[1, 2, 3]));
    let floats = |v: Vec<Option<f64>>| -> ArrayRef { Arc::new(Float64Array::from(v)) };
    let third = |v: f64| floats(vec![Some(1.0), Some(2.0), Some(v)]);
    let null = || floats(vec![Some(1.0), Some(2.0), None]);
    let dates: ArrayRef = Arc::new(StringArray::from(vec!["2020-01-01", "2020-01-02", "soon"]));
    let blank: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", ""]));
    for (columns, reason) in [
        (vec![user(), item(), ("rating", third(f64::NAN))], Reason::Weight),
        (vec![user(), item(), ("rating", third(1e300))], Reason::Weight),
        (vec![user(), item(), ("rating", null())], Reason::Weight),
        (vec![user(), item(), ("time", null())], Reason::Time),
        (vec![user(), item(), ("time", dates)], Reason::Time),
        (vec![user(), ("item", null())], Reason::EmptyId),
        (vec![user(), ("item", blank)], Reason::EmptyId),
        (vec![user(), ("item", third(1.5))], Reason::Id),
    ] {
        let failed = read(columns.clone(), &ReadOptions::default()).unwrap_err().to_string();
        assert!(failed.starts_with("frame: row 3: "), "{failed}");
        let skip = ReadOptions { skip_bad: true, ..ReadOptions::default() };
        let (log, report) = read(columns, &skip).unwrap();
        assert_eq!((log.len(), report.refused[0].reason), (2, reason), "{failed}");
        assert_eq!(report.refused[0].examples[0].0, 3);
    }
}

#[test]
fn event_types_and_missing_columns() {
    let kinds: ArrayRef = Arc::new(StringArray::from(vec!["view", "buy"]));
    let columns = || vec![("user", ids(&[1, 1])), ("item", ids(&[1, 2])), ("kind", kinds.clone())];
    let events = Some(EventWeights::new("kind", [("view", 1.0), ("buy", 5.0)]));
    let (log, _) = read(columns(), &ReadOptions { events, ..ReadOptions::default() }).unwrap();
    assert_eq!(log.weights(), Some(&[1.0, 5.0][..]));
    let named = ReadOptions { time: "when".into(), ..ReadOptions::default() };
    let failed = read(columns(), &named).unwrap_err().to_string();
    assert_eq!(failed, "frame: no column \"when\"; its columns are user, item, kind");
}

#[test]
fn a_cut_parquet_file_is_refused_and_a_compressed_one_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f.parquet");
    let columns = vec![("user", ids(&[5, 5])), ("item", ids(&[1, 2]))];
    let (log, _) = read(columns, &ReadOptions::default()).unwrap();
    rec_core::data::read::write_interactions(&path, &log).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let zipped = dir.path().join("zipped");
    rec_core::data::read::write_atomic(dir.path().join("x.gz"), |w| w.write_all(&bytes)).unwrap();
    std::fs::rename(dir.path().join("x.gz"), &zipped).unwrap();
    let (back, report) = read_interactions(&zipped, &ReadOptions::default()).unwrap();
    assert_eq!((texts(&back), report.gzip), (texts(&log), true));
    std::fs::write(&path, &bytes[..bytes.len() - 9]).unwrap();
    let failed = read_interactions(&path, &ReadOptions::default());
    assert!(matches!(failed, Err(Error::Format { .. })), "{failed:?}");
}
