//! A pipeline over a file, from disk to disk.

use std::borrow::Cow;
use std::io;
use std::path::Path;

use rayon::prelude::*;

use super::{TextFile, for_each_text};
use crate::data::read::write_atomic;
use crate::text::pipeline::{Pipeline, Processed};
use crate::{Error, Result};

/// How far a file has been read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Texts read.
    pub rows: u64,
    /// Tokens written; 0 for a chain without a segmenter.
    pub tokens: u64,
}

/// How texts are written.
#[derive(Clone, Copy)]
enum Layout {
    /// One text a line, its tokens parted by spaces.
    Lines,
    /// One JSON value a line: a text, or a list of tokens.
    Json,
}

impl Layout {
    fn of(path: &Path) -> Self {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        let name = name.strip_suffix(".gz").unwrap_or(name);
        if name.ends_with(".jsonl") { Self::Json } else { Self::Lines }
    }

    fn row(self, processed: Processed) -> io::Result<Vec<u8>> {
        let mut row = match (self, processed) {
            (Self::Json, Processed::Text(text)) => serde_json::to_vec(&text)?,
            (Self::Json, Processed::Tokens(tokens)) => {
                serde_json::to_vec(&tokens.iter().collect::<Vec<_>>())?
            }
            (Self::Lines, processed) => {
                let mut line = processed.joined(" ").into_bytes();
                line.iter_mut().filter(|b| matches!(b, b'\n' | b'\r')).for_each(|b| *b = b' ');
                line
            }
        };
        row.push(b'\n');
        Ok(row)
    }
}

impl Pipeline {
    /// Runs the chain over a file of any size, on all threads of the pool, in bounded memory: one
    /// row out for each row in, in their order. An output that ends in `.jsonl` holds a JSON list of
    /// tokens (or a text) a line; any other the tokens with spaces between, a line break inside a
    /// text turned into a space. `.gz` behind it compresses. The file appears whole or not at all.
    ///
    /// `progress` is called after each block; an error it returns stops the work.
    ///
    /// # Errors
    /// Those of [`for_each_text`] and [`Pipeline::process`], and what `progress` returns.
    pub fn process_file(
        &self,
        input: impl AsRef<Path>,
        output: impl AsRef<Path>,
        file: &TextFile,
        mut progress: impl FnMut(Progress) -> Result<()> + Send,
    ) -> Result<Progress> {
        let (input, output) = (input.as_ref(), output.as_ref());
        let layout = Layout::of(output);
        let mut done = Progress::default();
        let mut failed = None;
        let written = write_atomic(output, |out| {
            let read = for_each_text(input, file, &mut |texts| {
                let (rows, tokens) = self.block(texts, layout).map_err(|e| e.at(output))?;
                rows.iter().try_for_each(|row| out.write_all(row)).map_err(Error::io(output))?;
                done.rows += texts.len() as u64;
                done.tokens += tokens;
                progress(done)
            });
            read.map_err(|e| {
                failed = Some(e);
                io::Error::other("stopped")
            })
        });
        match failed {
            Some(error) => Err(error),
            None => written.map(|()| done),
        }
    }

    fn block(
        &self,
        texts: &[Cow<'_, str>],
        layout: Layout,
    ) -> Result<(Vec<Vec<u8>>, u64), Failure> {
        let rows: Vec<(Vec<u8>, u64)> = texts
            .par_iter()
            .map(|text| {
                let processed = self.process(text).map_err(Failure::Pipeline)?;
                let tokens = processed.tokens().map_or(0, |t| t.len() as u64);
                Ok((layout.row(processed).map_err(Failure::Write)?, tokens))
            })
            .collect::<Result<_, Failure>>()?;
        let tokens = rows.iter().map(|(_, n)| n).sum();
        Ok((rows.into_iter().map(|(row, _)| row).collect(), tokens))
    }
}

enum Failure {
    Pipeline(Error),
    Write(io::Error),
}

impl Failure {
    fn at(self, output: &Path) -> Error {
        match self {
            Self::Pipeline(error) => error,
            Self::Write(error) => Error::io(output)(error),
        }
    }
}
