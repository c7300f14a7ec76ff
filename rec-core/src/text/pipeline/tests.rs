use super::*;
use crate::text::segment::Token;
use crate::text::{Segmenter, StopWords};

fn full() -> Pipeline {
    Pipeline::cleaning(&Cleaner { lowercase: true, ..Cleaner::default() })
        .unwrap()
        .then(Segmenter::chinese())
        .unwrap()
        .then(TokenFilter::Words {})
        .unwrap()
        .then(StopWords::of(&["zh", "en"]).unwrap())
        .unwrap()
        .then(TokenFilter::Length { min: 2, max: 8 })
        .unwrap()
}

#[test]
fn steps_follow_each_other() {
    let tokens =
        full().tokens("<p>这款iPhone手机的屏幕，真的不错！</p> https://a.cn @小明").unwrap();
    assert_eq!(
        tokens.iter().collect::<Vec<_>>(),
        ["这款", "iphone", "手机", "屏幕", "真的", "不错"]
    );
    assert_eq!(tokens.join(" "), "这款 iphone 手机 屏幕 真的 不错");
    assert_eq!(tokens.text(), "这款iphone手机的屏幕,真的不错!");
}

#[test]
fn json_gives_the_same_chain() {
    let pipeline = full();
    let json = pipeline.to_json().unwrap();
    let copy = Pipeline::from_json(&json).unwrap();
    assert_eq!(copy.to_json().unwrap(), json);
    let text = "这款手机的屏幕&amp;性能";
    assert_eq!(copy.process(text).unwrap(), pipeline.process(text).unwrap());
}

#[test]
fn json_by_hand_takes_defaults_and_names_mistakes() {
    let pipeline = Pipeline::from_json(
        r#"[{"step": "urls"}, {"step": "segment", "language": "zh"}, {"step": "stop_words", "languages": ["zh"], "add": ["手机"]}]"#,
    )
    .unwrap();
    assert_eq!(pipeline.tokens("手机的屏幕").unwrap().iter().collect::<Vec<_>>(), ["屏幕"]);
    for (json, says) in [
        (r#"[{"step": "urlz"}]"#, "stop_words"),
        (r#"[{"step": "repeats"}]"#, "max"),
        (r#"[{"step": "repeats", "max": 0}]"#, "at least 1"),
        (r#"[{"step": "segment", "language": "xx"}]"#, "mixed"),
        (r#"[{"step": "segment", "hmmm": true}]"#, "hmm"),
        (r#"[{"step": "stop_words", "languages": ["xx"]}]"#, "zh"),
        (r#"[{"step": "words"}]"#, "segment"),
        (r#"[{"step": "segment"}, {"step": "html"}]"#, "before"),
        (r#"[{"step": "segment"}, {"step": "segment"}]"#, "one"),
        (r#"[{"step": "segment"}, {"step": "length", "min": 3, "max": 2}]"#, "min = 3"),
        ("{", "sequence"),
    ] {
        let error = Pipeline::from_json(json).unwrap_err().to_string();
        assert!(error.contains(says), "{json}: {error}");
    }
}

#[test]
fn batches_keep_their_order() {
    let texts: Vec<String> = (0..3000).map(|n| format!("第{n}款手机")).collect();
    let pipeline = full();
    let together = pipeline.process_batch(&texts).unwrap();
    for (text, processed) in texts.iter().zip(together) {
        assert_eq!(processed, pipeline.process(text).unwrap());
    }
    assert!(pipeline.process_batch::<&str>(&[]).unwrap().is_empty());
}

#[test]
fn a_chain_without_segmenter_gives_text() {
    let pipeline = Pipeline::cleaning(&Cleaner::default()).unwrap();
    assert_eq!(pipeline.process("<b>好</b>").unwrap(), Processed::Text("好".into()));
    assert!(pipeline.tokens("好").unwrap_err().to_string().contains("segment step"));
    assert_eq!(Pipeline::default().process("<b>").unwrap(), Processed::Text("<b>".into()));
}

#[test]
fn a_segmenter_of_ones_own() {
    struct Characters;
    impl Segment for Characters {
        fn segment<'t>(&'t self, text: &'t str, emit: &mut dyn FnMut(Token<'t>)) {
            for (start, c) in text.char_indices() {
                emit(Token { text: &text[start..start + c.len_utf8()], start, tag: None });
            }
        }
    }
    let pipeline = Pipeline::default().segment_with(Arc::new(Characters)).unwrap();
    assert_eq!(pipeline.tokens("手机a").unwrap().join("/"), "手/机/a");
    assert!(pipeline.to_json().unwrap_err().to_string().contains("own"));
}

#[test]
fn bad_input_is_no_trouble() {
    let pipeline = full();
    for text in ["", "\0\0", "😀😀", "<b", "\u{feff}", "，。！", "\u{fffd}"] {
        assert!(pipeline.tokens(text).unwrap().is_empty(), "{text:?}");
    }
}
