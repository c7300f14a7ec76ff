//! Files written and read back, and what is said about bad ones.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's way to fail")]

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use rec_core::Error;
use rec_core::data::read::{
    Column, EventWeights, Events, Format, ItemOptions, ReadOptions, Reason, Separator, Unlisted,
    read_interactions, read_items, read_path, write_interactions, write_items,
    write_recommendations,
};
use rec_core::data::{Id, IdMap, IdMaps, Interactions, InteractionsBuilder, Items, TimeUnit};

struct Dir(tempfile::TempDir);

impl Dir {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

type Row = (String, String, f32, Option<i64>);

fn rows(log: &Interactions) -> Vec<Row> {
    let id = |id: Option<Id>| id.unwrap().to_string();
    log.events()
        .map(|e| (id(log.user_id(e.user)), id(log.item_id(e.item)), e.weight, e.time))
        .collect()
}

fn row(user: &str, item: &str, weight: f32, time: impl Into<Option<i64>>) -> Row {
    (user.into(), item.into(), weight, time.into())
}

fn read(path: &Path) -> Vec<Row> {
    rows(&read_interactions(path, &ReadOptions::default()).unwrap().0)
}

fn error(path: &Path, options: &ReadOptions) -> Error {
    read_interactions(path, options).unwrap_err()
}

#[test]
fn one_log_in_every_spelling() {
    let dir = Dir::new();
    let want = vec![row("7", "a", 4.5, 100), row("7", "b", 3.0, 200), row("8", "a", 1.0, 50)];
    for text in [
        "user_id,item_id,rating,timestamp\n7,a,4.5,100\n8,a,1,50\n7,b,3,200\n",
        "\u{feff}timestamp;rating;itemId;userId\r\n100;4.5;a;7\r\n\r\n50;1;a;8\r\n200;3;b;7",
        "7\ta\t4.5\t100\n8\ta\t1\t50\n7\tb\t3\t200\n",
        "7::a::4.5::100\n8::a::1::50\n7::b::3::200\n",
        "7|a|4.5|100\n8|a|1|50\n7|b|3|200",
        "7 a 4.5 100\n8  a 1 50 \n7 b 3 200\n",
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n7\ta\t4.5\t1e2\n8\ta\t1\t50.0\n7\tb\t3\t200\n",
        "\"user\",\"item\",\"weight\",\"ts\"\n\"7\",\"a\",\"4.5\",\"100\"\n8,a,1,50\n7,b,3,200\n",
        "{\"user\":7,\"item\":\"a\",\"rating\":4.5,\"time\":100,\"x\":[1]}\n\n{\"user\":\"8\",\"item\":\"a\",\"rating\":\"1\",\"time\":50}\n{\"time\":200,\"user\":7,\"item\":\"b\",\"rating\":3}\n",
        "visitorid,itemid,rating,time,note\n7,a,4.5,1970-01-01T00:01:40Z,\"x, y\"\n8,a,1,1970-01-01 00:00:50,\n7,b,3,1970/01/01 00:03:20 UTC,\n",
    ] {
        assert_eq!(read(&dir.file("f", text)), want, "{text}");
        assert_eq!(read(&dir.file("f.csv", gzip(text.as_bytes()))), want, "gzip of {text}");
        let half = text.char_indices().nth(text.chars().count() / 2).unwrap().0;
        let members = [gzip(&text.as_bytes()[..half]), gzip(&text.as_bytes()[half..])].concat();
        assert_eq!(read(&dir.file("two", members)), want, "two members of {text}");
    }
}

#[test]
fn user_lists_and_pairs() {
    let dir = Dir::new();
    let lists = dir.file("lists", "1 5 6 7\n2 5\n3\n4 7 6\n");
    let (log, report) = read_interactions(&lists, &ReadOptions::default()).unwrap();
    assert_eq!(report.format, Format::Adjacency(Separator::Space));
    assert_eq!((log.len(), report.rows, log.n_users()), (6, 4, 3));
    let forced =
        ReadOptions { format: Some(Format::Adjacency(Separator::Comma)), ..ReadOptions::default() };
    let comma = dir.file("comma", "u,a,b\nv,b,c\n");
    assert_eq!(read_interactions(&comma, &forced).unwrap().0.len(), 4);
    assert_eq!(read(&dir.file("pairs", "1 5\n1 6\n2 5\n")).len(), 3);
}

#[test]
fn columns_by_name_and_by_index() {
    let dir = Dir::new();
    let path = dir.file("f.csv", "when,who,what,user\n5,a,x,1\n6,b,y,1\n");
    let mut options = ReadOptions {
        user: "who".into(),
        item: "what".into(),
        time: "when".into(),
        ..ReadOptions::default()
    };
    let log = read_interactions(&path, &options).unwrap().0;
    assert_eq!(rows(&log), [row("a", "x", 1.0, 5), row("b", "y", 1.0, 6)]);
    options.user = Column::Index(3);
    options.time = Column::Absent;
    let log = read_interactions(&path, &options).unwrap().0;
    assert_eq!(rows(&log), [row("1", "x", 1.0, None), row("1", "y", 1.0, None)]);
    let bare = dir.file("bare", "x\t1\n y\t2\n");
    let swapped = ReadOptions { user: 1.into(), item: 0.into(), ..ReadOptions::default() };
    let log = read_interactions(&bare, &swapped).unwrap().0;
    assert_eq!(rows(&log), [row("1", "x", 1.0, None), row("2", " y", 1.0, None)]);
    let dated = dir.file("dated", "1 2 1500000000\n1 3 1500000001\n");
    assert_eq!(read(&dated)[1], row("1", "3", 1.0, 1_500_000_001));
}

#[test]
fn event_types_weigh() {
    let dir = Dir::new();
    let path = dir.file("f.csv", "user,item,event\n1,a,view\n1,b,cart\n2,a,scroll\n");
    let mut weights = EventWeights::new("event", [("view", 1.0), ("cart", 3.0)]);
    let with = |events: &EventWeights, skip_bad| ReadOptions {
        events: Some(events.clone()),
        skip_bad,
        ..ReadOptions::default()
    };
    let refused = error(&path, &with(&weights, false)).to_string();
    assert!(refused.contains(":4: event type \"scroll\" has no weight"), "{refused}");
    let (log, report) = read_interactions(&path, &with(&weights, true)).unwrap();
    assert_eq!(log.weights(), Some(&[1.0, 3.0][..]));
    assert_eq!((report.refused[0].reason, report.refused[0].count), (Reason::Event, 1));
    weights.unlisted = Unlisted::Weight(0.5);
    let (log, _) = read_interactions(&path, &with(&weights, false)).unwrap();
    assert_eq!(log.weights(), Some(&[1.0, 3.0, 0.5][..]));
    weights.unlisted = Unlisted::Weight(f32::NAN);
    assert!(matches!(error(&path, &with(&weights, false)), Error::Parameter { .. }));
}

#[test]
fn time_units() {
    let dir = Dir::new();
    let unit = |text: &str, unit| {
        let options = ReadOptions { time_unit: unit, ..ReadOptions::default() };
        let (log, _) = read_interactions(dir.file("f", text), &options).unwrap();
        (log.times().unwrap()[0], log.time_unit())
    };
    let millis = "user,item,time\n1,2,1433221332117\n";
    assert_eq!(unit(millis, None), (1_433_221_332_117, TimeUnit::Millisecond));
    let iso = "user,item,time\n1,2,2015-06-02T05:02:12.117Z\n";
    assert_eq!(unit(iso, None), (1_433_221_332, TimeUnit::Second));
    assert_eq!(unit(iso, Some(TimeUnit::Millisecond)), (1_433_221_332_117, TimeUnit::Millisecond));
    assert_eq!(unit("1 2 3 42\n", None), (42, TimeUnit::Unknown));
}

/// Each malformed row is named by file, line and reason, and counted when told to skip.
#[test]
fn malformed_rows() {
    let dir = Dir::new();
    for (text, line, why, reason) in [
        ("user,item,rating\n1,2,3\n1,2\n", 3, "2 fields where 3 belong", Reason::Fields),
        ("user,item,rating\n1,2,3\n\n1,2,3,4\n", 4, "4 fields where 3 belong", Reason::Fields),
        ("user,item,rating\n1,2,3\n,2,3\n", 3, "the user id is empty", Reason::EmptyId),
        ("user,item,rating\n1,2,3\n1,\"\",3\n", 3, "the item id is empty", Reason::EmptyId),
        ("user,item,rating\n1,2,3\n1,2,good\n", 3, "\"good\" is not a number", Reason::Weight),
        ("user,item,rating\n1,2,3\n1,2,\n", 3, "\"\" is not a number", Reason::Weight),
        ("user,item,rating\n1,2,3\n1,2,NaN\n", 3, "NaN, not finite", Reason::Weight),
        ("user,item,rating\n1,2,3\n1,2,-inf\n", 3, "-inf, not finite", Reason::Weight),
        ("user,item,time\n1,2,3\n1,2,2020-01-01\n", 3, "is not a number", Reason::Time),
        ("user,item,time\n1,2,2020-01-01\n1,2,3\n", 3, "is not an ISO date", Reason::Time),
        ("user,item,note\n1,2,\"a\nb\"\n\n1,\"2\n", 5, "2 fields where 3 belong", Reason::Fields),
        ("{\"user\":1,\"item\":2}\n{\"user\":1}\n", 2, "no item id", Reason::EmptyId),
        ("{\"user\":1,\"item\":2}\n{\"user\":1,\n", 2, "not a JSON object", Reason::Json),
        (
            "{\"user\":1,\"item\":2}\n{\"user\":1.5,\"item\":2}\n",
            2,
            "text or an integer",
            Reason::Id,
        ),
        (
            "{\"user\":1,\"item\":2,\"rating\":3}\n{\"user\":1,\"item\":2}\n",
            2,
            "(absent) is no number",
            Reason::Weight,
        ),
    ] {
        let path = dir.file("bad.csv", text);
        match error(&path, &ReadOptions::default()) {
            Error::Format { path: named, line: Some(at), why: said } => {
                assert_eq!((named, at), (path.clone(), line), "{text}");
                assert!(said.contains(why), "{text}: {said}");
            }
            other => panic!("{text}: {other}"),
        }
        let skip = ReadOptions { skip_bad: true, ..ReadOptions::default() };
        let (log, report) = read_interactions(&path, &skip).unwrap();
        let refusal = &report.refused[0];
        assert_eq!((refusal.reason, refusal.count, refusal.examples[0].0), (reason, 1, line));
        assert_eq!((report.rows, report.kept, log.len()), (2, 1, 1), "{text}");
    }
}

#[test]
fn bytes_that_are_not_utf8() {
    let dir = Dir::new();
    let path = dir.file("f.csv", b"user,item\n1,\xE8\x8B\xB9\n2,\xE8\x8B\n3,x\n");
    assert!(matches!(
        error(&path, &ReadOptions::default()),
        Error::Format { line: Some(3), why, .. } if why.contains("UTF-8")
    ));
    let skip = ReadOptions { skip_bad: true, ..ReadOptions::default() };
    let (log, report) = read_interactions(&path, &skip).unwrap();
    assert_eq!((log.len(), report.refused[0].reason), (2, Reason::Utf8));
}

/// The line is right far into a file too, past many blocks.
#[test]
fn a_malformed_row_far_into_the_file() {
    let dir = Dir::new();
    let mut text = String::from("user,item,rating\n");
    for n in 0..300_000 {
        text += if n == 250_000 { "oops\n" } else { "12345678,87654321,3.5\n" };
    }
    let path = dir.file("f.csv", &text);
    for threads in [1, 3] {
        let failed = rec_core::parallel::install(Some(threads), || {
            read_interactions(&path, &ReadOptions::default()).map(|_| ())
        });
        assert!(matches!(failed, Err(Error::Format { line: Some(250_002), .. })), "{failed:?}");
    }
    let mut cut = gzip(text.replace("oops", "1,2,3").as_bytes());
    cut.truncate(cut.len() - 20);
    let failed = error(&dir.file("cut.gz", cut), &ReadOptions::default()).to_string();
    assert!(failed.contains("cut.gz: the gzip stream ends early"), "{failed}");
}

#[test]
fn missing_columns_name_those_there_are() {
    let dir = Dir::new();
    let path = dir.file("f.csv", "who,item,rating\na,b,3\nc,d,4\n");
    let failed = error(&path, &ReadOptions::default()).to_string();
    assert!(failed.contains("no column \"user\"; its columns are who, item, rating"), "{failed}");
    let options = ReadOptions { time: "when".into(), user: "who".into(), ..ReadOptions::default() };
    assert!(
        matches!(error(&path, &options), Error::MissingColumn { column, .. } if column == "when")
    );
    let json = dir.file("f.jsonl", "{\"a\":1,\"item\":2}\n");
    let failed = error(&json, &ReadOptions::default()).to_string();
    assert!(failed.contains("no column \"user\"; its columns are a, item"), "{failed}");
}

#[test]
fn files_without_rows_and_other_files() {
    let dir = Dir::new();
    for text in ["", "\n\n", "user,item,rating\n", "user_id:token\titem_id:token\n"] {
        let failed = error(&dir.file("f", text), &ReadOptions::default());
        assert!(matches!(failed, Error::Empty { .. } | Error::MissingColumn { .. }), "{failed}");
    }
    for (bytes, why) in [
        (&b"PK\x03\x04abc"[..], "zip"),
        (b"\xFF\xFEa\0", "UTF-16"),
        (b"\x28\xB5\x2F\xFDabc", "zstd"),
        (b"a\0b,c\n", "binary"),
        (b"[{\"user\":1}]", "JSON array"),
        (b"PAR1 and nothing", "f"),
    ] {
        if bytes.starts_with(b"PAR1") && !cfg!(feature = "parquet") {
            continue;
        }
        let failed = error(&dir.file("f", bytes), &ReadOptions::default());
        assert!(matches!(&failed, Error::Format { .. }), "{failed}");
        assert!(failed.to_string().contains(why), "{failed}");
    }
    assert!(matches!(error(&dir.path("none"), &ReadOptions::default()), Error::Io { .. }));
}

#[test]
fn folders() {
    let dir = Dir::new();
    dir.file("SOURCE.txt", "where it comes from");
    let failed = read_path(dir.0.path(), &ReadOptions::default()).unwrap_err().to_string();
    assert!(failed.contains("this one holds SOURCE.txt"), "{failed}");
    dir.file("train.csv", "user,item\na,x\na,y\n");
    dir.file("test.csv.gz", gzip(b"user,item\nb,x\na,z\n"));
    let Events::Split(split) = read_path(dir.0.path(), &ReadOptions::default()).unwrap().events
    else {
        panic!("a split")
    };
    assert_eq!((split.train.len(), split.test.len(), split.valid.is_none()), (2, 2, true));
    assert_eq!((split.train.n_users(), split.test.n_items()), (2, 3));
    assert_eq!(split.test.sequence(0), [2]);
    dir.file("train.tsv", "user\titem\nb\tx\n");
    let failed = read_path(dir.0.path(), &ReadOptions::default()).unwrap_err().to_string();
    assert!(failed.contains("both train.csv and train.tsv"), "{failed}");
}

#[test]
fn items_in_every_spelling() {
    let dir = Dir::new();
    for text in [
        "item_id,title,genres\n1,\"手机, 大\",a|b\n2,,\n",
        "id\ttags\tname\n1\ta|b\t手机, 大\n2\t\t\n",
        "item_id:token\tclass:token_seq\ttitle:token_seq\n1\ta b\t手机, 大\n2\t\t\n",
        "1::手机, 大::a|b\n2::::\n",
        "{\"item_id\":1,\"title\":\"手机, 大\",\"tags\":[\"a\",\"b\"]}\n{\"item_id\":2}\n",
    ] {
        let (items, report) = read_items(dir.file("f", text), &ItemOptions::default()).unwrap();
        assert_eq!(
            (items.len(), items.title(0), items.title(1)),
            (2, Some("手机, 大"), None),
            "{text}"
        );
        assert_eq!(items.ids().id(1), Some(2.into()));
        let tags = items.tags().unwrap();
        assert_eq!((tags.row(0), tags.row(1)), (&[0, 1][..], &[][..]), "{text}\n{report}");
    }
}

#[test]
fn bad_items() {
    let dir = Dir::new();
    let repeated = dir.file("f", "id,title\n1,a b\n2,b c\n1,c d\n");
    let failed = read_items(&repeated, &ItemOptions::default()).unwrap_err();
    assert!(matches!(failed, Error::Format { line: Some(4), .. }), "{failed}");
    let skip = ItemOptions { skip_bad: true, ..ItemOptions::default() };
    let (items, report) = read_items(&repeated, &skip).unwrap();
    assert_eq!((items.len(), report.refused[0].reason), (2, Reason::Repeated));
    let vectors = dir.file("v", "{\"id\":1,\"image\":[1,2]}\n{\"id\":2,\"image\":null}\n");
    let (items, _) = read_items(&vectors, &ItemOptions::default()).unwrap();
    assert_eq!(items.vectors()[0].values, [1.0, 2.0, 0.0, 0.0]);
    let uneven = dir.file("v", "{\"id\":1,\"image\":[1,2]}\n{\"id\":2,\"image\":[1]}\n");
    let named = ItemOptions { vectors: Some(vec!["image".into()]), ..ItemOptions::default() };
    assert!(matches!(read_items(&uneven, &named), Err(Error::Format { line: Some(2), .. })));
}

#[test]
fn recommendations_are_quoted_and_whole_or_absent() {
    use rec_core::rank::{Recommendations, TopK};
    let dir = Dir::new();
    let ids = IdMaps::shared(IdMap::new(), IdMap::from_ids(["a,1", "b"]).unwrap());
    let items = Items::new(IdMap::from_ids(["a,1"]).unwrap());
    let items = items.with_text("title", vec!["say \"hi\"\nthere".into()]).unwrap();
    let top = TopK::from_rows(&[vec![(0, 0.5), (1, -1.25)]], 2).unwrap();
    let recommendations =
        Recommendations { ids, queries: vec![Id::from("u")], top, skipped: vec![] };
    let path = dir.path("out.csv");
    write_recommendations(&path, &recommendations, Some(&items)).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let want =
        "user,rank,item,score,title\nu,1,\"a,1\",0.5,\"say \"\"hi\"\"\nthere\"\nu,2,b,-1.25,\n";
    assert_eq!(text, want);
    let lost = dir.path("no/where.csv");
    let failed = write_recommendations(&lost, &recommendations, None).unwrap_err();
    assert!(failed.to_string().contains("where.csv"), "{failed}");
    assert_eq!(dir.names(), ["out.csv"]);
}

#[test]
fn endings_name_the_format() {
    let dir = Dir::new();
    let mut b = InteractionsBuilder::new();
    b.push("a\tb", 1, None, None).unwrap();
    let log = b.build().unwrap();
    for name in ["x", "x.xls", "x.parquet.gz"] {
        let failed = write_interactions(dir.path(name), &log);
        assert!(matches!(failed, Err(Error::Parameter { .. })), "{name}");
    }
    assert!(matches!(write_interactions(dir.path("x.inter"), &log), Err(Error::Data { .. })));
    assert!(dir.names().is_empty());
}

/// Ids that trip readers: quotes, separators, line breaks, Chinese, leading zeros and spaces.
fn nasty() -> impl Strategy<Value = String> + Clone {
    let pieces = prop::sample::select(vec![
        "a", "0", "7", "-", "\"", ",", ";", "\t", "\n", "\r\n", "手机", " ", "::", "|", "é", "#",
    ]);
    prop::collection::vec(pieces, 1..5).prop_map(|p| p.concat()).boxed()
}

type Event = (String, String, Option<f32>, Option<i64>);

fn events(id: impl Strategy<Value = String> + Clone) -> impl Strategy<Value = Vec<Event>> {
    (any::<bool>(), any::<bool>()).prop_flat_map(move |(weighted, timed)| {
        let weight = (-1e6f32..1e6).prop_map(move |w| weighted.then_some(w));
        let time = (-99i64..2_000_000_000).prop_map(move |t| timed.then_some(t));
        prop::collection::vec((id.clone(), id.clone(), weight, time), 1..20)
    })
}

fn built(events: &[Event]) -> Interactions {
    let mut b = InteractionsBuilder::new();
    for (user, item, weight, time) in events {
        b.push(user.as_str(), item.as_str(), *weight, *time).unwrap();
    }
    b.build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn events_come_back(events in events(nasty())) {
        let dir = Dir::new();
        let log = built(&events);
        let names = ["f.csv", "f.tsv", "f.csv.gz", "f.jsonl", "f.jsonl.gz", "f.parquet"];
        for name in names.into_iter().filter(|n| cfg!(feature = "parquet") || !n.ends_with("t")) {
            write_interactions(dir.path(name), &log).unwrap();
            let (back, report) =
                read_interactions(dir.path(name), &ReadOptions::default()).unwrap();
            prop_assert_eq!(rows(&back), rows(&log), "{}", name);
            prop_assert_eq!(back.weights().is_some(), log.weights().is_some());
            prop_assert_eq!(report.kept, events.len() as u64);
            prop_assert_eq!(report.duplicates, back.len() - back.matrix().nnz());
        }
    }

    #[test]
    fn recbole_events_come_back(events in events("[0-9a-z手]{1,4}")) {
        let dir = Dir::new();
        let log = built(&events);
        write_interactions(dir.path("f.inter"), &log).unwrap();
        prop_assert_eq!(read(&dir.path("f.inter")), rows(&log));
    }

    #[test]
    fn items_come_back(
        ids in prop::collection::btree_set(nasty(), 1..12),
        texts in prop::collection::vec(nasty(), 12),
        tags in prop::collection::vec(prop::collection::btree_set("[a-c手 ]{1,2}[x-z]", 0..3), 12),
    ) {
        let dir = Dir::new();
        let n = ids.len();
        let items = Items::new(IdMap::from_ids(ids.iter().map(String::as_str)).unwrap())
            .with_text("title", texts[..n].to_vec()).unwrap()
            .with_tags(&tags[..n].iter().map(|t| t.iter().map(|t| t.trim()).collect()).collect::<Vec<_>>())
            .unwrap();
        let vectors: Vec<f32> = (0..2 * n).map(|v| v as f32 / 3.0).collect();
        let with = items.clone().with_vectors("image", 2, vectors.clone()).unwrap();
        for (name, items) in
            [("f.csv", &items), ("f.tsv.gz", &items), ("f.jsonl", &with), ("f.parquet", &with)]
        {
            if name.ends_with("parquet") && !cfg!(feature = "parquet") {
                continue;
            }
            write_items(dir.path(name), items).unwrap();
            let (back, _) = read_items(dir.path(name), &ItemOptions::default()).unwrap();
            prop_assert!(back.ids().same_as(items.ids()), "{}", name);
            prop_assert_eq!(back.text("title"), items.text("title"), "{}", name);
            prop_assert_eq!(back.vectors().len(), items.vectors().len());
            for row in 0..n {
                let names = |of: &Items| -> Vec<String> {
                    let row = of.tags().unwrap().row(row).iter();
                    let mut names: Vec<_> =
                        row.map(|&t| of.tag_names().id(t).unwrap().to_string()).collect();
                    names.sort();
                    names
                };
                prop_assert_eq!(names(&back), names(items), "{} row {}", name, row);
            }
        }
    }
}
