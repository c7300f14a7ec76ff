//! Sorted runs of counts, merged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Record;
use crate::Result;
use crate::vectors::spill::{Plain, Spill, SpillReader, Stored};

/// A pair of words, the first in the upper half, and its sum in units of 2⁻³².
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(super) struct Entry {
    pub(super) pair: u64,
    pub(super) sum: u64,
}

// SAFETY: two 64-bit numbers leave no padding, and any bits are numbers.
unsafe impl Plain for Entry {}

/// Entries in order of their pairs.
pub(super) enum Run {
    Memory(std::vec::IntoIter<Entry>),
    File(SpillReader<Entry>),
}

impl Run {
    fn next(&mut self) -> Result<Option<Entry>> {
        match self {
            Self::Memory(entries) => Ok(entries.next()),
            Self::File(entries) => entries.next().transpose(),
        }
    }
}

/// Where merged counts go: to disk if any run came from there.
enum Sink {
    Memory(Vec<Record>),
    File(Spill<Record>),
}

impl Sink {
    fn push(&mut self, Entry { pair, sum }: Entry) -> Result<()> {
        let count = (sum as f64 / (1u64 << 32) as f64) as f32;
        let record = Record { word: (pair >> 32) as u32, context: pair as u32, count };
        match self {
            Self::Memory(records) => records.push(record),
            Self::File(file) => file.push(&[record])?,
        }
        Ok(())
    }
}

/// The records of the summed runs, in order.
pub(super) fn merged(runs: Vec<Run>) -> Result<Stored<Record>> {
    let spilled = runs.iter().any(|run| matches!(run, Run::File(_)));
    let mut sink = if spilled { Sink::File(Spill::new()?) } else { Sink::Memory(Vec::new()) };
    merge(runs, |entry| sink.push(entry))?;
    match sink {
        Sink::Memory(records) => Ok(Stored::Memory(records)),
        Sink::File(file) => file.into_stored(),
    }
}

/// Hands out the sum of each pair, in order of the pairs.
pub(super) fn merge(mut runs: Vec<Run>, mut emit: impl FnMut(Entry) -> Result<()>) -> Result<()> {
    let mut heads = BinaryHeap::new();
    for (at, run) in runs.iter_mut().enumerate() {
        heads.extend(run.next()?.map(|entry| Reverse((entry.pair, at, entry.sum))));
    }
    let mut current: Option<Entry> = None;
    while let Some(Reverse((pair, at, sum))) = heads.pop() {
        match &mut current {
            Some(entry) if entry.pair == pair => entry.sum = entry.sum.saturating_add(sum),
            _ => current.replace(Entry { pair, sum }).map_or(Ok(()), &mut emit)?,
        }
        heads.extend(runs[at].next()?.map(|entry| Reverse((entry.pair, at, entry.sum))));
    }
    current.map_or(Ok(()), emit)
}
