use super::*;

#[test]
fn the_names_are_those_serialised() {
    for name in Filter::NAMES {
        let needs = match name {
            "normalize" => r#", "form": "nfkc""#,
            "repeats" => r#", "max": 2"#,
            _ => "",
        };
        let filter: Filter =
            serde_json::from_str(&format!(r#"{{"step": "{name}"{needs}}}"#)).unwrap();
        assert_eq!(serde_json::to_value(&filter).unwrap()["step"], name);
    }
    assert!(serde_json::from_str::<Filter>(r#"{"step": "html", "no": 1}"#).is_err());
}

#[test]
fn empty_text_stays_empty() {
    let all =
        Cleaner { emoji: Emoji::Name, half_width: true, lowercase: true, ..Cleaner::default() };
    for text in ["", " ", "\0", "\u{feff}", "<", "&", "<b>", "\u{200d}"] {
        let expected = if matches!(text, "<" | "&") { text } else { "" };
        assert_eq!(all.clean(text).unwrap(), expected, "{text:?}");
    }
}

#[test]
fn chinese_survives() {
    let text = "这款手机的性能和设计都很好,我很喜欢。";
    assert_eq!(clean(text), text);
    assert!(matches!(chain(&Cleaner::default().filters().unwrap(), text), Cow::Borrowed(_)));
}

#[test]
fn a_refused_filter_says_what_to_choose() {
    let cleaner = Cleaner { max_repeats: Some(0), ..Cleaner::default() };
    assert!(cleaner.filters().unwrap_err().to_string().contains("at least 1"));
}

#[test]
fn time_grows_with_the_text() {
    let unit = "<p>这款手机&amp;耳机 @小明 真的#很好#太太太太好了！！！！</p> https://a.cn/1 a@b.cn ＡＢ😀 ";
    let time = |n: usize| {
        let text = unit.repeat(n / unit.len());
        let run = || {
            let start = cpu_time::ThreadTime::now();
            assert!(!clean(&text).is_empty());
            start.elapsed().as_secs_f64()
        };
        (0..3).map(|_| run()).fold(f64::MAX, f64::min)
    };
    // Quadratic time would be 64 times as long. The processor's time of this thread, so that other
    // work on the machine does not count.
    let (part, whole) = (time(1 << 18), time(1 << 21));
    assert!(whole < 24.0 * part, "{part} s, then {whole} s");
}
