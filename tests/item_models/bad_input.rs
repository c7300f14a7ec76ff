//! Parameters and data that these models refuse, and small ones that they take.

use rec_core::Error;
use rec_core::data::{Dataset, IdMap, IdMaps, Interactions, TimeUnit};
use rec_core::rank::{Recommend, Scorer, Similar};
use rec_core::store::{ModelReader, ModelWriter};
use rec_models::collab::{
    CoTransition, Ease, EaseModel, ItemKnn, ItemKnnModel, Popular, PopularModel, Similarity, Slim,
    UserKnn, UserKnnModel,
};
use rec_models::fit::{Fit, FitContext, Model};

use super::{events, fit, log, scores};

fn refused<F: Fit>(estimator: &F, data: &Dataset) -> Error {
    match estimator.fit(data, &mut FitContext::default()) {
        Ok(_) => panic!("fitted"),
        Err(error) => error,
    }
}

#[track_caller]
fn bad_parameter<F: Fit>(estimator: &F, parameter: &str) {
    match refused(estimator, &log(5, 5)) {
        Error::Parameter { name, .. } => assert_eq!(name, parameter),
        other => panic!("{other}"),
    }
}

#[test]
fn parameters_outside_their_domain() {
    bad_parameter(&ItemKnn { k: 0, ..ItemKnn::default() }, "k");
    bad_parameter(&ItemKnn { shrinkage: -1.0, ..ItemKnn::default() }, "shrinkage");
    bad_parameter(&ItemKnn { shrinkage: f32::NAN, ..ItemKnn::default() }, "shrinkage");
    let shrunk = ItemKnn { similarity: Similarity::Dot, shrinkage: 1.0, ..ItemKnn::default() };
    bad_parameter(&shrunk, "shrinkage");
    let bm25 = |k1, b| ItemKnn { similarity: Similarity::Bm25 { k1, b }, ..ItemKnn::default() };
    bad_parameter(&bm25(-1.0, 0.5), "k1");
    bad_parameter(&bm25(1.0, 1.5), "b");
    bad_parameter(&UserKnn { k: 0, ..UserKnn::default() }, "k");
    for l2 in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        bad_parameter(&Ease { l2, ..Ease::default() }, "l2");
    }
    bad_parameter(&Slim { l1: -1.0, ..Slim::default() }, "l1");
    bad_parameter(&Slim { l1: 0.0, l2: 0.0, ..Slim::default() }, "l1");
    bad_parameter(&Slim { max_iter: 0, ..Slim::default() }, "max_iter");
    bad_parameter(&Slim { k: Some(0), ..Slim::default() }, "k");
    bad_parameter(&CoTransition { window: 0, ..CoTransition::default() }, "window");
    bad_parameter(&CoTransition { last_n: 0, ..CoTransition::default() }, "last_n");
    bad_parameter(&CoTransition { decay: -1.0, ..CoTransition::default() }, "decay");
    bad_parameter(&CoTransition { backward: 2.0, ..CoTransition::default() }, "backward");
    bad_parameter(&Popular { half_life_days: Some(0.0), weighted: false }, "half_life_days");
    let mut ctx = FitContext { threads: Some(0), ..FitContext::default() };
    assert!(ItemKnn::default().fit(&log(5, 5), &mut ctx).is_err());
}

#[test]
fn no_events_at_all() {
    let ids = IdMaps::shared(IdMap::range(2), IdMap::range(2));
    let none: Dataset =
        Interactions::from_columns(ids, &[], vec![], None, None, TimeUnit::Unknown).unwrap().into();
    let empty = |e: Error| assert!(matches!(e, Error::Empty { .. }), "{e}");
    empty(refused(&Popular::default(), &none));
    empty(refused(&ItemKnn::default(), &none));
    empty(refused(&UserKnn::default(), &none));
    empty(refused(&CoTransition::default(), &none));
    empty(refused(&Ease::default(), &none));
    empty(refused(&Slim::default(), &none));
}

#[test]
fn half_life_without_usable_times() {
    let fading = Popular { half_life_days: Some(7.0), weighted: false };
    let untimed = events((1, 1), &[(0, 0, 1.0, 42)], TimeUnit::Unknown);
    let error = refused(&fading, &untimed).to_string();
    assert!(error.contains("42 is no date"), "{error}");
    let ids = IdMaps::shared(IdMap::range(1), IdMap::range(1));
    let none: Dataset =
        Interactions::from_columns(ids, &[0], vec![0], None, None, TimeUnit::Second)
            .unwrap()
            .into();
    let error = refused(&fading, &none).to_string();
    assert!(error.contains("the events have none"), "{error}");
}

#[test]
fn weights_below_zero() {
    let data =
        events((2, 2), &[(0, 0, 1.0, 1), (0, 1, -2.0, 2), (1, 1, 1.0, 1)], TimeUnit::Unknown);
    let data_error = |e: Error| assert!(matches!(e, Error::Data { .. }), "{e}");
    for similarity in [Similarity::TfIdf, Similarity::bm25()] {
        data_error(refused(&ItemKnn { similarity, ..ItemKnn::default() }, &data));
        data_error(refused(&UserKnn { similarity, ..UserKnn::default() }, &data));
    }
    data_error(refused(&Slim::default(), &data));
    // Dislikes have a meaning in a cosine and in least squares: -2 / (1 · √5).
    let knn = fit(&ItemKnn::default(), &data);
    assert!((knn.weights().get(0, 1) + 2.0 / 5f32.sqrt()).abs() < 1e-6);
    assert!(fit(&Ease { l2: 1.0, ..Ease::default() }, &data).weights().get(0, 1) < 0.0);
}

#[test]
fn ease_past_its_memory() {
    let small = Ease { max_memory: 100 * 100 * 4 * 2 - 1, ..Ease::default() };
    match refused(&small, &log(50, 100)) {
        Error::TooLarge { needs, limit, .. } => assert_eq!((needs, limit), (80_000, 79_999)),
        other => panic!("{other}"),
    }
    let ids = IdMaps::shared(IdMap::range(1), IdMap::range(200_000));
    let data: Dataset =
        Interactions::from_columns(ids, &[0], vec![7], None, None, TimeUnit::Unknown)
            .unwrap()
            .into();
    let error = refused(&Ease::default(), &data).to_string();
    assert!(error.contains("298.0 GiB") && error.contains("8.0 GiB"), "{error}");
}

/// One user, one item, one event: nothing to learn, and nothing to fail at.
#[test]
fn the_smallest_data() {
    fn takes<F: Fit>(estimator: &F) {
        let one = events((1, 1), &[(0, 0, 1.0, 1)], TimeUnit::Unknown);
        assert!(scores(&fit(estimator, &one), 0)[0].is_finite());
        // A user with a single event and one without any, an item that nobody had.
        let few =
            events((3, 3), &[(0, 0, 1.0, 1), (0, 1, 1.0, 2), (1, 1, 1.0, 1)], TimeUnit::Unknown);
        let model = fit(estimator, &few);
        for user in 0..3 {
            assert!(scores(&model, user).iter().all(|s| s.is_finite()));
        }
        assert!(!model.seen().contains(2, 0));
    }
    takes(&Popular::default());
    for similarity in [
        Similarity::Cosine,
        Similarity::Jaccard,
        Similarity::bm25(),
        Similarity::TfIdf,
        Similarity::Dot,
    ] {
        takes(&ItemKnn { similarity, normalize: true, ..ItemKnn::default() });
        takes(&UserKnn { similarity, normalize: true, ..UserKnn::default() });
    }
    takes(&CoTransition::default());
    takes(&Ease::default());
    takes(&Slim::default());
}

#[test]
fn ids_and_blocks_that_do_not_fit() {
    let model = fit(&ItemKnn::default(), &log(10, 6));
    assert!(model.score(&[0], &mut [0.0; 5]).is_err());
    assert!(model.score(&[10], &mut [0.0; 6]).is_err());
    assert!(model.score_histories(&[vec![(6, 1.0)]], &mut [0.0; 6]).is_err());
    assert!(model.similar(&[6], 1).is_err());
    assert!(model.similar(&[0], 0).is_err());
    assert!(model.as_explain().unwrap().explain(10, 0).is_err());
    assert!(model.as_explain().unwrap().explain(0, 6).is_err());
    let users = fit(&UserKnn::default(), &log(10, 6));
    assert!(users.score(&[10], &mut [0.0; 6]).is_err());
    assert!(users.score_histories(&[vec![(6, 1.0)]], &mut [0.0; 6]).is_err());
    assert!(users.as_explain().unwrap().explain(0, 6).is_err());
}

#[test]
fn folders_whose_parts_do_not_belong_together() {
    let (small, large) = (fit(&ItemKnn::default(), &log(10, 6)), log(10, 7));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mixed");
    let mut writer: ModelWriter = small.writer().unwrap();
    writer.ids(large.interactions.ids());
    writer.save(&path).unwrap();
    let reader = ModelReader::open(&path).unwrap();
    assert!(ItemKnnModel::load(&reader).is_err());
    assert!(EaseModel::load(&reader).is_err());
    assert!(UserKnnModel::load(&reader).is_err());
    assert!(PopularModel::load(&reader).is_err());
}
