//! Beyond accuracy: what is recommended, beside whether it is relevant. `list` holds dense items,
//! best first; a list shorter than `k` is taken as it is.

use super::ItemSimilarity;

/// Catalogue coverage: the share of all items that stand in at least one list,
/// `|∪_u list_u| / n_items` (Herlocker et al. 2004, §4.2.1; Ge et al. 2010, eq. 2). `exposure` counts in how
/// many lists each item stands: `[n_items]`.
pub fn coverage(exposure: &[u32]) -> f64 {
    let shown = exposure.iter().filter(|&&n| n > 0).count();
    if exposure.is_empty() { 0.0 } else { shown as f64 / exposure.len() as f64 }
}

/// The Gini index of exposure: 0 where all items are recommended equally often, towards 1 where one
/// takes all. With `x` ascending over the whole catalogue,
/// `Σ_j (2j − n − 1) x_j / (n Σ_j x_j)`, j from 1 (Fleder and Hosanagar 2009; Castells et al. in
/// the Recommender Systems Handbook). 0 where nothing is recommended.
pub fn gini(exposure: &[u32]) -> f64 {
    let mut sorted = exposure.to_vec();
    sorted.sort_unstable();
    let n = sorted.len() as f64;
    let total: f64 = sorted.iter().map(|&x| f64::from(x)).sum();
    let weighted: f64 =
        sorted.iter().enumerate().map(|(j, &x)| (2.0 * j as f64 + 1.0 - n) * f64::from(x)).sum();
    if total == 0.0 { 0.0 } else { weighted / (n * total) }
}

/// What training says of the items' popularity.
#[derive(Clone, Debug)]
pub struct Popularity {
    information: Vec<f64>,
    rank: Vec<u32>,
}

impl Popularity {
    /// From the users who had each item, `[n_items]`, and the users who had any.
    pub fn new(users_of_item: &[u32], n_users: usize) -> Self {
        let n = n_users.max(1) as f64;
        let information = users_of_item.iter().map(|&c| -(f64::from(c.max(1)) / n).log2());
        let mut order: Vec<u32> = (0..users_of_item.len() as u32).collect();
        order.sort_by_key(|&item| std::cmp::Reverse(users_of_item[item as usize]));
        let mut rank = vec![0; order.len()];
        for (at, item) in order.into_iter().enumerate() {
            rank[item as usize] = at as u32;
        }
        Self { information: information.collect(), rank }
    }

    /// Self-information of an item in bits, `−log₂ p(i)` with `p(i)` the share of training users who
    /// had it; an item nobody had counts as one that a single user had.
    pub fn information(&self, item: u32) -> f64 {
        self.information[item as usize]
    }

    /// Whether an item is of the head: the fifth of the catalogue (rounded up) that most training users
    /// had; ties go to the smaller id.
    pub fn is_head(&self, item: u32) -> bool {
        (self.rank[item as usize] as usize) < self.rank.len().div_ceil(5)
    }

    /// Whether the most popular `k` items that the user has not had hold this one; ties in
    /// popularity go to the smaller id. `seen` ascends.
    pub fn recommends(&self, item: u32, seen: &[u32], k: usize) -> bool {
        let rank = self.rank[item as usize];
        if rank as usize >= k + seen.len() || seen.binary_search(&item).is_ok() {
            return false;
        }
        let passed = seen.iter().filter(|&&s| self.rank[s as usize] < rank).count();
        (rank as usize - passed) < k
    }
}

/// [`super::recall`] over the relevant items of the head, or of the tail: `ranks` are those of the
/// relevant items in `list`, `unknown` counts relevant items that no list can hold (nobody had them in
/// training, so they are of the tail). `None` without a relevant item there.
pub(crate) fn recall_of_part(
    (list, ranks): (&[u32], &[u32]),
    (relevant, unknown): (&[u32], usize),
    k: usize,
    head: bool,
    popularity: &Popularity,
) -> Option<f64> {
    let there = |&item: &u32| popularity.is_head(item) == head;
    let unknown = if head { 0 } else { unknown };
    let all = relevant.iter().copied().filter(there).count() + unknown;
    let found = ranks.iter().filter(|&&rank| (rank as usize) < k);
    let hits = found.filter_map(|&rank| list.get(rank as usize).copied()).filter(there).count();
    (all > 0).then(|| hits as f64 / all as f64)
}

/// Novelty: the mean self-information of the first `k` items, in bits (Zhou et al. 2010; "mean
/// inverse user frequency" of Castells, Vargas and Wang 2011 and of RecTools). `None` for an empty list.
pub fn novelty(list: &[u32], k: usize, popularity: &Popularity) -> Option<f64> {
    let list = &list[..list.len().min(k)];
    let sum: f64 = list.iter().map(|&item| popularity.information(item)).sum();
    (!list.is_empty()).then(|| sum / list.len() as f64)
}

/// Intra-list diversity: 1 − the mean similarity over all pairs among the first `k` items (Ziegler
/// et al. 2005; Smyth and McClave 2001). `None` for fewer than two items.
pub fn intra_list_diversity(
    list: &[u32],
    k: usize,
    similarity: &dyn ItemSimilarity,
) -> Option<f64> {
    let list = &list[..list.len().min(k)];
    let mut sum = 0.0;
    for (at, &a) in list.iter().enumerate() {
        sum += list[..at].iter().map(|&b| similarity.similarity(a, b)).sum::<f64>();
    }
    let pairs = list.len() * list.len().saturating_sub(1) / 2;
    (pairs > 0).then(|| 1.0 - sum / pairs as f64)
}

/// Serendipity: the share of the first `k` that is relevant and unexpected,
/// `|{r ≤ k: rel(r), item_r ∉ PM}| / k` (Ge, Delgado-Battenfeld and Jannach 2010, eq. 4, whose
/// primitive model PM here recommends the `k` most popular items that the user has not had).
/// `relevant` and `seen` ascend.
pub fn serendipity(
    list: &[u32],
    relevant: &[u32],
    k: usize,
    popularity: &Popularity,
    seen: &[u32],
) -> f64 {
    let surprising = |item: &&u32| {
        relevant.binary_search(item).is_ok() && !popularity.recommends(**item, seen, k)
    };
    let found = list.iter().take(k).filter(surprising).count();
    if k == 0 { 0.0 } else { found as f64 / k as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Csr;
    use crate::metrics::TagJaccard;

    #[test]
    fn of_all_lists() {
        assert_eq!(coverage(&[2, 0, 1, 0]), 0.5);
        assert_eq!(coverage(&[]), 0.0);
        assert_eq!(gini(&[3, 3, 3]), 0.0);
        assert_eq!(gini(&[0, 0, 9, 0]), 0.75);
        assert_eq!(gini(&[0, 0]), 0.0);
        // Mean absolute difference of all pairs over twice the mean: Σ|x−y| = 2·(1+3+2) = 12.
        assert!((gini(&[1, 2, 4]) - 12.0 / (2.0 * 9.0 * 7.0 / 3.0)).abs() < 1e-12);
    }

    #[test]
    fn of_one_list() {
        let popularity = Popularity::new(&[8, 2, 0, 4, 4], 8);
        assert_eq!(novelty(&[0, 1], 5, &popularity), Some(1.0));
        assert_eq!(novelty(&[2, 1], 1, &popularity), Some(3.0));
        assert_eq!(novelty(&[], 1, &popularity), None);
        let tags = Csr::new(vec![0, 2, 5, 6], vec![0, 1, 1, 2, 3, 2], None, 4).unwrap();
        let similarity = TagJaccard(&tags);
        let got = intra_list_diversity(&[0, 1, 2], 3, &similarity).unwrap();
        assert!((got - (1.0 - (0.25 + 0.0 + 1.0 / 3.0) / 3.0)).abs() < 1e-12);
        assert_eq!(intra_list_diversity(&[0, 1, 2], 1, &similarity), None);
    }

    #[test]
    fn the_unexpected_is_what_popularity_would_not_show() {
        let popularity = Popularity::new(&[8, 2, 0, 4, 4], 8);
        // By popularity: 0, 3, 4, 1, 2; without the seen 0: 3, 4, 1, 2.
        assert!(popularity.recommends(4, &[0], 2));
        assert!(!popularity.recommends(4, &[], 2));
        assert!(!popularity.recommends(0, &[0], 4));
        assert!(!popularity.recommends(1, &[0], 2));
        assert_eq!(serendipity(&[4, 1, 2], &[1, 2, 4], 2, &popularity, &[0]), 0.5);
        assert_eq!(serendipity(&[4, 1, 2], &[1, 2, 4], 2, &popularity, &[]), 1.0);
    }
}
