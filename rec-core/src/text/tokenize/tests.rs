use super::*;
use crate::text::EncodeOptions;

/// A text of the kind users write, with characters of one to four bytes.
const MIXED: &str =
    "我今天买了iPhone 15 Pro，太棒了！😀👍🏽 Cost: €1,299.00 — naïve café\u{0}\t说实话…";

pub(super) fn train(model: TokenizerModel, vocab_size: usize) -> Tokenizer {
    Tokenizer::train(corpus(), TrainOptions::new(model).vocab_size(vocab_size)).unwrap()
}

pub(super) fn corpus() -> Vec<String> {
    let mut texts: Vec<String> = [
        "这款手机的屏幕很好",
        "手机屏幕清晰，电池耐用",
        "the phone has a good screen",
        "good phones have good batteries",
        "电池很好，屏幕也很好",
        "screens of phones",
    ]
    .map(String::from)
    .to_vec();
    texts.extend(texts.clone());
    texts
}

fn all() -> [Tokenizer; 3] {
    use TokenizerModel::{Bpe, Unigram, WordPiece};
    [train(WordPiece, 120), train(Bpe, 300), train(Unigram, 90)]
}

fn slice_chars(text: &str, (start, end): (usize, usize)) -> String {
    text.chars().skip(start).take(end - start).collect()
}

#[test]
fn offsets_cut_the_text_in_characters_and_in_bytes() {
    for tokenizer in all() {
        let chars = tokenizer.encode(MIXED, &EncodeOptions::default()).unwrap();
        let options = EncodeOptions { offsets: OffsetUnit::Bytes, ..Default::default() };
        let bytes = tokenizer.encode(MIXED, &options).unwrap();
        assert_eq!(chars.ids, bytes.ids);
        for (i, (&c, &b)) in chars.offsets.iter().zip(&bytes.offsets).enumerate() {
            if MIXED.is_char_boundary(b.0) && MIXED.is_char_boundary(b.1) {
                assert_eq!(slice_chars(MIXED, c), &MIXED[b.0..b.1], "token {i} of {tokenizer:?}");
            } else {
                // A byte of a character: in characters, all of it.
                assert_eq!(tokenizer.model(), "BPE");
            }
        }
        let special = chars.special.iter().filter(|s| **s).count();
        assert_eq!(special, tokenizer.added_tokens(false));
    }
}

#[test]
fn a_wordpiece_by_hand() {
    let tokenizer = train(TokenizerModel::WordPiece, 120);
    let encoding = tokenizer.encode("Good 屏幕😀", &EncodeOptions::default()).unwrap();
    assert_eq!(encoding.tokens, ["[CLS]", "good", "屏", "幕", "[UNK]", "[SEP]"]);
    assert_eq!(encoding.offsets, [(0, 0), (0, 4), (5, 6), (6, 7), (7, 8), (0, 0)]);
    assert_eq!(encoding.sequences, [None, Some(0), Some(0), Some(0), Some(0), None]);
    let special = tokenizer.special_tokens();
    assert_eq!(encoding.ids[4], special.unk.as_ref().unwrap().id);
    assert_eq!(special.pad.as_ref().unwrap().id, 0);
    assert_eq!(special.ids(), [0, 1, 2, 3, 4]);
}

#[test]
fn pairs_and_what_is_cut_of_them() {
    let tokenizer = train(TokenizerModel::WordPiece, 120);
    let pair = ("good good good good", "屏 幕");
    let encoding = tokenizer.encode(pair, &EncodeOptions::default()).unwrap();
    assert_eq!(encoding.type_ids, [0, 0, 0, 0, 0, 0, 1, 1, 1]);
    let cut = |truncation| {
        let options = EncodeOptions { truncation: Some(truncation), ..Default::default() };
        tokenizer.encode(pair, &options).map(|e| e.tokens.join(" "))
    };
    assert_eq!(cut(Truncation::to(7)).unwrap(), "[CLS] good good [SEP] 屏 幕 [SEP]");
    // Both are longer than what may stay; the longer one keeps one token more.
    let both = ("good ".repeat(30), "屏".repeat(20));
    let both = (both.0.as_str(), both.1.as_str());
    for (pair, kept) in [(both, (3, 2)), ((both.1, both.0), (2, 3))] {
        let cut = tokenizer.encode(pair, &EncodeOptions::truncated(8)).unwrap();
        let of = |text| cut.sequences.iter().filter(|s| **s == Some(text)).count();
        assert_eq!((of(0), of(1)), kept);
        let packed = tokenizer.encode_packed(&[pair], &EncodeOptions::truncated(8)).unwrap();
        assert_eq!((packed.ids, packed.type_ids), (cut.ids, cut.type_ids));
    }
    let first = Truncation { strategy: TruncationStrategy::OnlyFirst, ..Truncation::to(6) };
    assert_eq!(cut(first).unwrap(), "[CLS] good [SEP] 屏 幕 [SEP]");
    let left = Truncation { side: TruncationSide::Left, ..Truncation::to(8) };
    let second = Truncation { strategy: TruncationStrategy::OnlySecond, ..left };
    assert_eq!(cut(second).unwrap(), "[CLS] good good good good [SEP] 幕 [SEP]");
    assert!(cut(Truncation { max_length: 6, ..second }).is_err());
    assert!(matches!(cut(Truncation::to(3)), Err(Error::Parameter { .. })));
    assert_eq!(cut(Truncation::to(4)).unwrap().matches("[SEP]").count(), 2);
    let single =
        tokenizer.encode("good", &EncodeOptions { truncation: Some(second), ..Default::default() });
    assert!(single.is_ok(), "a text that fits needs no second one");
}

#[test]
fn a_batch_is_its_texts_one_by_one() {
    let texts: Vec<String> = (0..300).map(|i| corpus()[i % 6].repeat(i % 5)).collect();
    for tokenizer in all() {
        for options in [EncodeOptions::default(), EncodeOptions::truncated(9)] {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let one_by_one: Vec<Encoding> =
                texts.iter().map(|&t| tokenizer.encode(t, &options).unwrap()).collect();
            assert_eq!(tokenizer.encode_batch(&texts, &options).unwrap(), one_by_one);
            let packed = tokenizer.encode_packed(&texts, &options).unwrap();
            assert_eq!(packed.len(), texts.len());
            assert!(packed.type_ids.is_empty());
            for (i, encoding) in one_by_one.iter().enumerate() {
                assert_eq!(packed.row(i), encoding.ids);
            }
            for threads in [1, 3] {
                let again = crate::parallel::install(Some(threads), || {
                    tokenizer.encode_packed(&texts, &options)
                });
                assert_eq!(again.unwrap(), packed);
            }
        }
        let pairs = [("good", "screen 屏幕"), ("手机", "")];
        let packed = tokenizer.encode_packed(&pairs, &EncodeOptions::default()).unwrap();
        let types: Vec<u32> = pairs
            .iter()
            .flat_map(|&p| tokenizer.encode(p, &EncodeOptions::default()).unwrap().type_ids)
            .collect();
        assert_eq!(packed.type_ids, types);
    }
}

#[test]
fn empty_lists_and_empty_texts() {
    for tokenizer in all() {
        let none: [&str; 0] = [];
        let options = EncodeOptions::default();
        assert!(tokenizer.encode_batch(&none, &options).unwrap().is_empty());
        let packed = tokenizer.encode_packed(&none, &options).unwrap();
        assert_eq!((packed.len(), packed.offsets), (0, vec![0]));
        let empty = tokenizer.encode("", &options).unwrap();
        assert_eq!(empty.len(), tokenizer.added_tokens(false));
        assert_eq!(tokenizer.decode(&[], true).unwrap(), "");
        assert_eq!(
            tokenizer.encode("", &EncodeOptions { special_tokens: false, ..options }).unwrap(),
            Encoding::default()
        );
    }
}

#[test]
fn odd_texts_are_encoded() {
    let emoji = "😀👍🏽👨‍👩‍👧‍👦🇨🇳";
    for tokenizer in all() {
        for text in ["\0", "\0\0 \0", emoji, "\u{FFFD}\u{202E}\u{FEFF}", "𠮷野家 ﷽", " \t\n "]
        {
            let encoding = tokenizer.encode(text, &EncodeOptions::default()).unwrap();
            assert!(encoding.offsets.iter().all(|o| o.0 <= o.1 && o.1 <= text.chars().count()));
        }
    }
    let bytes = train(TokenizerModel::Bpe, 300);
    for text in [emoji, MIXED, "\0 \0", " leading and trailing  "] {
        let encoding = bytes.encode(text, &EncodeOptions::default()).unwrap();
        assert_eq!(
            bytes.decode(&encoding.ids, true).unwrap(),
            text,
            "byte-level BPE loses nothing"
        );
    }
}

#[test]
fn decoding_refuses_ids_past_the_vocabulary() {
    for tokenizer in all() {
        let past = tokenizer.vocab_size() as u32;
        let error = tokenizer.decode(&[past], true).unwrap_err().to_string();
        assert!(error.contains(&format!("token id {past}")), "{error}");
        assert!(tokenizer.decode_stream(true).step(u32::MAX).is_err());
    }
}

#[test]
fn a_stream_gives_the_text_in_pieces() {
    for tokenizer in all() {
        let ids = tokenizer.encode(MIXED, &EncodeOptions::default()).unwrap().ids;
        let mut stream = tokenizer.decode_stream(true);
        let mut text = String::new();
        for &id in &ids {
            text.extend(stream.step(id).unwrap());
        }
        text.extend(stream.finish().unwrap());
        assert_eq!(text, tokenizer.decode(&ids, true).unwrap(), "{tokenizer:?}");
    }
}

#[test]
fn a_stream_that_ends_within_a_character_says_so() {
    let tokenizer = train(TokenizerModel::Bpe, 300);
    let ids = tokenizer.encode("a😀", &EncodeOptions::default()).unwrap().ids;
    let mut stream = tokenizer.decode_stream(true);
    let mut text = String::new();
    for &id in &ids[..ids.len() - 1] {
        text.extend(stream.step(id).unwrap());
    }
    assert_eq!(text, "a");
    assert_eq!(stream.finish().unwrap().as_deref(), Some("\u{FFFD}"));
}

#[test]
fn the_vocabulary_can_be_looked_up() {
    for tokenizer in all() {
        let vocab = tokenizer.vocab();
        assert_eq!(vocab.len(), tokenizer.vocab_size());
        for (token, id) in &vocab {
            assert_eq!(tokenizer.token_to_id(token), Some(*id));
            assert_eq!(tokenizer.id_to_token(*id).as_ref(), Some(token));
        }
        assert_eq!(tokenizer.token_to_id("no such token"), None);
        assert_eq!(tokenizer.id_to_token(u32::MAX), None);
    }
}

/// Time grows with the text, not with its square: 1 MB takes at most four times what its quarters
/// take, with room for noise.
#[test]
fn a_megabyte_in_one_text() {
    let texts = [
        "这款手机的屏幕很好，电池耐用。".repeat(1 << 15),
        "很".repeat(350_000),
        "a".repeat(1 << 20),
        " ".repeat(1 << 20) + "x",
        "😀".repeat(1 << 18),
        "\0".repeat(1 << 20),
    ];
    for tokenizer in all() {
        for text in &texts {
            let quarter_len = text.char_indices().nth(text.chars().count() / 4).unwrap().0;
            let time = |text: &str| {
                let start = std::time::Instant::now();
                let encoding = tokenizer.encode(text, &EncodeOptions::default()).unwrap();
                (start.elapsed().as_secs_f64(), encoding.len())
            };
            let (quarter, _) = time(&text[..quarter_len]);
            let (whole, tokens) = time(text);
            assert!(tokens > 0);
            assert!(
                whole < 10.0 * quarter + 0.5,
                "{} on {:?}…: {quarter:.3} s, then {whole:.3} s",
                tokenizer.model(),
                text.chars().next()
            );
        }
    }
}
