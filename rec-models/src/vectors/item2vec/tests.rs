use rec_core::data::{Dataset, IdMap, InteractionsBuilder, Items, TimeUnit};
use rec_core::rank::{Recommend, Scorer, Similar};
use rec_core::store::ModelReader;

use super::*;
use crate::collab::samples::{dataset, taste_auc, two_tastes};
use crate::fit::Model;

fn small() -> Item2Vec {
    Item2Vec { vector_size: 8, epochs: 30, alpha: 0.1, sample: 0.0, ..Item2Vec::default() }
}

fn fit(config: &Item2Vec, data: &Dataset) -> Item2VecModel {
    config.fit(data, &mut FitContext { seed: 1, ..FitContext::default() }).unwrap()
}

#[test]
fn tastes_are_told_apart() {
    let data = dataset(&two_tastes(120, 30, 1));
    for score in [ItemScore::Cosine, ItemScore::Output] {
        for (window, shuffle) in [(None, false), (Some(4), false), (Some(2), true)] {
            let model = fit(&Item2Vec { score, window, shuffle, ..small() }, &data);
            let auc = taste_auc(&model);
            assert!(auc > 0.9, "{score:?} {window:?} {auc}");
            let all: Vec<u32> = (0..30).collect();
            let similar = model.similar(&all, 5).unwrap();
            let of_taste = |&item: &u32| {
                similar.row(item as usize).0.iter().filter(move |&j| (j + item) % 2 == 0).count()
            };
            let alike: usize = all.iter().map(of_taste).sum();
            assert!(alike > 105, "{score:?} {window:?}: {alike} of 150");
        }
    }
}

#[test]
fn a_mean_of_events_tells_tastes_apart() {
    let data = dataset(&two_tastes(120, 30, 1));
    let (architecture, score) = (Architecture::Cbow, ItemScore::Output);
    let config = Item2Vec { architecture, score, window: Some(4), shuffle: true, ..small() };
    let auc = taste_auc(&fit(&config, &data));
    assert!(auc > 0.9, "{auc}");
}

#[test]
fn scoring_in_another_way_is_as_training_for_it() {
    let data = dataset(&two_tastes(40, 20, 2));
    let cosine = fit(&small(), &data);
    let output = fit(&Item2Vec { score: ItemScore::Output, ..small() }, &data);
    let other = cosine.clone().with_score(ItemScore::Output).unwrap();
    let scores = |model: &Item2VecModel| {
        let mut scores = vec![0.0; 20];
        model.score(&[7], &mut scores).unwrap();
        scores
    };
    assert_eq!(scores(&other), scores(&output));
    assert_ne!(scores(&other), scores(&cosine));
}

#[test]
fn a_history_is_scored_as_a_user_of_the_same_items() {
    let data = dataset(&two_tastes(40, 20, 2));
    let model = fit(&small(), &data);
    let (mut trained, mut folded) = (vec![0.0; 20], vec![0.0; 20]);
    model.score(&[7], &mut trained).unwrap();
    let history = model.seen().row(7).iter().map(|&item| (item, 2.0)).collect();
    model.score_histories(&[history], &mut folded).unwrap();
    assert_eq!(trained, folded);
    assert!(model.score_histories(&[vec![(20, 1.0)]], &mut folded).is_err());
}

#[test]
fn a_saved_model_answers_the_same() {
    let data = dataset(&two_tastes(40, 20, 3));
    let model = fit(&Item2Vec { score: ItemScore::Output, ..small() }, &data);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    model.writer().unwrap().save(&path).unwrap();
    let loaded = Item2VecModel::load(&ModelReader::open(&path).unwrap()).unwrap();
    let (mut a, mut b) = (vec![0.0; 40 * 20], vec![0.0; 40 * 20]);
    let users: Vec<u32> = (0..40).collect();
    model.score(&users, &mut a).unwrap();
    loaded.score(&users, &mut b).unwrap();
    assert_eq!(a, b);
    assert_eq!(loaded.config(), model.config());
}

#[test]
fn one_worker_is_deterministic_at_any_number_of_threads() {
    let data = dataset(&two_tastes(300, 30, 4));
    let of = |threads| {
        let mut ctx = FitContext { threads: Some(threads), ..FitContext::default() };
        small().fit(&data, &mut ctx).unwrap()
    };
    assert_eq!(of(1).item_vectors(), of(3).item_vectors());
}

/// Two users; the second's last event comes a day after the one before.
fn dated() -> InteractionsBuilder {
    let mut events = InteractionsBuilder::new();
    events.time_unit(TimeUnit::Second);
    for (user, item, time) in
        [("u", "a", 10), ("u", "b", 20), ("v", "b", 5), ("v", "c", 30), ("v", "a", 86_430)]
    {
        events.push(user, item, None, Some(time)).unwrap();
    }
    events
}

#[test]
fn sessions_are_cut_at_long_gaps() {
    let data: Dataset = dated().build().unwrap().into();
    let ids = |max_gap| {
        let config = Item2Vec { max_gap, ..small() };
        sequences::read(&config, &data).unwrap().sentences.chunk(0).to_vec()
    };
    let end = crate::vectors::corpus::END;
    assert_eq!(ids(None), [0, 1, end, 1, 2, 0, end]);
    assert_eq!(ids(Some(3600.0)), [0, 1, end, 1, 2, end, 0, end]);
    assert_eq!(ids(Some(86_400.0)), ids(None));
}

#[test]
fn tags_follow_their_items_and_speak_for_those_without_events() {
    let mut events = dated();
    events.ids_mut().items.intern("new");
    let mut data: Dataset = events.build().unwrap().into();
    let items = Items::new(IdMap::from_ids(["new", "a", "b", "c"]).unwrap());
    let items = items.with_tags(&[vec!["x"], vec!["x", "y"], vec![], vec!["y"]]).unwrap();
    assert!(Item2Vec { tags: true, ..small() }.fit(&data, &mut FitContext::default()).is_err());
    data.items = Some(Arc::new(items));
    let config = Item2Vec { tags: true, ..small() };
    let text = sequences::read(&config, &data).unwrap();
    let end = crate::vectors::corpus::END;
    // Items a b c new are 0 to 3, tags x y 4 and 5.
    assert_eq!(text.sentences.chunk(0), [0, 4, 5, 1, end, 1, 2, 5, 0, 4, 5, end]);
    assert_eq!(text.counts, [2, 2, 1, 0, 2, 3]);
    let model = fit(&config, &data);
    let with = model.item_vectors()[3 * 8..].iter().any(|&x| x != 0.0);
    let without = fit(&small(), &data).item_vectors()[3 * 8..].iter().all(|&x| x == 0.0);
    assert!(with && without);
    assert_eq!(model.vectors().unwrap().len(), 4);
}

#[test]
fn parameters_and_data_that_cannot_be_are_refused() {
    let undated = dataset(&two_tastes(10, 8, 5));
    for bad in [
        Item2Vec { vector_size: 0, ..small() },
        Item2Vec { window: Some(0), ..small() },
        Item2Vec { max_gap: Some(0.0), ..small() },
        Item2Vec { max_gap: Some(60.0), ..small() },
        Item2Vec { workers: 0, ..small() },
    ] {
        assert!(bad.fit(&undated, &mut FitContext::default()).is_err(), "{bad:?}");
    }
}

/// Items `0 2 4 …` and `1 3 5 …` in turn, so that a window of 1 sees the other taste's alone.
#[test]
fn shuffled_histories_are_sets() {
    let mut events = InteractionsBuilder::new();
    for user in 0..200u64 {
        for k in 0..12u64 {
            let draw = rec_core::rng::mix(user * 12 + k) % 8;
            let (item, time) = ((2 * draw + k % 2) as i64, (user * 12 + k) as i64);
            events.push(user as i64, item, None, Some(time)).unwrap();
        }
    }
    let data: Dataset = events.build().unwrap().into();
    let items = &data.interactions.ids().items;
    let parity = |row: u32| items.id(row).unwrap().to_string().parse::<u32>().unwrap() % 2;
    // How much nearer items of one side are to one another than to the other side.
    let gap = |shuffle| {
        let model = fit(&Item2Vec { window: Some(1), shuffle, ..small() }, &data);
        let vectors = model.vectors().unwrap();
        let pairs = (0..16u32).flat_map(|a| (0..16u32).map(move |b| (a, b))).filter(|(a, b)| a < b);
        let mut sums = [(0.0, 0.0); 2];
        for (a, b) in pairs {
            let [x, y] = [a, b].map(|row| vectors.word(row).unwrap());
            let sum = &mut sums[usize::from(parity(a) == parity(b))];
            *sum = (sum.0 + vectors.similarity(x, y).unwrap(), sum.1 + 1.0);
        }
        sums[1].0 / sums[1].1 - sums[0].0 / sums[0].1
    };
    // In order, items of one side have the same neighbours; as a set, nearly all have.
    let (ordered, as_set) = (gap(false), gap(true));
    assert!(ordered > as_set + 0.1, "{ordered} {as_set}");
}
