use std::io::Write;
use std::path::{Path, PathBuf};

use super::*;
use crate::text::{Cleaner, Pipeline, Segmenter, TokenFilter};
use crate::{Error, parallel};

fn pipeline() -> Pipeline {
    Pipeline::cleaning(&Cleaner::default())
        .and_then(|p| p.then(Segmenter::chinese()))
        .and_then(|p| p.then(TokenFilter::Words {}))
        .unwrap()
}

fn gzip(path: &Path, bytes: &[u8]) {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    std::fs::write(path, out.finish().unwrap()).unwrap();
}

struct Case {
    dir: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn run(
        &self,
        input: &str,
        bytes: &[u8],
        output: &str,
        file: &TextFile,
    ) -> crate::Result<(String, Progress)> {
        match input.ends_with(".gz") {
            true => gzip(&self.path(input), bytes),
            false => std::fs::write(self.path(input), bytes).unwrap(),
        }
        let done =
            pipeline().process_file(self.path(input), self.path(output), file, |_| Ok(()))?;
        Ok((std::fs::read_to_string(self.path(output)).unwrap(), done))
    }
}

#[test]
fn lines_in_lines_out() {
    let case = Case::new();
    let text = "\u{feff}<b>手机</b>很好\r\n\n屏幕不错".as_bytes();
    for input in ["a.txt", "a.txt.gz"] {
        let (out, done) = case.run(input, text, "out.txt", &TextFile::lines()).unwrap();
        assert_eq!(out, "手机 很 好\n\n屏幕 不错\n");
        assert_eq!(done, Progress { rows: 3, tokens: 5 });
    }
    let (out, _) = case.run("a.txt", text, "out.jsonl", &TextFile::lines()).unwrap();
    assert_eq!(out, "[\"手机\",\"很\",\"好\"]\n[]\n[\"屏幕\",\"不错\"]\n");
}

#[test]
fn a_column_of_a_csv() {
    let case = Case::new();
    let csv = "id,review\n1,\"手机,\n\"\"很好\"\"\"\n2,屏幕不错\n".as_bytes();
    for input in ["a.csv", "a.csv.gz"] {
        let (out, done) = case.run(input, csv, "out.txt", &TextFile::csv("review")).unwrap();
        assert_eq!((out.as_str(), done.rows), ("手机 很 好\n屏幕 不错\n", 2));
    }
    let missing = case.run("a.csv", csv, "x.txt", &TextFile::csv("text")).unwrap_err();
    assert!(matches!(missing, Error::MissingColumn { .. }), "{missing}");
    let short = case.run("a.csv", b"a,b\n1\n", "x.txt", &TextFile::csv("b")).unwrap_err();
    assert!(short.to_string().contains("a.csv:2"), "{short}");
    assert!(!case.path("x.txt").exists());
}

#[test]
fn invalid_utf8_is_named_or_replaced() {
    let case = Case::new();
    let lines = b"ok\n\xe6\x89\xff bad\n";
    let error = case.run("a.txt", lines, "x.txt", &TextFile::lines()).unwrap_err().to_string();
    assert!(
        error.contains("a.txt:2") && error.contains("byte 1") && error.contains("lossy"),
        "{error}"
    );
    assert!(!case.path("x.txt").exists());
    let lossy = TextFile { lossy: true, ..TextFile::lines() };
    assert_eq!(case.run("a.txt", lines, "y.txt", &lossy).unwrap().0, "ok\nbad\n");
    let csv = b"id,t\n1,\"a\nb\"\n2,\xff\n";
    let error = case.run("b.csv", csv, "x.txt", &TextFile::csv("t")).unwrap_err().to_string();
    assert!(error.contains("b.csv:4"), "{error}");
}

#[test]
fn many_blocks_keep_order_and_line_numbers() {
    let case = Case::new();
    let n = 60_000;
    let mut lines: String = (0..n).map(|i| format!("第{i}款手机的屏幕很好很好\n")).collect();
    let one = parallel::install(Some(1), || {
        case.run("a.txt", lines.as_bytes(), "1.txt", &TextFile::lines())
    });
    let (one, done) = one.unwrap();
    assert_eq!(done.rows, n);
    assert!(one.lines().enumerate().all(|(i, line)| line.starts_with(&format!("第 {i} 款"))));
    let three = parallel::install(Some(3), || {
        case.run("a.txt", lines.as_bytes(), "3.txt", &TextFile::lines())
    });
    assert_eq!(three.unwrap().0, one);
    lines.push_str("x\n");
    let mut bytes = lines.into_bytes();
    bytes.extend(b"\xff\n");
    let error = case.run("a.txt", &bytes, "x.txt", &TextFile::lines()).unwrap_err().to_string();
    assert!(error.contains(&format!("a.txt:{}", n + 2)), "{error}");
}

#[test]
fn progress_can_stop_the_work() {
    let case = Case::new();
    std::fs::write(case.path("a.txt"), "好\n").unwrap();
    let stop = |_: Progress| Err(Error::Cancelled("by the user".into()));
    let error =
        pipeline().process_file(case.path("a.txt"), case.path("x"), &TextFile::lines(), stop);
    assert!(matches!(error, Err(Error::Cancelled(_))));
    assert!(!case.path("x").exists());
}

#[test]
fn absent_and_empty_files_are_named() {
    let case = Case::new();
    let error = for_each_text(case.path("no.txt"), &TextFile::lines(), &mut |_| Ok(()));
    assert!(error.unwrap_err().to_string().contains("no.txt"));
    let empty = case.run("e.txt", b"", "x.txt", &TextFile::lines()).unwrap_err();
    assert!(matches!(empty, Error::Empty { .. }));
}
