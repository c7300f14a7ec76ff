use std::sync::Arc;

use super::tests::corpus;
use super::*;
use crate::text::EncodeOptions;

const MODELS: [TokenizerModel; 3] =
    [TokenizerModel::WordPiece, TokenizerModel::Bpe, TokenizerModel::Unigram];

/// Texts from a small language of its own, enough of them for several blocks and threads.
fn many() -> Vec<String> {
    use rand::RngExt as _;
    let mut rng = crate::rng::stream(3, "text-tokenizer", 0);
    let syllables = ["手", "机", "屏", "幕", "ba", "lo", "mi", "ter", "好", "电", "池", "é"];
    (0..2000)
        .map(|_| {
            let words = rng.random_range(1..8);
            let word = |rng: &mut crate::rng::Rng| {
                (0..rng.random_range(1..4)).map(|_| syllables[rng.random_range(0..12)]).collect()
            };
            (0..words).map(|_| word(&mut rng)).collect::<Vec<String>>().join(" ")
        })
        .collect()
}

#[test]
fn training_depends_on_texts_and_options_alone() {
    let texts = many();
    for model in MODELS {
        let options = TrainOptions::new(model).vocab_size(if model == TokenizerModel::Bpe {
            400
        } else {
            120
        });
        let train = |threads, block| {
            crate::parallel::install(Some(threads), || {
                let mut trainer = TokenizerTrainer::new(options.clone())?;
                for block in texts.chunks(block) {
                    trainer.feed(block)?;
                }
                trainer.train()?.to_json()
            })
            .unwrap()
        };
        let first = train(1, 2000);
        for (threads, block) in [(1, 7), (3, 100), (4, 2000)] {
            assert_eq!(train(threads, block), first, "{model:?}");
        }
        let size = Tokenizer::train(&texts, options.clone()).unwrap().vocab_size();
        assert!(size <= options.vocab_size && size > options.vocab_size * 3 / 4, "{size}");
    }
}

/// Byte-pair encoding on the example of Sennrich et al. (2016), section 3.2, which has the merges
/// `e s`, `es t` and `l o`, `lo w` first (the word end is no symbol of ours).
#[test]
fn merges_of_the_paper() {
    let mut texts = Vec::new();
    for (word, n) in [("low", 5), ("lower", 2), ("newest", 6), ("widest", 3)] {
        texts.extend(std::iter::repeat_n(word, n));
    }
    let options = TrainOptions::new(TokenizerModel::Bpe).vocab_size(257 + 4);
    let tokenizer = Tokenizer::train(texts, options).unwrap();
    let json: serde_json::Value = serde_json::from_str(&tokenizer.to_json().unwrap()).unwrap();
    let merges: Vec<String> = json["model"]["merges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| format!("{} {}", pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
        .collect();
    assert_eq!(merges, ["e s", "es t", "l o", "lo w"]);
}

#[test]
fn wordpiece_parts_chinese_into_characters() {
    let tokenizer =
        Tokenizer::train(corpus(), TrainOptions::new(TokenizerModel::WordPiece)).unwrap();
    let no_piece = tokenizer
        .vocab()
        .iter()
        .all(|(token, _)| token.chars().filter(|c| ('一'..='龥').contains(c)).count() <= 1);
    assert!(no_piece);
    let unigram =
        Tokenizer::train(corpus(), TrainOptions::new(TokenizerModel::Unigram).vocab_size(90))
            .unwrap();
    assert!(unigram.token_to_id("屏幕").is_some());
}

#[test]
fn nothing_to_train_on_is_an_error() {
    for model in MODELS {
        let none: [&str; 0] = [];
        for texts in [none.to_vec(), vec![""], vec![" ", "\n\t"]] {
            let spaces = texts.len() > 1;
            if spaces && model != TokenizerModel::WordPiece {
                continue; // Byte-level BPE and sentencepiece have a piece for the space.
            }
            let error = Tokenizer::train(&texts, TrainOptions::new(model)).unwrap_err();
            assert!(matches!(error, Error::Empty { .. }), "{error}");
        }
        let texts = corpus();
        let mut once = texts.iter();
        assert!(Tokenizer::train(once.by_ref(), TrainOptions::new(model)).is_ok());
        let error = Tokenizer::train(once, TrainOptions::new(model)).unwrap_err().to_string();
        assert!(error.contains("0 texts were read"), "{error}");
    }
}

#[test]
fn a_vocabulary_smaller_than_the_alphabet_is_refused() {
    for (model, size) in [
        (TokenizerModel::WordPiece, 20),
        (TokenizerModel::Bpe, 200),
        (TokenizerModel::Unigram, 20),
        (TokenizerModel::WordPiece, 5),
        (TokenizerModel::Unigram, 0),
    ] {
        let error =
            Tokenizer::train(corpus(), TrainOptions::new(model).vocab_size(size)).unwrap_err();
        assert!(matches!(error, Error::Parameter { .. }), "{error}");
        assert!(error.to_string().contains("vocab_size"), "{error}");
    }
    let limited =
        TrainOptions { limit_alphabet: Some(6), ..TrainOptions::new(TokenizerModel::Unigram) };
    let tokenizer = Tokenizer::train(corpus(), limited.vocab_size(20)).unwrap();
    assert!(tokenizer.vocab_size() <= 20);
    let without_unk =
        TrainOptions { special_tokens: Vec::new(), ..TrainOptions::new(TokenizerModel::Unigram) };
    assert!(Tokenizer::train(corpus(), without_unk).is_err());
}

#[test]
fn special_tokens_get_the_first_ids_and_are_never_split() {
    for model in MODELS {
        let mut options = TrainOptions::new(model).vocab_size(350);
        options.extra_special_tokens = vec!["[ITEM]".into(), "[USER]".into()];
        let tokenizer = Tokenizer::train(corpus(), options.clone()).unwrap();
        let expected: Vec<u32> = (0..options.special().len() as u32).collect();
        let ids: Vec<u32> =
            options.special().iter().map(|t| tokenizer.token_to_id(&t.content).unwrap()).collect();
        assert_eq!(ids, expected, "{model:?}");
        let encoding = tokenizer.encode("good[ITEM]phone", &EncodeOptions::default()).unwrap();
        assert!(encoding.tokens.contains(&"[ITEM]".to_owned()));
    }
}

#[test]
fn odd_corpora_train() {
    let texts = ["\0\0", "😀", "a", "\u{FEFF}b", &"长".repeat(5000), &"x".repeat(5000)];
    for model in MODELS {
        let tokenizer = Tokenizer::train(texts, TrainOptions::new(model).vocab_size(400)).unwrap();
        assert!(tokenizer.encode("长长😀", &EncodeOptions::default()).unwrap().len() > 1);
        assert!(Tokenizer::train(["a"], TrainOptions::new(model).vocab_size(300)).is_ok());
    }
}

/// Pieces do not cross the ends of words that the caller names: here every second character.
#[test]
fn training_keeps_to_given_words() {
    let ends = |text: &str| -> Vec<usize> {
        text.char_indices().map(|(i, _)| i).step_by(2).skip(1).chain([text.len()]).collect()
    };
    let texts = ["屏幕很好手机", "手机屏幕很好", "很好手机屏幕"].repeat(10);
    let mut options = TrainOptions::new(TokenizerModel::Bpe).vocab_size(300);
    let free = Tokenizer::train(&texts, options.clone()).unwrap();
    options.word_ends = Some(Arc::new(ends));
    let held = Tokenizer::train(&texts, options.clone()).unwrap();
    let longest = |tokenizer: &Tokenizer| {
        let ids = tokenizer.encode(texts[0], &EncodeOptions::default()).unwrap();
        ids.offsets.iter().map(|(a, b)| b - a).max()
    };
    assert_eq!(longest(&held), Some(2));
    assert!(longest(&free) > Some(2));
    options.model = TokenizerModel::Unigram;
    options.special_tokens = vec![(SpecialRole::Unk, "<unk>".into())];
    assert!(matches!(Tokenizer::train(&texts, options), Err(Error::Parameter { .. })));
}

#[test]
fn files_are_read_line_by_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("corpus.txt");
    std::fs::write(&path, corpus().join("\n")).unwrap();
    let options = || TrainOptions::new(TokenizerModel::WordPiece).vocab_size(120);
    let mut trainer = TokenizerTrainer::new(options()).unwrap();
    trainer.feed_file(&path).unwrap();
    assert_eq!(trainer.n_texts(), corpus().len() as u64);
    let expected = Tokenizer::train(corpus(), options()).unwrap();
    assert_eq!(trainer.train().unwrap().to_json().unwrap(), expected.to_json().unwrap());
    std::fs::write(&path, b"good\nbad \xff\n").unwrap();
    let mut trainer = TokenizerTrainer::new(options()).unwrap();
    let error = trainer.feed_file(&path).unwrap_err().to_string();
    assert!(error.contains("corpus.txt:2: not UTF-8"), "{error}");
    assert!(trainer.feed_file(dir.path().join("none")).is_err());
}

/// The library's own training (which starts from maps in random order) finds the same pieces.
#[test]
fn the_pieces_are_the_librarys() {
    use hf::models::bpe::{BPE, BpeTrainer};
    use hf::{AddedToken, TokenizerImpl};
    let texts = many();
    let ours =
        Tokenizer::train(&texts, TrainOptions::new(TokenizerModel::Bpe).vocab_size(400)).unwrap();
    let bytes = hf::pre_tokenizers::byte_level::ByteLevel::new(false, true, true);
    let mut trainer = BpeTrainer::builder()
        .show_progress(false)
        .vocab_size(400)
        .min_frequency(2)
        .special_tokens(vec![AddedToken::from("<|endoftext|>", true)])
        .initial_alphabet(
            hf::pre_tokenizers::byte_level::ByteLevel::alphabet().into_iter().collect(),
        )
        .build();
    let mut theirs = TokenizerImpl::<
        BPE,
        hf::NormalizerWrapper,
        hf::pre_tokenizers::byte_level::ByteLevel,
        hf::PostProcessorWrapper,
        hf::DecoderWrapper,
    >::new(BPE::default());
    theirs.with_pre_tokenizer(Some(bytes));
    theirs.train(&mut trainer, texts.iter()).unwrap();
    let mut vocab: Vec<(String, u32)> = theirs.get_vocab(true).into_iter().collect();
    vocab.sort_by_key(|(_, id)| *id);
    assert_eq!(ours.vocab(), vocab);
}
