//! The files of word2vec and GloVe, which `gensim` and others read and write.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use rec_core::data::IdMap;
use rec_core::data::read::write_atomic;
use rec_core::text::stream::{TextFile, for_each_text};

use super::Vectors;
use crate::{Error, Result};

/// A file format of vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VectorFormat {
    /// word2vec's text: a line `words dim`, then a line a word, `word x x …`.
    Word2VecText,
    /// word2vec's binary: a line `words dim`, then a word, a space and its 32-bit floats, little
    /// endian.
    Word2VecBinary,
    /// GloVe's text: as word2vec's, without the first line.
    GloveText,
}

/// What to do with a word that a file has twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duplicates {
    /// Refuse the file.
    #[default]
    Refuse,
    /// Keep the first vector and skip the others, as `gensim` does.
    KeepFirst,
}

/// How vectors are read from a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Import {
    /// Reads only so many words, the first ones: files list frequent words first.
    pub limit: Option<usize>,
    /// What to do with a word that stands there twice.
    pub duplicates: Duplicates,
}

impl Vectors {
    /// Reads a file of another program; gzip is recognised.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`], with the line where there are lines, for a file that is cut
    /// short or is not what the format says, holds a word twice (unless told to keep the first) or a
    /// number that is not finite.
    pub fn import(path: impl AsRef<Path>, format: VectorFormat, options: &Import) -> Result<Self> {
        let path = path.as_ref();
        let mut reading = Reading::new(path, *options);
        match format {
            VectorFormat::Word2VecBinary => reading.binary()?,
            VectorFormat::Word2VecText => reading.text(true)?,
            VectorFormat::GloveText => reading.text(false)?,
        }
        reading.finish()
    }

    /// Writes a file for another program, whole or not at all; a name that ends in `.gz` is
    /// compressed. Text holds each number in the shortest form that reads back the same.
    ///
    /// # Errors
    /// [`Error::Io`] where the disk refuses, [`Error::Data`] for a word that is empty or holds white
    /// space, which these formats cannot hold.
    pub fn export(&self, path: impl AsRef<Path>, format: VectorFormat) -> Result<()> {
        if let Some(word) = self.words().find(|w| w.is_empty() || w.contains(char::is_whitespace)) {
            let why = "the format parts words by white space; save the table as a folder instead";
            return Err(Error::data(format!("the word {word:?}"), why));
        }
        write_atomic(path, |out| {
            if format != VectorFormat::GloveText {
                writeln!(out, "{} {}", self.len(), self.dim())?;
            }
            for (word, row) in self.words().zip(self.values().chunks_exact(self.dim())) {
                out.write_all(word.as_bytes())?;
                if format == VectorFormat::Word2VecBinary {
                    out.write_all(b" ")?;
                    row.iter().try_for_each(|x| out.write_all(&x.to_le_bytes()))?;
                } else {
                    row.iter().try_for_each(|x| write!(out, " {x}"))?;
                    out.write_all(b"\n")?;
                }
            }
            Ok(())
        })
    }
}

/// A file as far as it was read.
struct Reading<'a> {
    path: &'a Path,
    options: Import,
    words: IdMap,
    dim: usize,
    values: Vec<f32>,
}

impl<'a> Reading<'a> {
    fn new(path: &'a Path, options: Import) -> Self {
        Self { path, options, words: IdMap::strings(), dim: 0, values: Vec::new() }
    }

    fn bad(&self, line: Option<u64>, why: impl Into<String>) -> Error {
        Error::format(self.path, line, why)
    }

    fn full(&self) -> bool {
        self.options.limit.is_some_and(|limit| self.words.len() >= limit)
    }

    /// Whether a word is new; one that is not is refused or skipped.
    fn takes(&mut self, word: &str, line: Option<u64>) -> Result<bool> {
        let next = self.words.len();
        if self.words.intern_str(word) as usize == next {
            return Ok(true);
        }
        match self.options.duplicates {
            Duplicates::KeepFirst => Ok(false),
            Duplicates::Refuse => {
                let why =
                    format!("the word {word:?} stands there twice; read it keeping the first");
                Err(self.bad(line, why))
            }
        }
    }

    fn take_numbers(&mut self, word: &str, line: Option<u64>, numbers: &[f32]) -> Result<()> {
        if !numbers.iter().all(|x| x.is_finite()) {
            let why = format!("the vector of {word:?} holds a number that is not finite");
            return Err(self.bad(line, why));
        }
        self.values.extend_from_slice(numbers);
        Ok(())
    }

    fn heading(&mut self, line: &str) -> Result<usize> {
        let mut fields = line.split_ascii_whitespace().map(str::parse::<usize>);
        let heading = match (fields.next(), fields.next(), fields.next()) {
            (Some(Ok(words)), Some(Ok(dim)), None) => Some((words, dim)),
            _ => None,
        };
        match heading {
            Some((words, dim)) if (1..=1 << 20).contains(&dim) => {
                self.dim = dim;
                Ok(words)
            }
            _ => {
                let why = "not word2vec's format: the first line gives the number of words and the \
                           length of a vector; GloVe's format has no such line";
                Err(self.bad(Some(1), why))
            }
        }
    }

    fn text(&mut self, with_heading: bool) -> Result<()> {
        let (mut line, mut announced, mut row) = (0, None, Vec::new());
        for_each_text(self.path, &TextFile::lines(), &mut |lines| {
            for text in lines {
                line += 1;
                if with_heading && line == 1 {
                    announced = Some(self.heading(text)?);
                } else if !self.full() {
                    self.line(text, line, &mut row)?;
                }
            }
            Ok(())
        })?;
        self.check_announced(announced, line.saturating_sub(1) as usize)
    }

    fn line(&mut self, text: &str, line: u64, row: &mut Vec<f32>) -> Result<()> {
        let text = text.trim_end_matches(' ');
        if self.dim == 0 {
            self.dim = text.split(' ').count() - 1;
        }
        // From the end, for a few words of public files hold spaces.
        row.clear();
        let mut rest = text;
        for _ in 0..self.dim {
            let (before, number) = rest.rsplit_once(' ').unwrap_or(("", ""));
            let Ok(number) = number.parse() else {
                let why =
                    format!("a word and {} numbers, parted by single spaces, are needed", self.dim);
                return Err(self.bad(Some(line), why));
            };
            row.push(number);
            rest = before;
        }
        if rest.is_empty() {
            return Err(self.bad(Some(line), "there is no word before the numbers"));
        }
        row.reverse();
        if self.takes(rest, Some(line))? {
            self.take_numbers(rest, Some(line), row)?;
        }
        Ok(())
    }

    fn binary(&mut self) -> Result<()> {
        let io = |e| Error::io(self.path)(e);
        let mut file = BufReader::with_capacity(1 << 20, File::open(self.path).map_err(io)?);
        let zipped = file.fill_buf().map_err(io)?.starts_with(&[0x1f, 0x8b]);
        match zipped {
            true => self.blocks(&mut BufReader::with_capacity(1 << 20, MultiGzDecoder::new(file))),
            false => self.blocks(&mut file),
        }
    }

    fn blocks(&mut self, file: &mut impl BufRead) -> Result<()> {
        let mut bytes = Vec::new();
        self.until(file, b'\n', 128, &mut bytes)?;
        let heading = String::from_utf8_lossy(&bytes).into_owned();
        let announced = self.heading(&heading)?;
        let (mut numbers, mut read) = (vec![0; self.dim * 4], 0);
        while read < announced && !self.full() {
            self.until(file, b' ', 1 << 16, &mut bytes)?;
            // The authors' program ends each vector with a line break, gensim does not.
            let word = bytes.strip_prefix(b"\n").unwrap_or(&bytes);
            let word = std::str::from_utf8(word).ok().filter(|word| !word.is_empty());
            let Some(word) = word else {
                let why = format!("word {} is not UTF-8: not word2vec's binary format", read + 1);
                return Err(self.bad(None, why));
            };
            let cut = format!("cut short in the vector of {word:?}, word {}", read + 1);
            file.read_exact(&mut numbers).map_err(|_| self.bad(None, cut))?;
            if self.takes(word, None)? {
                let (numbers, _) = numbers.as_chunks::<4>();
                let row: Vec<f32> = numbers.iter().map(|b| f32::from_le_bytes(*b)).collect();
                self.take_numbers(word, None, &row)?;
            }
            read += 1;
        }
        self.check_announced(Some(announced), read)
    }

    /// Reads to a delimiter, which is taken off, over at most so many bytes.
    fn until(&self, file: &mut impl BufRead, end: u8, most: u64, to: &mut Vec<u8>) -> Result<()> {
        to.clear();
        file.take(most).read_until(end, to).map_err(Error::io(self.path))?;
        if to.pop() != Some(end) {
            let why = format!(
                "cut short after {} words, or not word2vec's binary format",
                self.words.len()
            );
            return Err(self.bad(None, why));
        }
        Ok(())
    }

    fn check_announced(&self, announced: Option<usize>, read: usize) -> Result<()> {
        match announced {
            Some(words) if words != read && !self.full() => {
                let why = format!("{words} words announced and {read} there: cut short or edited");
                Err(self.bad(Some(1), why))
            }
            _ => Ok(()),
        }
    }

    fn finish(self) -> Result<Vectors> {
        let words: Vec<String> = self.words.iter().map(|word| word.to_string()).collect();
        Vectors::new(words, self.dim.max(1), self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMATS: [VectorFormat; 3] =
        [VectorFormat::Word2VecText, VectorFormat::Word2VecBinary, VectorFormat::GloveText];

    fn table(dim: usize) -> Vectors {
        let values = (0..3 * dim).map(|i| (i as f32 - 4.0) / 7.0).collect();
        Vectors::new(["the", "手机", "été"], dim, values).unwrap()
    }

    #[test]
    fn files_read_back_the_same() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["vectors.txt", "vectors.gz"] {
            let path = dir.path().join(name);
            for (format, dim) in FORMATS.into_iter().zip([1, 3, 257]) {
                let vectors = table(dim);
                vectors.export(&path, format).unwrap();
                let read = Vectors::import(&path, format, &Import::default()).unwrap();
                assert!(read.words().eq(vectors.words()));
                assert_eq!(read.values(), vectors.values());
                let two = Import { limit: Some(2), ..Import::default() };
                assert_eq!(Vectors::import(&path, format, &two).unwrap().len(), 2);
            }
        }
        let spaced = Vectors::new(["a b"], 1, vec![1.0]).unwrap();
        assert!(spaced.export(dir.path().join("x"), VectorFormat::GloveText).is_err());
    }

    fn read(bytes: &[u8], format: VectorFormat, options: Import) -> Result<Vectors> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vectors");
        std::fs::write(&path, bytes).unwrap();
        Vectors::import(path, format, &options)
    }

    #[test]
    fn damaged_files_are_refused_with_the_place() {
        use VectorFormat::{GloveText, Word2VecBinary, Word2VecText};
        let binary = |tail: &[u8]| [b"2 2\na ".as_slice(), &[0; 8], tail].concat();
        let nan = [b"\nb ".as_slice(), &f32::NAN.to_le_bytes(), &[0; 4]].concat();
        for (bytes, format, says) in [
            (b"".to_vec(), Word2VecBinary, "cut short"),
            (b"x y\n".to_vec(), Word2VecBinary, "first line"),
            (b"99999999999 0\n".to_vec(), Word2VecBinary, "first line"),
            (binary(b""), Word2VecBinary, "after 1 words"),
            (binary(b"\nb \0\0\0"), Word2VecBinary, "vector of \"b\""),
            (binary(b"\n\xff "), Word2VecBinary, "not UTF-8"),
            (binary(b"a \0\0\0\0\0\0\0\0"), Word2VecBinary, "twice"),
            (binary(&nan), Word2VecBinary, "not finite"),
            (b"a 1 2\n".to_vec(), Word2VecText, ":1: not word2vec"),
            (b"2 2\na 1 2\n".to_vec(), Word2VecText, "2 words announced and 1"),
            (b"2 2\na 1 2\nb 1\n".to_vec(), Word2VecText, ":3: a word and 2 numbers"),
            (b"2 2\na 1 2\nb 1 x\n".to_vec(), Word2VecText, ":3: a word and 2 numbers"),
            (b"2 2\na 1 2\nb 1 inf\n".to_vec(), Word2VecText, "not finite"),
            (b"2 2\na 1 2\na 3 4\n".to_vec(), Word2VecText, ":3: the word \"a\""),
            (b"a 1 2\nb 1\n".to_vec(), GloveText, ":2: a word and 2 numbers"),
            (b"a\n".to_vec(), GloveText, ""),
        ] {
            let error = read(&bytes, format, Import::default()).unwrap_err().to_string();
            assert!(error.contains(says), "{says:?} is not in {error}");
        }
    }

    #[test]
    fn the_first_of_two_vectors_is_kept_where_asked() {
        let options = Import { duplicates: Duplicates::KeepFirst, ..Import::default() };
        let text = b"3 1\na 1\na 2\nb 3\n";
        let vectors = read(text, VectorFormat::Word2VecText, options).unwrap();
        assert_eq!(vectors.values(), [1.0, 3.0]);
        let spaced = read(b". . 1 2\nb 3 4\n", VectorFormat::GloveText, options);
        assert!(spaced.is_err(), "the first line tells the length");
    }
}
