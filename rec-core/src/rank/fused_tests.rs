use super::*;
use crate::data::{Id, IdRef};
use crate::rank::{Normalize, OnUnknown, Query, Users};

const NEVER: f32 = f32::NEG_INFINITY;

/// Scores by table; folds in by giving past items' weights, where told to.
struct Table {
    ids: Arc<IdMaps>,
    seen: Csr,
    scores: Vec<Vec<f32>>,
    folds: bool,
}

impl Scorer for Table {
    fn n_users(&self) -> usize {
        self.scores.len()
    }
    fn n_items(&self) -> usize {
        self.ids.items.len()
    }
    fn score(&self, users: &[u32], out: &mut [f32]) -> Result<()> {
        for (to, &u) in out.chunks_exact_mut(self.n_items()).zip(users) {
            to.copy_from_slice(&self.scores[u as usize]);
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
    fn score_histories(&self, histories: &[History], out: &mut [f32]) -> Result<()> {
        if !self.folds {
            return Err(Error::unsupported("fold-in", "this table", "ask another"));
        }
        out.fill(0.0);
        for (to, history) in out.chunks_exact_mut(self.n_items()).zip(histories) {
            history.iter().for_each(|&(item, w)| to[item as usize] = w);
        }
        Ok(())
    }
}

/// A model over items 10..14, of these users who have seen these dense items.
pub(in crate::rank) fn table(
    users: &[i64],
    seen: &[&[u32]],
    scores: &[[f32; 4]],
    folds: bool,
) -> Arc<dyn Recommend> {
    let items = IdMap::from_ids([10i64, 11, 12, 13]).unwrap();
    let users = IdMap::from_ids(users.iter().copied()).unwrap();
    let rows = seen.iter().map(|row| row.iter().map(|&i| (i, 1.0)).collect());
    Arc::new(Table {
        ids: IdMaps::shared(users, items),
        seen: Csr::from_rows(rows, 4).binary(),
        scores: scores.iter().map(|s| s.to_vec()).collect(),
        folds,
    })
}

fn scores(fused: &Fused, users: &[u32]) -> Vec<f32> {
    let mut out = vec![f32::NAN; users.len() * 4];
    fused.score(users, &mut out).unwrap();
    out
}

fn weighted(weights: &[f32], normalize: Normalize) -> Fusion {
    Fusion::WeightedSum { weights: weights.to_vec(), normalize }
}

fn pair() -> Vec<Arc<dyn Recommend>> {
    vec![
        table(&[1, 2], &[&[0], &[1, 2]], &[[4.0, 2.0, 0.0, NEVER], [0.0, 1.0, 2.0, 4.0]], false),
        table(&[2, 3], &[&[3], &[0]], &[[1.0, 3.0, NEVER, 1.0], [5.0, 5.0, 5.0, 6.0]], true),
    ]
}

#[test]
fn users_of_all_models_are_known_and_their_seen_items_joined() {
    let fused = Fused::new(pair(), weighted(&[1.0, 2.0], Normalize::MinMax)).unwrap();
    assert_eq!(fused.n_users(), 3);
    assert_eq!(fused.seen().row(1), [1, 2, 3]);
    assert!(fused.knows(0) && fused.knows(1) && fused.knows(2));
    // User 1 by the first model alone, user 3 by the second alone, user 2 by both.
    assert_eq!(scores(&fused, &[0]), [1.0, 0.5, 0.0, NEVER]);
    assert_eq!(scores(&fused, &[2, 1]), [0.0, 0.0, 0.0, 2.0, 0.0, 2.25, 0.5, 1.0]);
}

#[test]
fn what_no_model_scores_stays_unscored_and_a_weight_of_zero_is_silent() {
    let both = [NEVER, 1.0, 2.0, NEVER];
    let models = || {
        vec![
            table(&[1], &[&[0]], &[both], false),
            table(&[1], &[&[0]], &[[NEVER, 3.0, 2.0, 1.0]], false),
        ]
    };
    let fused = Fused::new(models(), weighted(&[1.0, 0.0], Normalize::None)).unwrap();
    assert_eq!(scores(&fused, &[0]), [NEVER, 1.0, 2.0, 1.0]);
    let fused = Fused::new(models(), Fusion::ReciprocalRank { k: 60.0 }).unwrap();
    let (first, second, third) = (1.0 / 61.0, 1.0 / 62.0, 1.0 / 63.0);
    let (got, want) = (scores(&fused, &[0]), [NEVER, second + first, first + second, third]);
    assert!(got.iter().zip(want).all(|(g, w): (&f32, f32)| *g == w || (g - w).abs() < 1e-8));
}

#[test]
fn switching_by_activity() {
    let switch = |min_items: &[usize]| {
        let fusion = Fusion::Switch { min_items: min_items.to_vec() };
        Fused::new(pair(), fusion).unwrap()
    };
    // User 2 has three items over both models.
    assert_eq!(scores(&switch(&[3, 0]), &[1]), [0.0, 1.0, 2.0, 4.0]);
    assert_eq!(scores(&switch(&[4, 0]), &[1]), [1.0, 3.0, NEVER, 1.0]);
    // Too little activity for any: the last model that knows the user.
    assert_eq!(scores(&switch(&[9, 9]), &[0, 1])[..4], [4.0, 2.0, 0.0, NEVER]);
    assert_eq!(scores(&switch(&[9, 9]), &[0, 1])[4..], [1.0, 3.0, NEVER, 1.0]);
}

#[test]
fn histories_are_folded_in_by_the_models_that_can() {
    let fused = Fused::new(pair(), weighted(&[1.0, 2.0], Normalize::MinMax)).unwrap();
    let history = vec![vec![(Id::Int(12), 3.0)]];
    let mut query = Query::new(Users::Histories(&history), 1);
    query.filter_seen = false;
    let answer = fused.recommend(&query).unwrap();
    assert_eq!(answer.row(0).collect::<Vec<_>>(), [(IdRef::Int(12), 2.0)]);
    let neither = vec![pair().remove(0), pair().remove(0)];
    let fused = Fused::new(neither, weighted(&[1.0, 2.0], Normalize::MinMax)).unwrap();
    assert!(matches!(fused.recommend(&query), Err(Error::Unsupported { .. })));
}

#[test]
fn a_query_goes_through_filters() {
    let fused = Fused::new(pair(), weighted(&[1.0, 2.0], Normalize::MinMax)).unwrap();
    let users = [Id::Int(2), Id::Int(9)];
    let mut query = Query::new(Users::Ids(&users), 2);
    assert!(matches!(fused.recommend(&query), Err(Error::UnknownId { .. })));
    query.on_unknown = OnUnknown::Skip;
    let answer = fused.recommend(&query).unwrap();
    assert_eq!(answer.skipped, [Id::Int(9)]);
    assert_eq!(answer.row(0).collect::<Vec<_>>(), [(IdRef::Int(10), 0.0)]);
}

#[test]
fn what_does_not_fit_is_refused() {
    let other: Arc<dyn Recommend> = Arc::new(Table {
        ids: IdMaps::shared(IdMap::range(1), IdMap::range(4)),
        seen: Csr::zeros(1, 4),
        scores: vec![vec![0.0; 4]],
        folds: false,
    });
    let mixed = vec![pair().remove(0), other];
    let sum = || weighted(&[1.0, 1.0], Normalize::None);
    assert!(matches!(Fused::new(mixed, sum()), Err(Error::IdMismatch { .. })));
    assert!(matches!(Fused::new(vec![], weighted(&[], Normalize::None)), Err(Error::Empty { .. })));
    assert!(Fused::new(pair(), weighted(&[1.0], Normalize::None)).is_err());
    assert!(Fused::new(pair(), Fusion::Switch { min_items: vec![0] }).is_err());
    assert!(Fused::new(pair(), Fusion::ReciprocalRank { k: -1.0 }).is_err());
}
