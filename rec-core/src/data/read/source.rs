//! A file as a stream of blocks that end where a row ends; gzip is recognised and undone.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use memchr::{memchr, memchr2, memrchr};

use crate::{Error, Result};

/// Bytes of a block; enough rows to make handing it to a thread worthwhile.
pub(super) const BLOCK: usize = 512 * 1024;

/// No single row may be longer: a quote that is never closed would swallow the file.
const LONGEST_ROW: usize = 64 * 1024 * 1024;

/// A file opened for reading, decompressed on the way, its byte order mark removed.
pub(crate) struct Source {
    path: PathBuf,
    input: Box<dyn Read + Send>,
    /// Read, and not yet handed out.
    ahead: Vec<u8>,
    ended: bool,
    pub(super) gzip: bool,
}

impl Source {
    /// Opens a file and reads its first bytes.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let (file, gzip) = open_raw(path)?;
        let file = BufReader::with_capacity(1 << 16, file);
        let input: Box<dyn Read + Send> =
            if gzip { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
        let mut source =
            Self { path: path.to_path_buf(), input, ahead: Vec::new(), ended: false, gzip };
        source.fill(BLOCK)?;
        source.check_encoding()?;
        if source.ahead.starts_with(b"\xEF\xBB\xBF") {
            source.ahead.drain(..3);
        }
        Ok(source)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes at the start, for recognising the format; whether they are the whole file.
    pub(super) fn start(&self) -> (&[u8], bool) {
        (&self.ahead, self.ended)
    }

    /// Everything that is left, decompressed into a file that vanishes when closed: for formats
    /// that are read from their end.
    #[cfg(feature = "parquet")]
    pub(super) fn into_file(mut self) -> Result<File> {
        if !self.gzip {
            return File::open(&self.path).map_err(Error::io(&self.path));
        }
        let mut file = tempfile::tempfile().map_err(Error::io(&self.path))?;
        io::Write::write_all(&mut file, &self.ahead).map_err(Error::io(&self.path))?;
        io::copy(&mut self.input, &mut file).map_err(|e| self.refused(e))?;
        file.rewind().map_err(Error::io(&self.path))?;
        Ok(file)
    }

    /// Reads until `size` bytes are ahead or the file ends.
    fn fill(&mut self, size: usize) -> Result<()> {
        let mut filled = self.ahead.len();
        if self.ended || filled >= size {
            return Ok(());
        }
        self.ahead.resize(size, 0);
        let mut result = Ok(());
        while !self.ended && filled < size {
            match self.input.read(&mut self.ahead[filled..]) {
                Ok(n) => {
                    filled += n;
                    self.ended = n == 0;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.ended = true;
                    result = Err(self.refused(e));
                }
            }
        }
        self.ahead.truncate(filled);
        result
    }

    fn refused(&self, e: io::Error) -> Error {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        match e.kind() {
            UnexpectedEof if self.gzip => {
                let why = "the gzip stream ends early; the file was cut short, fetch it again";
                Error::format(&self.path, None, why)
            }
            InvalidData | InvalidInput if self.gzip => {
                Error::format(&self.path, None, format!("damaged gzip stream: {e}"))
            }
            _ => Error::io(&self.path)(e),
        }
    }

    fn check_encoding(&self) -> Result<()> {
        let why = match self.ahead.as_slice() {
            [] => {
                return Err(Error::empty(
                    format!("the file {}", self.path.display()),
                    "there is no row in it; check the path or the export that wrote it",
                ));
            }
            [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => "UTF-16 text; save it as UTF-8",
            [0x28, 0xB5, 0x2F, 0xFD, ..] => "compressed with zstd; decompress it, or use gzip",
            [b'P', b'K', 3, 4, ..] => "a zip archive; unpack it",
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => "compressed with bzip2; decompress it",
            [0xFD, b'7', b'z', b'X', b'Z', ..] => "compressed with xz; decompress it",
            _ => return Ok(()),
        };
        Err(Error::format(&self.path, None, why))
    }
}

fn open_raw(path: &Path) -> Result<(File, bool)> {
    let mut file = File::open(path).map_err(Error::io(path))?;
    let mut magic = [0u8; 2];
    let mut got = 0;
    while got < 2 {
        match file.read(&mut magic[got..]).map_err(Error::io(path))? {
            0 => break,
            n => got += n,
        }
    }
    file.rewind().map_err(Error::io(path))?;
    Ok((file, got == 2 && magic == [0x1F, 0x8B]))
}

/// Hands out a source in blocks of whole rows.
pub(crate) struct Blocks {
    source: Source,
    /// The separating byte, where fields may be quoted and rows may hold line breaks.
    quoted: Option<u8>,
    /// Lines handed out so far.
    lines: u64,
}

impl Blocks {
    pub(crate) fn new(source: Source, quoted: Option<u8>) -> Self {
        Self { source, quoted, lines: 0 }
    }

    /// The next block: about [`BLOCK`] bytes that end with a row, or the rest of the file.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let mut size = BLOCK;
        loop {
            self.source.fill(size)?;
            if self.source.ahead.is_empty() {
                return Ok(None);
            }
            let end = match self.last_row_end() {
                Some(end) => end,
                None if self.source.ended => self.source.ahead.len(),
                None if size >= LONGEST_ROW => {
                    let why = "a row longer than 64 MiB; a quote is never closed, or this is not \
                               text (set quotes = false if quotes are plain characters)";
                    return Err(Error::format(&self.source.path, Some(self.lines + 1), why));
                }
                None => {
                    size *= 2;
                    continue;
                }
            };
            let mut next = Vec::with_capacity(BLOCK);
            next.extend_from_slice(&self.source.ahead[end..]);
            self.source.ahead.truncate(end);
            let block = std::mem::replace(&mut self.source.ahead, next);
            self.lines += memchr::memchr_iter(b'\n', &block).count() as u64;
            return Ok(Some(block));
        }
    }

    fn last_row_end(&self) -> Option<usize> {
        let ahead = &self.source.ahead;
        match self.quoted {
            Some(separator) if memchr(b'"', ahead).is_some() => quoted_row_end(ahead, separator),
            _ => memrchr(b'\n', ahead).map(|at| at + 1),
        }
    }
}

/// The end of the last whole row, line breaks between quotes not counted. A quote opens a field
/// only where the field begins; inside, a doubled quote is a character.
fn quoted_row_end(bytes: &[u8], separator: u8) -> Option<usize> {
    let (mut at, mut last) = (0, None);
    while let Some(step) = memchr2(b'"', b'\n', &bytes[at..]) {
        let here = at + step;
        at = here + 1;
        if bytes[here] == b'\n' {
            last = Some(at);
        } else if here == 0 || bytes[here - 1] == separator || bytes[here - 1] == b'\n' {
            loop {
                let Some(step) = memchr(b'"', &bytes[at..]) else {
                    return last;
                };
                at += step + 1;
                if bytes.get(at) != Some(&b'"') {
                    break;
                }
                at += 1;
            }
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_end_outside_quotes_only() {
        assert_eq!(quoted_row_end(b"a,b\nc,\"d\ne\"", b','), Some(4));
        assert_eq!(quoted_row_end(b"a,b\nc,\"d\ne\"\nf", b','), Some(12));
        assert_eq!(quoted_row_end(b"a,\"b\"\"\n\"\nc", b','), Some(9));
        assert_eq!(quoted_row_end(b"5\" disk,b\nc", b','), Some(10));
        assert_eq!(quoted_row_end(b"\"never\nclosed", b','), None);
    }
}
