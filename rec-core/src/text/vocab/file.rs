//! A vocabulary as a text file: a heading, then `word<TAB>count` in order of id.

use std::fmt::Write as _;
use std::path::Path;

use super::Vocab;
use crate::data::read::write_atomic;
use crate::text::stream::for_each_line;
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
            let (len, special) = (self.len(), self.n_special);
            writeln!(out, "{HEADING}\t{len}\t{special}\t{}", self.max_undercount)?;
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
        let mut heading = None;
        let mut words = hashbrown::HashSet::new();
        let mut entries = Vec::new();
        for_each_line(path, &mut |number, line| {
            let refuse = |why: String| Error::format(path, Some(number), why);
            if number == 1 {
                heading = parse_heading(line);
                let why = || format!("not a vocabulary: the first line begins with {HEADING:?}");
                return heading.map(drop).ok_or_else(|| refuse(why()));
            }
            let (word, count) = parse_entry(line)
                .ok_or_else(|| refuse("expected a word, a tab and a count".into()))?;
            if !words.insert(word.clone()) {
                return Err(refuse("a word that stands on an earlier line already".into()));
            }
            entries.push((word, count));
            Ok(())
        })?;
        let Heading { len, n_special, max_undercount } = heading.unwrap_or_default();
        if len != entries.len() || n_special > len {
            let why = format!(
                "{len} entries announced, {n_special} of them special, and {} there; the file was \
                 cut short or edited",
                entries.len()
            );
            return Err(Error::format(path, Some(1), why));
        }
        let mut vocab = Self::from_counts(entries, n_special)?;
        vocab.max_undercount = max_undercount;
        Ok(vocab)
    }
}

/// What the first line tells.
#[derive(Clone, Copy, Default)]
struct Heading {
    len: usize,
    n_special: usize,
    max_undercount: u64,
}

fn parse_heading(line: &str) -> Option<Heading> {
    let mut fields = line.strip_prefix(HEADING)?.strip_prefix('\t')?.split('\t');
    let heading = Heading {
        len: fields.next()?.parse().ok()?,
        n_special: fields.next()?.parse().ok()?,
        max_undercount: fields.next()?.parse().ok()?,
    };
    fields.next().is_none().then_some(heading)
}

fn parse_entry(line: &str) -> Option<(String, u64)> {
    let (word, count) = line.split_once('\t')?;
    Some((unescape(word)?, count.parse().ok()?))
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
