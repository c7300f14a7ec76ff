//! Parsed rows on their way into dense columns.

use std::path::Path;

use super::report::Tally;
use super::values::Refused;
use crate::Result;
use crate::data::ids::canonical_int;
use crate::data::{IdMap, IdMaps};

/// The ids of a block's rows, one after another: integers as long as all are.
pub(super) enum RawIds {
    Ints(Vec<i64>),
    Texts { bytes: String, ends: Vec<u32> },
}

impl Default for RawIds {
    fn default() -> Self {
        Self::Ints(Vec::new())
    }
}

impl RawIds {
    pub(super) fn push(&mut self, id: &str) {
        match self {
            Self::Ints(values) => match canonical_int(id) {
                Some(v) => values.push(v),
                None => {
                    self.turn_to_texts();
                    self.push(id);
                }
            },
            Self::Texts { bytes, ends } => {
                bytes.push_str(id);
                ends.push(bytes.len() as u32);
            }
        }
    }

    pub(super) fn push_int(&mut self, id: i64) {
        match self {
            Self::Ints(values) => values.push(id),
            Self::Texts { .. } => self.push(&id.to_string()),
        }
    }

    fn turn_to_texts(&mut self) {
        let Self::Ints(values) = self else { return };
        let (mut bytes, mut ends) = (String::new(), Vec::with_capacity(values.capacity()));
        for value in values {
            bytes.push_str(&value.to_string());
            ends.push(bytes.len() as u32);
        }
        *self = Self::Texts { bytes, ends };
    }

    /// Appends the dense ids; most logs repeat a user row after row, so the last is tried first.
    fn intern_into(&self, map: &mut IdMap, out: &mut Vec<u32>) {
        match self {
            Self::Ints(values) => {
                let mut last = None;
                for &value in values {
                    let dense = match last {
                        Some((v, dense)) if v == value => dense,
                        _ => map.intern_int(value),
                    };
                    last = Some((value, dense));
                    out.push(dense);
                }
            }
            Self::Texts { bytes, ends } => {
                let (mut from, mut last) = (0, None);
                for &end in ends {
                    let id = &bytes[from..end as usize];
                    let dense = match last {
                        Some((v, dense)) if v == id => dense,
                        _ => map.intern_str(id),
                    };
                    last = Some((id, dense));
                    out.push(dense);
                    from = end as usize;
                }
            }
        }
    }
}

/// The rows of one block.
#[derive(Default)]
pub(super) struct Parsed {
    pub(super) users: RawIds,
    pub(super) items: RawIds,
    /// Beside the ids, where the file has weights.
    pub(super) weights: Vec<f32>,
    /// Beside the ids, where the file has times.
    pub(super) times: Vec<i64>,
    pub(super) rows: u64,
    pub(super) lines: u64,
    pub(super) tally: Tally,
}

impl Parsed {
    /// Notes a row refused at this line of the block, counted from 0.
    pub(super) fn refuse(&mut self, line: u64, (reason, why): Refused) {
        self.tally.refuse(line + 1, reason, || why);
    }
}

/// Dense columns, filled block after block.
#[derive(Default)]
pub(super) struct Sink {
    pub(super) ids: IdMaps,
    pub(super) users: Vec<u32>,
    pub(super) items: Vec<u32>,
    pub(super) weights: Vec<f32>,
    pub(super) times: Vec<i64>,
    pub(super) rows: u64,
    pub(super) tally: Tally,
    lines: u64,
}

impl Sink {
    pub(super) fn new(ids: IdMaps) -> Self {
        Self { ids, ..Self::default() }
    }

    /// Appends blocks in the order of the file. Users and items are numbered side by side.
    ///
    /// # Errors
    /// The first refused row, unless those are skipped.
    pub(super) fn merge(&mut self, blocks: Vec<Parsed>, rules: &Rules<'_>) -> Result<()> {
        for block in &blocks {
            self.rows += block.rows;
            self.weights.extend_from_slice(&block.weights);
            self.times.extend_from_slice(&block.times);
        }
        let (ids, users, items) = (&mut self.ids, &mut self.users, &mut self.items);
        let (user_map, item_map) = (&mut ids.users, &mut ids.items);
        rayon::join(
            || blocks.iter().for_each(|b| b.users.intern_into(user_map, users)),
            || blocks.iter().for_each(|b| b.items.intern_into(item_map, items)),
        );
        for block in blocks {
            let base = self.lines;
            self.lines += block.lines;
            if !block.tally.is_empty() {
                self.tally.absorb(block.tally, base);
                if !rules.skip_bad {
                    self.tally.first_error(rules.path, rules.has_lines)?;
                }
            }
        }
        Ok(())
    }
}

/// What the sink does with refused rows.
pub(super) struct Rules<'a> {
    pub(super) path: &'a Path,
    pub(super) skip_bad: bool,
    /// Whether positions are lines, or rows of a table without lines.
    pub(super) has_lines: bool,
}
