//! From the part of each event to the parts themselves.

use super::super::{Event, Interactions};
use super::assign::{Assigned, Part};
use super::report::{moved, warnings};
use super::{Cold, ColdCounts, PartSize, Protocol, Split, SplitReport};
use crate::{Error, Result};

/// Sets cold events apart, takes the parts and accounts for them.
pub(super) fn finish(
    protocol: &Protocol,
    data: &Interactions,
    assigned: Assigned,
) -> Result<Split> {
    let Assigned { mut parts, short } = assigned;
    check_not_empty(protocol, &parts)?;
    let future_leak = future_leak(data, &parts);
    let known = Known::new(data, &parts);
    let (cold_users, cold_items) = known.set_apart(data, &mut parts);
    let part = |which: Part| data.filter(|at, _| parts[at] == which);
    let (train, valid, test) = (part(Part::Train), part(Part::Valid), part(Part::Test));
    let cold = Cold {
        valid: part(Part::ColdValid),
        test: part(Part::ColdTest),
        users: cold_users,
        items: cold_items,
    };
    let fold_in = matches!(protocol, Protocol::HoldOutUsers { .. }).then(|| part(Part::FoldIn));
    let past = fold_in.as_ref().unwrap_or(&train);
    let mut report = SplitReport {
        protocol: protocol.clone(),
        events: data.len(),
        users: PartSize::of(data).users,
        train: PartSize::of(&train),
        valid: PartSize::of(&valid),
        test: PartSize::of(&test),
        fold_in: fold_in.as_ref().map(PartSize::of).unwrap_or_default(),
        cold_valid: known.count(&cold.valid),
        cold_test: known.count(&cold.test),
        moved: Vec::new(),
        valid_seen: repeated(past, &valid),
        test_seen: repeated(past, &test),
        future_leak,
        warnings: Vec::new(),
    };
    report.moved = moved(&report, short, &cold);
    report.warnings = warnings(&report);
    for warning in &report.warnings {
        tracing::warn!(protocol = %report.protocol, "{warning}");
    }
    Ok(Split { train, valid, test, cold, fold_in, report })
}

fn check_not_empty(protocol: &Protocol, parts: &[Part]) -> Result<()> {
    let advice = match protocol {
        Protocol::AtTime { .. } => "choose instants inside the time span of the events",
        Protocol::LeaveLastOut { .. } | Protocol::ByUserRatio { .. } => {
            "no user has enough events; hold out fewer, leave validation out, or use random"
        }
        Protocol::HoldOutUsers { .. } => {
            "too few users have two events; give larger shares or more users"
        }
        _ => "give it a larger share, or more events",
    };
    for (which, name) in [(Part::Train, "the training part"), (Part::Test, "the test part")] {
        if !parts.contains(&which) {
            return Err(Error::empty(name, format!("{protocol}: {advice}")));
        }
    }
    Ok(())
}

/// Which users and items training speaks for.
struct Known {
    users: Vec<bool>,
    items: Vec<bool>,
}

impl Known {
    fn new(data: &Interactions, parts: &[Part]) -> Self {
        let mut known =
            Self { users: vec![false; data.n_users()], items: vec![false; data.n_items()] };
        for (event, part) in data.events().zip(parts) {
            match part {
                Part::Train => {
                    known.users[event.user as usize] = true;
                    known.items[event.item as usize] = true;
                }
                Part::FoldIn => known.users[event.user as usize] = true,
                _ => {}
            }
        }
        known
    }

    fn has(&self, event: &Event) -> (bool, bool) {
        (self.users[event.user as usize], self.items[event.item as usize])
    }

    /// Moves cold events to their parts; returns the new users and items among them.
    fn set_apart(&self, data: &Interactions, parts: &mut [Part]) -> (Vec<u32>, Vec<u32>) {
        let (mut users, mut items) = (Vec::new(), Vec::new());
        for (event, part) in data.events().zip(parts) {
            let (user, item) = self.has(&event);
            let cold = match part {
                Part::Valid => Part::ColdValid,
                Part::Test => Part::ColdTest,
                _ => continue,
            };
            if !user {
                users.push(event.user);
            }
            if !item {
                items.push(event.item);
            }
            if !(user && item) {
                *part = cold;
            }
        }
        users.dedup();
        items.sort_unstable();
        items.dedup();
        (users, items)
    }

    fn count(&self, cold: &Interactions) -> ColdCounts {
        let mut counts = ColdCounts::default();
        for event in cold.events() {
            match self.has(&event) {
                (false, true) => counts.user += 1,
                (true, false) => counts.item += 1,
                _ => counts.both += 1,
            }
        }
        counts
    }
}

/// Events of `part` on items that the user has in `past`.
fn repeated(past: &Interactions, part: &Interactions) -> usize {
    let mut had = Vec::new();
    let mut count = 0;
    for user in 0..part.n_users() as u32 {
        let events = part.sequence(user);
        if events.is_empty() {
            continue;
        }
        had.clear();
        had.extend_from_slice(past.sequence(user));
        had.sort_unstable();
        count += events.iter().filter(|item| had.binary_search(item).is_ok()).count();
    }
    count
}

fn future_leak(data: &Interactions, parts: &[Part]) -> Option<f64> {
    let times = data.times()?;
    let of = |which: Part| {
        times.iter().zip(parts).filter(move |&(_, &part)| part == which).map(|(&t, _)| t)
    };
    let latest = of(Part::Train).max()?;
    let before = of(Part::Test).filter(|&t| t < latest).count();
    Some(before as f64 / of(Part::Test).count() as f64)
}
