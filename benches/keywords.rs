//! Keywords of Chinese papers (CSL, Li et al. 2022): `cargo bench -p rec-core --bench keywords`.
//! jieba's own extraction on the same texts: `benches/peers/keywords.py`.
//!
//! F1@5: five keywords a text, right where they equal one of the authors' exactly; per text, then
//! the mean (macro), and over all texts at once (micro). Texts a second, all threads. Settings were
//! chosen on `kg_dev`; pass `dev` to measure there (`-- dev`). The corpus for document frequencies
//! is the texts of `kg_dev`.

use std::path::Path;
use std::time::Instant;

use hashbrown::HashSet;
use rec_core::Result;
use rec_core::text::stream::{TextFile, for_each_text};
use rec_core::text::{KeywordExtractor, KeywordMethod, KeywordOptions, KeywordUnit};

struct Paper {
    text: String,
    keywords: HashSet<String>,
}

fn main() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/zh-csl-papers");
    if !folder.exists() {
        eprintln!("skipped: no {}", folder.display());
        return Ok(());
    }
    let part = if std::env::args().any(|a| a == "dev") { "kg_dev" } else { "kg_test" };
    let papers = read_papers(&folder, part)?;
    let corpus: Vec<String> = read_papers(&folder, "kg_dev")?.into_iter().map(|p| p.text).collect();
    println!("{part}, {} texts", papers.len());
    use KeywordMethod::{TextRank, TfIdf};
    use KeywordUnit::{Phrases, Terms, Words};
    for (method, unit) in [
        (TextRank, Words),
        (TextRank, Phrases),
        (TextRank, Terms),
        (TfIdf, Words),
        (TfIdf, Phrases),
        (TfIdf, Terms),
    ] {
        let options = KeywordOptions { method, unit, ..KeywordOptions::default() };
        let plain = KeywordExtractor::new(options)?;
        measure(&format!("{method:?} {unit:?}"), &plain, &papers)?;
        if method == TfIdf {
            let fitted = plain.fit(&corpus)?;
            measure(&format!("{method:?} {unit:?}, fitted"), &fitted, &papers)?;
        }
    }
    Ok(())
}

fn measure(what: &str, extractor: &KeywordExtractor, papers: &[Paper]) -> Result<()> {
    let texts: Vec<&str> = papers.iter().map(|p| p.text.as_str()).collect();
    let mut best = f64::INFINITY;
    let mut found = Vec::new();
    for _ in 0..3 {
        let start = Instant::now();
        found = extractor.extract_batch(&texts, 5)?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    let (mut right, mut asked, mut there, mut sum) = (0, 0, 0, 0.0);
    for (paper, keywords) in papers.iter().zip(&found) {
        let hits = keywords.iter().filter(|k| paper.keywords.contains(k.text.trim())).count();
        right += hits;
        asked += keywords.len();
        there += paper.keywords.len();
        sum += 2.0 * hits as f64 / (keywords.len() + paper.keywords.len()) as f64;
    }
    println!(
        "{what:<28} F1@5 macro {:.4} micro {:.4}, {:.0} texts/s",
        sum / papers.len() as f64,
        2.0 * right as f64 / (asked + there) as f64,
        papers.len() as f64 / best,
    );
    Ok(())
}

fn read_papers(folder: &Path, part: &str) -> Result<Vec<Paper>> {
    let mut papers = Vec::new();
    for_each_text(folder.join(format!("{part}.tsv.gz")), &TextFile::lines(), &mut |lines| {
        for line in lines {
            let mut fields = line.split('\t').skip(1);
            let text = fields.next().unwrap_or_default().to_owned();
            let keywords = fields.next().unwrap_or_default().split('_');
            papers.push(Paper { text, keywords: keywords.map(|k| k.trim().to_owned()).collect() });
        }
        Ok(())
    })?;
    Ok(papers)
}
