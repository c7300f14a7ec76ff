//! Training speed of word2vec, to set beside `benches/peers/word2vec.py`.
//!
//! `cargo bench -p rec-models --bench word2vec -- --text FILE --workers 2 --sg` reads a file of one
//! sentence a line, its words parted by white space, trains, and prints thousands of words a second
//! (words of the vocabulary, before sub-sampling). `--out` writes the vectors in word2vec's text.
//! `--index 50 100` sets approximate search beside exact. Without `--text` the sentences are drawn from Zipf's law, `--words` of them.

use std::path::PathBuf;
use std::time::Instant;

use clap::Parser;
use rec_core::rng::stream;
use rec_core::sampling::AliasTable;
use rec_models::Device;
use rec_models::fit::FitContext;
use rec_models::vectors::{
    Architecture, Cooccurrences, Corpus, CorpusBuilder, FastText, Glove, IndexOptions, Term,
    VectorFormat, VectorIndex, Vectors, Word2Vec,
};

#[derive(Parser)]
struct Args {
    #[arg(long)]
    text: Option<PathBuf>,
    /// Words to draw where there is no text.
    #[arg(long, default_value_t = 4_000_000)]
    words: usize,
    #[arg(long, default_value_t = 100)]
    vector_size: usize,
    #[arg(long, default_value_t = 5)]
    window: usize,
    #[arg(long, default_value_t = 5)]
    negative: usize,
    #[arg(long, default_value_t = 5)]
    min_count: u64,
    #[arg(long, default_value_t = 5)]
    epochs: usize,
    #[arg(long, default_value_t = 1e-3)]
    sample: f64,
    #[arg(long, default_value_t = 0.025)]
    alpha: f64,
    #[arg(long, default_value_t = 2)]
    workers: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to train; word2vec alone knows others than `cpu`.
    #[arg(long, default_value = "cpu")]
    device: Device,
    /// GloVe instead of word2vec; `--alpha` is then its learning rate.
    #[arg(long)]
    glove: bool,
    /// GloVe's count from which on all weigh the same.
    #[arg(long, default_value_t = 100.0)]
    x_max: f64,
    /// Hierarchical softmax instead of negatives.
    #[arg(long)]
    hs: bool,
    /// Words made of their n-grams.
    #[arg(long)]
    fasttext: bool,
    /// Skip-gram instead of a continuous bag of words.
    #[arg(long)]
    sg: bool,
    #[arg(long)]
    out: Option<PathBuf>,
    /// Sets an approximate index of the vectors beside exact search, for each of these `ef_search`.
    #[arg(long, num_args = 1..)]
    index: Vec<usize>,
    /// Passed by cargo.
    #[arg(long)]
    bench: bool,
}

fn main() -> rec_core::Result<()> {
    let args = Args::parse();
    let start = Instant::now();
    let corpus = corpus(&args)?;
    let read = start.elapsed().as_secs_f64();
    let (device, seed, threads) = (args.device, args.seed, Some(args.workers));
    let ctx = FitContext { device, seed, threads, ..FitContext::default() };
    let told =
        format!("{} words, {} distinct, read in {read:.2} s", corpus.words(), corpus.vocab().len());
    let start = Instant::now();
    let vectors = if args.glove {
        let counts = Cooccurrences::count(&corpus, &glove(&args).counting(), &ctx)?;
        let counted = start.elapsed().as_secs_f64();
        let model = glove(&args).fit_counts(&counts, &ctx)?;
        let seconds = start.elapsed().as_secs_f64() - counted;
        let pairs = counts.iter().map(|(a, b, _)| if a == b { 1 } else { 2 }).sum::<u64>();
        println!(
            "{told}, {pairs} pairs counted in {counted:.2} s; trained in {seconds:.2} s: {:.0} \
             thousand pairs a second; losses {:.4} to {:.4}",
            (pairs * args.epochs as u64) as f64 / seconds / 1000.0,
            model.losses()[0],
            model.losses()[args.epochs - 1]
        );
        model.into_vectors()
    } else {
        let vectors = match args.fasttext {
            true => {
                let config = FastText { word2vec: word2vec(&args), ..FastText::default() };
                config.fit(&corpus, &ctx)?.vectors().clone()
            }
            false => word2vec(&args).fit(&corpus, &ctx)?.into_vectors(),
        };
        let seconds = start.elapsed().as_secs_f64();
        let words = corpus.words() * args.epochs as u64;
        println!(
            "{told}; trained in {seconds:.2} s: {:.0} thousand words a second",
            words as f64 / seconds / 1000.0
        );
        vectors
    };
    for &ef_search in &args.index {
        search(&vectors, ef_search, &args)?;
    }
    match &args.out {
        Some(out) => vectors.export(out, VectorFormat::Word2VecText),
        None => Ok(()),
    }
}

/// Ten neighbours of a thousand words of the table, one question after another.
fn search(vectors: &Vectors, ef_search: usize, args: &Args) -> rec_core::Result<()> {
    let start = Instant::now();
    let options =
        IndexOptions { ef_search, threads: Some(args.workers), ..IndexOptions::default() };
    let index = VectorIndex::build(vectors, &options)?;
    let built = start.elapsed().as_secs_f64();
    let words: Vec<&str> = vectors.words().step_by(vectors.len().div_ceil(1000)).collect();
    let rate = |ask: &dyn Fn(&[Term<'_>]) -> rec_core::Result<()>| {
        let start = Instant::now();
        words.iter().try_for_each(|word| ask(&[Term::Word(word)]))?;
        rec_core::Result::Ok(words.len() as f64 / start.elapsed().as_secs_f64())
    };
    let exact = rate(&|word| vectors.most_similar(word, &[], 10).map(|_| ()))?;
    let found = rate(&|word| index.most_similar(vectors, word, &[], 10).map(|_| ()))?;
    let recall = index.recall(vectors, 10, 1000, args.seed)?;
    println!(
        "ef_search {ef_search}: built in {built:.1} s, recall@10 {recall:.4}, {found:.0} queries a \
         second, exact {exact:.0}"
    );
    Ok(())
}

fn word2vec(args: &Args) -> Word2Vec {
    Word2Vec {
        vector_size: args.vector_size,
        window: args.window,
        hs: args.hs,
        negative: if args.hs { 0 } else { args.negative },
        epochs: args.epochs,
        sample: args.sample,
        alpha: args.alpha,
        workers: args.workers,
        architecture: if args.sg { Architecture::SkipGram } else { Architecture::Cbow },
        ..Word2Vec::default()
    }
}

fn glove(args: &Args) -> Glove {
    Glove {
        vector_size: args.vector_size,
        window: args.window,
        epochs: args.epochs,
        x_max: args.x_max,
        learning_rate: args.alpha,
        workers: args.workers,
        ..Glove::default()
    }
}

fn corpus(args: &Args) -> rec_core::Result<Corpus> {
    let mut builder = CorpusBuilder::new().min_count(args.min_count);
    match &args.text {
        Some(path) => builder.add_file(path)?,
        None => {
            let weights: Vec<f64> = (0..100_000).map(|r| 1.0 / (f64::from(r) + 2.7)).collect();
            let (zipf, mut rng) = (AliasTable::new(&weights)?, stream(1, "bench", 0));
            for _ in 0..args.words / 20 {
                builder.add((0..20).map(|_| zipf.draw(&mut rng).to_string()))?;
            }
        }
    }
    builder.build()
}
