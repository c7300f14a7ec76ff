//! Packing windows into batches of about equal work.

/// Groups items by length, the longest first, so that no batch has more than `budget` tokens or
/// one item; each batch is a list of positions in `lengths`.
pub(super) fn by_budget(lengths: &[usize], budget: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(lengths[i]), i));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut tokens = usize::MAX;
    for i in order {
        tokens = tokens.saturating_add(lengths[i]);
        match batches.last_mut() {
            Some(batch) if tokens <= budget => batch.push(i),
            _ => {
                tokens = lengths[i];
                batches.push(vec![i]);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_keep_to_the_budget() {
        assert_eq!(by_budget(&[3, 9, 4, 1, 4], 8), [vec![1], vec![2, 4], vec![0, 3]]);
        assert_eq!(by_budget(&[], 8), Vec::<Vec<usize>>::new());
        assert_eq!(by_budget(&[20], 8), [vec![0]]);
    }
}
