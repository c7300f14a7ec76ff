//! What rows of a table a word is made of.

/// Lists of rows, one a word.
pub(super) struct Parts {
    starts: Vec<usize>,
    rows: Vec<u32>,
}

impl Parts {
    pub(super) fn new() -> Self {
        Self { starts: vec![0], rows: Vec::new() }
    }

    /// Adds the next word's rows.
    pub(super) fn push(&mut self, rows: impl IntoIterator<Item = u32>) {
        self.rows.extend(rows);
        self.starts.push(self.rows.len());
    }

    #[inline(always)]
    pub(super) fn of(&self, word: u32) -> &[u32] {
        &self.rows[self.starts[word as usize]..self.starts[word as usize + 1]]
    }

    /// One more than the highest row.
    pub(super) fn end(&self) -> usize {
        self.rows.iter().max().map_or(0, |&row| row as usize + 1)
    }
}
