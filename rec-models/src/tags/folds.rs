//! Parts of the training texts: for held-out scores, and for training and test.

use rand::seq::SliceRandom;
use rec_core::data::Csr;
use rec_core::rng::stream;

use crate::{Error, Result};

/// Shuffles `n` rows by a seed and parts them into training and test rows, both ascending;
/// `test_size` is the test part's share.
///
/// # Errors
/// [`Error::Parameter`] for a share outside 0 to 1, [`Error::Data`] where a part would be empty.
pub fn train_test_split(n: usize, test_size: f64, seed: u64) -> Result<(Vec<usize>, Vec<usize>)> {
    if !(test_size > 0.0 && test_size < 1.0) {
        let why = "choose the test part's share, between 0 and 1, such as 0.2";
        return Err(Error::parameter("test_size", test_size, why));
    }
    let n_test = (n as f64 * test_size).round() as usize;
    if n_test == 0 || n_test == n {
        let why = format!("{n} rows leave a part empty at test_size = {test_size}");
        return Err(Error::data("train_test_split", why));
    }
    let mut rows: Vec<usize> = (0..n).collect();
    rows.shuffle(&mut stream(seed, "train_test_split", 0));
    let mut train = rows.split_off(n_test);
    rows.sort_unstable();
    train.sort_unstable();
    Ok((train, rows))
}

/// The fold of each row: rows of the same first label are dealt out in turn, so that every fold has
/// its share of each label.
pub(super) fn folds(labels: &Csr, n: usize, seed: u64) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..labels.n_rows()).collect();
    rows.shuffle(&mut stream(seed, "folds", 0));
    // None sorts first: texts without labels are a kind of their own.
    rows.sort_by_key(|&row| labels.row(row).first().copied());
    let mut fold = vec![0; rows.len()];
    for (at, row) in rows.into_iter().enumerate() {
        fold[row] = at % n;
    }
    fold
}

/// Some rows of a matrix.
pub(super) fn select(matrix: &Csr, rows: &[usize]) -> Csr {
    Csr::from_rows(rows.iter().map(|&row| matrix.iter_row(row).collect()), matrix.n_cols())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_one_part() {
        let (train, test) = train_test_split(10, 0.2, 42).unwrap();
        assert_eq!((train.len(), test.len()), (8, 2));
        let mut all = [train, test].concat();
        all.sort_unstable();
        assert_eq!(all, (0..10).collect::<Vec<_>>());
        assert_ne!(train_test_split(10, 0.2, 42).unwrap(), train_test_split(10, 0.2, 43).unwrap());
        assert!(train_test_split(10, 1.0, 0).is_err() && train_test_split(1, 0.2, 0).is_err());
    }

    #[test]
    fn folds_share_every_label() {
        let labels = Csr::from_rows((0..40).map(|i| vec![(u32::from(i % 4 == 0), 1.0)]), 2);
        let fold = folds(&labels, 5, 1);
        for f in 0..5 {
            let rare = (0..40).filter(|&i| fold[i] == f && i % 4 == 0).count();
            assert_eq!((rare, fold.iter().filter(|&&x| x == f).count()), (2, 8));
        }
    }
}
