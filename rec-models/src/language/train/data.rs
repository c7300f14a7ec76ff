//! What a run trains on.

/// Rows to train on, each of one text or several: the trainer orders them, parts them into passes
/// and tells a resumed run's from another's.
pub trait TrainingData: Sync {
    /// Rows.
    fn len(&self) -> usize;

    /// Whether there is no row.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tokens of all texts of a row: what it takes of `batch_tokens`.
    fn tokens(&self, row: usize) -> usize;

    /// Tokens of the longest text of a row.
    fn longest(&self, row: usize) -> usize {
        self.tokens(row)
    }

    /// Tokens of the tokenizer that encoded the texts.
    fn vocab_size(&self) -> usize;

    /// Tells data apart.
    fn fingerprint(&self) -> String;
}

/// Runs of rows that make a pass: at most `budget` tokens and `most` rows, or one row.
pub(super) fn passes<'a>(
    order: &'a [usize],
    data: &impl TrainingData,
    budget: usize,
    most: Option<usize>,
) -> Vec<&'a [usize]> {
    let most = most.unwrap_or(usize::MAX);
    let mut runs = Vec::new();
    let (mut start, mut tokens) = (0, 0);
    for (at, &row) in order.iter().enumerate() {
        let more = data.tokens(row);
        if at > start && (tokens + more > budget || at - start == most) {
            runs.push(&order[start..at]);
            (start, tokens) = (at, 0);
        }
        tokens += more;
    }
    if start < order.len() {
        runs.push(&order[start..]);
    }
    runs
}
