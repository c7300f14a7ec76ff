use proptest::prelude::*;

use super::super::{IdMap, IdMaps, InteractionsBuilder, TimeUnit};
use super::*;
use crate::Error;
use crate::parallel::install;

/// Events `(user, item, time)`; without times where `timed` is false.
fn log(events: &[(u32, u32, i64)], timed: bool) -> Interactions {
    let ids = IdMaps::shared(IdMap::range(20), IdMap::range(20));
    let column = |f: fn(&(u32, u32, i64)) -> u32| events.iter().map(f).collect::<Vec<_>>();
    let times = timed.then(|| events.iter().map(|e| e.2).collect());
    let (users, items) = (column(|e| e.0), column(|e| e.1));
    Interactions::from_columns(ids, &users, items, None, times, TimeUnit::Unknown).unwrap()
}

fn triples(part: &Interactions) -> Vec<(u32, u32, i64)> {
    part.events().map(|e| (e.user, e.item, e.time.unwrap_or(0))).collect()
}

/// Users 0 to 2 with 4, 2 and 1 events.
fn small() -> Interactions {
    log(&[(0, 0, 1), (0, 1, 2), (0, 2, 5), (0, 1, 6), (1, 0, 3), (1, 1, 8), (2, 2, 9)], true)
}

#[test]
fn leave_last_out_holds_out_the_last_and_keeps_short_users() {
    let split = leave_last_out(&small(), 1, true).unwrap();
    assert_eq!(triples(&split.test), [(0, 1, 6)]);
    assert_eq!(triples(&split.train), [(0, 0, 1), (0, 1, 2), (1, 0, 3), (1, 1, 8), (2, 2, 9)]);
    assert_eq!(triples(&split.valid), [(0, 2, 5)]);
    let short = &split.report.moved[0];
    assert_eq!((short.users, short.events, &short.to[..]), (2, 3, "train"));
    assert_eq!((split.report.valid_seen, split.report.test_seen), (0, 1));

    let split = leave_last_out(&small(), 1, false).unwrap();
    assert_eq!(triples(&split.test), [(0, 1, 6), (1, 1, 8)]);
    assert_eq!(split.report.moved[0].users, 1);
    assert_eq!(split.report.future_leak, Some(1.0));
    assert!(split.report.warnings.iter().any(|w| w.contains("100.0% of the test events")));
}

#[test]
fn no_leak_is_reported_where_there_is_none() {
    let split = leave_last_out(&log(&[(0, 0, 1), (0, 1, 9), (1, 1, 3), (1, 0, 9)], true), 1, false);
    let report = split.unwrap().report;
    assert_eq!(report.future_leak, Some(0.0));
    assert_eq!(report.warnings, Vec::<String>::new());
    let untimed = leave_last_out(&log(&[(0, 0, 0), (0, 1, 0), (1, 1, 0)], false), 1, false);
    assert_eq!(untimed.unwrap().report.future_leak, None);
}

#[test]
fn time_splits_set_cold_events_apart_with_their_reason() {
    let data = log(
        &[(0, 0, 1), (1, 1, 2), (0, 1, 3), (1, 0, 4), (0, 2, 5), (2, 0, 6), (3, 4, 7), (1, 1, 8)],
        true,
    );
    let split = at_time(&data, Some(4), 5).unwrap();
    assert_eq!(triples(&split.train), [(0, 0, 1), (0, 1, 3), (1, 1, 2)]);
    assert_eq!(triples(&split.valid), [(1, 0, 4)]);
    assert_eq!(triples(&split.test), [(1, 1, 8)]);
    assert_eq!(triples(&split.cold.test), [(0, 2, 5), (2, 0, 6), (3, 4, 7)]);
    assert_eq!((&split.cold.users[..], &split.cold.items[..]), (&[2, 3][..], &[2, 4][..]));
    assert_eq!(split.cold.reason(0, 2), Some(ColdReason::Item));
    assert_eq!(split.cold.reason(2, 0), Some(ColdReason::User));
    assert_eq!(split.cold.reason(3, 4), Some(ColdReason::Both));
    assert_eq!(split.cold.reason(1, 1), None);
    assert_eq!(split.report.cold_test, ColdCounts { user: 1, item: 1, both: 1 });
    assert_eq!(split.report.future_leak, Some(0.0));
    let halves = by_time(&data, &[0.5, 0.5]).unwrap();
    assert_eq!(halves.train.len(), 4);
}

#[test]
fn instants_are_never_torn() {
    // Ten events, of which 3..9 at one instant: 80% falls inside, and 9 is nearer than 3.
    let time = |i: u32| if (3..9).contains(&i) { 5 } else { i64::from(i) };
    let events: Vec<_> = (0..10).map(|i| (i % 2, i % 3, time(i))).collect();
    let split = by_time(&log(&events, true), &[0.8, 0.2]).unwrap();
    assert_eq!((split.train.len(), split.test.len()), (9, 1));
    let split = by_time(&log(&events, true), &[0.4, 0.6]).unwrap();
    assert_eq!(split.train.len(), 3);
    // The last instant holds most events: training ends before it all the same.
    let late: Vec<_> = (0..10).map(|i| (0, 0, i64::from(2.min(i)))).collect();
    assert_eq!(by_time(&log(&late, true), &[0.9, 0.1]).unwrap().train.len(), 2);
}

#[test]
fn per_user_ratio_gives_the_test_its_event_first() {
    let sizes = |n: i64, fractions: &[f64]| {
        // A second user keeps the training part's items complete.
        let mut events: Vec<_> = (0..n).map(|t| (0, t as u32, t)).collect();
        events.extend((0..20).map(|t| (1, t as u32 % 20, t)));
        let split = by_user_ratio(&log(&events, true), fractions).unwrap();
        let of = |part: &Interactions| part.sequence(0).len();
        let cold = (split.cold.valid.sequence(0).len(), split.cold.test.sequence(0).len());
        (of(&split.train), of(&split.valid) + cold.0, of(&split.test) + cold.1)
    };
    assert_eq!(sizes(1, &[0.8, 0.1, 0.1]), (1, 0, 0));
    assert_eq!(sizes(2, &[0.8, 0.1, 0.1]), (1, 0, 1));
    assert_eq!(sizes(3, &[0.8, 0.1, 0.1]), (1, 1, 1));
    assert_eq!(sizes(10, &[0.8, 0.1, 0.1]), (8, 1, 1));
    assert_eq!(sizes(10, &[0.5, 0.5]), (5, 0, 5));
    assert_eq!(sizes(10, &[0.7, 0.3]), (7, 0, 3));
}

#[test]
fn held_out_users_never_train() {
    let events: Vec<_> = (0..20)
        .flat_map(|u| (0..if u == 7 { 1 } else { 5 }).map(move |t| (u, (u + t) % 20, i64::from(t))))
        .collect();
    for fold_in in [FoldIn::First { share: 0.6 }, FoldIn::Random { share: 0.6 }] {
        let split = hold_out_users(&log(&events, true), &[0.5, 0.2, 0.3], fold_in, 4).unwrap();
        let told = split.fold_in.as_ref().unwrap();
        assert_eq!(split.report.fold_in.users, 9);
        assert_eq!(split.report.moved[0].users, 1);
        for u in 0..20u32 {
            let held = split.train.sequence(u).is_empty();
            assert_eq!(told.sequence(u).len(), if held { 3 } else { 0 });
            if let (true, FoldIn::First { .. }) = (held, fold_in) {
                assert_eq!(told.times().unwrap()[told.range(u)], [0, 1, 2]);
            }
        }
        assert_eq!(split.report.cold_test.user + split.report.cold_test.both, 0);
    }
}

#[test]
fn untimed_data_is_split_in_the_order_of_the_file_but_not_in_time() {
    let data = log(&[(0, 3, 0), (0, 1, 0), (1, 1, 0), (1, 3, 0)], false);
    let split = leave_last_out(&data, 1, false).unwrap();
    assert_eq!(triples(&split.test), [(0, 1, 0), (1, 3, 0)]);
    for refused in [by_time(&data, &[0.5, 0.5]), at_time(&data, None, 3)] {
        let message = refused.unwrap_err().to_string();
        assert!(message.contains("time column") && message.contains("leave_last_out"), "{message}");
    }
}

#[test]
fn bad_parameters_are_refused() {
    let data = small();
    for shares in [
        &[0.8, 0.1][..],
        &[1.0],
        &[0.0, 1.0],
        &[1.0, 0.0],
        &[1.2, -0.4, 0.2],
        &[f64::NAN, 1.0],
        &[],
    ] {
        assert!(matches!(random(&data, shares, 1), Err(Error::Parameter { .. })), "{shares:?}");
    }
    assert!(matches!(leave_last_out(&data, 0, true), Err(Error::Parameter { .. })));
    assert!(matches!(at_time(&data, Some(9), 8), Err(Error::Parameter { .. })));
    for share in [0.0, 1.0, f64::NAN] {
        let fold_in = FoldIn::First { share };
        let refused = hold_out_users(&data, &[0.5, 0.5], fold_in, 1);
        assert!(matches!(refused, Err(Error::Parameter { .. })));
    }
}

#[test]
fn splits_with_nothing_in_them_are_refused() {
    let single = log(&[(0, 0, 1)], true);
    assert!(matches!(random(&single, &[0.8, 0.2], 1), Err(Error::Empty { .. })));
    assert!(matches!(leave_last_out(&single, 1, false), Err(Error::Empty { .. })));
    assert!(matches!(by_user_ratio(&single, &[0.8, 0.2]), Err(Error::Empty { .. })));
    assert!(matches!(by_time(&single, &[0.8, 0.2]), Err(Error::Data { .. })));
    assert!(matches!(at_time(&single, None, 1), Err(Error::Empty { .. })));
    assert!(matches!(at_time(&single, None, 2), Err(Error::Empty { .. })));
    assert!(matches!(leave_last_out(&small(), usize::MAX, true), Err(Error::Empty { .. })));
    let fold_in = FoldIn::First { share: 0.5 };
    assert!(matches!(hold_out_users(&single, &[0.5, 0.5], fold_in, 1), Err(Error::Empty { .. })));
    assert!(matches!(random(&log(&[], true), &[0.8, 0.2], 1), Err(Error::Empty { .. })));
}

#[test]
fn one_user_and_one_item_can_be_split() {
    let one_user = log(&[(0, 0, 1), (0, 0, 2), (0, 0, 3)], true);
    let split = leave_last_out(&one_user, 1, true).unwrap();
    assert_eq!((split.train.len(), split.valid.len(), split.test.len()), (1, 1, 1));
    assert_eq!(split.report.test_seen, 1);
    // All test events are cold: kept, counted, and said.
    let strangers = log(&[(0, 0, 1), (1, 1, 2)], true);
    let split = by_time(&strangers, &[0.5, 0.5]).unwrap();
    assert_eq!((split.test.len(), split.cold.test.len()), (0, 1));
    assert!(split.report.warnings[0].contains("cold.test"));
}

#[test]
fn reports_can_be_stored_and_read() {
    let split = leave_last_out(&small(), 1, true).unwrap();
    let json = serde_json::to_string(&split.report).unwrap();
    assert_eq!(serde_json::from_str::<SplitReport>(&json).unwrap(), split.report);
    assert_eq!(
        split.report.to_string(),
        "leave last 1 out, with validation: train 5 events of 3 users on 3 items; valid 1 events of \
         1 users on 1 items; test 1 events of 1 users on 1 items; 3 events of 2 users in train (too \
         few events to hold one out and keep one to train on)"
    );
    let random = random(&small(), &[0.6, 0.2, 0.2], 9).unwrap().report.protocol;
    let json = serde_json::to_string(&random).unwrap();
    assert_eq!(json, r#"{"protocol":"random","fractions":[0.6,0.2,0.2],"seed":9}"#);
    let wrong = json.replace("0.6", "0.7");
    assert!(serde_json::from_str::<Protocol>(&wrong).is_err());
}

fn protocols() -> impl Strategy<Value = Protocol> {
    let fractions = prop_oneof![
        Just(Fractions::new(&[0.6, 0.2, 0.2]).unwrap()),
        Just(Fractions::new(&[0.5, 0.5]).unwrap()),
    ];
    (fractions, 0u64..99, 1usize..3, any::<bool>(), 0u8..7).prop_map(
        |(fractions, seed, n, validation, which)| match which {
            0 => Protocol::ByTime { fractions },
            1 => Protocol::AtTime { valid_from: validation.then_some(3), test_from: 5 },
            2 => Protocol::LeaveLastOut { n, validation },
            3 => Protocol::ByUserRatio { fractions },
            4 => Protocol::Random { fractions, seed },
            5 => {
                let fold_in = FoldIn::First { share: 0.7 };
                Protocol::HoldOutUsers { fractions, fold_in, seed }
            }
            _ => {
                let fold_in = FoldIn::Random { share: 0.7 };
                Protocol::HoldOutUsers { fractions, fold_in, seed }
            }
        },
    )
}

/// Events told apart by their weight, which numbers them.
fn numbered(events: &[(u32, u32, i64)]) -> Interactions {
    let mut builder = InteractionsBuilder::new();
    for (at, &(user, item, time)) in events.iter().enumerate() {
        let (user, item) = (i64::from(user), i64::from(item));
        builder.push(user, item, Some(at as f32), Some(time)).unwrap();
    }
    builder.build().unwrap()
}

fn all_parts(split: &Split) -> Vec<&Interactions> {
    let parts = [&split.train, &split.valid, &split.test, &split.cold.valid, &split.cold.test];
    parts.into_iter().chain(&split.fold_in).collect()
}

proptest! {
    #[test]
    fn every_event_lands_in_exactly_one_part_in_order(
        events in proptest::collection::vec((0u32..8, 0u32..8, 0i64..12), 1..60),
        protocol in protocols(),
    ) {
        let data = numbered(&events);
        let Ok(split) = protocol.split(&data) else { return Ok(()) };
        let mut landed = Vec::new();
        for part in all_parts(&split) {
            prop_assert!(std::sync::Arc::ptr_eq(part.ids(), data.ids()));
            for user in 0..data.n_users() as u32 {
                // The part's events are a subsequence of the user's events.
                let mut old = data.range(user).map(|at| data.weights().unwrap()[at]);
                for at in part.range(user) {
                    let number = part.weights().unwrap()[at];
                    prop_assert!(old.any(|w| w == number));
                    landed.push(number as u32);
                }
            }
        }
        landed.sort_unstable();
        prop_assert_eq!(landed, (0..events.len() as u32).collect::<Vec<_>>());
        let counts = split.train.item_counts();
        for part in [&split.valid, &split.test] {
            prop_assert!(part.items().iter().all(|&i| counts[i as usize] > 0));
            for user in (0..data.n_users() as u32).filter(|&u| !part.sequence(u).is_empty()) {
                let past = split.fold_in.as_ref().unwrap_or(&split.train);
                prop_assert!(!past.sequence(user).is_empty());
            }
        }
        for part in [&split.cold.valid, &split.cold.test] {
            prop_assert!(part.events().all(|e| split.cold.reason(e.user, e.item).is_some()));
        }
    }

    #[test]
    fn time_splits_never_train_on_the_future(
        events in proptest::collection::vec((0u32..8, 0u32..8, 0i64..12), 2..60),
        train in 1u32..9,
    ) {
        let rest = 1.0 - f64::from(train) / 10.0;
        let fractions = [f64::from(train) / 10.0, rest / 2.0, rest / 2.0];
        if let Ok(split) = by_time(&log(&events, true), &fractions) {
            let span = |parts: [&Interactions; 2]| {
                let times = parts.map(|p| p.times().unwrap().to_vec()).concat();
                (times.iter().copied().min(), times.iter().copied().max())
            };
            let train = span([&split.train, &split.train]).1.unwrap();
            let valid = span([&split.valid, &split.cold.valid]);
            let test = span([&split.test, &split.cold.test]).0.unwrap();
            prop_assert!(train < test);
            if let (Some(first), Some(last)) = valid {
                prop_assert!(train < first && last < test);
            }
            prop_assert_eq!(split.report.future_leak, Some(0.0));
        } else {
            prop_assert!(events.iter().all(|e| e.2 == events[0].2));
        }
    }

    #[test]
    fn leave_last_out_takes_the_last(
        events in proptest::collection::vec((0u32..8, 0u32..8, 0i64..12), 1..60),
        n in 1usize..3,
    ) {
        let data = numbered(&events);
        let Ok(split) = leave_last_out(&data, n, false) else { return Ok(()) };
        for user in 0..data.n_users() as u32 {
            let all = data.sequence(user);
            let kept = if all.len() > n { all.len() - n } else { all.len() };
            prop_assert_eq!(split.train.sequence(user), &all[..kept]);
        }
    }

    #[test]
    fn random_splits_are_fixed_by_their_seed(seed in 0u64..1_000) {
        let events: Vec<_> = (0..200).map(|i| (i % 8, i % 7, i64::from(i))).collect();
        let data = numbered(&events);
        let split = |threads, seed| {
            install(Some(threads), || random(&data, &[0.7, 0.1, 0.2], seed)).unwrap()
        };
        let (one, three, other) = (split(1, seed), split(3, seed), split(1, seed + 1));
        prop_assert_eq!(one.test.weights(), three.test.weights());
        prop_assert_eq!(one.train.weights(), three.train.weights());
        prop_assert_ne!(one.train.weights(), other.train.weights());
        prop_assert_eq!((one.train.len(), one.valid.len(), one.test.len()), (140, 20, 40));
    }
}
