//! From provisional ids to final ones.

use super::END;
use crate::Result;
use crate::vectors::spill::{Spill, SpillReader, Stored};

/// Words that a worker takes at a time, at least.
const CHUNK: usize = 10_000;

/// Drops rare words and empty sentences, and notes where chunks begin.
#[derive(Default)]
pub(super) struct Collector {
    len: usize,
    words: u64,
    sentence: usize,
    chunk: usize,
    chunks: Vec<usize>,
}

impl Collector {
    /// The final id to keep, if any.
    fn take(&mut self, id: u32, finals: Option<&[u32]>) -> Option<u32> {
        if id == END {
            return self.end();
        }
        let id = finals.map_or(id, |finals| finals[id as usize]);
        if id == END {
            return None;
        }
        self.len += 1;
        self.sentence += 1;
        self.words += 1;
        Some(id)
    }

    fn end(&mut self) -> Option<u32> {
        if self.sentence == 0 {
            return None;
        }
        self.chunk += self.sentence;
        self.sentence = 0;
        self.len += 1;
        if self.chunk >= CHUNK {
            self.chunks.push(self.len);
            self.chunk = 0;
        }
        Some(END)
    }

    pub(super) fn compact(&mut self, ids: &mut Vec<u32>, finals: Option<&[u32]>) {
        let mut to = 0;
        for at in 0..ids.len() {
            if let Some(id) = self.take(ids[at], finals) {
                ids[to] = id;
                to += 1;
            }
        }
        ids.truncate(to);
        ids.shrink_to_fit();
    }

    /// Words kept.
    pub(super) fn words(&self) -> u64 {
        self.words
    }

    /// Where chunks begin, and the end.
    pub(super) fn finish(mut self) -> Vec<usize> {
        let mut chunks = vec![0];
        chunks.append(&mut self.chunks);
        if chunks.last() != Some(&self.len) {
            chunks.push(self.len);
        }
        chunks
    }
}

/// A second temporary file, of final ids.
pub(super) fn remapped(
    from: SpillReader<u32>,
    finals: &[u32],
    collect: &mut Collector,
) -> Result<Stored<u32>> {
    let mut to = Spill::new()?;
    for id in from {
        if let Some(id) = collect.take(id?, Some(finals)) {
            to.push(&[id])?;
        }
    }
    to.into_stored()
}
