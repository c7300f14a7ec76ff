//! A text file line by line.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::{Error, Result};

/// The lines of a UTF-8 text file, each with its end; gzip is undone.
pub(crate) fn lines(path: &Path) -> Result<impl Iterator<Item = Result<String>>> {
    let mut file = BufReader::with_capacity(1 << 18, File::open(path).map_err(Error::io(path))?);
    let gzip = file.fill_buf().map_err(Error::io(path))?.starts_with(&[0x1F, 0x8B]);
    let plain: Box<dyn Read + Send> =
        if gzip { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let mut input = BufReader::with_capacity(1 << 18, plain);
    let path = path.to_path_buf();
    let mut number = 0;
    Ok(std::iter::from_fn(move || {
        let mut line = Vec::new();
        number += 1;
        match input.read_until(b'\n', &mut line) {
            Err(e) => Some(Err(Error::io(&path)(e))),
            Ok(0) => None,
            Ok(_) => {
                let bad = "not UTF-8; save the file as UTF-8";
                let text = String::from_utf8(line);
                Some(text.map_err(|_| Error::format(&path, Some(number), bad)))
            }
        }
    }))
}
