//! Graph models on real data: seconds, Recall@20 and NDCG@20.
//!
//! ```sh
//! cargo bench -p rec-models --bench lightgcn -- step --data gowalla          # seconds a step
//! cargo bench -p rec-models --bench lightgcn -- tune --data gowalla …        # on a held-out part
//! cargo bench -p rec-models --bench lightgcn -- test --data gowalla …        # all of train, test
//! cargo bench -p rec-models --bench lightgcn -- test --data gowalla --views cross-layer --noise 0.1 …
//! cargo bench -p rec-models --bench lightgcn -- test --data gowalla --plus 0.6 -0.1 0.2 …
//! cargo bench -p rec-models --bench lightgcn -- test --data gowalla --temperature 0.1 --negatives 1024 …
//! cargo bench -p rec-models --bench lightgcn -- test --data gowalla --model ultra-gcn --negatives 300 …
//! cargo bench -p rec-models --bench lightgcn -- gfcf --data gowalla --factors 256
//! cargo bench -p rec-models --bench lightgcn -- test --data gowalla --model bspm --factors 448
//! cargo bench -p rec-models --bench lightgcn -- size                        # seconds by size
//! ```
//!
//! `tune` measures on the validation part, or where there is none on a tenth of the training
//! interactions held out, there after every `--every`
//! epochs, and stops after `--patience` measurements without a better one, with `--both` also by the
//! cosines of the same embeddings; `test` trains on all of them for the epochs given and measures once,
//! on the test part.

#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first failure")]

#[allow(dead_code, reason = "shared with other benchmarks")]
mod support;

use std::sync::{Arc, Mutex};
use std::time::Instant;

use clap::{Parser, ValueEnum};
use rand::RngExt as _;
use rand::seq::SliceRandom as _;
use rec_core::data::{Csr, Dataset, IdMaps};
use rec_core::parallel;
use rec_core::rank::{Factors, Recommend, Scorer};
use rec_models::fit::{Estimator, Fit, FitContext, Validation};
use rec_models::graph::{
    Bspm, Contrast, GfCf, GraphLoss, LightGcn, Merge, Ngcf, PositiveSampling, ScoreBy, Sgfcf,
    Solver, UltraGcn, Views,
};
use support::{data, dataset, n_items, recall_ndcg, sequences};

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Job {
    Gfcf,
    Size,
    Step,
    Tune,
    Test,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Kind {
    Bspm,
    GfCf,
    LightGcn,
    Ngcf,
    Sgfcf,
    UltraGcn,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Contrasted {
    CrossLayer,
    Noise,
    EdgeDropout,
    NodeDropout,
    RandomWalk,
}

#[derive(Clone, Parser)]
struct Args {
    job: Job,
    #[arg(long, default_value = "gowalla")]
    data: String,
    #[arg(long, value_enum, default_value_t = Kind::LightGcn)]
    model: Kind,
    #[arg(long, default_value_t = 100)]
    epochs: usize,
    #[arg(long, default_value_t = 2048)]
    batch: usize,
    #[arg(long, default_value_t = 0.001)]
    rate: f32,
    #[arg(long, default_value_t = 1e-4)]
    l2: f32,
    #[arg(long, default_value_t = 3)]
    layers: usize,
    #[arg(long, default_value_t = 64)]
    factors: usize,
    /// Trains with the softmax of cosines over this temperature instead of BPR.
    #[arg(long)]
    temperature: Option<f32>,
    /// Scores by cosine.
    #[arg(long)]
    cosine: bool,
    /// Measures what the same embeddings rank by cosine, too.
    #[arg(long)]
    both: bool,
    /// Weight of the ideal filter of BSPM.
    #[arg(long, default_value_t = 0.2)]
    beta: f32,
    /// How long BSPM sharpens.
    #[arg(long, default_value_t = 2.5)]
    sharpening: f32,
    #[arg(long, default_value_t = 1)]
    steps: usize,
    #[arg(long)]
    euler: bool,
    #[arg(long)]
    late: bool,
    #[arg(long)]
    mean: bool,
    /// What SGFCF raises degrees to.
    #[arg(long, default_value_t = 0.34)]
    epsilon: f32,
    /// What SGFCF adds to degrees.
    #[arg(long, default_value_t = 0.0)]
    alpha: f32,
    /// Exponents of SGFCF's singular values.
    #[arg(long, num_args = 2, default_values_t = [0.8, 0.8])]
    betas: Vec<f32>,
    /// Weight of SGFCF's linear filter.
    #[arg(long, default_value_t = 0.3)]
    gamma: f32,
    /// Items drawn for each interaction (UltraGCN) or a step (a softmax over them, not over the batch).
    #[arg(long)]
    negatives: Option<usize>,
    #[arg(long, default_value_t = 200.0)]
    negative_weight: f32,
    /// Draws users, then one of their items.
    #[arg(long)]
    users: bool,
    /// Contrasts two views: XSimGCL, SimGCL or SGL.
    #[arg(long)]
    views: Option<Contrasted>,
    #[arg(long, default_value_t = 0.2)]
    weight: f32,
    #[arg(long, default_value_t = 0.2)]
    contrast_temperature: f32,
    /// Length of the noise, or share of edges or nodes dropped.
    #[arg(long, default_value_t = 0.1)]
    noise: f32,
    #[arg(long)]
    residual: Option<f32>,
    /// LightGCN++ with these powers and share of the initial embeddings.
    #[arg(long, num_args = 3, allow_negative_numbers = true)]
    plus: Option<Vec<f32>>,
    #[arg(long, default_value_t = 5)]
    every: usize,
    #[arg(long, default_value_t = 3)]
    patience: usize,
    #[arg(long, default_value_t = 2)]
    threads: usize,
    #[arg(long, default_value = "cpu")]
    device: String,
    /// How often an epoch is timed.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long)]
    bench: bool,
}

impl Args {
    fn estimator(&self) -> LightGcn {
        let base = match self.plus.as_deref() {
            Some(&[alpha, beta, gamma]) => LightGcn::plus_plus(alpha, beta, gamma),
            _ => LightGcn::default(),
        };
        LightGcn {
            factors: self.factors,
            layers: self.layers,
            learning_rate: self.rate,
            l2: self.l2,
            epochs: self.epochs,
            batch_size: self.batch,
            loss: match (self.temperature, self.negatives) {
                (Some(temperature), Some(negatives)) => {
                    GraphLoss::SampledSoftmax { temperature, negatives }
                }
                (Some(temperature), None) => GraphLoss::Softmax { temperature },
                (None, _) => GraphLoss::Bpr,
            },
            score_by: if self.cosine { ScoreBy::Cosine } else { ScoreBy::Product },
            positives: match self.users {
                true => PositiveSampling::Users,
                false => PositiveSampling::Events,
            },
            contrast: self.contrast(),
            residual: self.residual.or(base.residual),
            ..base
        }
    }

    fn bspm(&self) -> Bspm {
        Bspm {
            factors: self.factors,
            beta: self.beta,
            sharpening: self.sharpening,
            steps: self.steps,
            solver: if self.euler { Solver::Euler } else { Solver::Rk4 },
            merge: if self.late { Merge::Late } else { Merge::Early },
            mean: self.mean,
            ..Bspm::default()
        }
    }

    fn sgfcf(&self) -> Sgfcf {
        Sgfcf {
            factors: self.factors,
            epsilon: self.epsilon,
            alpha: self.alpha,
            betas: [self.betas[0], self.betas[1]],
            gamma: self.gamma,
            ..Sgfcf::default()
        }
    }

    fn model(&self) -> Box<dyn Estimator> {
        match self.model {
            Kind::Bspm => Box::new(self.bspm()),
            Kind::GfCf => Box::new(self.gfcf()),
            Kind::LightGcn => Box::new(self.estimator()),
            Kind::Ngcf => Box::new(self.ngcf()),
            Kind::Sgfcf => Box::new(self.sgfcf()),
            Kind::UltraGcn => Box::new(self.ultra()),
        }
    }

    fn gfcf(&self) -> GfCf {
        GfCf { factors: self.factors, ..GfCf::default() }
    }

    fn ultra(&self) -> UltraGcn {
        let base = UltraGcn::default();
        UltraGcn {
            factors: self.factors,
            learning_rate: self.rate,
            l2: self.l2,
            epochs: self.epochs,
            batch_size: self.batch,
            negatives: self.negatives.unwrap_or(base.negatives),
            negative_weight: self.negative_weight,
            ..base
        }
    }

    fn ngcf(&self) -> Ngcf {
        Ngcf {
            factors: self.factors,
            layers: self.layers,
            learning_rate: self.rate,
            l2: self.l2,
            epochs: self.epochs,
            batch_size: self.batch,
            ..Ngcf::default()
        }
    }

    fn contrast(&self) -> Option<Contrast> {
        let views = match self.views? {
            Contrasted::CrossLayer => Views::CrossLayer { noise: self.noise, layer: 1 },
            Contrasted::Noise => Views::Noise { noise: self.noise },
            Contrasted::EdgeDropout => Views::EdgeDropout { rate: self.noise },
            Contrasted::NodeDropout => Views::NodeDropout { rate: self.noise },
            Contrasted::RandomWalk => Views::RandomWalk { rate: self.noise },
        };
        Some(Contrast { views, weight: self.weight, temperature: self.contrast_temperature })
    }

    fn ctx(&self) -> FitContext<'static> {
        let device = self.device.parse().unwrap();
        FitContext { device, threads: Some(self.threads), seed: self.seed, ..FitContext::default() }
    }
}

fn main() {
    let args = Args::parse();
    if args.job == Job::Size {
        return sizes(&args);
    }
    let Some((train, test)) = split(&args.data) else { return };
    let n = n_items(&train).max(n_items(&test));
    match args.job {
        Job::Step => step(&args, &dataset(&train, n)),
        Job::Tune => {
            let (kept, held) = match data(&format!("{}/valid.txt.gz", args.data)) {
                Some(valid) => {
                    let mut held = sequences(&valid);
                    held.resize(train.len(), Vec::new());
                    (train, held)
                }
                None => hold_out(&train, args.seed),
            };
            let n = n.max(n_items(&held));
            let kept = dataset(&kept, n);
            match args.model {
                Kind::Bspm | Kind::GfCf | Kind::Sgfcf => {
                    once(&*args.model(), &args, &kept, &held, "held out");
                }
                _ => tune(&*args.model(), &args, &kept, &held),
            }
        }
        Job::Size => {}
        Job::Gfcf => once(&args.gfcf(), &args, &dataset(&train, n), &test, "test"),
        Job::Test => once(&*args.model(), &args, &dataset(&train, n), &test, "test"),
    }
}

/// Trains and measures once.
fn once(estimator: &dyn Estimator, args: &Args, train: &Dataset, test: &Users, part: &str) {
    let start = Instant::now();
    let model = estimator.fit_model(train, &mut args.ctx()).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let measured = parallel::install(Some(args.threads), || Ok(recall_ndcg(&*model, test, 20)));
    let (recall, ndcg) = measured.unwrap();
    let ranking = start.elapsed().as_secs_f64();
    println!(
        "{part} Recall@20 {recall:.4} NDCG@20 {ndcg:.4} seconds {seconds:.1}, ranking {ranking:.1}"
    );
}

/// The same embeddings, ranked by cosine.
struct Cosines<'a> {
    model: &'a dyn Recommend,
    users: Vec<f32>,
    items: Vec<f32>,
    dim: usize,
}

impl<'a> Cosines<'a> {
    fn new(model: &'a dyn Recommend) -> Option<Self> {
        let Factors { dim, users, items, .. } = model.factors()?;
        let unit = |rows: &[f32]| {
            let row = |row: &[f32]| {
                let length = row.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
                row.iter().map(|x| x / length).collect::<Vec<_>>()
            };
            rows.chunks_exact(dim).flat_map(row).collect()
        };
        Some(Self { model, users: unit(users), items: unit(items), dim })
    }
}

impl Scorer for Cosines<'_> {
    fn n_users(&self) -> usize {
        self.model.n_users()
    }

    fn n_items(&self) -> usize {
        self.model.n_items()
    }

    fn score(&self, users: &[u32], out: &mut [f32]) -> rec_core::Result<()> {
        let Self { users: of_users, items, dim, .. } = self;
        Factors { dim: *dim, users: of_users, items, item_bias: None }.score(users, out)
    }
}

impl Recommend for Cosines<'_> {
    fn ids(&self) -> &Arc<IdMaps> {
        self.model.ids()
    }

    fn seen(&self) -> &Csr {
        self.model.seen()
    }
}

type Users = Vec<Vec<u32>>;

fn split(name: &str) -> Option<(Users, Users)> {
    let train = sequences(&data(&format!("{name}/train.txt.gz"))?);
    let mut test = sequences(&data(&format!("{name}/test.txt.gz"))?);
    test.resize(train.len().max(test.len()), Vec::new());
    Some((train, test))
}

/// A tenth of each user's items, at least one where they have two.
fn hold_out(train: &Users, seed: u64) -> (Users, Users) {
    let mut rng = rec_core::rng::stream(seed, "hold out", 0);
    let parts = train.iter().map(|items| {
        let mut items = items.clone();
        items.shuffle(&mut rng);
        let held = (items.len() / 10).max(usize::from(items.len() > 1));
        let kept = items.split_off(held.min(items.len()));
        (kept, items)
    });
    parts.unzip()
}

fn tune(estimator: &dyn Estimator, args: &Args, kept: &Dataset, held: &Users) {
    let start = Instant::now();
    let out = Mutex::new(0usize);
    let measure = |model: &dyn Recommend| {
        let (recall, ndcg) = recall_ndcg(model, held, 20);
        let mut done = out.lock().unwrap();
        *done += args.every;
        let at = start.elapsed().as_secs_f64();
        println!("epoch {done} Recall@20 {recall:.4} NDCG@20 {ndcg:.4} after {at:.0} s");
        if let Some(cosines) = Cosines::new(model).filter(|_| args.both) {
            let (recall, ndcg) = recall_ndcg(&cosines, held, 20);
            println!("    by cosine Recall@20 {recall:.4} NDCG@20 {ndcg:.4}");
        }
        Ok(ndcg)
    };
    let validation = Validation {
        metric: "ndcg@20".into(),
        measure: &measure,
        every: args.every,
        patience: Some(args.patience),
    };
    let mut ctx = FitContext { validation: Some(validation), ..args.ctx() };
    estimator.fit_model(kept, &mut ctx).unwrap();
}

/// Parts of gowalla, and ten million edges between users and items drawn by their popularity; eight
/// steps an epoch.
fn sizes(args: &Args) {
    let step = |args: &Args, data: &Dataset| {
        step(&Args { batch: data.interactions.len().div_ceil(8), ..args.clone() }, data);
    };
    if let Some((train, _)) = split("gowalla") {
        let n = n_items(&train);
        for share in [4, 2, 1] {
            let part = train.iter().enumerate().map(|(u, items)| match u % share {
                0 => items.clone(),
                _ => Vec::new(),
            });
            step(args, &dataset(&part.collect::<Vec<_>>(), n));
        }
    }
    let (users, items) = (300_000, 100_000);
    let mut rng = rec_core::rng::stream(args.seed, "edges", 0);
    let generated = (0..users).map(|_| {
        let draw = |_| (items as f64 * rng.random::<f64>().powi(3)) as u32;
        let mut had: Vec<u32> = (0..36).map(draw).collect();
        had.sort_unstable();
        had.dedup();
        had
    });
    step(args, &dataset(&generated.collect::<Vec<_>>(), items));
}

/// Two lengths of training apart give the time of their difference, epochs of 32 steps or more.
fn step(args: &Args, train: &Dataset) {
    let steps = train.interactions.len().div_ceil(args.batch);
    let more = (32 / steps).max(1);
    let time = |epochs| {
        let estimator = LightGcn { epochs, ..args.estimator() };
        let start = Instant::now();
        estimator.fit(train, &mut args.ctx()).unwrap();
        start.elapsed().as_secs_f64()
    };
    let once = |_| (time(1 + more) - time(1)) / more as f64;
    let mut epochs: Vec<f64> = (0..args.rounds.max(1)).map(once).collect();
    epochs.sort_by(f64::total_cmp);
    let (best, median) = (epochs[0], epochs[epochs.len() / 2]);
    println!(
        "{} edges: batch {}, {steps} steps an epoch: best {best:.2} s an epoch, {:.4} s a step; median \
         {median:.2}, {:.4}",
        train.interactions.len(),
        args.batch,
        best / steps as f64,
        median / steps as f64
    );
}
