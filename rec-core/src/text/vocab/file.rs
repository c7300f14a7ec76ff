//! A vocabulary as a text file: a heading, then `word<TAB>count` in order of id.

use std::fmt::Write as _;
use std::path::Path;

use super::Vocab;
use crate::data::read::write_atomic;
use crate::{Error, Result};

const HEADING: &str = "# rec vocab 1";

impl Vocab {
    /// Writes the vocabulary, whole or not at all; a name that ends in `.gz` is compressed. Tabs,
    /// line ends and backslashes in words are written as `\t`, `\n`, `\r` and `\\`.
    ///
    /// # Errors
    /// [`Error::Io`] where the disk refuses.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        write_atomic(path, |out| {
            writeln!(out, "{HEADING}\t{}\t{}", self.n_special, self.max_undercount)?;
            let mut line = String::new();
            for (word, count) in self.iter() {
                line.clear();
                escape(word, &mut line);
                let _infallible = writeln!(line, "\t{count}");
                out.write_all(line.as_bytes())?;
            }
            Ok(())
        })
    }

    /// Reads a vocabulary that [`Vocab::save`] wrote.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::Format`] with the line that is not as it should be.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let mut lines = crate::text::lines::lines(path)?;
        let heading = lines.next().transpose()?.unwrap_or_default();
        let (n_special, max_undercount) = parse_heading(heading.trim_end()).ok_or_else(|| {
            let why = format!("not a vocabulary: the first line should begin with {HEADING:?}");
            Error::format(path, Some(1), why)
        })?;
        let mut words = std::collections::HashSet::new();
        let mut entries = Vec::new();
        for (number, line) in (2..).zip(lines) {
            let line = line?;
            let refuse = |why: &str| Error::format(path, Some(number), why);
            let (word, count) = parse_entry(&line)
                .ok_or_else(|| refuse("expected a word, a tab and a count, and a line end"))?;
            if !words.insert(word.clone()) {
                return Err(refuse("a word that stands on an earlier line already"));
            }
            entries.push((word, count));
        }
        if n_special > entries.len() {
            let why = format!(
                "{n_special} special entries announced, {} entries there; the file \
                               was cut short",
                entries.len()
            );
            return Err(Error::format(path, Some(1), why));
        }
        let mut vocab = Self::from_counts(entries, n_special)?;
        vocab.max_undercount = max_undercount;
        Ok(vocab)
    }
}

fn parse_heading(line: &str) -> Option<(usize, u64)> {
    let mut fields = line.strip_prefix(HEADING)?.strip_prefix('\t')?.split('\t');
    let parsed = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    fields.next().is_none().then_some(parsed)
}

fn parse_entry(line: &str) -> Option<(String, u64)> {
    let (word, count) = line.strip_suffix('\n')?.split_once('\t')?;
    Some((unescape(word)?, count.trim_end_matches('\r').parse().ok()?))
}

fn escape(word: &str, out: &mut String) {
    for c in word.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c => out.push(c),
        }
    }
}

fn unescape(text: &str) -> Option<String> {
    let mut word = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        word.push(match c {
            '\\' => match chars.next()? {
                '\\' => '\\',
                't' => '\t',
                'n' => '\n',
                'r' => '\r',
                _ => return None,
            },
            c => c,
        });
    }
    Some(word)
}
