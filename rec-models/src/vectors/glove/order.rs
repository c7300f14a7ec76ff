//! Counts in random order.

use rand::RngExt as _;
use rand::seq::SliceRandom as _;
use rec_core::rng;

use crate::Result;
use crate::vectors::cooccurrence::Record;
use crate::vectors::spill::{Spill, Stored};

/// The most files open at a time.
const MOST_PARTS: usize = 256;

/// The records shuffled: in memory if they are no more than so many bytes, else by throwing them
/// into as many temporary files as make each small enough, and shuffling those one by one, which
/// gives every order the same chance too.
pub(super) fn shuffled(records: &[Record], limit: usize, seed: u64) -> Result<Stored<Record>> {
    let mut rng = rng::stream(seed, "glove.order", 0);
    let parts = size_of_val(records).div_ceil(limit.max(1)).min(MOST_PARTS);
    if parts <= 1 {
        let mut records = records.to_vec();
        records.shuffle(&mut rng);
        return Ok(Stored::Memory(records));
    }
    let mut files: Vec<Spill<Record>> =
        (0..parts).map(|_| Spill::with_buffer(1 << 16)).collect::<Result<_>>()?;
    for record in records {
        files[rng.random_range(0..parts)].push(&[*record])?;
    }
    let mut all = Spill::new()?;
    for file in files {
        let mut part = file.read()?.rest()?;
        part.shuffle(&mut rng);
        all.push(&part)?;
    }
    all.into_stored()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_is_there_once_in_memory_and_on_disk() {
        let records: Vec<Record> =
            (0..5000).map(|n| Record { word: n, context: n / 7, count: n as f32 }).collect();
        for limit in [1 << 20, 7000] {
            let order = shuffled(&records, limit, 1).unwrap();
            assert_eq!(order.is_mapped(), limit == 7000);
            assert_ne!(order[..50], records[..50]);
            let mut sorted = order.to_vec();
            sorted.sort_by_key(|r| r.word);
            assert_eq!(sorted, records);
            let early = order[..500].iter().map(|r| f64::from(r.word)).sum::<f64>() / 500.0;
            assert!((early - 2500.0).abs() < 300.0, "{early}");
            assert_eq!(*shuffled(&records, limit, 1).unwrap(), *order);
        }
    }
}
