//! The tokens that one to predict is told from.

use rand::RngExt as _;
use rec_core::rng::Rng;

use crate::tags::learn::network::batch::Batch;

/// Tokens drawn for a step beside those that it has to predict.
pub(super) const DRAWN: usize = 512;

/// How often each token occurs.
pub(super) struct Frequencies {
    shares: Vec<f64>,
}

/// The tokens that a step's are told from: all of few, else those that stand in its texts and some drawn,
/// each less the logarithm of how probable it is to be among them (sampled softmax: Jean, Cho, Memisevic
/// and Bengio 2015), so that scores become those of all tokens.
pub(super) struct Candidates {
    /// Ascending.
    pub(super) tokens: Vec<u32>,
    /// What is added to each one's score.
    pub(super) shifts: Vec<f32>,
}

impl Candidates {
    /// All of so many tokens.
    pub(super) fn all(tokens: usize) -> Self {
        Self { tokens: (0..tokens as u32).collect(), shifts: vec![0.0; tokens] }
    }

    /// Their rows of an array of all tokens' rows, as far as `columns` of `width`.
    pub(super) fn rows<'a>(
        &'a self,
        array: &'a [f32],
        width: usize,
        columns: usize,
    ) -> impl Iterator<Item = f32> + 'a {
        let row = move |&token: &u32| &array[token as usize * width..][..columns];
        self.tokens.iter().flat_map(row).copied()
    }

    pub(super) fn place(&self, token: u32) -> i32 {
        // Whoever draws candidates has put the tokens of the texts among them.
        self.tokens.binary_search(&token).unwrap_or_default() as i32
    }
}

impl Frequencies {
    pub(super) fn of(texts: &[Vec<u32>], tokens: usize) -> Self {
        let mut shares = vec![0.0; tokens];
        texts.iter().flatten().for_each(|&token| shares[token as usize] += 1.0);
        let all = shares.iter().sum::<f64>().max(1.0);
        shares.iter_mut().for_each(|share| *share /= all);
        Self { shares }
    }

    pub(super) fn draw(&self, batch: &Batch, rng: &mut Rng) -> Candidates {
        let all = self.shares.len();
        if all <= 4 * DRAWN {
            return Candidates::all(all);
        }
        let drawn = (0..DRAWN).map(|_| rng.random_range(0..all as u32));
        let mut tokens: Vec<u32> = batch.tokens.iter().copied().chain(drawn).collect();
        tokens.sort_unstable();
        tokens.dedup();
        let read: usize = (0..batch.len()).map(|text| batch.text(text).len()).sum();
        let undrawn = (1.0 - (all as f64).recip()).powi(DRAWN as i32);
        let shift = |&token: &u32| {
            let unread = (1.0 - self.shares[token as usize]).powf(read as f64);
            -(1.0 - unread * undrawn).ln() as f32
        };
        let shifts = tokens.iter().map(shift).collect();
        Candidates { tokens, shifts }
    }
}
