//! How likely a model finds texts.

use burn::tensor::{DType, Tensor};

use super::batch::id_tensor;
use super::causal::check;
use super::{Batch, Causal};
use crate::fit::Cancel;
use crate::ops::{CrossEntropy, cross_entropy_rows};
use crate::{Error, Result};

/// The log-probability of a text's tokens, each given those before it. The first token, which
/// nothing precedes, is not predicted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Likelihood {
    /// Sum of natural logarithms.
    pub log_probability: f64,
    /// Tokens predicted.
    pub tokens: usize,
}

impl Likelihood {
    /// `exp(−log_probability / tokens)`: among how many equally likely tokens the model is as
    /// unsure. Not a number where no token was predicted.
    pub fn perplexity(&self) -> f64 {
        (-self.log_probability / self.tokens as f64).exp()
    }
}

impl std::iter::Sum for Likelihood {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::default(), |a, b| Self {
            log_probability: a.log_probability + b.log_probability,
            tokens: a.tokens + b.tokens,
        })
    }
}

/// The likelihood of each text, in token ids; the perplexity of them all is that of their sum.
/// Texts are packed, in the order of their lengths, up to `tokens_a_pass` tokens a pass.
///
/// # Errors
/// Ids outside the vocabulary, texts longer than the model's positions, and cancellation.
pub fn likelihoods<T: AsRef<[u32]>>(
    model: &dyn Causal,
    texts: &[T],
    tokens_a_pass: usize,
    cancel: &Cancel,
) -> Result<Vec<Likelihood>> {
    check(model, &Batch::new(texts), |_| 0)?;
    let length = |i: usize| texts[i].as_ref().len();
    let mut order: Vec<usize> = (0..texts.len()).filter(|&i| length(i) > 1).collect();
    order.sort_by_key(|&i| length(i));
    let mut found = vec![Likelihood::default(); texts.len()];
    let mut rest = order.as_slice();
    while !rest.is_empty() {
        cancel.check("likelihoods")?;
        let (now, later) = rest.split_at(fitting(rest, length, tokens_a_pass));
        let packed: Vec<&[u32]> = now.iter().map(|&i| texts[i].as_ref()).collect();
        for (&i, likelihood) in now.iter().zip(of_pass(model, &packed)?) {
            found[i] = likelihood;
        }
        rest = later;
    }
    Ok(found)
}

/// How many of the texts one pass takes, at least one.
fn fitting(texts: &[usize], length: impl Fn(usize) -> usize, budget: usize) -> usize {
    let mut total = 0;
    let fits = |i: &&usize| {
        total += length(**i);
        total <= budget
    };
    texts.iter().take_while(fits).count().max(1)
}

fn of_pass(model: &dyn Causal, texts: &[&[u32]]) -> Result<Vec<Likelihood>> {
    let batch = Batch::new(texts);
    let hidden = model.hidden(&batch);
    let rows = batch.rows.ranges().flat_map(|range| range.start..range.end - 1);
    let rows: Vec<u32> = rows.map(|row| row as u32).collect();
    let targets: Vec<u32> = texts.iter().flat_map(|text| &text[1..]).copied().collect();
    let hidden = hidden.clone().select(0, id_tensor(&rows, &hidden.device()));
    let logs = log_probabilities(hidden, model.head(), &targets)?;
    let mut logs = logs.into_iter();
    let likelihood = |text: &&[u32]| Likelihood {
        log_probability: logs.by_ref().take(text.len() - 1).sum(),
        tokens: text.len() - 1,
    };
    Ok(texts.iter().map(likelihood).collect())
}

/// `log softmax(hidden headᵀ)[target]` a row, in single precision whatever the model's.
fn log_probabilities(hidden: Tensor<2>, head: Tensor<2>, targets: &[u32]) -> Result<Vec<f64>> {
    let (hidden, head) = (hidden.cast(DType::F32), head.cast(DType::F32));
    let targets = id_tensor(targets, &hidden.device());
    let losses = cross_entropy_rows(hidden, head, None, targets, CrossEntropy::default());
    let logs: Vec<f64> = losses.into_data().iter::<f64>().map(|loss| -loss).collect();
    if logs.iter().all(|log| log.is_finite()) {
        return Ok(logs);
    }
    let why = "they are not finite; the weights overflow at this precision, use float32";
    Err(Error::data("the model's scores", why))
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::language::gpt2::{Gpt2, Gpt2Config};

    fn model() -> Gpt2 {
        let config = Gpt2Config {
            vocab_size: 30,
            n_positions: 12,
            n_embd: 16,
            n_layer: 2,
            n_head: 2,
            initializer_range: 0.5,
            ..Default::default()
        };
        Gpt2::init(&config, &Device::flex(), 2).unwrap()
    }

    fn texts() -> Vec<Vec<u32>> {
        vec![vec![3, 1, 4, 1, 5], vec![], vec![9], vec![2, 6, 5, 3, 5, 8, 9, 7, 9, 3], vec![2, 7]]
    }

    /// `Σ log softmax(next_scores)[next]`, a prefix at a time.
    fn by_prefixes(model: &Gpt2, text: &[u32]) -> f64 {
        let log = |i: usize| {
            let scores = model.next_scores(&Batch::new(&[&text[..i]])).unwrap();
            let scores: Vec<f64> = scores.into_data().iter().collect();
            let sum: f64 = scores.iter().map(|s| s.exp()).sum();
            scores[text[i] as usize] - sum.ln()
        };
        (1..text.len()).map(log).sum()
    }

    #[test]
    fn likelihoods_are_those_of_next_tokens_whatever_the_pass() {
        let (model, texts) = (model(), texts());
        for tokens_a_pass in [1, 7, 1000] {
            let got = likelihoods(&model, &texts, tokens_a_pass, &Cancel::default()).unwrap();
            for (text, got) in texts.iter().zip(got) {
                assert_eq!(got.tokens, text.len().saturating_sub(1));
                let expected = by_prefixes(&model, text);
                assert!((got.log_probability - expected).abs() < 1e-4, "{got:?} for {expected}");
            }
        }
    }

    #[test]
    fn perplexity_of_even_odds_is_their_number() {
        let one = Likelihood { log_probability: -2.0 * 8f64.ln(), tokens: 2 };
        let all: Likelihood =
            [one, Likelihood { log_probability: -8f64.ln(), tokens: 1 }].into_iter().sum();
        assert!((all.perplexity() - 8.0).abs() < 1e-12);
        assert!(Likelihood::default().perplexity().is_nan());
    }

    #[test]
    fn a_text_beyond_the_positions_is_refused() {
        let long = likelihoods(&model(), &[vec![1; 13]], 100, &Cancel::default());
        assert!(long.unwrap_err().to_string().contains("12 positions"));
        let cancel = Cancel::default();
        cancel.cancel();
        assert!(likelihoods(&model(), &[vec![1; 3]], 100, &cancel).is_err());
    }
}
