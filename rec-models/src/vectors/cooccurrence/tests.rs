use std::collections::BTreeMap;

use super::*;
use crate::vectors::CorpusBuilder;

fn sentence(n: u64) -> Vec<String> {
    let word = |k: u64| (rec_core::rng::mix(n * 31 + k) % (3 + k * k) + k % 2).to_string();
    (0..n % 23).map(word).collect()
}

fn corpus(sentences: u64) -> Corpus {
    let mut builder = CorpusBuilder::new();
    (0..sentences).for_each(|n| builder.add(sentence(n)).unwrap());
    builder.build().unwrap()
}

fn count(corpus: &Corpus, counting: Counting, threads: usize) -> Cooccurrences {
    let ctx = FitContext { threads: Some(threads), ..FitContext::default() };
    Cooccurrences::count(corpus, &counting, &ctx).unwrap()
}

#[test]
fn counts_are_sums_of_one_over_the_distance() {
    let corpus = corpus(400);
    let id = |word: &String| corpus.vocab().get(word).unwrap();
    for symmetric in [true, false] {
        let mut want = BTreeMap::<(u32, u32), f64>::new();
        for n in 0..400 {
            let words: Vec<u32> = sentence(n).iter().map(id).collect();
            for (i, &word) in words.iter().enumerate() {
                for (j, &other) in words.iter().enumerate() {
                    let counts = i.abs_diff(j) <= 4 && (j < i || (symmetric && j > i));
                    if counts && (!symmetric || word <= other) {
                        *want.entry((word, other)).or_default() += 1.0 / i.abs_diff(j) as f64;
                    }
                }
            }
        }
        let counting = Counting { window: 4, symmetric, ..Counting::default() };
        let got = count(&corpus, counting, 2);
        assert_eq!((got.len(), got.symmetric()), (want.len(), symmetric));
        for ((word, context, count), (pair, want)) in got.iter().zip(want) {
            assert_eq!((word, context), pair);
            assert!((f64::from(count) - want).abs() < 1e-6 * want, "{count} is not {want}");
        }
    }
}

#[test]
fn counts_that_spill_are_those_in_memory() {
    let corpus = corpus(5000);
    assert!(corpus.sentences().chunks() > 2);
    let counting = Counting { window: 5, ..Counting::default() };
    let whole = count(&corpus, counting, 1);
    assert!(!whole.records.is_mapped());
    for (memory_limit, threads) in [(10_000, 1), (10_000, 3), (2000, 2)] {
        let spilled = count(&corpus, Counting { memory_limit, ..counting }, threads);
        assert!(spilled.records.is_mapped());
        assert_eq!(spilled.records(), whole.records());
    }
    assert_eq!(count(&corpus, counting, 3).records(), whole.records());
}

#[test]
fn what_cannot_be_counted_is_refused() {
    let corpus = corpus(50);
    for window in [0, 1 << 20] {
        let counting = Counting { window, ..Counting::default() };
        let error = Cooccurrences::count(&corpus, &counting, &FitContext::default()).unwrap_err();
        assert!(matches!(error, Error::Parameter { .. }), "{error}");
    }
    let mut alone = CorpusBuilder::new();
    ["a", "b"].into_iter().for_each(|word| alone.add([word]).unwrap());
    let alone = alone.build().unwrap();
    let counted = Cooccurrences::count(&alone, &Counting::default(), &FitContext::default());
    assert!(matches!(counted, Err(Error::Empty { .. })));
    let ctx = FitContext::default();
    ctx.cancel.cancel();
    let stopped = Cooccurrences::count(&corpus, &Counting::default(), &ctx);
    assert!(matches!(stopped, Err(Error::Cancelled(_))));
}
