use super::*;
use crate::parallel;

/// Ten users of even items, ten of odd ones; item 0 is everyone's first.
fn events() -> Interactions {
    let rows = (0..20u32).flat_map(|user| {
        let own = (0..6).map(move |i| (user, 2 + 2 * i + user % 2));
        std::iter::once((user, 0)).chain(own)
    });
    let (users, items): (Vec<u32>, Vec<u32>) = rows.unzip();
    let mut builder = crate::data::InteractionsBuilder::new();
    for (i, (user, item)) in users.iter().zip(&items).enumerate() {
        let (user, item) = (i64::from(*user), i64::from(*item));
        builder.push(user, item, None, Some(i as i64)).unwrap();
    }
    builder.build().unwrap()
}

#[test]
fn pairs_are_of_one_users_and_within_the_window() {
    let events = events();
    let of = |pairs: &CoConsumed| pairs.pairs(&events, 3).unwrap();
    let id = |item: u32| events.item_id(item).unwrap().to_string().parse::<u32>().unwrap();
    let all = CoConsumed { subsample: 0.0, window: 2, rounds: 50 };
    let pairs = of(&all);
    // Seven events a user: the last one has no follower.
    assert_eq!(pairs.len(), 50 * 20 * 6);
    for [a, b] in pairs.iter().map(|pair| pair.map(id)) {
        assert!(a == 0 || a % 2 == b % 2, "{a} {b}");
        assert!(a == 0 || (b > a && b - a <= 4), "{a} {b}");
    }
    // Both distances within the window are drawn about equally often.
    let near = pairs.iter().map(|pair| pair.map(id)).filter(|[a, b]| *a == 2 && *b == 4).count();
    assert!((175..325).contains(&near), "{near} of 500");
    let rare = of(&CoConsumed { subsample: 0.01, ..all.clone() });
    let share = |pairs: &[[u32; 2]]| {
        pairs.iter().filter(|pair| id(pair[0]) == 0).count() as f64 / pairs.len() as f64
    };
    assert!(share(&rare) < 0.9 * share(&pairs), "{} {}", share(&rare), share(&pairs));
    let one = parallel::install(Some(1), || all.pairs(&events, 3)).unwrap();
    let two = parallel::install(Some(2), || all.pairs(&events, 3)).unwrap();
    assert_eq!(one, two);
    assert_ne!(one, all.pairs(&events, 4).unwrap());
}

#[test]
fn bad_parameters_and_lone_items_are_refused() {
    let says = |pairs: CoConsumed, events: &Interactions, part: &str| {
        let message = pairs.pairs(events, 1).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    };
    says(CoConsumed { window: 0, ..CoConsumed::default() }, &events(), "window");
    says(CoConsumed { rounds: 0, ..CoConsumed::default() }, &events(), "rounds");
    says(CoConsumed { subsample: -1.0, ..CoConsumed::default() }, &events(), "sample");
    let mut builder = crate::data::InteractionsBuilder::new();
    builder.push(1, 7, None, None).unwrap();
    builder.push(1, 7, None, None).unwrap();
    let lone = builder.build().unwrap();
    says(CoConsumed { subsample: 0.0, ..CoConsumed::default() }, &lone, "two different items");
}
