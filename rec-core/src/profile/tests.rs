use super::*;
use crate::data::InteractionsBuilder;

/// Items 1 (red), 2 (red, blue), 3 (blue), 4 (no label).
fn labels() -> (Csr, IdMap) {
    let rows = [vec![(0, 1.0)], vec![(0, 1.0), (1, 1.0)], vec![(1, 1.0)], vec![]];
    (Csr::from_rows(rows, 2), IdMap::from_ids(["red", "blue"]).unwrap())
}

fn log(events: &[(&str, i64, i64)]) -> Interactions {
    let mut b = InteractionsBuilder::with_ids(crate::data::IdMaps {
        users: IdMap::strings(),
        items: IdMap::from_ids([1, 2, 3, 4]).unwrap(),
    });
    b.time_unit(TimeUnit::Second);
    for &(user, item, time) in events {
        b.push(user, item, None, Some(time)).unwrap();
    }
    b.build().unwrap()
}

const HOUR: i64 = 3600;

fn one(events: &[(&str, i64, i64)], options: &ProfileOptions) -> UserProfile {
    let (labels, names) = labels();
    profiles(&log(events), &labels, &names, &["a".into()], options).unwrap().remove(0)
}

#[test]
fn a_profile_by_hand() {
    let events = [("a", 1, 0), ("a", 2, 2 * HOUR), ("a", 4, 3 * HOUR), ("a", 3, 26 * HOUR)];
    let options = ProfileOptions {
        half_life: None,
        recent_half_life: 24.0 * HOUR as f64,
        ..ProfileOptions::default()
    };
    let got = one(&events, &options);
    assert_eq!((got.events, got.labelled, got.span), (4, 3, Some((0, 26 * HOUR))));
    // Three labelled events: red 1 + ½ + 0, blue 0 + ½ + 1, of 3.
    let shares: Vec<_> = got.interests.iter().map(|i| (i.label.as_str(), i.share)).collect();
    assert_eq!(shares, [("red", 0.5), ("blue", 0.5)]);
    assert!((got.diversity - 2.0).abs() < 1e-9);
    // Fading by 2^(-26/24), 2^-1 and 1.
    let (old, middle) = ((-26.0f64 / 24.0).exp2(), 0.5);
    let red = (old + middle / 2.0) / (old + middle + 1.0);
    assert!((f64::from(got.interests[0].recent) - red).abs() < 1e-6);
    assert!(got.interests[0].trend < 0.0 && got.interests[1].trend > 0.0);
    let proof: Vec<_> = got.interests[1].evidence.iter().map(|e| (&e.item, e.time)).collect();
    assert_eq!(proof, [(&Id::Int(3), Some(26 * HOUR)), (&Id::Int(2), Some(2 * HOUR))]);
    let parts: f32 = got.interests[1].evidence.iter().map(|e| e.part).sum();
    assert!((parts - 0.5).abs() < 1e-6);
    let hours = got.hours.unwrap();
    assert_eq!((hours[0], hours[2], hours[3], hours[4]), (0.25, 0.5, 0.25, 0.0));
}

#[test]
fn removing_the_evidence_lowers_the_interest() {
    let events = [("a", 1, 0), ("a", 3, 10), ("a", 3, 20), ("b", 2, 30)];
    let options = ProfileOptions { evidence: 1, half_life: Some(20.0), ..Default::default() };
    let got = one(&events, &options);
    let blue = &got.interests[0];
    assert_eq!((blue.label.as_str(), blue.evidence.len()), ("blue", 1));
    let proof = blue.evidence[0].time.unwrap();
    let rest: Vec<_> = events.iter().copied().filter(|e| e.0 != "a" || e.2 != proof).collect();
    let without = one(&rest, &options);
    let after = without.interests.iter().find(|i| i.label == "blue").unwrap();
    assert!(after.share < blue.share);
}

#[test]
fn a_long_absence_keeps_the_shares() {
    let options = ProfileOptions { half_life: Some(1.0), ..ProfileOptions::default() };
    let got = one(&[("a", 1, 0), ("a", 3, 1), ("b", 1, i64::MAX / 2)], &options);
    let shares: Vec<_> = got.interests.iter().map(|i| (i.label.as_str(), i.share)).collect();
    assert_eq!(shares, [("blue", 2.0 / 3.0), ("red", 1.0 / 3.0)]);
}

#[test]
fn users_without_labels_have_no_interests() {
    let got = one(&[("a", 4, 5)], &ProfileOptions::default());
    assert_eq!((got.interests.len(), got.diversity, got.labelled), (0, 0.0, 0));
    let json = serde_json::to_string(&got).unwrap();
    assert_eq!(serde_json::from_str::<UserProfile>(&json).unwrap(), got);
}

#[test]
fn bad_input_is_named() {
    let (labels, names) = labels();
    let log = log(&[("a", 1, 0)]);
    let ask = |users: &[Id], options: &ProfileOptions| {
        profiles(&log, &labels, &names, users, options).unwrap_err()
    };
    let fine = ProfileOptions::default();
    assert!(matches!(ask(&["x".into()], &fine), Error::UnknownId { .. }));
    for bad in [
        ProfileOptions { half_life: Some(0.0), ..fine.clone() },
        ProfileOptions { recent_half_life: f64::NAN, ..fine.clone() },
        ProfileOptions { utc_offset: 99, ..fine.clone() },
    ] {
        assert!(matches!(ask(&["a".into()], &bad), Error::Parameter { .. }));
    }
    let few = Csr::zeros(2, 2);
    assert!(matches!(profiles(&log, &few, &names, &[], &fine), Err(Error::Shape { .. })));
}
