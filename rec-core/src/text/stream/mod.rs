//! Files larger than memory, text by text: line files and columns of CSV files, plain or gzip.

mod process;
mod rows;

use std::path::Path;

pub use process::Progress;
pub use rows::{Field, TextFile, for_each_text};

use crate::Result;

/// Calls `read` with each line of a UTF-8 file, counted from 1, its line break removed.
pub(crate) fn for_each_line(
    path: &Path,
    read: &mut dyn FnMut(u64, &str) -> Result<()>,
) -> Result<()> {
    let mut line = 0;
    for_each_text(path, &TextFile::lines(), &mut |texts| {
        texts.iter().try_for_each(|text| {
            line += 1;
            read(line, text)
        })
    })
}

#[cfg(test)]
mod tests;
