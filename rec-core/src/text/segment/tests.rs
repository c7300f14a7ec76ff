//! Expected tokens are those of Python's jieba 0.42.1, unless said otherwise.

use super::*;

fn zh(mode: Mode, hmm: bool) -> Segmenter {
    Segmenter::new(Segmentation { mode, hmm, ..Segmentation::default() }).unwrap()
}

fn cut(mode: Mode, hmm: bool, text: &str) -> String {
    zh(mode, hmm).cut(text).join("/")
}

#[test]
fn modes_of_jieba() {
    let text = "小明硕士毕业于中国科学院计算所";
    assert_eq!(cut(Mode::Precise, true, text), "小明/硕士/毕业/于/中国科学院/计算所");
    assert_eq!(
        cut(Mode::Search, true, text),
        "小明/硕士/毕业/于/中国/科学/学院/科学院/中国科学院/计算/计算所"
    );
    assert_eq!(cut(Mode::Full, true, "我来到北京清华大学"), "我/来到/北京/清华/清华大学/华大/大学");
    assert_eq!(cut(Mode::Precise, true, "他来到了网易杭研大厦"), "他/来到/了/网易/杭研/大厦");
    assert_eq!(cut(Mode::Precise, false, "他来到了网易杭研大厦"), "他/来到/了/网易/杭/研/大厦");
}

#[test]
fn letters_and_numbers_split_as_in_python() {
    assert_eq!(
        cut(Mode::Precise, true, "iPhone-12用5.4.5版a_b"),
        "iPhone/-/12/用/5.4/./5/版/a/_/b"
    );
    assert_eq!(cut(Mode::Precise, true, "涨了3.5%，x-y%"), "涨/了/3.5%/，/x/-/y%");
    assert_eq!(cut(Mode::Full, true, "买T恤 和4S店ABT恤"), "买/T恤/ /和/4S店/ABT恤");
}

#[test]
fn rare_ideographs_stand_alone() {
    assert_eq!(cut(Mode::Precise, true, "好𠮷𠮷野家㐂"), "好/𠮷/𠮷/野家/㐂");
    assert_eq!(cut(Mode::Precise, true, "\r\n  好"), "\r\n/ / /好");
}

#[test]
fn offsets_are_those_of_the_text() {
    let text = "好𠮷，iPhone-12很好 café";
    for (language, mode) in [
        (Language::Zh, Mode::Precise),
        (Language::Zh, Mode::Search),
        (Language::Zh, Mode::Full),
        (Language::Mixed, Mode::Precise),
        (Language::Unicode, Mode::Precise),
    ] {
        let segmenter =
            Segmenter::new(Segmentation { language, mode, ..Segmentation::default() }).unwrap();
        let mut n = 0;
        segmenter.segment(text, &mut |token| {
            assert_eq!(&text[token.start..token.end()], token.text);
            n += 1;
        });
        assert!(n > 4);
    }
}

#[test]
fn other_scripts_keep_their_words() {
    let words = Segmenter::unicode();
    assert_eq!(words.cut("Don't stop, café №5 안녕"), ["Don't", "stop", "café", "5", "안녕"]);
    let config = Segmentation { language: Language::Mixed, ..Segmentation::default() };
    let mixed = Segmenter::new(config).unwrap();
    assert_eq!(
        mixed.cut("买了T恤和iPhone手机，it's café很好"),
        ["买", "了", "T恤", "和", "iPhone", "手机", "it's", "café", "很", "好"]
    );
}

#[test]
fn users_add_and_remove_words() {
    let mut zh = Segmenter::chinese();
    let text = "如果放到post中将出错";
    assert_eq!(zh.cut(text).join("/"), "如果/放到/post/中将/出错");
    zh.remove_word("中将").unwrap();
    assert_eq!(zh.cut(text).join("/"), "如果/放到/post/中/将/出错");
    assert_eq!(Segmenter::chinese().cut(text).join("/"), "如果/放到/post/中将/出错");
    zh.add_word("中将", Some(100), Some("n")).unwrap();
    assert!(zh.add_word("a b", None, None).unwrap_err().to_string().contains("never finds"));
    assert!(zh.add_word("", None, None).is_err());
    assert!(Segmenter::unicode().add_word("词", None, None).is_err());
}

#[test]
fn dictionaries_load_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("words.txt");
    std::fs::write(&path, "\u{feff}云计算 5\n李小福 2 nr\n\n创新办 3 i\r\neasy_install 3 eng\n")
        .unwrap();
    let mut zh = Segmenter::chinese();
    assert_eq!(zh.load_words(&path).unwrap(), 4);
    assert_eq!(
        zh.cut("李小福是创新办主任，云计算easy_install").join("/"),
        "李小福/是/创新办/主任/，/云计算/easy_install"
    );
    std::fs::write(&path, "好词\n乔治·奥威尔\n").unwrap();
    assert!(zh.load_words(&path).is_err());
    assert_eq!(zh.config().words.len(), 4);
    std::fs::write(&path, b"ok\n\xff\n").unwrap();
    assert!(zh.load_words(&path).unwrap_err().to_string().contains("words.txt:2"));
}

#[test]
fn a_copy_by_json_cuts_the_same() {
    let mut zh = Segmenter::chinese();
    zh.add_word("很好用", None, Some("a")).unwrap();
    let json = serde_json::to_string(&zh).unwrap();
    let copy: Segmenter = serde_json::from_str(&json).unwrap();
    assert_eq!(copy.cut("手机很好用"), ["手机", "很好用"]);
    assert_eq!(copy.config(), zh.config());
}

#[test]
fn parts_of_speech_filter() {
    let config = Segmentation { pos: vec!["n".into()], ..Segmentation::default() };
    let nouns = Segmenter::new(config).unwrap();
    assert_eq!(nouns.cut("我很喜欢这款手机的屏幕"), ["手机", "屏幕"]);
    let tagged = Segmenter::chinese();
    let tags: Vec<_> =
        tagged.tag("我爱北京").unwrap().into_iter().map(|t| t.tag.unwrap()).collect();
    assert_eq!(tags, ["r", "v", "ns"]);
    let refused =
        Segmentation { mode: Mode::Full, pos: vec!["n".into()], ..Segmentation::default() };
    assert!(Segmenter::new(refused).is_err());
    assert!(Segmenter::unicode().tag("a").is_err());
}

#[test]
fn bad_input_yields_tokens() {
    for mode in [Mode::Precise, Mode::Search, Mode::Full] {
        let segmenter = zh(mode, true);
        assert!(segmenter.cut("").is_empty());
        assert_eq!(segmenter.cut("\0").concat(), "\0");
        assert_eq!(segmenter.cut("😀🎉").concat(), "😀🎉");
    }
}

#[test]
fn long_texts_take_linear_time() {
    for unit in ["手机很好", "a", "1.", "a-", "好", "𠮷", " ", "，", "的a"] {
        let text = unit.repeat((1 << 20) / unit.len());
        for mode in [Mode::Precise, Mode::Search, Mode::Full] {
            let start = std::time::Instant::now();
            assert!(!zh(mode, true).cut(&text).is_empty());
            // Quadratic time would be hours.
            assert!(start.elapsed().as_secs() < 30, "{unit:?} {mode:?}");
        }
    }
}
