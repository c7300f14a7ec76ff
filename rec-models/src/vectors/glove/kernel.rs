//! A step on one count.
//!
//! A row of a table holds `[v, b, 1, 0 …]` for a word and `[c, 1, b̃, 0 …]` for a context, padded to
//! whole cache lines, so that one product is `⟨v, c⟩ + b + b̃`; and after it as many sums of squared
//! gradients, which at the ones are infinite, so that they stay.

use rec_core::rng::Rng;

use super::Glove;
use crate::ops::simd::Lanes;
use crate::vectors::rows::{Rows, Shared, stride};
use rand::RngExt as _;

/// The length of the first half of a row.
pub(super) fn half(dim: usize) -> usize {
    stride(dim + 2)
}

/// Where the bias and the one stand: of a word, and the other way round of a context.
pub(super) fn table(words: usize, dim: usize, context: bool, eta: f64, rng: &mut Rng) -> Rows {
    let half = half(dim);
    let mut rows = Rows::zeros(words, 2 * half);
    for row in rows.chunks_exact_mut(2 * half) {
        let (values, squares) = row.split_at_mut(half);
        // As in the authors' program, the bias like the rest.
        values[..=dim].fill_with(|| (rng.random::<f32>() - 0.5) / dim as f32);
        squares.fill((1.0 / (eta * eta)) as f32);
        let one = if context { dim } else { dim + 1 };
        if context {
            values[dim + 1] = values[dim];
        }
        values[one] = 1.0;
        squares[one] = f32::INFINITY;
    }
    rows
}

/// The weight and the logarithm of a count.
pub(super) fn target(config: &Glove, count: f32) -> (f32, f32) {
    let log = f64::from(count).ln();
    let below = log - config.x_max.ln();
    let weight = if below < 0.0 { (config.exponent * below).exp() } else { 1.0 };
    (weight as f32, log as f32)
}

/// A worker's copies of two rows, and what is added to them.
pub(super) struct Scratch {
    word: Vec<f32>,
    context: Vec<f32>,
    by_word: Vec<f32>,
    by_context: Vec<f32>,
    half: usize,
}

impl Scratch {
    pub(super) fn new(dim: usize) -> Self {
        let half = half(dim);
        let row = || vec![0.0; 2 * half];
        Self { word: row(), context: row(), by_word: row(), by_context: row(), half }
    }

    /// Steps on a count of this weight and logarithm; returns its loss before.
    #[inline(always)]
    pub(super) fn step<S: Lanes>(
        &mut self,
        s: S,
        [words, contexts]: [Shared<'_>; 2],
        (word, context): (u32, u32),
        (weight, log): (f32, f32),
    ) -> f32 {
        words.row(word).read(s, &mut self.word);
        contexts.row(context).read(s, &mut self.context);
        let difference = self.product(s) - log;
        self.moves(s, s.splat(weight * difference));
        words.row(word).add(s, &self.by_word);
        contexts.row(context).add(s, &self.by_context);
        0.5 * weight * difference * difference
    }

    #[inline(always)]
    fn product<S: Lanes>(&self, s: S) -> f32 {
        let mut sum = s.splat(0.0);
        for at in (0..self.half).step_by(S::WIDTH) {
            sum = s.mul_add(s.load(&self.word[at..]), s.load(&self.context[at..]), sum);
        }
        s.sum(sum)
    }

    /// AdaGrad's steps, and what the sums of squares grow by.
    #[inline(always)]
    fn moves<S: Lanes>(&mut self, s: S, error: S::V) {
        let half = self.half;
        for at in (0..half).step_by(S::WIDTH) {
            let (word, context) = (s.load(&self.word[at..]), s.load(&self.context[at..]));
            let of_word = moved(s, s.mul(error, context), s.load(&self.word[half + at..]));
            let of_context = moved(s, s.mul(error, word), s.load(&self.context[half + at..]));
            s.store(of_word.0, &mut self.by_word[at..]);
            s.store(of_word.1, &mut self.by_word[half + at..]);
            s.store(of_context.0, &mut self.by_context[at..]);
            s.store(of_context.1, &mut self.by_context[half + at..]);
        }
    }
}

/// `(−g / √(sum + g²), g²)`.
#[inline(always)]
fn moved<S: Lanes>(s: S, gradient: S::V, sum: S::V) -> (S::V, S::V) {
    let squared = s.mul(gradient, gradient);
    let root = s.sqrt(s.add(sum, squared));
    (s.div(s.sub(s.splat(0.0), gradient), root), squared)
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array2};
    use rec_core::objective::{self, GloveFactors};
    use rec_core::rng::stream;

    use super::*;
    use crate::ops::simd::{Level, Task};

    struct Step<'a>(&'a mut Scratch, [Shared<'a>; 2], (f32, f32));

    impl Task for Step<'_> {
        type Output = f32;

        #[inline(always)]
        fn run<S: Lanes>(self, s: S) -> f32 {
            self.0.step(s, self.1, (1, 2), self.2)
        }
    }

    fn factors(words: &Rows, contexts: &Rows, dim: usize) -> GloveFactors {
        let half = half(dim);
        let of = |rows: &Rows, at: &dyn Fn(usize) -> usize, n: usize| {
            Array2::from_shape_fn((3, n), |(r, c)| f64::from(rows[r * 2 * half + at(c)]))
        };
        let bias =
            |rows: &Rows, at: usize| -> Array1<f64> { of(rows, &|_| at, 1).column(0).to_owned() };
        GloveFactors {
            words: of(words, &|c| c, dim),
            contexts: of(contexts, &|c| c, dim),
            word_bias: bias(words, dim),
            context_bias: bias(contexts, dim + 1),
        }
    }

    /// Two steps on one count, against AdaGrad on the objective's gradient.
    #[test]
    fn steps_follow_the_gradient_of_the_objective() {
        for dim in [1, 3, 100, 257] {
            for (level, count) in Level::all().into_iter().flat_map(|l| [(l, 3.5), (l, 250.0)]) {
                let config = Glove { x_max: 10.0, ..Glove::default() };
                let objective = objective::Glove { x_max: 10.0, exponent: 0.75 };
                let eta = config.learning_rate;
                let mut rng = stream(1, "test", dim as u64);
                let mut words = table(3, dim, false, eta, &mut rng);
                let mut contexts = table(3, dim, true, eta, &mut rng);
                let counts = [(1, 2, f64::from(count))];
                let mut at = factors(&words, &contexts, dim);
                let zeros = objective.gradient(&at, &[]);
                let start = |g: &GloveFactors| {
                    [g.words.clone(), g.contexts.clone()].map(|a| a.mapv(|_| eta.powi(-2)))
                };
                let [mut of_words, mut of_contexts] = start(&zeros);
                let (mut of_bias, mut of_other) = (eta.powi(-2), eta.powi(-2));
                let mut scratch = Scratch::new(dim);
                for _ in 0..2 {
                    let want = objective.loss(&at, &counts);
                    let g = objective.gradient(&at, &counts);
                    for (values, g, sum) in [
                        (&mut at.words, &g.words, &mut of_words),
                        (&mut at.contexts, &g.contexts, &mut of_contexts),
                    ] {
                        *sum = &*sum + &(g * g);
                        *values = &*values - &(g / &sum.mapv(f64::sqrt));
                    }
                    for (bias, g, sum) in [
                        (&mut at.word_bias[1], g.word_bias[1], &mut of_bias),
                        (&mut at.context_bias[2], g.context_bias[2], &mut of_other),
                    ] {
                        *sum += g * g;
                        *bias -= g / sum.sqrt();
                    }
                    let shared = [words.share(), contexts.share()];
                    let got = level.run(Step(&mut scratch, shared, target(&config, count)));
                    assert!((f64::from(got) - want).abs() < 1e-4 * want, "{got} is not {want}");
                    let got = factors(&words, &contexts, dim);
                    let close = |a: f64, b: f64| {
                        assert!((a - b).abs() < 1e-5, "{level:?} {dim}: {a} is not {b}");
                    };
                    got.words.iter().zip(&at.words).for_each(|(&a, &b)| close(a, b));
                    got.contexts.iter().zip(&at.contexts).for_each(|(&a, &b)| close(a, b));
                    got.word_bias.iter().zip(&at.word_bias).for_each(|(&a, &b)| close(a, b));
                    got.context_bias.iter().zip(&at.context_bias).for_each(|(&a, &b)| close(a, b));
                }
                let half = half(dim);
                for row in 0..3 {
                    assert_eq!(words[row * 2 * half + dim + 1], 1.0);
                    assert_eq!(contexts[row * 2 * half + dim], 1.0);
                    assert!(
                        words[row * 2 * half + dim + 2..][..half - dim - 2]
                            .iter()
                            .all(|&x| x == 0.0)
                    );
                }
            }
        }
    }
}
