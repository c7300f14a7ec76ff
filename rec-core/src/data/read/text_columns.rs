//! Columns of text, such as texts and their labels.

use std::path::Path;

use super::atomic::write_atomic;
use super::columns::Names;
use super::options::{Column, Format};
use super::report::Tally;
use super::sniff::Said;
use super::table::{Cell, Table};
use crate::{Error, Result};

/// Reads these columns of a table of any format, row by row: `[columns][rows]`. A cell without a
/// value is an empty text; in JSON lines and Parquet, the parts of a list are joined by `|`.
///
/// # Errors
/// [`Error::MissingColumn`] for a column the table lacks, [`Error::Format`] with the line of a
/// malformed row, [`Error::Empty`] for a table without rows, [`Error::Io`] where it cannot be read.
pub fn read_text_columns(path: impl AsRef<Path>, columns: &[Column]) -> Result<Vec<Vec<String>>> {
    let path = path.as_ref();
    let by_name = columns.iter().any(|column| matches!(column, Column::Name(_)));
    let said = Said {
        format: None,
        header: if by_name { Some(true) } else { None },
        quotes: None,
        latin1: None,
        by_name,
        usual: &[&["text", "review", "title", "content", "label", "labels", "category", "tags"]],
        adjacency: false,
    };
    let table = Table::open(path, &said)?;
    let names = Names { path, names: &table.names, header: table.header };
    let places = columns.iter().map(|column| place(&names, column)).collect::<Result<Vec<_>>>()?;
    let lines = table.format != Format::Parquet;
    let mut found = vec![Vec::new(); columns.len()];
    let mut tally = Tally::default();
    table.for_each(|line, row| match row {
        Ok(mut row) => {
            for (&place, column) in places.iter().zip(&mut found) {
                column.push(text(row.get_mut(place).map(std::mem::take)));
            }
        }
        Err((reason, why)) => tally.refuse(line, reason, || why),
    })?;
    tally.first_error(path, lines)?;
    if found.first().is_some_and(Vec::is_empty) {
        return Err(Error::empty(format!("the file {}", path.display()), "it has no row"));
    }
    Ok(found)
}

fn place(names: &Names<'_>, column: &Column) -> Result<usize> {
    match column {
        Column::Name(_) | Column::Index(_) => names
            .find(column, &[], None)?
            .ok_or_else(|| Error::parameter("column", format!("{column:?}"), "no such column")),
        _ => {
            let why = "say which, by name or by position";
            Err(Error::parameter("column", format!("{column:?}"), why))
        }
    }
}

fn text(cell: Option<Cell>) -> String {
    match cell {
        Some(Cell::Text(text)) => text,
        Some(Cell::List(parts)) => parts.join("|"),
        _ => String::new(),
    }
}

/// Writes rows as CSV (tab-separated if the name ends in `.tsv`; `.gz` compresses), whole or not at
/// all.
///
/// # Errors
/// [`Error::Shape`] for a row that is not as wide as the header, [`Error::Io`] with the path where
/// the disk refuses.
pub fn write_text_columns<S: AsRef<str>>(
    path: impl AsRef<Path>,
    header: &[&str],
    rows: &[Vec<S>],
) -> Result<()> {
    let path = path.as_ref();
    if let Some(row) = rows.iter().find(|row| row.len() != header.len()) {
        return Err(Error::shape("fields of a row", header.len(), row.len()));
    }
    let name = path.to_string_lossy().to_lowercase();
    let tabs = name.trim_end_matches(".gz").ends_with(".tsv");
    write_atomic(path, |w| {
        let delimiter = if tabs { b'\t' } else { b',' };
        let mut out = csv::WriterBuilder::new().delimiter(delimiter).from_writer(w);
        out.write_record(header)?;
        for row in rows {
            out.write_record(row.iter().map(AsRef::as_ref))?;
        }
        out.flush()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["t.csv", "t.tsv.gz"] {
            let path = folder.path().join(name);
            let rows = [["好, \"很好\"", "1"], ["two\nlines", ""], ["x", "0"]].map(Vec::from);
            write_text_columns(&path, &["text", "label"], &rows).unwrap();
            let read = read_text_columns(&path, &["label".into(), "text".into()]).unwrap();
            assert_eq!(read[0], ["1", "", "0"]);
            assert_eq!(read[1], ["好, \"很好\"", "two\nlines", "x"]);
            let error = read_text_columns(&path, &["labels".into()]).unwrap_err();
            assert!(matches!(error, Error::MissingColumn { .. }), "{error}");
        }
    }

    #[test]
    fn columns_by_place_need_no_header() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.txt");
        std::fs::write(&path, "first title here\t8\nsecond\t5\n").unwrap();
        let read = read_text_columns(&path, &[Column::Index(1), Column::Index(0)]).unwrap();
        assert_eq!(read, [["8", "5"], ["first title here", "second"]]);
        assert!(read_text_columns(&path, &[Column::Auto]).is_err());
    }

    #[test]
    fn malformed_rows_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, "text,label\na,1\nb\n").unwrap();
        let error = read_text_columns(&path, &["text".into()]).unwrap_err();
        assert!(matches!(error, Error::Format { line: Some(3), .. }), "{error}");
    }
}
