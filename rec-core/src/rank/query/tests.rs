//! The ranking contract on a small model: users a, b, c and d (d without events), items 10 to 14.

use super::*;
use crate::IdKind;
use crate::data::IdMap;
use crate::rank::{Factors, Similar, similar_rows};

struct Shop {
    ids: Arc<IdMaps>,
    seen: Csr,
    scores: Vec<f32>,
    folds: bool,
}

const N: usize = 5;

impl Shop {
    fn new() -> Self {
        let users = IdMap::from_ids(["a", "b", "c", "d"]).unwrap();
        let items = IdMap::from_ids([10, 11, 12, 13, 14]).unwrap();
        let seen =
            Csr::from_rows([vec![(0, 1.0)], vec![(1, 1.0), (4, 1.0)], vec![(2, 1.0)], vec![]], N);
        #[rustfmt::skip]
        let scores = vec![
            5., 4., 3., 2., 1., // a
            1., 2., 3., 4., 5., // b
            0., 0., 0., 0., 0., // c
            9., 9., 9., 9., 9., // d
        ];
        Self { ids: IdMaps::shared(users, items), seen, scores, folds: true }
    }
}

impl Scorer for Shop {
    fn n_users(&self) -> usize {
        4
    }
    fn n_items(&self) -> usize {
        N
    }
    fn score(&self, users: &[u32], out: &mut [f32]) -> Result<()> {
        for (&user, row) in users.iter().zip(out.chunks_exact_mut(N)) {
            row.copy_from_slice(&self.scores[user as usize * N..][..N]);
        }
        Ok(())
    }
}

impl Recommend for Shop {
    fn ids(&self) -> &Arc<IdMaps> {
        &self.ids
    }
    fn seen(&self) -> &Csr {
        &self.seen
    }
    /// Each past item speaks for the next by its weight; item 10 is what everyone buys.
    fn score_histories(&self, histories: &[History], out: &mut [f32]) -> Result<()> {
        if !self.folds {
            return Err(Error::unsupported("fold-in", "this shop", "ask another"));
        }
        for (history, row) in histories.iter().zip(out.chunks_exact_mut(N)) {
            row.fill(0.0);
            row[0] = 0.5;
            history.iter().for_each(|&(i, w)| row[(i as usize + 1) % N] += w);
        }
        Ok(())
    }
}

fn ids<I: Into<Id> + Copy>(of: &[I]) -> Vec<Id> {
    of.iter().map(|&i| i.into()).collect()
}

/// The items of each row by the caller's ids.
fn items(answer: &Recommendations) -> Vec<Vec<i64>> {
    let item = |(id, _): (IdRef<'_>, f32)| match id {
        IdRef::Int(v) => v,
        IdRef::Str(_) => unreachable!(),
    };
    (0..answer.len()).map(|row| answer.row(row).map(item).collect()).collect()
}

#[test]
fn seen_items_are_left_out_unless_wanted_and_ties_go_to_the_smaller_id() {
    let users = ids(&["a", "b", "c"]);
    let query = Query::new(Users::Ids(&users), 3);
    let answer = Shop::new().recommend(&query).unwrap();
    assert_eq!(items(&answer), [[11, 12, 13], [13, 12, 10], [10, 11, 13]]);
    assert_eq!(answer.queries, users);
    let (first, score) = answer.row(1).next().unwrap();
    assert_eq!((first, score), (IdRef::Int(13), 4.0));
    let all = Shop::new().recommend(&Query { filter_seen: false, ..query }).unwrap();
    assert_eq!(items(&all), [[10, 11, 12], [14, 13, 12], [10, 11, 12]]);
}

#[test]
fn a_k_outside_the_catalogue_is_refused_and_short_rows_stay_short() {
    let users = ids(&["b"]);
    for k in [0, N + 1, usize::MAX] {
        let refused = Shop::new().recommend(&Query::new(Users::Ids(&users), k));
        assert!(matches!(refused, Err(Error::Parameter { name, .. }) if name == "k"));
    }
    let answer = Shop::new().recommend(&Query::new(Users::Ids(&users), N)).unwrap();
    assert_eq!(items(&answer), [[13, 12, 10]]);
}

#[test]
fn lists_narrow_the_choice() {
    let users = ids(&["b", "a"]);
    let (allow, block) = (ids(&[13, 12, 10, 14, 12]), ids(&[12, 12]));
    let query = Query::new(Users::Ids(&users), 3);
    let asked = |query: &Query<'_>| items(&Shop::new().recommend(query).unwrap());
    assert_eq!(
        asked(&Query { allow: Some(&allow), ..query.clone() }),
        [vec![13, 12, 10], vec![12, 13, 14]]
    );
    let both = Query { allow: Some(&allow), block: &block, ..query.clone() };
    assert_eq!(asked(&both), [vec![13, 10], vec![13, 14]]);
    let lists = [ids(&[14, 10, 11]), ids(&[14, 13, 14])];
    let listed = Query { candidates: Some(&lists), ..query.clone() };
    assert_eq!(asked(&listed), [vec![10], vec![13, 14]]);
    assert_eq!(
        asked(&Query { filter_seen: false, ..listed.clone() }),
        [vec![14, 11, 10], vec![13, 14]]
    );
    assert_eq!(
        asked(&Query { allow: Some(&allow), block: &block, ..listed }),
        [vec![10], vec![13, 14]]
    );
    let (none, empty) = ([vec![], vec![]], [[0i64; 0]; 2]);
    assert_eq!(asked(&Query { candidates: Some(&none), ..query.clone() }), empty);
    assert_eq!(asked(&Query { allow: Some(&[]), ..query }), empty);
}

#[test]
fn unknown_items_in_lists_are_named() {
    let users = ids(&["a"]);
    let (unknown, lists) = (ids(&[99]), [ids(&[99])]);
    let query = Query::new(Users::Ids(&users), 1);
    for query in [
        Query { allow: Some(&unknown), ..query.clone() },
        Query { block: &unknown, ..query.clone() },
        Query { candidates: Some(&lists), ..query.clone() },
    ] {
        assert!(matches!(
            Shop::new().recommend(&query),
            Err(Error::UnknownId { kind: IdKind::Item, id, .. }) if id == "99"
        ));
    }
    let few = Query { candidates: Some(&[]), ..query };
    assert!(matches!(Shop::new().recommend(&few), Err(Error::Shape { .. })));
}

#[test]
fn unknown_users_are_refused_skipped_or_given_to_a_fallback() {
    // d is in the map and has no events: as unknown as z.
    let users = ids(&["z", "b", "d", "a"]);
    let query = Query::new(Users::Ids(&users), 2);
    assert!(matches!(
        Shop::new().recommend(&query),
        Err(Error::UnknownId { kind: IdKind::User, id, known: 4 }) if id == "z"
    ));
    let lists = [ids(&[10]), ids(&[12]), ids(&[13]), ids(&[14])];
    let skip = Query { on_unknown: OnUnknown::Skip, ..query.clone() };
    let answer = Shop::new().recommend(&skip).unwrap();
    assert_eq!(
        (&answer.queries[..], &answer.skipped[..]),
        (&ids(&["b", "a"])[..], &ids(&["z", "d"])[..])
    );
    assert_eq!(items(&answer), [[13, 12], [11, 12]]);
    let listed = Shop::new().recommend(&Query { candidates: Some(&lists), ..skip }).unwrap();
    assert_eq!(items(&listed), [[12], [14]]);

    let other = Shop::new();
    let fallback = Query { on_unknown: OnUnknown::Fallback(&other), ..query.clone() };
    let answer = Shop { folds: false, ..Shop::new() }.recommend(&fallback).unwrap();
    assert_eq!(items(&answer), [[10, 11], [13, 12], [10, 11], [11, 12]]);
    assert_eq!((&answer.queries, answer.skipped.len()), (&users, 0));
    let listed = Shop::new().recommend(&Query { candidates: Some(&lists), ..fallback }).unwrap();
    assert_eq!(items(&listed), [[10], [12], [13], [14]]);

    let items = IdMap::from_ids([1, 2, 3, 4, 5]).unwrap();
    let apart = Shop { ids: IdMaps::shared(IdMap::new(), items), ..Shop::new() };
    let mixed = Query { on_unknown: OnUnknown::Fallback(&apart), ..query };
    assert!(matches!(Shop::new().recommend(&mixed), Err(Error::IdMismatch { .. })));
}

#[test]
fn histories_are_folded_in() {
    let histories = [
        vec![(12.into(), 2.0), (10.into(), 1.0), (12.into(), 1.0)],
        vec![],
        vec![(77.into(), 1.0), (13.into(), 4.0)],
    ];
    let query = Query::new(Users::Histories(&histories[..2]), 3);
    let answer = Shop::new().recommend(&query).unwrap();
    assert_eq!(answer.queries, ids(&[0i64, 1]));
    assert_eq!(items(&answer), [[13, 11, 14], [10, 11, 12]]);
    let repeated = Shop::new().recommend(&Query { filter_seen: false, ..query }).unwrap();
    assert_eq!(items(&repeated), [[13, 11, 10], [10, 11, 12]]);

    let query = Query::new(Users::Histories(&histories), 1);
    assert!(matches!(
        Shop::new().recommend(&query),
        Err(Error::UnknownId { kind: IdKind::Item, id, .. }) if id == "77"
    ));
    let skip = Query { on_unknown: OnUnknown::Skip, ..query.clone() };
    assert_eq!(items(&Shop::new().recommend(&skip).unwrap()), [[13], [10], [14]]);
    let cannot = Shop { folds: false, ..Shop::new() };
    assert!(matches!(cannot.recommend(&skip), Err(Error::Unsupported { .. })));
    for weight in [f32::NAN, f32::INFINITY] {
        let bad = [vec![(10.into(), weight)]];
        let query = Query::new(Users::Histories(&bad), 1);
        assert!(matches!(Shop::new().recommend(&query), Err(Error::Data { .. })));
    }
}

#[test]
fn everyone_means_every_user_with_a_past() {
    let lists = [ids(&[14]), ids(&[13]), ids(&[12, 11]), ids(&[10])];
    let query = Query::new(Users::All, 2);
    let answer = Shop::new().recommend(&query).unwrap();
    assert_eq!((answer.queries, answer.skipped), (ids(&["a", "b", "c"]), ids(&["d"])));
    let listed = Query { candidates: Some(&lists), ..query.clone() };
    assert_eq!(items(&Shop::new().recommend(&listed).unwrap()), [[14], [13], [11]]);
    let few = Query { candidates: Some(&lists[..3]), ..query };
    assert!(matches!(Shop::new().recommend(&few), Err(Error::Shape { .. })));
}

#[test]
fn a_user_may_be_listed_twice_and_nobody_at_all() {
    let users = ids(&["a", "b", "a"]);
    let lists = [ids(&[11]), ids(&[12]), ids(&[13])];
    let query = Query { candidates: Some(&lists), ..Query::new(Users::Ids(&users), 1) };
    assert_eq!(items(&Shop::new().recommend(&query).unwrap()), [[11], [12], [13]]);
    let nobody = Query::new(Users::Ids(&[]), 1);
    assert!(Shop::new().recommend(&nobody).unwrap().is_empty());
    let nobody = Query::new(Users::Histories(&[]), 1);
    assert!(Shop::new().recommend(&nobody).unwrap().is_empty());
}

#[test]
fn scores_that_are_not_numbers_are_refused_and_minus_infinity_means_never() {
    let users = ids(&["a"]);
    let mut shop = Shop::new();
    shop.scores[3] = f32::NEG_INFINITY;
    let query = Query::new(Users::Ids(&users), N);
    assert_eq!(items(&shop.recommend(&query).unwrap()), [[11, 12, 14]]);
    shop.scores[4] = f32::NAN;
    assert!(matches!(shop.recommend(&query), Err(Error::Data { .. })));
    let blocked = ids(&[14]);
    assert!(shop.recommend(&Query { block: &blocked, ..query }).is_ok());
}

/// The shop as its first user and item alone.
struct Kiosk(Shop);

impl Kiosk {
    fn new() -> Self {
        Self(Shop {
            ids: IdMaps::shared(IdMap::from_ids(["a"]).unwrap(), IdMap::from_ids([10]).unwrap()),
            seen: Csr::from_rows([vec![(0, 1.0)]], 1),
            ..Shop::new()
        })
    }
}

impl Scorer for Kiosk {
    fn n_users(&self) -> usize {
        1
    }
    fn n_items(&self) -> usize {
        1
    }
    fn score(&self, _: &[u32], out: &mut [f32]) -> Result<()> {
        out.copy_from_slice(&self.0.scores[..1]);
        Ok(())
    }
}

impl Recommend for Kiosk {
    fn ids(&self) -> &Arc<IdMaps> {
        &self.0.ids
    }
    fn seen(&self) -> &Csr {
        &self.0.seen
    }
}

#[test]
fn one_user_and_one_item_are_enough() {
    let query = Query::new(Users::All, 1);
    assert_eq!(items(&Kiosk::new().recommend(&query).unwrap()), [[0i64; 0]]);
    let again = Query { filter_seen: false, ..query };
    assert_eq!(items(&Kiosk::new().recommend(&again).unwrap()), [[10]]);
    // A model without fold-in says so, and what to do.
    let nothing = [vec![]];
    let query = Query::new(Users::Histories(&nothing), 1);
    let refused = Kiosk::new().recommend(&query);
    assert!(matches!(refused, Err(Error::Unsupported { .. })));
}

struct Alike(Arc<IdMaps>, Vec<f32>);

impl Similar for Alike {
    fn similar_ids(&self) -> &Arc<IdMaps> {
        &self.0
    }
    fn similar(&self, items: &[u32], k: usize) -> Result<TopK> {
        similar_rows(&self.1, 2, items, k, true)
    }
}

#[test]
fn similar_items_leave_out_the_item_itself() {
    let table = vec![1., 0., 3., 3., 5., 0.1, -1., 0., 0., 2.];
    let alike = Alike(Shop::new().ids, table.clone());
    let asked = ids(&[10, 12, 10]);
    let answer = alike.similar_items(&asked, 2).unwrap();
    assert_eq!(items(&answer), [[12, 11], [10, 11], [12, 11]]);
    assert_eq!(answer.queries, asked);
    let (_, score) = answer.row(0).nth(1).unwrap();
    assert!((score - 0.5f32.sqrt()).abs() < 1e-6);
    let inner = similar_rows(&table, 2, &[4], 4, false).unwrap();
    assert_eq!(inner.row(0), (&[1, 2, 0, 3][..], &[6.0, 0.2, 0.0, 0.0][..]));
    for k in [0, 5] {
        assert!(matches!(alike.similar_items(&asked, k), Err(Error::Parameter { .. })));
    }
    assert!(matches!(alike.similar_items(&ids(&[9]), 1), Err(Error::UnknownId { .. })));
    assert!(matches!(similar_rows(&table, 3, &[0], 1, true), Err(Error::Shape { .. })));
    assert!(matches!(similar_rows(&table, 0, &[0], 1, true), Err(Error::Parameter { .. })));
    assert!(matches!(similar_rows(&table, 2, &[5], 1, true), Err(Error::Shape { .. })));
    let spoilt: Vec<f32> = table.iter().map(|_| f32::NAN).collect();
    assert!(matches!(similar_rows(&spoilt, 2, &[0], 1, false), Err(Error::Data { .. })));
}

#[test]
fn factors_are_checked() {
    let (users, items) = ([1.0; 6], [1.0; 9]);
    let fit = Factors { dim: 3, users: &users, items: &items, item_bias: None };
    assert_eq!(fit.check().unwrap(), (2, 3));
    assert!(Factors { dim: 0, ..fit }.check().is_err());
    assert!(Factors { dim: 4, ..fit }.check().is_err());
    assert!(Factors { item_bias: Some(&[0.0; 2]), ..fit }.check().is_err());
    assert!(fit.score(&[2], &mut [0.0; 3]).is_err());
    assert!(fit.score(&[1], &mut [0.0; 4]).is_err());
    let mut out = [0.0; 3];
    Factors { item_bias: Some(&[0.5, 0.0, -1.0]), ..fit }.score(&[1], &mut out).unwrap();
    assert_eq!(out, [3.5, 3.0, 2.0]);
}
