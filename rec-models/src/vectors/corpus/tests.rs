use super::*;
use crate::Error;

fn read(builder: CorpusBuilder) -> Corpus {
    let mut builder = builder;
    for sentence in ["b a c a", "", "a rare b", "c c"] {
        builder.add(sentence.split_whitespace()).unwrap();
    }
    builder.build().unwrap()
}

#[test]
fn words_are_numbered_by_count_and_rare_ones_left_out() {
    let corpus = read(CorpusBuilder::new().min_count(2));
    let words: Vec<_> = corpus.vocab().iter().collect();
    assert_eq!(words, [("a", 3), ("c", 3), ("b", 2)]);
    assert_eq!(corpus.sentences.chunk(0), [2, 0, 1, 0, END, 0, 2, END, 1, 1, END]);
    assert_eq!((corpus.words(), corpus.sentences.chunks()), (8, 1));
}

#[test]
fn a_spilled_corpus_is_the_same() {
    let spilled = read(CorpusBuilder::new().min_count(2).memory_limit(8));
    assert!(spilled.sentences.ids.is_mapped());
    let whole = read(CorpusBuilder::new().min_count(2));
    assert_eq!(*spilled.sentences.ids, *whole.sentences.ids);
    assert_eq!(spilled.vocab(), whole.vocab());
}

#[test]
fn pruning_bounds_the_words_at_hand() {
    let mut builder = CorpusBuilder::new().prune_at(Some(50));
    for n in 0..2000 {
        builder.add(["often".into(), format!("once{n}"), "second".into()]).unwrap();
        assert!(builder.words.len() <= 50);
    }
    let corpus = builder.build().unwrap();
    assert_eq!(corpus.vocab().get("often"), Some(0));
    assert_eq!(corpus.vocab().count(0), 2000);
}

#[test]
fn chunks_hold_whole_sentences() {
    let mut builder = CorpusBuilder::new();
    let long = vec!["x"; 25_000];
    builder.add(["x", "y"]).unwrap();
    builder.add(&long).unwrap();
    builder.add(["y", "x"]).unwrap();
    let corpus = builder.build().unwrap();
    assert_eq!(corpus.sentences.chunks(), 2);
    assert_eq!(corpus.sentences.chunk(0).len(), 25_004);
    assert_eq!(corpus.sentences.chunk(1), [1, 0, END]);
}

#[test]
fn too_little_text_is_refused() {
    assert!(matches!(CorpusBuilder::new().build(), Err(Error::Empty { .. })));
    let mut one = CorpusBuilder::new().min_count(2);
    one.add(["a", "a", "b"]).unwrap();
    let error = one.build().unwrap_err().to_string();
    assert!(error.contains("lower min_count"), "{error}");
}
