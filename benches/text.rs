//! Cleaning, segmentation and stop words over a file of Chinese reviews, to set beside
//! `benches/peers/text_jieba.py`.
//!
//! `cargo bench -p rec-core --bench text -- --data reviews.csv.gz --column review --threads 2
//! --runs 5 --copies 1` prints, for each part and for the whole, seconds, processor seconds and
//! million characters a second, and a count of what came out. `--copies 2` reads the corpus twice
//! over, `--joined 1` takes it as a single text of `--bytes`.

#![allow(clippy::unwrap_used, reason = "a benchmark's way to fail")]

use std::time::Instant;

use rec_core::text::segment::{Mode, Segmentation};
use rec_core::text::stream::{TextFile, for_each_text};
use rec_core::text::{Cleaner, Pipeline, Segmenter, StopWords, TokenFilter};
use rec_core::{Result, parallel};

/// Processor seconds used so far by all threads (Linux; 0 elsewhere): what to compare on a machine
/// that others use too.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks =
        after_name.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// The value of `--name`, or the default.
fn arg(name: &str, default: &str) -> String {
    let mut args = std::env::args();
    args.find(|a| *a == format!("--{name}")).and_then(|_| args.next()).unwrap_or(default.into())
}

fn number(name: &str, default: usize) -> usize {
    arg(name, "").parse().unwrap_or(default)
}

fn texts() -> Vec<String> {
    let shared = "../../shared/data/zh-online-shopping-10cats/online_shopping_10_cats.csv.gz";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(shared);
    let path = arg("data", &path.to_string_lossy());
    let mut texts = Vec::new();
    for_each_text(&path, &TextFile::csv(arg("column", "review")), &mut |block| {
        texts.extend(block.iter().map(|text| text.clone().into_owned()));
        Ok(())
    })
    .unwrap();
    let mut texts: Vec<String> = (0..number("copies", 1)).flat_map(|_| texts.clone()).collect();
    if number("joined", 0) == 1 {
        let mut one = texts.concat();
        let mut end = number("bytes", 1 << 20).min(one.len());
        while !one.is_char_boundary(end) {
            end -= 1;
        }
        one.truncate(end);
        texts = vec![one];
    }
    texts
}

fn segmenter(mode: Mode, hmm: bool) -> Segmenter {
    Segmenter::new(Segmentation { mode, hmm, ..Segmentation::default() }).unwrap()
}

fn whole() -> Result<Pipeline> {
    Pipeline::cleaning(&Cleaner::default())?
        .then(Segmenter::chinese())?
        .then(TokenFilter::Words {})?
        .then(StopWords::of(&["zh"])?)
}

fn main() -> Result<()> {
    let texts = texts();
    let characters: usize = texts.iter().map(|t| t.chars().count()).sum();
    let threads = number("threads", 2);
    let only = |step| Pipeline::default().then(step);
    let parts = [
        ("clean", Pipeline::cleaning(&Cleaner::default())?),
        ("segment", only(segmenter(Mode::Precise, true))?),
        ("segment, no HMM", only(segmenter(Mode::Precise, false))?),
        ("segment, search", only(segmenter(Mode::Search, true))?),
        ("segment, full", only(segmenter(Mode::Full, true))?),
        ("clean, segment, stop words", whole()?),
    ];
    println!("{} texts, {characters} characters, {threads} threads", texts.len());
    for (name, pipeline) in parts.iter().filter(|(name, _)| name.contains(&arg("part", ""))) {
        let (mut seconds, mut processor, mut out) = (f64::MAX, f64::MAX, 0);
        for _ in 0..number("runs", 5) {
            let (start, used) = (Instant::now(), processor_seconds());
            let done = parallel::install(Some(threads), || pipeline.process_batch(&texts))?;
            seconds = seconds.min(start.elapsed().as_secs_f64());
            processor = processor.min(processor_seconds() - used);
            out = done.iter().map(|p| p.tokens().map_or(1, |t| t.len())).sum();
        }
        let speed = |seconds: f64| characters as f64 / seconds / 1e6;
        println!(
            "{name}: best {seconds:.3} s ({:.2} M characters/s), processor {processor:.2} s \
             ({:.2} M characters/s a thread); {out} out",
            speed(seconds),
            speed(processor)
        );
    }
    Ok(())
}
