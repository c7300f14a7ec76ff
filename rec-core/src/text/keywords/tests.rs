use std::sync::Arc;

use super::*;
use crate::text::keywords::document::Document;
use crate::text::segment::Token;

/// Words parted by spaces, all of one kind: figures can be worked out by hand.
struct Spaces;

impl Segment for Spaces {
    fn segment<'t>(&'t self, text: &'t str, emit: &mut dyn FnMut(Token<'t>)) {
        let mut start = 0;
        for word in text.split_inclusive(' ') {
            emit(Token { text: word.trim_end(), start, tag: None });
            start += word.len();
        }
    }
}

fn plain(method: KeywordMethod, unit: KeywordUnit) -> KeywordOptions {
    KeywordOptions { method, unit, stop_words: Default::default(), ..Default::default() }
}

fn by_hand(options: KeywordOptions) -> KeywordExtractor {
    KeywordExtractor::with_words(options, Arc::new(Spaces)).unwrap()
}

fn texts(keywords: &[Keyword]) -> Vec<&str> {
    keywords.iter().map(|k| k.text.as_str()).collect()
}

/// A star: `hub` beside `bb` twice, beside `aa` and `cc` once. With d = 0.85 the fixed point of
/// eq. 2 is `h = 0.15 + 0.85 (a + b + c)`, `a = c = 0.15 + 0.85 h / 4`, `b = 0.15 + 0.85 h / 2`.
#[test]
fn textrank_of_a_star() {
    let options = KeywordOptions {
        window: 2,
        tolerance: 1e-12,
        ..plain(KeywordMethod::TextRank, KeywordUnit::Words)
    };
    let found = by_hand(options).extract("aa hub bb hub cc", 5).unwrap();
    let hub = (0.15 + 0.85 * 3.0 * 0.15) / (1.0 - 0.85 * 0.85);
    let leaf = |share: f64| 0.15 + 0.85 * share * hub;
    assert_eq!(texts(&found), ["hub", "bb", "aa", "cc"]);
    for (keyword, expected) in found.iter().zip([hub, leaf(0.5), leaf(0.25), leaf(0.25)]) {
        assert!((keyword.score - expected).abs() < 1e-9, "{keyword:?}");
    }
}

/// Eq. 2 solved directly: the ranks are a linear system.
#[test]
fn textrank_solves_its_equation() {
    let text = "aa bb cc aa dd bb ee aa cc ff gg bb aa";
    let options = KeywordOptions {
        window: 3,
        tolerance: 1e-13,
        ..plain(KeywordMethod::TextRank, KeywordUnit::Words)
    };
    let words: Vec<&str> = text.split(' ').collect();
    let weight = |a: &str, b: &str| {
        let near = |i: usize, j: usize| i != j && i.abs_diff(j) < 3;
        let mut n = 0;
        for i in 0..words.len() {
            for j in i + 1..words.len() {
                let pair = (words[i] == a && words[j] == b) || (words[i] == b && words[j] == a);
                n += usize::from(near(i, j) && pair && a != b);
            }
        }
        n as f64
    };
    let found = by_hand(options).extract(text, 10).unwrap();
    for v in &found {
        let sum: f64 = found
            .iter()
            .filter(|u| u.text != v.text)
            .map(|u| {
                let out: f64 = found.iter().map(|t| weight(&u.text, &t.text)).sum();
                weight(&u.text, &v.text) / out * u.score
            })
            .sum();
        assert!((v.score - (0.15 + 0.85 * sum)).abs() < 1e-9, "{}", v.text);
    }
    assert_eq!(found.len(), 7);
}

#[test]
fn phrases_are_runs_of_the_best_third() {
    let text = "red apple tree xx yy red apple zz red apple qq ww";
    let options =
        KeywordOptions { window: 2, ..plain(KeywordMethod::TextRank, KeywordUnit::Phrases) };
    let words = by_hand(KeywordOptions { unit: KeywordUnit::Words, ..options.clone() })
        .extract(text, 3)
        .unwrap();
    let found = by_hand(options).extract(text, 5).unwrap();
    // The best three of eight words are `red`, `apple` and one more.
    assert!(texts(&words)[..2].contains(&"red") && texts(&words)[..2].contains(&"apple"));
    assert!(texts(&found).contains(&"red apple"), "{found:?}");
    assert!(!texts(&found).contains(&"red"), "never alone in the text");
    let mean = (words[0].score + words[1].score) / 2.0;
    let phrase = found.iter().find(|k| k.text == "red apple").unwrap();
    assert!((phrase.score - mean).abs() < 1e-12);
}

/// `tf · (ln((1 + N) / (1 + df)) + 1)` with N = 3.
#[test]
fn tfidf_by_hand() {
    let extractor = by_hand(plain(KeywordMethod::TfIdf, KeywordUnit::Words));
    let fitted = extractor.fit(&["aa bb cc", "aa bb", "aa dd"]).unwrap();
    let found = fitted.extract("aa bb bb cc new", 9).unwrap();
    let idf = |df: f64| (4.0 / (1.0 + df)).ln() + 1.0;
    let expected = [("bb", 2.0 * idf(2.0)), ("cc", idf(1.0)), ("new", idf(1.0)), ("aa", idf(3.0))];
    assert_eq!(texts(&found), expected.map(|e| e.0));
    for (keyword, (_, score)) in found.iter().zip(expected) {
        assert!((keyword.score - score).abs() < 1e-12, "{keyword:?}");
    }
}

/// `(tf − tf_longer / 2) · idf`: `deep` occurs three times, twice of them in `deep net`.
#[test]
fn terms_by_hand() {
    let options = KeywordOptions {
        prefer_length: false,
        max_words: 2,
        ..plain(KeywordMethod::TfIdf, KeywordUnit::Terms)
    };
    let fitted = by_hand(options.clone()).fit(&["zz", "zz"]).unwrap();
    let text = "deep net. deep net. deep sea.";
    let found = fitted.extract(text, 9).unwrap();
    let idf = (3.0f64 / 2.0).ln() + 1.0;
    let score = |text: &str| found.iter().find(|k| k.text == text).map(|k| k.score / idf);
    let close = |a: Option<f64>, b: f64| assert!((a.unwrap() - b).abs() < 1e-12, "{found:?}");
    // `net.` keeps its stop here, so `net. deep` counts as a pair, too.
    close(score("deep net."), 2.0);
    close(score("deep"), 3.0 - 0.5 * 2.0);
    close(score("net."), 2.0 - 0.5 * 2.0);
    close(score("deep sea."), 1.0);
    let long =
        by_hand(KeywordOptions { prefer_length: true, ..options }).fit(&["zz", "zz"]).unwrap();
    let found = long.extract(text, 9).unwrap();
    assert_eq!(found[0].text, "deep net.");
    assert!((found[0].score / idf - 2.0).abs() < 1e-12, "two words of four units: {found:?}");
    let deep = found.iter().find(|k| k.text == "deep").unwrap();
    assert!((deep.score / idf - 2.0 * 0.6).abs() < 1e-12);
}

#[test]
fn the_table_of_jieba() {
    // As Python's jieba.analyse.default_tfidf.idf_freq has them.
    assert!((idf::jieba_idf("劳动防护") - 13.900677652).abs() < 1e-9);
    assert!((idf::jieba_idf("手机") - 6.17182182812).abs() < 1e-9);
    assert!((idf::jieba_idf("qwzx") - 11.9547675029).abs() < 1e-9, "the median");
}

#[test]
fn candidates_are_nominal_and_do_not_cross_punctuation() {
    let options = KeywordOptions::default();
    let words = words::TaggedWords::new(Segmenter::chinese());
    let text = "深度学习模型，自然语言处理。Deep Learning and Navier-Stokes方程";
    let document = Document::new(text, &words, &options);
    let found = document.candidates(4);
    for expected in ["自然语言处理", "deep learning", "navier-stokes方程"] {
        assert!(found.contains_key(expected), "{expected}: {:?}", found.keys());
    }
    assert!(found.keys().all(|k| !k.contains('，') && !k.contains('。') && !k.contains(" and")));
    assert_eq!(document.slice(found["deep learning"].first, 2), "Deep Learning");
}

#[test]
fn chinese_and_english_texts() {
    for method in [KeywordMethod::TfIdf, KeywordMethod::TextRank] {
        let extractor = KeywordExtractor::new(KeywordOptions::method(method)).unwrap();
        let chinese = "推荐系统利用用户行为数据学习用户兴趣。图神经网络用于推荐系统，能够建模用户与物品的高阶关系。\
                       实验表明，图神经网络提高了推荐系统的准确率。";
        let found = extractor.extract(chinese, 5).unwrap();
        assert!(texts(&found)[..3].contains(&"推荐系统"), "{found:?}");
        assert!(found.windows(2).all(|w| w[0].score >= w[1].score));
        let english = "Graph neural networks learn from links. A graph neural network passes messages \
                       between nodes, and graph neural networks with attention weigh the messages.";
        let found = extractor.extract(english, 5).unwrap();
        assert!(
            texts(&found).iter().any(|k| k.to_lowercase().starts_with("graph neural")),
            "{found:?}"
        );
    }
}

fn every() -> Vec<KeywordExtractor> {
    let mut all = Vec::new();
    for method in [KeywordMethod::TfIdf, KeywordMethod::TextRank] {
        for unit in [KeywordUnit::Words, KeywordUnit::Phrases, KeywordUnit::Terms] {
            let options = KeywordOptions { method, unit, ..Default::default() };
            all.push(KeywordExtractor::new(options).unwrap());
        }
    }
    all
}

#[test]
fn odd_texts_have_few_keywords_or_none() {
    for extractor in every() {
        for text in ["", " \n", "😀👍🏽", "\0\0", "的了是", "，。！", "\u{FFFD}\u{202E}", "a"]
        {
            assert!(extractor.extract(text, 5).unwrap().is_empty(), "{text:?}");
        }
        assert_eq!(texts(&extractor.extract("手机", 5).unwrap()), ["手机"]);
        let none: [&str; 0] = [];
        assert!(extractor.extract_batch(&none, 5).unwrap().is_empty());
        assert!(matches!(extractor.extract("手机", 0), Err(Error::Parameter { .. })));
        assert!(matches!(extractor.clone().fit(&none), Err(Error::Empty { .. })));
        assert!(matches!(extractor.clone().fit(&["", "！"]), Err(Error::Empty { .. })));
    }
}

#[test]
fn words_of_the_callers_own_and_stop_words() {
    let text = "超级大会员日来了，超级大会员日有优惠";
    let mut segmenter = Segmenter::chinese();
    segmenter.add_word("超级大会员日", None, Some("n")).unwrap();
    let options = KeywordOptions { unit: KeywordUnit::Words, ..Default::default() };
    let extractor = KeywordExtractor::with_segmenter(options.clone(), segmenter.clone()).unwrap();
    assert_eq!(texts(&extractor.extract(text, 1).unwrap()), ["超级大会员日"]);
    let mut stop_words = crate::text::StopWords::of(&["zh"]).unwrap();
    stop_words.add("超级大会员日");
    let options = KeywordOptions { stop_words: Arc::new(stop_words), ..options };
    let extractor = KeywordExtractor::with_segmenter(options, segmenter).unwrap();
    assert!(!texts(&extractor.extract(text, 5).unwrap()).contains(&"超级大会员日"));
    assert!(KeywordOptions::default().stop_words.contains("的"));
    assert!(KeywordOptions::default().stop_words.contains("The"));
}

#[test]
fn options_outside_their_domain_are_refused() {
    let base = KeywordOptions::default;
    for (options, name) in [
        (KeywordOptions { window: 1, ..base() }, "window"),
        (KeywordOptions { damping: 1.0, ..base() }, "damping"),
        (KeywordOptions { damping: f64::NAN, ..base() }, "damping"),
        (KeywordOptions { nested: -0.1, ..base() }, "nested"),
        (KeywordOptions { tolerance: 0.0, ..base() }, "tolerance"),
        (KeywordOptions { max_words: 0, ..base() }, "max_words"),
    ] {
        let error = KeywordExtractor::new(options).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn a_batch_is_its_texts_one_by_one_at_any_thread_count() {
    let parts = ["推荐系统", "深度学习模型", "用户行为", "graph", "电池耐用", "，", "屏幕清晰"];
    let texts: Vec<String> =
        (0..200).map(|i| (0..9).map(|j| parts[(i * 5 + j * (i % 3 + 1)) % 7]).collect()).collect();
    for extractor in every() {
        let fitted = extractor.fit(&texts).unwrap();
        let single: Vec<_> = texts.iter().map(|t| fitted.extract(t, 4).unwrap()).collect();
        for threads in [1, 3] {
            let batch = crate::parallel::install(Some(threads), || {
                fitted.clone().fit(&texts)?.extract_batch(&texts, 4)
            });
            assert_eq!(batch.unwrap(), single);
        }
    }
}

/// Time grows with the text: a megabyte takes at most ten times its quarter.
#[test]
fn a_megabyte_in_one_text() {
    let text = "推荐系统利用用户行为数据，深度学习模型很好 deep learning models. ".repeat(13_000);
    assert!(text.len() > 1 << 20);
    let quarter = text.char_indices().nth(text.chars().count() / 4).unwrap().0;
    for extractor in every() {
        let _warm = extractor.extract("推荐系统", 5).unwrap();
        let time = |text: &str| {
            let start = std::time::Instant::now();
            assert!(!extractor.extract(text, 5).unwrap().is_empty());
            start.elapsed().as_secs_f64()
        };
        let (few, all) = (time(&text[..quarter]), time(&text));
        assert!(all < 10.0 * few + 0.5, "{extractor:?}: {few:.3} s, then {all:.3} s");
    }
}
