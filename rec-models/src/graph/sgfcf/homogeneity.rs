//! How much the neighbours of a node have to do with each other.

use rayon::prelude::*;
use rec_core::data::Csr;

/// Of each row the share of the ordered pairs of its columns that another row has, too; 0 for a row
/// with fewer than two columns.
pub(super) fn of_rows(by_row: &Csr, by_column: &Csr) -> Vec<f32> {
    let joined = joined(by_row, by_column);
    let share = |(row, joined)| {
        let n = by_row.row(row).len() as f64;
        if n < 2.0 { 0.0 } else { (joined as f64 / (n * (n - 1.0))) as f32 }
    };
    joined.into_iter().enumerate().map(share).collect()
}

/// How many ordered pairs of each row's columns stand in another row, too.
fn joined(by_row: &Csr, by_column: &Csr) -> Vec<u64> {
    let (n, m) = (by_row.n_rows(), by_row.n_cols());
    // Columns in parts, so that any number of threads adds whole numbers up to the same.
    let parts: Vec<Vec<u64>> = (0..m)
        .collect::<Vec<_>>()
        .par_chunks(m.div_ceil(64).max(1))
        .map(|columns| {
            let (mut of_rows, mut common) = (vec![0u64; n], vec![0u32; m]);
            for &column in columns {
                let rows = by_column.row(column);
                for &row in rows {
                    by_row.row(row as usize).iter().for_each(|&other| common[other as usize] += 1);
                }
                common[column] = 0;
                for &row in rows {
                    // The row itself is one of those that have both.
                    let others = by_row.row(row as usize).iter();
                    let others = others.filter(|&&other| common[other as usize] >= 2);
                    of_rows[row as usize] += others.count() as u64;
                }
                for &row in rows {
                    by_row.row(row as usize).iter().for_each(|&other| common[other as usize] = 0);
                }
            }
            of_rows
        })
        .collect();
    let mut sum = vec![0; n];
    for part in parts {
        sum.iter_mut().zip(part).for_each(|(sum, x)| *sum += x);
    }
    sum
}

/// That of a row that is not in the matrix, given its columns, ascending and distinct.
pub(super) fn of_new_row(columns: &[u32], by_row: &Csr, by_column: &Csr) -> f32 {
    let n = columns.len();
    if n < 2 {
        return 0.0;
    }
    let mut joined = 0usize;
    let mut common = vec![false; n];
    for &column in columns {
        common.fill(false);
        for &row in by_column.row(column as usize) {
            let mut from = 0;
            for &other in by_row.row(row as usize) {
                // Both ascend.
                from += columns[from..].partition_point(|&c| c < other);
                match columns.get(from) {
                    Some(&c) if c == other => common[from] = c != column || common[from],
                    Some(_) => {}
                    None => break,
                }
            }
        }
        joined += common.iter().filter(|&&c| c).count();
    }
    (joined as f64 / (n as f64 * (n as f64 - 1.0))) as f32
}
