//! Lines into fields, for every separator; quoted fields are the `csv` crate's work.

use memchr::{memchr, memchr_iter};

use super::options::Separator;
use super::report::Reason;
use super::values::Refused;

/// The fields of one row.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    text: &'a str,
    bounds: &'a [(usize, usize)],
}

impl<'a> Fields<'a> {
    pub(super) fn len(&self) -> usize {
        self.bounds.len()
    }

    /// A field; the row must have it.
    pub(super) fn get(&self, at: usize) -> &'a str {
        let (from, to) = self.bounds[at];
        &self.text[from..to]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let text = self.text;
        self.bounds.iter().map(move |&(from, to)| &text[from..to])
    }
}

/// How the lines of a file fall into fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Splitter {
    pub(super) separator: Separator,
    pub(super) quotes: bool,
    /// Whether rows that are not UTF-8 are read as Latin-1.
    pub(super) latin1: bool,
}

impl Splitter {
    /// The separator, where rows may hold line breaks between quotes.
    pub(super) fn quoted(&self) -> Option<u8> {
        self.separator.byte().filter(|_| self.quotes)
    }

    /// Calls `row` for each row of a block that is not blank, with its line counted from 0; returns
    /// the number of lines.
    pub(super) fn each(
        &self,
        block: &[u8],
        row: impl FnMut(u64, Result<Fields<'_>, Refused>),
    ) -> u64 {
        match self.separator {
            _ if self.quoted().is_some() && memchr(b'"', block).is_some() => {
                self.quoted_rows(block, row)
            }
            Separator::Space => self.lines(block, split_spaces, row),
            Separator::DoubleColon => self.lines(block, split_double_colon, row),
            other => {
                let byte = other.byte().unwrap_or(b',');
                self.lines(block, |line, bounds| split_byte(line, byte, bounds), row)
            }
        }
    }
}

fn split_byte(line: &str, separator: u8, bounds: &mut Vec<(usize, usize)>) {
    let mut from = 0;
    for at in memchr_iter(separator, line.as_bytes()) {
        bounds.push((from, at));
        from = at + 1;
    }
    bounds.push((from, line.len()));
}

fn split_spaces(line: &str, bounds: &mut Vec<(usize, usize)>) {
    let mut from = 0;
    for at in memchr_iter(b' ', line.as_bytes()) {
        if at > from {
            bounds.push((from, at));
        }
        from = at + 1;
    }
    if from < line.len() {
        bounds.push((from, line.len()));
    }
}

fn split_double_colon(line: &str, bounds: &mut Vec<(usize, usize)>) {
    let mut from = 0;
    for at in memchr::memmem::find_iter(line.as_bytes(), b"::") {
        bounds.push((from, at));
        from = at + 2;
    }
    bounds.push((from, line.len()));
}

impl Splitter {
    /// Rows that are lines.
    fn lines(
        &self,
        block: &[u8],
        split: impl Fn(&str, &mut Vec<(usize, usize)>),
        mut row: impl FnMut(u64, Result<Fields<'_>, Refused>),
    ) -> u64 {
        let whole = std::str::from_utf8(block).ok();
        let mut bounds = Vec::new();
        let (mut at, mut line) = (0, 0);
        while at < block.len() {
            let end = memchr(b'\n', &block[at..]).map_or(block.len(), |n| at + n);
            let stop = if end > at && block[end - 1] == b'\r' { end - 1 } else { end };
            let text = match whole {
                Some(text) => Some(&text[at..stop]),
                None => std::str::from_utf8(&block[at..stop]).ok(),
            };
            match text {
                Some(text) if text.bytes().all(|b| b == b' ') => {}
                Some(text) => {
                    bounds.clear();
                    split(text, &mut bounds);
                    row(line, Ok(Fields { text, bounds: &bounds }));
                }
                None if self.latin1 => {
                    let text = latin1(&block[at..stop]);
                    bounds.clear();
                    split(&text, &mut bounds);
                    row(line, Ok(Fields { text: &text, bounds: &bounds }));
                }
                None => row(line, Err(not_utf8())),
            }
            line += 1;
            at = end + 1;
        }
        line
    }

    /// Rows with quoted fields, which may hold separators and line breaks.
    fn quoted_rows(
        &self,
        block: &[u8],
        mut row: impl FnMut(u64, Result<Fields<'_>, Refused>),
    ) -> u64 {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(self.separator.byte().unwrap_or(b','))
            .has_headers(false)
            .flexible(true)
            .from_reader(block);
        let mut record = csv::ByteRecord::new();
        let mut bounds = Vec::new();
        let (mut line, mut counted) = (0, 0);
        // Reading from memory, the reader returns rows of any length and never fails.
        while let Ok(true) = reader.read_byte_record(&mut record) {
            let mut start = record.position().map_or(0, |p| p.byte() as usize);
            start += block[start..].iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
            line += memchr_iter(b'\n', &block[counted..start]).count() as u64;
            counted = start;
            if record.len() == 1 && record[0].iter().all(|&b| b == b' ') && block[start] != b'"' {
                continue;
            }
            bounds.clear();
            bounds.extend(
                (0..record.len()).filter_map(|i| record.range(i)).map(|r| (r.start, r.end)),
            );
            match std::str::from_utf8(record.as_slice()) {
                Ok(text) if bounds.iter().all(|&(from, _)| text.is_char_boundary(from)) => {
                    row(line, Ok(Fields { text, bounds: &bounds }));
                }
                _ if self.latin1 => {
                    let (mut text, mut ends) = (String::new(), Vec::new());
                    for field in &record {
                        let from = text.len();
                        text.push_str(&latin1(field));
                        ends.push((from, text.len()));
                    }
                    row(line, Ok(Fields { text: &text, bounds: &ends }));
                }
                _ => row(line, Err(not_utf8())),
            }
        }
        line + memchr_iter(b'\n', &block[counted..]).count() as u64
            + u64::from(block.last().is_some_and(|&b| b != b'\n'))
    }
}

/// Latin-1 is the first 256 characters of Unicode.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&b| char::from(b)).collect()
}

fn not_utf8() -> Refused {
    (Reason::Utf8, "not UTF-8; convert the file (iconv -t UTF-8), or set latin1 = true".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row = (u64, Option<Vec<String>>);

    fn rows(block: &[u8], separator: Separator) -> (Vec<Row>, u64) {
        let mut rows = Vec::new();
        let n = Splitter { separator, quotes: true, latin1: false }.each(block, |line, fields| {
            rows.push((line, fields.ok().map(|f| f.iter().map(str::to_owned).collect())));
        });
        (rows, n)
    }

    fn row(line: u64, fields: &[&str]) -> Row {
        (line, Some(fields.iter().map(|f| f.to_string()).collect()))
    }

    #[test]
    fn plain_lines() {
        let (got, n) = rows(b"a,b\r\n\n ,\n\xFF,1\n,", Separator::Comma);
        assert_eq!(n, 5);
        let want = [row(0, &["a", "b"]), row(2, &[" ", ""]), (3, None), row(4, &["", ""])];
        assert_eq!(got, want);
    }

    #[test]
    fn quoted_fields_and_their_lines() {
        let block = b"\n\"a\nb\",\"say \"\"hi\"\"\"\r\n\r\n5\" disk,x\n\"\xFF\",y\n\"\",z";
        let (got, n) = rows(block, Separator::Comma);
        let want = [
            row(1, &["a\nb", "say \"hi\""]),
            row(4, &["5\" disk", "x"]),
            (5, None),
            row(6, &["", "z"]),
        ];
        assert_eq!((got, n), (want.to_vec(), 7));
    }

    #[test]
    fn latin1_where_allowed() {
        let mut got = Vec::new();
        for (block, separator) in [
            (&b"73::Mis\xE9rables\n"[..], Separator::DoubleColon),
            (b"73,\"Mis\xE9rables\"\n", Separator::Comma),
        ] {
            Splitter { separator, quotes: true, latin1: true }
                .each(block, |_, row| got.push(row.ok().map(|f| f.get(1).to_owned())));
        }
        assert_eq!(got, [Some("Misérables".to_owned()), Some("Misérables".to_owned())]);
    }

    #[test]
    fn other_separators() {
        assert_eq!(rows(b"1  2 3 \n", Separator::Space).0, [row(0, &["1", "2", "3"])]);
        assert_eq!(rows(b"1::a:b::c", Separator::DoubleColon).0, [row(0, &["1", "a:b", "c"])]);
        assert_eq!(rows("苹;\"果;\"".as_bytes(), Separator::Semicolon).0, [row(0, &["苹", "果;"])]);
    }
}
