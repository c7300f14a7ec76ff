//! The fitted model.

use std::sync::Arc;

use rec_core::data::{Csr, IdMaps};
use rec_core::rank::{Explain, Explanation, Factors, History, Recommend, Scorer, Similar};
use rec_core::store::{ModelReader, ModelWriter};

use super::taste::cosine;
use super::{KIND, SocialLightGcn};
use crate::collab::factors;
use crate::fit::Model;
use crate::graph::lightgcn::{ScoreBy, unit_rows};
use crate::ops::spmm::cpu::{Buffers, Only, propagate};
use crate::train::TrainingLog;
use crate::{Error, Result};

/// A fitted [`SocialLightGcn`]: one propagated embedding a user, one an item.
#[derive(Clone, Debug)]
pub struct SocialLightGcnModel {
    config: SocialLightGcn,
    log: TrainingLog,
    ids: Arc<IdMaps>,
    seen: Arc<Csr>,
    /// Weighed by taste where that is asked for.
    friends: Arc<Csr>,
    users: Vec<f32>,
    items: Vec<f32>,
    /// What a node hands on along an edge of weight 1, times the root of the receiver's degree:
    /// `1/(K + 1) Σ_{k<K} eᵏ / √d`, `[n_users + n_items, factors]`.
    handed: Vec<f32>,
}

/// A friend's part of a score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Influence {
    /// The dense user.
    pub friend: u32,
    /// What the score would lose without the edge to them, all else held.
    pub part: f32,
}

impl SocialLightGcnModel {
    /// Propagates initial embeddings, users first.
    pub(super) fn propagated(
        config: SocialLightGcn,
        log: TrainingLog,
        ids: Arc<IdMaps>,
        seen: Arc<Csr>,
        friends: Arc<Csr>,
        edges: &Csr,
        initial: &[f32],
    ) -> Result<Self> {
        let (d, layers, n) = (config.factors, config.layers, seen.n_rows());
        let share = 1.0 / (layers + 1) as f32;
        let (only, mut buffers) = (Only::default(), Buffers::default());
        let mut sums = vec![0f32; initial.len()];
        propagate(edges, initial, d, layers, only, &mut buffers, &mut sums);
        sums.iter_mut().for_each(|x| *x *= share);
        let (mut users, mut items) = (sums[..n * d].to_vec(), sums[n * d..].to_vec());
        if config.score_by == ScoreBy::Cosine {
            unit_rows(&mut users, d);
            unit_rows(&mut items, d);
        }
        propagate(edges, initial, d, layers - 1, only, &mut buffers, &mut sums);
        let degrees = config.graph(&seen, &friends)?.degrees();
        for (row, degree) in sums.chunks_exact_mut(d).zip(degrees) {
            let scale = if degree > 0.0 { share / degree.sqrt() } else { 0.0 };
            row.iter_mut().for_each(|x| *x *= scale);
        }
        Self::new(config, log, ids, seen, friends, [users, items, sums])
    }

    fn new(
        config: SocialLightGcn,
        log: TrainingLog,
        ids: Arc<IdMaps>,
        seen: Arc<Csr>,
        friends: Arc<Csr>,
        [users, items, handed]: [Vec<f32>; 3],
    ) -> Result<Self> {
        config.check()?;
        factors::check_shapes(&ids, &seen, &users, &items, config.factors)?;
        let n = ids.users.len();
        for (what, expected, got) in [
            ("rows of the friendships", n, friends.n_rows()),
            ("columns of the friendships", n, friends.n_cols()),
            ("values of what nodes hand on", users.len() + items.len(), handed.len()),
        ] {
            if expected != got {
                return Err(Error::shape(what, expected, got));
            }
        }
        Ok(Self { config, log, ids, seen, friends, users, items, handed })
    }

    /// Reads a saved model.
    ///
    /// # Errors
    /// [`Error::Format`] or [`Error::Shape`] for a folder that holds no whole model of this kind.
    pub fn load(reader: &ModelReader) -> Result<Self> {
        factors::check_kind(reader, KIND)?;
        let mut config: SocialLightGcn = reader.config()?;
        config.score_by = ScoreBy::of_saved(reader, config.score_by, config.loss);
        Self::new(
            config,
            factors::training_log(reader)?,
            reader.ids()?,
            Arc::new(reader.csr("seen")?),
            Arc::new(reader.csr("friends")?),
            [reader.f32("users")?.1, reader.f32("items")?.1, reader.f32("handed")?.1],
        )
    }

    /// The estimator.
    pub fn config(&self) -> &SocialLightGcn {
        &self.config
    }

    /// How training went.
    pub fn log(&self) -> &TrainingLog {
        &self.log
    }

    /// The users' propagated embeddings, row-major `[n_users, factors]`; of length 1 if the model
    /// scores by cosine.
    pub fn user_factors(&self) -> &[f32] {
        &self.users
    }

    /// The items' propagated embeddings, row-major `[n_items, factors]`, likewise.
    pub fn item_factors(&self) -> &[f32] {
        &self.items
    }

    fn product(&self) -> Factors<'_> {
        Factors {
            dim: self.config.factors,
            users: &self.users,
            items: &self.items,
            item_bias: None,
        }
    }

    /// The embedding, `[factors]`, of a new user who had these items and has these friends (dense
    /// ids, each counted once): what a node with edges to them and no embedding of its own would
    /// get by propagation, were the others to stay as they are. Zeros without either.
    ///
    /// # Errors
    /// [`Error::Shape`] for an item or a friend the model does not have.
    pub fn fold_in(&self, items: &[u32], friends: &[u32]) -> Result<Vec<f32>> {
        let (d, n) = (self.config.factors, self.ids.users.len());
        let items = distinct("dense item of a history", items, self.ids.items.len())?;
        let friends = distinct("dense friend", friends, n)?;
        let liking = |f: u32| match self.config.by_taste {
            true => cosine(&items, self.seen.row(f as usize)),
            false => 1.0,
        };
        let friends = friends.iter().map(|&f| (f as usize, self.config.friends * liking(f)));
        let items = items.iter().map(|&i| (n + i as usize, 1.0));
        let edges: Vec<(usize, f32)> = friends.chain(items).collect();
        let degree: f32 = edges.iter().map(|(_, weight)| weight).sum();
        let scale = 1.0 / degree.max(f32::MIN_POSITIVE).sqrt();
        let mut user = vec![0f32; d];
        for (node, weight) in edges {
            let handed = &self.handed[node * d..][..d];
            user.iter_mut().zip(handed).for_each(|(user, x)| *user += scale * weight * x);
        }
        if self.config.score_by == ScoreBy::Cosine {
            unit_rows(&mut user, d);
        }
        Ok(user)
    }

    /// A user's friends with the weights of their edges, and the user's degree.
    pub(super) fn neighbourhood(&self, user: u32) -> (Vec<(u32, f32)>, f32) {
        // Friendship goes both ways: also those that name the user.
        let named = self.friends.iter_row(user as usize);
        let naming = (0..self.friends.n_rows() as u32).filter_map(|other| {
            let (at, weights) =
                (self.friends.row(other as usize), self.friends.row_values(other as usize));
            let place = at.binary_search(&user).ok()?;
            Some((other, weights.map_or(1.0, |w| w[place])))
        });
        let mut all: Vec<(u32, f32)> = named.chain(naming).filter(|(_, w)| *w > 0.0).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
        all.dedup_by_key(|(friend, _)| *friend);
        all.iter_mut().for_each(|(_, w)| *w *= self.config.friends);
        let items = self.seen.row(user as usize).len() as f32;
        let degree = items + all.iter().map(|(_, w)| w).sum::<f32>();
        (all, degree)
    }

    fn check_ids(&self, user: u32, item: u32) -> Result<()> {
        distinct("dense user", &[user], self.ids.users.len())?;
        distinct("dense item", &[item], self.ids.items.len())?;
        if self.config.score_by == ScoreBy::Cosine {
            return Err(Error::unsupported(
                "an explanation by parts",
                "LightGCN-S that scores by cosine",
                "score by product",
            ));
        }
        Ok(())
    }

    /// What reaches an item's score along an edge of `weight` from a node.
    fn part(&self, node: usize, weight: f32, degree: f32, item: u32) -> f32 {
        let d = self.config.factors;
        let (handed, item) = (&self.handed[node * d..][..d], &self.items[item as usize * d..][..d]);
        weight / degree.sqrt() * handed.iter().zip(item).map(|(a, b)| a * b).sum::<f32>()
    }

    /// Each friend's part of a score, largest first: what it would lose without the edge to them, all
    /// else held. The parts of past items are [`Explain::explain`]'s; what then remains is the user's
    /// own initial embedding's.
    ///
    /// # Errors
    /// [`Error::Shape`] for ids the model does not have, [`Error::Unsupported`] for a model that
    /// scores by cosine, whose parts do not add up.
    pub fn influences(&self, user: u32, item: u32) -> Result<Vec<Influence>> {
        self.check_ids(user, item)?;
        let (friends, degree) = self.neighbourhood(user);
        let part = |(friend, w): (u32, f32)| (friend, self.part(friend as usize, w, degree, item));
        let mut parts: Vec<Influence> = friends
            .into_iter()
            .map(part)
            .map(|(friend, part)| Influence { friend, part })
            .collect();
        parts.sort_by(|a, b| b.part.total_cmp(&a.part).then(a.friend.cmp(&b.friend)));
        Ok(parts)
    }
}

/// Ids below `n`, each once.
fn distinct(what: &str, ids: &[u32], n: usize) -> Result<Vec<u32>> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    match ids.last() {
        Some(&id) if id as usize >= n => Err(Error::shape(what, format!("< {n}"), id)),
        _ => Ok(ids),
    }
}

factors::factor_model!(SocialLightGcnModel, items, factors);

impl Recommend for SocialLightGcnModel {
    fn ids(&self) -> &Arc<IdMaps> {
        &self.ids
    }

    fn seen(&self) -> &Csr {
        &self.seen
    }

    /// By their items or their friends.
    fn knows(&self, user: u32) -> bool {
        let d = self.config.factors;
        self.users[user as usize * d..][..d].iter().any(|x| *x != 0.0)
    }

    fn score_histories(&self, histories: &[History], out: &mut [f32]) -> Result<()> {
        let mut users = Vec::with_capacity(histories.len() * self.config.factors);
        for history in histories {
            let items: Vec<u32> = history.iter().map(|&(i, _)| i).collect();
            users.extend(self.fold_in(&items, &[])?);
        }
        let all: Vec<u32> = (0..histories.len() as u32).collect();
        Factors { users: &users, ..self.product() }.score(&all, out)
    }
}

impl Explain for SocialLightGcnModel {
    fn explain(&self, user: u32, item: u32) -> Result<Explanation> {
        self.check_ids(user, item)?;
        let (n, d) = (self.ids.users.len(), self.config.factors);
        let (_, degree) = self.neighbourhood(user);
        let past = self.seen.row(user as usize);
        let part = |&j: &u32| (j, self.part(n + j as usize, 1.0, degree, item));
        let mut contributions: Vec<(u32, f32)> = past.iter().map(part).collect();
        contributions.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let rows =
            self.users[user as usize * d..][..d].iter().zip(&self.items[item as usize * d..]);
        let score = rows.map(|(a, b)| a * b).sum();
        Ok(Explanation { score, contributions, exact: false })
    }
}

impl Model for SocialLightGcnModel {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn writer(&self) -> Result<ModelWriter> {
        let d = self.config.factors;
        let (n, m) = (self.n_users(), self.n_items());
        let mut writer = ModelWriter::new(KIND, &self.config)?;
        writer.training(&self.log)?;
        writer.ids(&self.ids);
        writer.f32("users", &[n, d], &self.users)?;
        writer.f32("items", &[m, d], &self.items)?;
        writer.f32("handed", &[n + m, d], &self.handed)?;
        writer.csr("seen", &self.seen)?;
        writer.csr("friends", &self.friends)?;
        Ok(writer)
    }

    fn as_similar(&self) -> Option<&dyn Similar> {
        Some(self)
    }

    fn as_explain(&self) -> Option<&dyn Explain> {
        Some(self)
    }
}
