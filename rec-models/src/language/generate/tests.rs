use std::collections::HashMap;

use burn::tensor::{Device, Tensor, TensorData};

use super::*;
use crate::language::decoder::{Decoder, DecoderConfig, Family};
use crate::language::gpt2::{Gpt2, Gpt2Config};
use crate::language::{Backbone, Batch, Cache};

/// After token `i` it expects `i + 1`, and next to that `i + 2`.
struct Counter {
    vocab: usize,
    positions: Option<usize>,
}

impl Backbone for Counter {
    fn hidden(&self, batch: &Batch) -> Tensor<2> {
        let mut scores = vec![0.0f32; batch.ids.len() * self.vocab];
        for (row, id) in scores.chunks_exact_mut(self.vocab).zip(&batch.ids) {
            row[(*id as usize + 1) % self.vocab] = 2.0;
            row[(*id as usize + 2) % self.vocab] = 1.0;
        }
        let data = TensorData::new(scores, [batch.ids.len(), self.vocab]);
        Tensor::from_data(data, &self.device())
    }

    fn hidden_size(&self) -> usize {
        self.vocab
    }

    fn vocab_size(&self) -> usize {
        self.vocab
    }

    fn max_len(&self) -> Option<usize> {
        self.positions
    }

    fn device(&self) -> Device {
        Device::flex()
    }
}

impl Causal for Counter {
    fn cache(&self, texts: usize, tokens: usize) -> Cache {
        Cache::new(0, 1, texts, tokens, &self.device(), burn::tensor::DType::F32)
    }

    fn advance(&self, batch: &Batch, cache: &mut Cache) -> Result<Tensor<2>> {
        cache.step(&batch.rows)?;
        Ok(self.hidden(batch))
    }

    fn head(&self) -> Tensor<2> {
        Tensor::eye(self.vocab, &self.device())
    }
}

fn counter() -> Counter {
    Counter { vocab: 16, positions: None }
}

/// Ids are bytes of a text.
struct Bytes(&'static [u8]);

struct BytesStream {
    bytes: &'static [u8],
    waiting: Vec<u8>,
}

impl TextDecoder for Bytes {
    fn stream(&self) -> Box<dyn TextStream + '_> {
        Box::new(BytesStream { bytes: self.0, waiting: Vec::new() })
    }
}

impl TextStream for BytesStream {
    fn step(&mut self, id: u32) -> Result<Option<String>> {
        self.waiting.push(self.bytes[id as usize]);
        let whole = String::from_utf8(self.waiting.clone()).ok();
        if whole.is_some() {
            self.waiting.clear();
        }
        Ok(whole)
    }

    fn finish(self: Box<Self>) -> Result<Option<String>> {
        let rest = String::from_utf8_lossy(&self.waiting).into_owned();
        Ok((!rest.is_empty()).then_some(rest))
    }
}

fn options(max_new_tokens: usize) -> GenerateOptions {
    GenerateOptions { max_new_tokens, ..Default::default() }
}

fn run(model: &dyn Causal, prompts: &[Vec<u32>], options: &GenerateOptions) -> Vec<Generated> {
    generate(model, prompts, options, None, &Cancel::default(), |_| Ok(())).unwrap()
}

fn gpt2() -> Gpt2 {
    let config = Gpt2Config {
        vocab_size: 60,
        n_positions: 40,
        n_embd: 24,
        n_layer: 3,
        n_head: 3,
        initializer_range: 0.5,
        tie_word_embeddings: false,
        ..Default::default()
    };
    Gpt2::init(&config, &Device::flex(), 5).unwrap()
}

fn qwen3() -> Decoder {
    let config = DecoderConfig {
        vocab_size: 60,
        hidden_size: 24,
        intermediate_size: 40,
        num_hidden_layers: 3,
        num_attention_heads: 4,
        num_key_value_heads: Some(2),
        head_dim: Some(8),
        initializer_range: 0.4,
        ..DecoderConfig::of(Family::Qwen3)
    };
    Decoder::init(&config, &Device::flex(), 5).unwrap()
}

fn prompts() -> Vec<Vec<u32>> {
    vec![vec![7, 3, 9, 30, 2], vec![11], vec![4, 4, 59, 0, 1, 8, 20, 33, 7]]
}

/// Greedy continuation by passing the whole text through the model for every token.
fn greedy_without_cache(model: &dyn Causal, prompt: &[u32], tokens: usize) -> Vec<u32> {
    let mut text = prompt.to_vec();
    for _ in 0..tokens {
        let scores = floats(model.next_scores(&Batch::new(&[&text])).unwrap()).unwrap();
        text.push(filter::likeliest(&scores));
    }
    text.split_off(prompt.len())
}

#[test]
fn the_cache_changes_nothing() {
    for model in [&gpt2() as &dyn Causal, &qwen3()] {
        let got = run(model, &prompts(), &options(20));
        for (prompt, got) in prompts().iter().zip(&got) {
            assert_eq!(got.ids, greedy_without_cache(model, prompt, 20));
            assert_eq!(got.finish, Finish::Length);
        }
        assert!(got[0].ids.iter().collect::<std::collections::HashSet<_>>().len() > 3);
    }
}

#[test]
fn hidden_vectors_are_the_same_in_parts() {
    let prompts = prompts();
    for model in [&gpt2() as &dyn Causal, &qwen3()] {
        let whole = floats(model.hidden(&Batch::new(&prompts))).unwrap();
        let mut cache = model.cache(3, 1);
        let parts = |from: fn(usize) -> usize, to: fn(usize) -> usize| -> Vec<&[u32]> {
            prompts.iter().map(|p| &p[from(p.len())..to(p.len())]).collect()
        };
        let first = parts(|_| 0, |n| n / 2);
        let second = parts(|n| n / 2, |n| n);
        let mut rows: HashMap<(usize, usize), Vec<f32>> = HashMap::new();
        let d = model.hidden_size();
        let mut seen = [0; 3];
        for part in [first, second] {
            let batch = Batch::new(&part);
            if batch.ids.is_empty() {
                continue;
            }
            let hidden = floats(model.advance(&batch, &mut cache).unwrap()).unwrap();
            for (text, range) in batch.rows.ranges().enumerate() {
                for row in range {
                    rows.insert((text, seen[text]), hidden[row * d..][..d].to_vec());
                    seen[text] += 1;
                }
            }
        }
        let places =
            prompts.iter().enumerate().flat_map(|(t, p)| (0..p.len()).map(move |i| (t, i)));
        for (expected, place) in whole.chunks_exact(d).zip(places) {
            for (g, e) in rows[&place].iter().zip(expected) {
                assert!((g - e).abs() < 1e-4, "{place:?}: {g} for {e}");
            }
        }
    }
}

#[test]
fn prompts_together_are_as_alone() {
    let model = qwen3();
    let together = run(&model, &prompts(), &options(12));
    for (prompt, together) in prompts().into_iter().zip(together) {
        assert_eq!(run(&model, &[prompt], &options(12)), [together]);
    }
}

#[test]
fn a_seed_repeats_and_another_differs() {
    let model = gpt2();
    let sampled = |seed| {
        let options = GenerateOptions { do_sample: true, seed, ..options(15) };
        run(&model, &prompts(), &options)
    };
    assert_eq!(sampled(1), sampled(1));
    assert_ne!(sampled(1), sampled(2));
}

#[test]
fn draws_follow_the_distribution() {
    let options = GenerateOptions { do_sample: true, top_k: Some(2), ..options(4000) };
    let ids = &run(&counter(), &[vec![0]], &options)[0].ids;
    let steps = ids.iter().zip(std::iter::once(&0).chain(ids));
    let singles = steps.filter(|(now, before)| (*now + 16 - *before) % 16 == 1).count();
    // e² / (e² + e) = 0.731, standard deviation 28.
    assert!((singles as f64 - 0.731_059 * 4000.0).abs() < 4.0 * 28.1, "{singles}");
}

#[test]
fn a_penalty_turns_greedy_away_from_what_was_seen() {
    let penalised = GenerateOptions { repetition_penalty: 3.0, ..options(3) };
    // 1 follows 0 but was seen: 2/3 < 1, so 2 comes; then 3 before 4.
    let got = run(&counter(), &[vec![1, 0]], &penalised);
    assert_eq!(got[0].ids, [2, 3, 4]);
    assert_eq!(run(&counter(), &[vec![1, 0]], &options(2))[0].ids, [1, 2]);
}

#[test]
fn a_stop_id_ends_its_own_text_alone() {
    let options = GenerateOptions { stop_ids: vec![5], ..options(6) };
    let got = run(&counter(), &[vec![2], vec![6]], &options);
    assert_eq!((got[0].ids.as_slice(), got[0].finish), ([3, 4, 5].as_slice(), Finish::StopId));
    assert_eq!(
        (got[1].ids.as_slice(), got[1].finish),
        ([7, 8, 9, 10, 11, 12].as_slice(), Finish::Length)
    );
}

const TEXT: Bytes = Bytes("手机很好!STOP".as_bytes());

fn text_run(options: &GenerateOptions) -> (Vec<Piece>, Generated) {
    let model = Counter { vocab: TEXT.0.len(), positions: None };
    let mut pieces = Vec::new();
    let prompt = [vec![TEXT.0.len() as u32 - 1]];
    let generated = generate(&model, &prompt, options, Some(&TEXT), &Cancel::default(), |piece| {
        pieces.push(piece.clone());
        Ok(())
    });
    (pieces, generated.unwrap().remove(0))
}

#[test]
fn a_character_comes_with_its_last_token() {
    let (pieces, generated) = text_run(&options(7));
    let texts: Vec<&str> = pieces.iter().map(|piece| piece.text.as_str()).collect();
    // The last piece has the first byte of 很 alone.
    assert_eq!(texts, ["", "", "手", "", "", "机", "\u{fffd}"]);
    assert_eq!(generated.text.unwrap(), texts.concat());
}

#[test]
fn a_stop_text_is_cut_off() {
    let options = GenerateOptions { stop_strings: vec!["好!S".into(), "x".into()], ..options(30) };
    let (pieces, generated) = text_run(&options);
    assert_eq!(generated.finish, Finish::StopText);
    assert_eq!(generated.text.unwrap(), "手机很");
    assert_eq!(pieces.len(), "手机很好!S".len());
    assert_eq!(pieces.iter().map(|piece| piece.text.as_str()).collect::<String>(), "手机很");
}

#[test]
fn a_stop_id_has_no_text() {
    let at = "手机".len() as u32;
    let (_, generated) = text_run(&GenerateOptions { stop_ids: vec![at], ..options(30) });
    assert_eq!(generated.text.unwrap(), "手机");
    assert_eq!(generated.ids.last(), Some(&at));
}

#[test]
fn generation_ends_with_the_positions() {
    let model = Counter { vocab: 16, positions: Some(4) };
    let got = run(&model, &[vec![0, 1], vec![0, 1, 2, 3]], &options(9));
    // The third token is predicted from the fourth position, and has none itself.
    assert_eq!((got[0].ids.as_slice(), got[0].finish), ([2, 3, 4].as_slice(), Finish::Positions));
    assert_eq!((got[1].ids.as_slice(), got[1].finish), ([4].as_slice(), Finish::Positions));
    let gpt2 = gpt2();
    let got = run(&gpt2, &[vec![1; 35]], &options(50));
    assert_eq!(got[0].ids.len(), 6);
}

#[test]
fn long_prompts_are_read_in_several_passes() {
    let got = run(&counter(), &[vec![3; 3000], vec![5; 2000]], &options(2));
    assert_eq!(
        (got[0].ids.as_slice(), got[1].ids.as_slice()),
        ([4, 5].as_slice(), [6, 7].as_slice())
    );
}

#[test]
fn a_cancelled_generator_says_so_and_ends() {
    let (model, cancel) = (counter(), Cancel::default());
    let generator = Generator::new(&model, &[[1u32]], &options(9), None).unwrap();
    let mut generator = generator.cancelled_by(&cancel);
    assert!(generator.next().unwrap().is_ok());
    cancel.cancel();
    assert!(matches!(generator.next(), Some(Err(crate::Error::Cancelled(_)))));
    assert!(generator.next().is_none());
    assert_eq!(generator.finish()[0].finish, Finish::Interrupted);
}

#[test]
fn what_lies_outside_its_domain_is_refused() {
    let model = Counter { vocab: 16, positions: Some(4) };
    let message = |prompts: &[Vec<u32>], options: GenerateOptions| {
        let Err(error) = Generator::new(&model, prompts, &options, None) else {
            panic!("accepted {options:?}")
        };
        error.to_string()
    };
    let default = || GenerateOptions::default();
    let one = [vec![1u32]];
    let cases = [
        (GenerateOptions { temperature: 0.0, ..default() }, "turn do_sample off"),
        (GenerateOptions { temperature: f32::NAN, ..default() }, "temperature"),
        (GenerateOptions { top_p: Some(0.0), ..default() }, "(0, 1]"),
        (GenerateOptions { top_p: Some(1.5), ..default() }, "(0, 1]"),
        (GenerateOptions { top_k: Some(0), ..default() }, "leave it out"),
        (GenerateOptions { repetition_penalty: -1.0, ..default() }, "repetition_penalty"),
        (GenerateOptions { stop_ids: vec![3, 16], ..default() }, "vocabulary of 16"),
        (GenerateOptions { stop_strings: vec!["a".into()], ..default() }, "stop_ids"),
        (GenerateOptions { stop_strings: vec!["".into()], ..default() }, "stop_strings"),
        (GenerateOptions { max_new_tokens: 0, ..default() }, "at least 1"),
    ];
    for (options, part) in cases {
        let message = message(&one, options);
        assert!(message.contains(part), "{message}");
    }
    for (prompts, part) in [
        (vec![], "list of prompts"),
        (vec![vec![1], vec![]], "prompt 1"),
        (vec![vec![1; 5]], "4 positions"),
        (vec![vec![99]], "99"),
    ] {
        let message = message(&prompts, default());
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn scores_that_are_no_numbers_are_an_error() {
    let mut scores = [f32::NAN; 4];
    let options = options(3);
    let mut continuation = continuation::Continuation::new(0, &[1], None, &options, None);
    let message = continuation.take(&mut scores, &options).unwrap_err().to_string();
    assert!(message.contains("float32"), "{message}");
}
