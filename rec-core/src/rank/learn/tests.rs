use super::*;
use crate::data::{Csr, IdMap, IdMaps, TimeUnit};
use crate::metrics::ndcg;
use crate::rank::{Fused, Query, Scorer, Users, recommend};
use crate::rng::mix;

struct Table {
    ids: Arc<IdMaps>,
    seen: Csr,
    /// `[users, items]`.
    scores: Vec<f32>,
}

impl Scorer for Table {
    fn n_users(&self) -> usize {
        self.ids.users.len()
    }
    fn n_items(&self) -> usize {
        self.ids.items.len()
    }
    fn score(&self, users: &[u32], out: &mut [f32]) -> Result<()> {
        let n = self.n_items();
        for (out, &user) in out.chunks_exact_mut(n).zip(users) {
            out.copy_from_slice(&self.scores[user as usize * n..][..n]);
        }
        Ok(())
    }
}

impl Recommend for Table {
    fn ids(&self) -> &Arc<IdMaps> {
        &self.ids
    }
    fn seen(&self) -> &Csr {
        &self.seen
    }
}

const ITEMS: usize = 30;

/// Users with 1 or 6 past items each, in turns; everyone's next item is number 10 + user % 20.
pub(in crate::rank) struct World {
    pub(in crate::rank) ids: Arc<IdMaps>,
    seen: Csr,
    pub(in crate::rank) truth: Interactions,
}

impl World {
    pub(in crate::rank) fn of(users: usize) -> Self {
        let ids = IdMaps::shared(IdMap::range(users), IdMap::range(ITEMS));
        let had = |user: usize| if user.is_multiple_of(2) { 1 } else { 6 };
        let rows = (0..users).map(|user| (0..had(user)).map(|item| (item, 1.0)).collect());
        let (all, next): (Vec<u32>, Vec<u32>) =
            (0..users as u32).map(|user| (user, 10 + user % 20)).unzip();
        let truth =
            Interactions::from_columns(ids.clone(), &all, next, None, None, TimeUnit::Unknown);
        Self { seen: Csr::from_rows(rows, ITEMS), truth: truth.unwrap(), ids }
    }

    /// Noise in `[0, 1)`, and `lift(user)` on the user's next item.
    pub(in crate::rank) fn model(
        &self,
        seed: u64,
        lift: impl Fn(usize) -> f32,
    ) -> Arc<dyn Recommend> {
        let noise = |at: usize| (mix(seed ^ mix(at as u64)) >> 40) as f32 / (1u64 << 24) as f32;
        let users = self.ids.users.len();
        let mut scores: Vec<f32> = (0..users * ITEMS).map(noise).collect();
        for user in 0..users {
            scores[user * ITEMS + 10 + user % 20] += lift(user);
        }
        Arc::new(Table { ids: self.ids.clone(), seen: self.seen.clone(), scores })
    }

    fn ndcg(&self, model: &dyn Recommend, k: usize) -> f64 {
        let answer = recommend(model, &Query::new(Users::All, k)).unwrap();
        let one = |row: usize| ndcg(answer.top.row(row).0, &[10 + row as u32 % 20], k);
        (0..answer.len()).map(one).sum::<f64>() / answer.len() as f64
    }
}

fn learner() -> FusionLearner {
    FusionLearner { levels: vec![0, 5], min_users: 20, k: 5, ..FusionLearner::default() }
}

#[test]
fn each_level_learns_whom_to_trust() {
    let world = World::of(400);
    let light = |user: usize| user.is_multiple_of(2);
    let models = vec![
        world.model(1, |user| if light(user) { 0.9 } else { 0.0 }),
        world.model(2, |user| if light(user) { 0.0 } else { 0.9 }),
        world.model(3, |_| 0.2),
    ];
    let got = learner().learn(&models, &world.truth).unwrap();
    assert_eq!(got.users, [200, 200]);
    let Fusion::ByActivity { levels, .. } = &got.fusion else { panic!("{:?}", got.fusion) };
    assert!(levels[0].weights[0] > 2.0 * levels[0].weights[1], "{levels:?}");
    assert!(levels[1].weights[1] > 2.0 * levels[1].weights[0], "{levels:?}");
    let best = got.alone.iter().copied().fold(0.0, f64::max);
    assert!(got.learnt > best + 0.1 && got.learnt > got.reciprocal_rank + 0.1, "{got:?}");
    // What it says of the models is what they give when asked.
    for (model, alone) in models.iter().zip(&got.alone) {
        assert!((world.ndcg(model.as_ref(), 5) - alone).abs() < 1e-9);
    }
    let by_rank = Fused::new(models.clone(), Fusion::ReciprocalRank { k: 60.0 }).unwrap();
    assert!((world.ndcg(&by_rank, 5) - got.reciprocal_rank).abs() < 1e-9);
    let fused = Fused::new(models, got.fusion.clone()).unwrap();
    assert!(world.ndcg(&fused, 5) > got.learnt - 0.03);
}

#[test]
fn without_a_gain_on_others_it_is_reciprocal_rank() {
    // Each half is ranked perfectly by the model that is noise to the other.
    let world = World::of(60);
    let learner = learner();
    let half = |user: usize| (mix(learner.seed ^ mix(user as u64)) & 1) as usize;
    let lift = |user: usize, model: usize| if half(user) == model { 1.0 } else { -0.1 };
    let models = vec![world.model(1, |u| lift(u, 0)), world.model(2, |u| lift(u, 1))];
    let got = learner.learn(&models, &world.truth).unwrap();
    assert!(got.learnt < got.reciprocal_rank, "{got:?}");
    assert_eq!(got.fusion, Fusion::ReciprocalRank { k: 60.0 });
}

#[test]
fn small_levels_take_the_common_weights() {
    let world = World::of(100);
    let models = vec![world.model(1, |_| 0.7), world.model(2, |_| 0.7)];
    let shy = FusionLearner { min_users: 1000, ..learner() };
    let got = shy.learn(&models, &world.truth).unwrap();
    let Fusion::ByActivity { levels, .. } = &got.fusion else { panic!("{:?}", got.fusion) };
    assert_eq!(levels[0].weights, levels[1].weights);
}

#[test]
fn what_would_teach_nothing_is_refused() {
    let world = World::of(10);
    let models = vec![world.model(1, |_| 0.5)];
    let all: Vec<u32> = (0..10).collect();
    let past = Interactions::from_columns(
        world.ids.clone(),
        &all,
        vec![0; 10],
        None,
        None,
        TimeUnit::Unknown,
    );
    let said = learner().learn(&models, &past.unwrap()).unwrap_err().to_string();
    assert!(said.contains("fitted with all of it"), "{said}");
    assert!(matches!(learner().learn(&[], &world.truth), Err(Error::Empty { .. })));
    // Two models that have half of it each leave nothing new.
    let half = |odd: u32| -> Arc<dyn Recommend> {
        let mine = |user: u32| if user % 2 == odd { 0 } else { 1 };
        let rows = (0..10).map(|user| vec![(mine(user), 1.0)]);
        let (ids, seen) = (world.ids.clone(), Csr::from_rows(rows, ITEMS));
        Arc::new(Table { ids, seen, scores: vec![0.0; 10 * ITEMS] })
    };
    let unit = TimeUnit::Unknown;
    let both = Interactions::from_columns(world.ids.clone(), &all, vec![0; 10], None, None, unit);
    let nothing = learner().learn(&[half(0), half(1)], &both.unwrap());
    assert!(matches!(nothing, Err(Error::Empty { .. })));
    let other = World::of(11);
    let refused = learner().learn(&models, &other.truth);
    assert!(matches!(refused, Err(Error::IdMismatch { .. })));
    for bad in [
        FusionLearner { levels: vec![5], ..learner() },
        FusionLearner { levels: vec![0, 5, 5], ..learner() },
        FusionLearner { k: 0, ..learner() },
        FusionLearner { rank_constant: f32::NAN, ..learner() },
    ] {
        assert!(matches!(bad.learn(&models, &world.truth), Err(Error::Parameter { .. })));
    }
}
