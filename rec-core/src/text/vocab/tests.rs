use super::*;

fn build(builder: VocabBuilder, text: &str) -> Result<Vocab> {
    let mut builder = builder;
    builder.add_sequence(text.split(' '));
    builder.build()
}

#[test]
fn words_come_by_count_then_by_text() {
    let vocab = build(VocabBuilder::new(), "手机 b a 手机 b c 手机 a").unwrap();
    let entries: Vec<_> = vocab.iter().collect();
    assert_eq!(entries, [("手机", 3), ("a", 2), ("b", 2), ("c", 1)]);
    assert_eq!((vocab.get("b"), vocab.word(2), vocab.count(2)), (Some(2), Some("b"), 2));
    assert_eq!((vocab.get("z"), vocab.word(9), vocab.count(9)), (None, None, 0));
    assert_eq!(vocab.encode(["b", "z", "手机"]), [2, 0]);
    assert_eq!(vocab.total_count(), 8);
}

#[test]
fn special_entries_come_first_and_count() {
    let builder = VocabBuilder::new().special(["<pad>", "c"]).min_count(2).max_size(Some(3));
    let vocab = build(builder, "a a a b b c").unwrap();
    assert_eq!(vocab.iter().collect::<Vec<_>>(), [("<pad>", 0), ("c", 1), ("a", 3)]);
    assert_eq!(vocab.n_special(), 2);
}

#[test]
fn nothing_to_count_is_an_error() {
    let error = VocabBuilder::new().build().unwrap_err();
    assert!(matches!(error, Error::Empty { .. }), "{error}");
    let error = build(VocabBuilder::new().min_count(3), "a a b").unwrap_err();
    assert!(error.to_string().contains("the most frequent one 2 times"), "{error}");
    let builder = VocabBuilder::new().special(["x", "y"]).max_size(Some(2));
    assert!(matches!(build(builder, "a"), Err(Error::Parameter { .. })));
    let builder = VocabBuilder::new().special(["x", "x"]);
    assert!(matches!(build(builder, "a"), Err(Error::Parameter { .. })));
}

#[test]
fn pruning_bounds_memory_and_tells_what_it_may_have_lost() {
    let mut exact = VocabBuilder::new();
    let mut bounded = VocabBuilder::new().prune_at(Some(50));
    // Word `w{i}` comes every i-th time; rare ones abound.
    for t in 1..4000u32 {
        for i in 1..=10 {
            if t % i == 0 {
                exact.add(&format!("w{i}"));
                bounded.add(&format!("w{i}"));
            }
        }
        exact.add(&format!("rare{t}"));
        bounded.add(&format!("rare{t}"));
        assert!(bounded.distinct() <= 50);
    }
    let (exact, bounded) = (exact.build().unwrap(), bounded.build().unwrap());
    let lost = bounded.max_undercount();
    assert!(lost > 0);
    for (word, count) in exact.iter() {
        let got = bounded.get(word).map_or(0, |id| bounded.count(id));
        assert!(got <= count && count - got <= lost, "{word}: {got} of {count}");
    }
    assert_eq!(bounded.word(0), Some("w1"));
    assert_eq!(exact.max_undercount(), 0);
}

#[test]
fn merged_builders_count_as_one() {
    let mut left = VocabBuilder::new();
    left.add_sequence(["a", "b"]);
    let mut right = VocabBuilder::new();
    right.add_sequence(["b", "c", "b"]);
    left.merge(right);
    let vocab = left.build().unwrap();
    assert_eq!(vocab.iter().collect::<Vec<_>>(), [("b", 3), ("a", 1), ("c", 1)]);
}

#[test]
fn a_file_gives_back_what_was_saved() {
    let dir = tempfile::tempdir().unwrap();
    let words = [("<pad>", 0), ("tab\there", 7), ("行\r\n", 3), ("\\t", 2), ("", 1), (" a ", 1)];
    let vocab = Vocab::from_counts(words, 1).unwrap();
    for name in ["v.txt", "v.txt.gz"] {
        let path = dir.path().join(name);
        vocab.save(&path).unwrap();
        let loaded = Vocab::load(&path).unwrap();
        assert_eq!(loaded, vocab);
        assert_eq!(loaded.get("\\t"), Some(3));
    }
}

#[test]
fn damaged_files_are_refused_with_the_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("v.txt");
    let cases: [(&[u8], &str); 8] = [
        (b"", "v.txt"),
        (b"the 5\n", ":1: not a vocabulary"),
        (b"# rec vocab 1\t2\t0\t0\na\t1\nb\n", ":3: expected"),
        (b"# rec vocab 1\t1\t0\t0\na\tx\n", ":2: expected"),
        (b"# rec vocab 1\t3\t0\t0\na\t1\nb\t12", "cut short"),
        (b"# rec vocab 1\t2\t0\t0\na\t1\na\t2\n", ":3: a word that stands"),
        (b"# rec vocab 1\t2\t0\t0\na\t1\n\xff\t2\n", ":3"),
        (b"# rec vocab 1\t1\t3\t0\na\t1\n", "cut short"),
    ];
    for (bytes, message) in cases {
        std::fs::write(&path, bytes).unwrap();
        let error = Vocab::load(&path).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    assert!(matches!(Vocab::load(dir.path().join("none")), Err(Error::Io { .. })));
    assert!(matches!(Vocab::from_counts([("a", 1), ("a", 2)], 0), Err(Error::Data { .. })));
}
