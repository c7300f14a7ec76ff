//! Growing trees on one half of the users and judging them on the other.

use rand::seq::SliceRandom as _;
use rayon::prelude::*;

use super::features::{Candidates, candidates};
use super::ranker::Rows;
use super::{ItemFacts, LearntTrees, TreeLearner, TreeRanker};
use crate::data::Interactions;
use crate::metrics::ndcg;
use crate::rank::learn::{half_of, news};
use crate::rank::{FusionLearner, Recommend as _, Scorer as _, Selection, Shortlisted, better};
use crate::rng::stream;
use crate::{Error, Result};

/// A user to learn from.
struct Sample {
    user: u32,
    half: usize,
    of: Candidates,
    /// Ascending.
    relevant: Vec<u32>,
}

impl TreeLearner {
    /// Learns from `truth`, what each user did after what the recommenders were fitted on.
    ///
    /// # Errors
    /// As [`FusionLearner::learn`]; [`Error::Shape`] for facts of another catalogue,
    /// [`Error::Empty`] where no recommender puts forward what a user of either half did next.
    pub fn learn(
        &self,
        lists: &Shortlisted,
        truth: &Interactions,
        facts: &ItemFacts,
    ) -> Result<LearntTrees> {
        self.check(lists, facts)?;
        let candidates = lists.candidates();
        let weights = FusionLearner { shortlists: true, candidates, ..self.weights.clone() };
        let weights = weights.learn(lists.models(), truth)?;
        let samples = self.samples(lists, truth, facts)?;
        let columns = || facts.columns(lists.models().len());
        let halves: [Vec<&Sample>; 2] =
            [0, 1].map(|half| samples.iter().filter(|s| s.half == half).collect());
        let mut sum = 0.0;
        for (from, to) in [(0, 1), (1, 0)] {
            let ranker = TreeRanker::fit(self, columns(), &self.rows(&halves[from])?)?;
            let ndcg = |sample: &&Sample| sample.ndcg(&ranker, self.weights.k);
            sum += halves[to].par_iter().map(ndcg).collect::<Vec<f64>>().iter().sum::<f64>();
        }
        let mean = sum / samples.len() as f64;
        let wins = mean > weights.learnt.max(weights.reciprocal_rank);
        let all = || -> Result<TreeRanker> {
            let all: Vec<&Sample> = samples.iter().collect();
            TreeRanker::fit(self, columns(), &self.rows(&all)?)
        };
        Ok(LearntTrees { weights, trees: mean, ranker: wins.then(all).transpose()? })
    }

    fn samples(
        &self,
        lists: &Shortlisted,
        truth: &Interactions,
        facts: &ItemFacts,
    ) -> Result<Vec<Sample>> {
        let (users, relevant) =
            news(lists.models(), truth, self.weights.max_users, self.weights.seed)?;
        let seen = lists.seen();
        let k = lists.candidates().min(lists.n_items());
        let found = lists.lists(&users, &Selection { seen: Some(seen), ..Selection::top(k) })?;
        let counts = seen.column_counts();
        let one = |(row, &user): (usize, &u32)| {
            let past = seen.row(user as usize);
            let is_new = |item: &&u32| past.binary_search(item).is_err();
            Sample {
                user,
                half: half_of(self.weights.seed, user),
                of: candidates(&found, row, past, &counts, facts),
                relevant: relevant.row(user as usize).iter().filter(is_new).copied().collect(),
            }
        };
        let all: Vec<Sample> =
            users.par_iter().enumerate().map(|(row, user)| one((row, user))).collect();
        Ok(all.into_iter().filter(|sample| !sample.relevant.is_empty()).collect())
    }

    /// What these users did next, and what they did not.
    fn rows(&self, samples: &[&Sample]) -> Result<Rows> {
        let drawn: Vec<(&Sample, Vec<usize>, usize)> =
            samples.iter().filter_map(|&sample| self.draw(sample)).collect();
        let Some((first, ..)) = drawn.first() else {
            let why =
                "no recommender puts forward what any of them did next; ask for more candidates";
            return Err(Error::empty("a half of the held-out users", why));
        };
        let width = first.of.columns.len() / first.of.items.len();
        let mut rows = Rows { columns: Vec::new(), right: Vec::new(), weights: Vec::new() };
        for column in 0..width {
            for (sample, places, _) in &drawn {
                let own = &sample.of.columns[column * sample.of.items.len()..];
                rows.columns.extend(places.iter().map(|&at| own[at]));
            }
        }
        for (_, places, right) in &drawn {
            let wrong = places.len() - right;
            rows.right.extend((0..places.len()).map(|at| f64::from(u8::from(at < *right))));
            rows.weights.extend(
                (0..places.len()).map(|at| 1.0 / (if at < *right { *right } else { wrong }) as f64),
            );
        }
        Ok(rows)
    }

    /// The places of a user's right candidates and of some others, and how many are right; none where
    /// there are not both.
    fn draw<'s>(&self, sample: &'s Sample) -> Option<(&'s Sample, Vec<usize>, usize)> {
        let is_right = |&at: &usize| sample.relevant.binary_search(&sample.of.items[at]).is_ok();
        let (mut places, mut others): (Vec<usize>, Vec<usize>) =
            (0..sample.of.items.len()).partition(is_right);
        let right = places.len();
        others.shuffle(&mut stream(self.weights.seed, "trees", u64::from(sample.user)));
        others.truncate(self.negatives);
        (right > 0 && !others.is_empty()).then(|| {
            places.extend(others);
            (sample, places, right)
        })
    }

    fn check(&self, lists: &Shortlisted, facts: &ItemFacts) -> Result<()> {
        facts.check(lists.n_items())?;
        for (name, value) in [("negatives", self.negatives), ("trees", self.trees)] {
            if value == 0 {
                return Err(Error::parameter(name, value, "give a number of at least 1"));
            }
        }
        if self.leaves < 2 {
            return Err(Error::parameter("leaves", self.leaves, "a tree needs at least 2"));
        }
        if !(self.learning_rate > 0.0 && self.learning_rate <= 1.0) {
            let why = "choose a number above 0 and up to 1";
            return Err(Error::parameter("learning_rate", self.learning_rate, why));
        }
        Ok(())
    }
}

impl Sample {
    fn ndcg(&self, ranker: &TreeRanker, k: usize) -> f64 {
        let scores = ranker.scores(&self.of);
        let mut order: Vec<(u32, f32)> = self.of.items.iter().copied().zip(scores).collect();
        order.sort_unstable_by(|a, b| better(*a, *b));
        let k = k.min(order.len());
        let list: Vec<u32> = order[..k].iter().map(|&(item, _)| item).collect();
        ndcg(&list, &self.relevant, k.max(1))
    }
}
