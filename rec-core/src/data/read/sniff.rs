//! What kind of file this is, from its first bytes.

use std::path::Path;

use super::columns::{plain, untyped};
use super::csv::Splitter;
use super::options::{Format, Separator};
use crate::{Error, Result};

/// What the caller has said already.
pub(super) struct Said<'a> {
    pub(super) format: Option<Format>,
    pub(super) header: Option<bool>,
    pub(super) quotes: Option<bool>,
    pub(super) latin1: Option<bool>,
    /// Whether a column is asked for by name, which needs a header.
    pub(super) by_name: bool,
    /// Column names that give a header away, as compared by [`plain`].
    pub(super) usual: &'a [&'a [&'a str]],
    /// Whether a line may be a user and all their items.
    pub(super) adjacency: bool,
}

/// What kind of file it is.
#[derive(Debug, PartialEq)]
pub(super) struct Sniffed {
    pub(super) format: Format,
    pub(super) splitter: Splitter,
    pub(super) header: bool,
    /// The columns' names; `column 0`, `column 1` … without a header. Empty for JSON and Parquet.
    pub(super) names: Vec<String>,
    /// The first rows after the header.
    pub(super) rows: Vec<Vec<String>>,
}

/// How much of the start is looked at.
const BYTES: usize = 256 * 1024;
const ROWS: usize = 200;

/// Recognises a file by its start; `whole` says that there is nothing after it.
pub(super) fn sniff(path: &Path, start: &[u8], whole: bool, said: &Said<'_>) -> Result<Sniffed> {
    let format = said.format.or_else(|| by_first_bytes(start));
    if let Some(format @ (Format::Parquet | Format::JsonLines)) = format {
        let splitter = Splitter { separator: Separator::Comma, quotes: false, latin1: false };
        return Ok(Sniffed { format, splitter, header: true, names: vec![], rows: vec![] });
    }
    let sample = whole_lines(&start[..start.len().min(BYTES)], whole && start.len() <= BYTES);
    if memchr::memchr(0, sample).is_some() {
        return Err(Error::format(path, None, "binary data, not a table of text or Parquet"));
    }
    let (separator, adjacency) = match format {
        Some(Format::Delimited(separator)) => (separator, false),
        Some(Format::Adjacency(separator)) => (separator, true),
        Some(Format::RecBole) => (Separator::Tab, false),
        _ => separator(path, sample, said)?,
    };
    let quotes = said.quotes.unwrap_or_else(|| match separator {
        Separator::Comma | Separator::Semicolon => true,
        Separator::Space | Separator::DoubleColon => false,
        other => other.byte().is_some_and(|byte| properly_quoted(sample, byte)),
    });
    // MovieLens writes `::` and Latin-1.
    let latin1 = said.latin1.unwrap_or(separator == Separator::DoubleColon);
    let splitter = Splitter { separator, quotes, latin1 };
    let mut rows = sample_rows(sample, splitter);
    if adjacency {
        let (header, names) = (false, vec!["user".into(), "items".into()]);
        return Ok(Sniffed { format: Format::Adjacency(separator), splitter, header, names, rows });
    }
    let typed = rows.first().is_some_and(|row| row.iter().all(|f| untyped(f) != f));
    let header = said.header.unwrap_or_else(|| typed || said.by_name || has_header(&rows, said));
    let names = match rows.first() {
        Some(first) if header => first.iter().map(|name| name.trim().to_owned()).collect(),
        Some(first) => (0..first.len()).map(|i| format!("column {i}")).collect(),
        None => Vec::new(),
    };
    if header && !rows.is_empty() {
        rows.remove(0);
    }
    let recbole = typed && header && separator == Separator::Tab;
    let format = if recbole { Format::RecBole } else { Format::Delimited(separator) };
    Ok(Sniffed { format, splitter, header, names, rows })
}

fn by_first_bytes(start: &[u8]) -> Option<Format> {
    match start.trim_ascii_start() {
        _ if start.starts_with(b"PAR1") => Some(Format::Parquet),
        [b'{', ..] => Some(Format::JsonLines),
        _ => None,
    }
}

fn whole_lines(start: &[u8], whole: bool) -> &[u8] {
    match memchr::memrchr(b'\n', start) {
        Some(at) if !whole => &start[..=at],
        _ => start,
    }
}

fn sample_rows(sample: &[u8], splitter: Splitter) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    splitter.each(sample, |_, fields| {
        if let Ok(fields) = fields
            && rows.len() < ROWS
        {
            rows.push(fields.iter().map(str::to_owned).collect());
        }
    });
    rows
}

/// The separator under which lines fall into equally many fields, and whether instead each line is
/// a user with items.
fn separator(path: &Path, sample: &[u8], said: &Said<'_>) -> Result<(Separator, bool)> {
    use Separator::{Comma, DoubleColon, Pipe, Semicolon, Space, Tab};
    if sample.trim_ascii_start().first() == Some(&b'[') {
        let why = "a JSON array; write one object a line (JSON lines)";
        return Err(Error::format(path, None, why));
    }
    let mut best = None;
    for separator in [Tab, DoubleColon, Comma, Semicolon, Pipe, Space] {
        let rows = sample_rows(sample, Splitter { separator, quotes: true, latin1: true });
        let Some(width) = rows.first().map(Vec::len).filter(|&w| w > 1) else { continue };
        let equal = rows.iter().filter(|r| r.len() == width).count() as f64 / rows.len() as f64;
        let lists = matches!(separator, Space | Tab) && said.adjacency && user_lists(&rows, equal);
        if lists && best.is_none_or(|(share, _, _)| share < 0.6) {
            best = Some((1.0, separator, true));
        } else if best.is_none_or(|(share, _, _)| equal > share + 0.3) {
            best = Some((equal, separator, false));
        }
    }
    let (_, separator, lists) = best.unwrap_or((0.0, Comma, false));
    Ok((separator, lists))
}

/// Whether rows are users with their items: ids alone, and too many or too varied for a table.
fn user_lists(rows: &[Vec<String>], equal: f64) -> bool {
    let ids = |row: &Vec<String>| row.iter().all(|f| f.bytes().all(|b| b.is_ascii_digit()));
    let width = rows.first().map_or(0, Vec::len);
    rows.iter().all(ids) && (equal < 0.6 || (equal == 1.0 && width > 4))
}

/// Whether quotes quote: some field begins with one, and each that does ends with one.
fn properly_quoted(sample: &[u8], separator: u8) -> bool {
    let ends = |b: u8| b == separator || b == b'\n' || b == b'\r';
    let (mut at, mut seen) = (0, false);
    while let Some(step) = memchr::memchr(b'"', &sample[at..]) {
        let here = at + step;
        at = here + 1;
        if here > 0 && !ends(sample[here - 1]) {
            continue;
        }
        seen = true;
        loop {
            let Some(step) = memchr::memchr(b'"', &sample[at..]) else { return false };
            at += step + 1;
            match sample.get(at) {
                Some(b'"') => at += 1,
                Some(&next) if !ends(next) => return false,
                _ => break,
            }
        }
    }
    seen
}

/// Whether the first row names columns: it holds usual names, or texts above numbers.
fn has_header(rows: &[Vec<String>], said: &Said<'_>) -> bool {
    let Some((first, rest)) = rows.split_first() else { return false };
    let numeric = |f: &String| f.trim().parse::<f64>().is_ok();
    if first.iter().any(numeric) {
        return false;
    }
    let is_usual = |f: &String| said.usual.iter().any(|names| names.contains(&&*plain(f.trim())));
    let column_of_numbers = |at| {
        !rest.is_empty() && rest.iter().all(|row: &Vec<String>| row.get(at).is_some_and(numeric))
    };
    first.iter().any(is_usual) || (0..first.len()).any(column_of_numbers)
}

#[cfg(test)]
mod tests {
    use super::super::columns::{ITEM, USER};
    use super::*;

    fn kind(text: &str) -> (Format, bool, bool) {
        let said = Said {
            format: None,
            header: None,
            quotes: None,
            latin1: None,
            by_name: false,
            usual: &[USER, ITEM],
            adjacency: true,
        };
        let s = sniff(Path::new("f"), text.as_bytes(), true, &said).unwrap();
        (s.format, s.header, s.splitter.quotes)
    }

    #[test]
    fn formats_are_recognised_by_their_contents() {
        use Format::{Adjacency, Delimited, JsonLines, RecBole};
        use Separator::{Comma, DoubleColon, Semicolon, Space, Tab};
        for (text, format, header, quotes) in [
            ("user,item\na,b\n", Delimited(Comma), true, true),
            ("u1,i1\nu2,i2\n", Delimited(Comma), false, true),
            ("who;what;n\na;b;1\n", Delimited(Semicolon), true, true),
            ("1::2::3::4\n1::3::3::5\n", Delimited(DoubleColon), false, false),
            ("1\t2\t3\t4\n", Delimited(Tab), false, false),
            ("user_id:token\titem_id:token\n1\t2", RecBole, true, false),
            ("{\"user\": 1}\n", JsonLines, true, false),
            ("1 1\n1 2\n2 7\n", Delimited(Space), false, false),
            ("1 4 5 6\n2 7\n3 8 9\n", Adjacency(Space), false, false),
            ("id\tname\n1\t\"Weird Al\" Yankovic\n", Delimited(Tab), true, false),
            ("\"user\"\t\"item\"\n\"a\tb\"\t7\n", Delimited(Tab), true, true),
            ("user,title\n1,a; b\n2,c; d\n", Delimited(Comma), true, true),
        ] {
            assert_eq!(kind(text), (format, header, quotes), "{text}");
        }
    }
}
