use super::*;
use crate::Error;
use crate::data::IdMap;

fn log() -> Interactions {
    let mut b = InteractionsBuilder::new();
    for (u, i, w, t) in
        [("b", 1, 2.0, 5), ("a", 1, 1.0, 9), ("b", 2, 1.0, 3), ("b", 1, 4.0, 7), ("a", 3, 1.0, 9)]
    {
        b.push(u, i, Some(w), Some(t)).unwrap();
    }
    b.build().unwrap()
}

#[test]
fn events_are_in_order_of_time_within_a_user() {
    let log = log();
    assert_eq!(log.indptr(), [0, 3, 5]);
    assert_eq!(log.sequence(0), [1, 0, 0]);
    assert_eq!(log.sequence(1), [0, 2]);
    assert_eq!(log.times().unwrap(), [3, 5, 7, 9, 9]);
    assert_eq!(log.time_span(), Some((3, 9)));
    assert_eq!(log.duplicates(), 1);
}

#[test]
fn duplicate_policies() {
    let weights = |p| log().deduplicated(p).weights().unwrap().to_vec();
    assert_eq!(weights(Duplicates::Keep), [1.0, 2.0, 4.0, 1.0, 1.0]);
    assert_eq!(weights(Duplicates::Sum), [1.0, 6.0, 1.0, 1.0]);
    assert_eq!(weights(Duplicates::Last), [1.0, 4.0, 1.0, 1.0]);
    assert_eq!(weights(Duplicates::Count), [1.0, 2.0, 1.0, 1.0]);
    assert_eq!(log().matrix().iter_row(0).collect::<Vec<_>>(), [(0, 6.0), (1, 1.0)]);
}

#[test]
fn parts_put_together_are_the_whole() {
    let log = log();
    let parts = [log.filter(|at, _| at % 2 == 1), log.filter(|at, _| at % 2 == 0)];
    let whole = Interactions::concat(&[&parts[0], &parts[1]]).unwrap();
    assert_eq!(whole.times(), log.times());
    assert_eq!(whole.sequence(0), log.sequence(0));
    let other = log.compacted();
    assert!(Interactions::concat(&[&log, &other]).is_ok());
    assert!(Interactions::concat(&[&log, &log.binarized(0.0)]).is_err());
    assert!(Interactions::concat(&[&log, &log.k_core(2, 2).unwrap()]).is_err());
    assert!(Interactions::concat(&[]).is_err());
}

#[test]
fn k_core_peels_until_stable() {
    let core = log().k_core(2, 2).unwrap();
    assert_eq!((core.n_users(), core.n_items(), core.len()), (1, 1, 2));
    assert_eq!(core.user_id(0), Some(Id::from("b")));
    assert!(matches!(log().k_core(9, 9), Err(Error::Empty { .. })));
}

#[test]
fn bad_columns_are_refused() {
    let mut b = InteractionsBuilder::new();
    assert!(b.push(1, 1, Some(f32::NAN), None).is_err());
    assert!(b.push(1, 1, Some(f32::INFINITY), None).is_err());
    b.push(1, 1, None, Some(1)).unwrap();
    assert!(b.push(1, 2, None, None).is_err());
    assert!(matches!(InteractionsBuilder::new().build(), Err(Error::Empty { .. })));
    let ids = IdMaps::shared(IdMap::range(2), IdMap::range(2));
    let unit = TimeUnit::Unknown;
    assert!(
        Interactions::from_columns(ids.clone(), &[0, 2], vec![0, 1], None, None, unit).is_err()
    );
    assert!(Interactions::from_columns(ids.clone(), &[0], vec![2], None, None, unit).is_err());
    assert!(Interactions::from_columns(ids, &[0], vec![0, 1], None, None, unit).is_err());
}

#[test]
fn mapping_to_other_ids_counts_what_it_loses() {
    let log = log();
    let ids = IdMaps::shared(IdMap::from_ids(["b"]).unwrap(), IdMap::from_ids([2, 1]).unwrap());
    let (mapped, lost) = log.mapped_to(&ids).unwrap();
    assert_eq!(lost, 2);
    assert_eq!(mapped.sequence(0), [0, 1, 1]);
}

#[test]
fn units_are_guessed_from_the_latest_time() {
    assert_eq!(TimeUnit::guess(881_250_949), TimeUnit::Second);
    assert_eq!(TimeUnit::guess(1_433_221_332_117), TimeUnit::Millisecond);
    assert_eq!(TimeUnit::guess(42), TimeUnit::Unknown);
}

#[test]
fn items_nobody_had_join_behind_the_others() {
    let log = log();
    let n = log.n_items();
    let more = IdMap::from_ids([99, 1]).unwrap();
    let wider = log.with_items(&more);
    assert_eq!((wider.n_items(), wider.len()), (n + 1, log.len()));
    assert_eq!(wider.item_id(n as u32), Some(Id::Int(99)));
    assert_eq!(wider.items(), log.items());
}
