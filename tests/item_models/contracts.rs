//! What holds for each of these models on any log.

use std::sync::{Arc, Mutex};

use rec_core::Error;
use rec_core::data::Dataset;
use rec_core::rank::{History, OnUnknown, Query, Recommend, Similar, Users};
use rec_core::store::ModelReader;
use rec_models::collab::{
    CoTransition, Ease, ItemItem, ItemItemModel, ItemKnn, Popular, PopularModel, Similarity, Slim,
    UserKnn, UserKnnModel,
};
use rec_models::fit::{Cancel, Fit, FitContext, Model, Progress};

use super::{dense, fit, log, scores};

fn history(data: &Dataset, user: u32) -> History {
    let range = data.interactions.range(user);
    let weight = |at: usize| data.interactions.weights().map_or(1.0, |w| w[at]);
    range.map(|at| (data.interactions.items()[at], weight(at))).collect()
}

/// Equal up to the order of summation.
fn near(a: f32, b: f32) -> bool {
    (a - b).abs() <= 1e-5 * (1.0 + a.abs())
}

/// Explanations add up, a history scores as the trained row does, threads and the disk change
/// nothing.
fn holds<F>(estimator: &F)
where
    F: Fit<Model = ItemItemModel<F>> + ItemItem,
{
    let data = log(150, 60);
    let model = fit(estimator, &data);
    let mut seen_some = 0;
    for user in [0, 3, 77, 149] {
        let trained = scores(&model, user);
        let mut folded = vec![f32::NAN; trained.len()];
        model.score_histories(&[history(&data, user)], &mut folded).unwrap();
        assert_eq!(trained, folded);
        for item in 0..trained.len() as u32 {
            let explained = model.as_explain().unwrap().explain(user, item).unwrap();
            let sum: f32 = explained.contributions.iter().map(|c| c.1).sum();
            assert!(explained.exact);
            assert!(near(explained.score, trained[item as usize]));
            assert!(near(sum, explained.score));
            assert!(explained.contributions.windows(2).all(|w| w[0].1 >= w[1].1));
            seen_some += explained.contributions.len();
        }
    }
    assert!(seen_some > 100);
    let top = model.similar(&[0, 5], 3).unwrap();
    for (row, item) in [(0, 0), (1, 5)] {
        let (items, values) = top.row(row);
        assert!(!items.contains(&item));
        assert!(items.iter().zip(values).all(|(&t, &w)| model.weights().get(item, t) == w));
        let left = (0..60).filter(|t| !items.contains(t) && *t != item);
        let floor = values[values.len() - 1];
        assert!(left.into_iter().all(|t| model.weights().get(item, t) <= floor));
    }
    same_at_any_thread_count(estimator, &data, |a, b| a.weights() == b.weights());
    let again = saved(&model, |r| ItemItemModel::<F>::load(r));
    assert_eq!(again.weights(), model.weights());
    assert_eq!(scores(&again, 7), scores(&model, 7));
    assert_eq!(again.kind(), F::KIND);
}

fn same_at_any_thread_count<F: Fit>(
    estimator: &F,
    data: &Dataset,
    same: impl Fn(&F::Model, &F::Model) -> bool,
) {
    let with = |n| {
        let mut ctx = FitContext { threads: Some(n), ..FitContext::default() };
        estimator.fit(data, &mut ctx).unwrap()
    };
    let one = with(1);
    assert!(same(&one, &with(2)) && same(&one, &with(5)));
}

fn saved<M: Model>(model: &M, load: impl Fn(&ModelReader) -> rec_core::Result<M>) -> M {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    model.writer().unwrap().save(&path).unwrap();
    let reader = ModelReader::open(&path).unwrap();
    assert_eq!(reader.manifest().kind, model.kind());
    load(&reader).unwrap()
}

#[test]
fn item_knn() {
    let kinds = [Similarity::Cosine, Similarity::Jaccard, Similarity::bm25(), Similarity::TfIdf];
    for similarity in kinds {
        holds(&ItemKnn { similarity, k: 10, ..ItemKnn::default() });
    }
    holds(&ItemKnn { k: 10, shrinkage: 5.0, normalize: true, ..ItemKnn::default() });
}

#[test]
fn co_transition() {
    holds(&CoTransition::default());
    holds(&CoTransition { k: 5, backward: 0.0, last_n: 100, ..CoTransition::default() });
}

#[test]
fn ease_in_both_precisions() {
    holds(&Ease { l2: 20.0, ..Ease::default() });
    holds(&Ease { l2: 0.2, ..Ease::default() });
}

#[test]
fn ease_is_the_same_at_any_thread_count_when_large_enough_to_be_split() {
    let same = |a: &ItemItemModel<Ease>, b: &ItemItemModel<Ease>| a.weights() == b.weights();
    same_at_any_thread_count(&Ease { l2: 500.0, ..Ease::default() }, &log(2_000, 700), same);
    same_at_any_thread_count(&Ease { l2: 0.2, ..Ease::default() }, &log(2_000, 700), same);
}

#[test]
fn slim() {
    holds(&Slim { l1: 1.0, l2: 5.0, ..Slim::default() });
    holds(&Slim { l1: 0.5, l2: 5.0, k: Some(8), ..Slim::default() });
    holds(&Slim { l1: 0.5, l2: 5.0, non_negative: false, ..Slim::default() });
}

#[test]
fn user_knn() {
    let data = log(150, 60);
    for similarity in [Similarity::Cosine, Similarity::Jaccard, Similarity::bm25()] {
        let knn = UserKnn { similarity, k: 12, ..UserKnn::default() };
        let model = fit(&knn, &data);
        let trained = scores(&model, 8);
        for item in 0..60 {
            let explained = model.as_explain().unwrap().explain(8, item).unwrap();
            assert!(near(explained.score, trained[item as usize]));
            let past = |i: u32| data.interactions.sequence(8).contains(&i);
            assert!(explained.contributions.iter().all(|c| past(c.0)));
        }
        same_at_any_thread_count(&knn, &data, |a, b| a.neighbours() == b.neighbours());
        let again = saved(&model, UserKnnModel::load);
        assert_eq!(scores(&again, 7), scores(&model, 7));
        let told = [history(&data, 3), vec![]];
        let (mut a, mut b) = (vec![0.0; 120], vec![1.0; 120]);
        model.score_histories(&told, &mut a).unwrap();
        again.score_histories(&told, &mut b).unwrap();
        assert_eq!(a, b);
        assert!(a[60..].iter().all(|&s| s == 0.0));
    }
}

#[test]
fn a_folded_user_meets_the_neighbours_a_trained_one_would() {
    // The same rows with and without user 0: the others' similarity to it must not change.
    let rows: Vec<Vec<f32>> = vec![
        vec![2.0, 0.0, 1.0, 0.0, 3.0],
        vec![1.0, 4.0, 0.0, 0.0, 2.0],
        vec![0.0, 1.0, 5.0, 1.0, 0.0],
        vec![3.0, 0.0, 0.0, 2.0, 1.0],
    ];
    let knn = UserKnn { k: 2, ..UserKnn::default() };
    let whole = fit(&knn, &dense(&rows, false));
    let others = fit(&knn, &dense(&rows[1..], false));
    let mut folded = vec![0.0; 5];
    others.score_histories(&[vec![(0, 2.0), (2, 1.0), (4, 3.0)]], &mut folded).unwrap();
    let trained = scores(&whole, 0);
    assert!(
        trained.iter().zip(&folded).all(|(a, b)| (a - b).abs() < 1e-5),
        "{trained:?} {folded:?}"
    );
}

#[test]
fn popularity_serves_everyone() {
    let data = log(30, 20);
    let model = fit(&Popular::default(), &data);
    let mut out = vec![0.0; 40];
    model.score_histories(&[vec![], vec![(3, 1.0)]], &mut out).unwrap();
    assert_eq!(&out[..20], model.scores());
    assert_eq!(&out[20..], model.scores());
    assert!(model.knows(29) && !model.knows(30));
    let again = saved(&model, PopularModel::load);
    assert_eq!(again.scores(), model.scores());
    assert_eq!(again.seen(), model.seen());
    let knn = fit(&ItemKnn::default(), &data);
    let stranger = [999.into()];
    let mut query = Query::new(Users::Ids(&stranger), 5);
    assert!(matches!(knn.recommend(&query), Err(Error::UnknownId { .. })));
    query.on_unknown = OnUnknown::Fallback(&model);
    let cold = knn.recommend(&query).unwrap();
    let mut best: Vec<f32> = model.scores().to_vec();
    best.sort_by(|a, b| b.total_cmp(a));
    assert_eq!(cold.row(0).map(|r| r.1).collect::<Vec<_>>(), best[..5]);
}

/// Stops the run after a number of steps.
struct StopAfter(u64, Cancel, Mutex<Vec<String>>);

impl Progress for StopAfter {
    fn begin(&self, task: &str, total: u64) {
        self.2.lock().unwrap().push(format!("begin {task} {total}"));
    }
    fn step(&self, done: u64, _: &str) {
        if done >= self.0 {
            self.1.cancel();
        }
    }
    fn end(&self) {
        self.2.lock().unwrap().push("end".into());
    }
}

fn stops<F: Fit>(estimator: &F) {
    let data = log(300, 200);
    let cancel = Cancel::default();
    let stop = Arc::new(StopAfter(1, cancel.clone(), Mutex::default()));
    let mut ctx =
        FitContext { threads: Some(2), progress: stop.clone(), cancel, ..FitContext::default() };
    let refused = estimator.fit(&data, &mut ctx).err();
    assert!(matches!(refused, Some(Error::Cancelled(_))), "{refused:?}");
    let told = stop.2.lock().unwrap().clone();
    let begun = told.iter().filter(|t| t.starts_with("begin")).count();
    assert_eq!(told.len(), 2 * begun, "every task that began has ended: {told:?}");
    ctx.progress = Arc::new(rec_models::fit::Silent);
    assert!(matches!(estimator.fit(&data, &mut ctx), Err(Error::Cancelled(_))));
}

#[test]
fn fitting_stops_when_told() {
    stops(&ItemKnn::default());
    stops(&UserKnn::default());
    stops(&CoTransition::default());
    stops(&Ease::default());
    stops(&Slim::default());
    let mut ctx = FitContext::default();
    ctx.cancel.cancel();
    assert!(matches!(Popular::default().fit(&log(5, 5), &mut ctx), Err(Error::Cancelled(_))));
}
