//! Which event goes where.

use super::super::Interactions;
use super::{FoldIn, Fractions, Protocol};
use crate::rng::stream;
use crate::sampling::draw::shuffle;
use crate::{Error, Result};

/// Where an event goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Train,
    Valid,
    Test,
    FoldIn,
    ColdValid,
    ColdTest,
}

/// The part of each event, and how many users with how many events stay in training because
/// they have too few to hold one out.
pub(super) struct Assigned {
    pub(super) parts: Vec<Part>,
    pub(super) short: (usize, usize),
}

pub(super) fn assign(protocol: &Protocol, data: &Interactions) -> Result<Assigned> {
    if data.is_empty() {
        return Err(Error::empty("interactions", "there is no event to split"));
    }
    let whole = |parts| Ok(Assigned { parts, short: (0, 0) });
    match protocol {
        Protocol::ByTime { fractions } => {
            let (valid, test) = cuts_in_time(times(data, "by_time")?, fractions)?;
            whole(at_time(data, valid, test)?)
        }
        Protocol::AtTime { valid_from, test_from } => {
            whole(at_time(data, valid_from.unwrap_or(*test_from), *test_from)?)
        }
        Protocol::LeaveLastOut { n, validation } => Ok(per_user(data, |len| {
            let held = if *validation { n.saturating_mul(2) } else { *n };
            if len > held { (len - held, len - n) } else { (len, len) }
        })),
        Protocol::ByUserRatio { fractions } => {
            Ok(per_user(data, |len| cuts_of_user(len, fractions)))
        }
        Protocol::Random { fractions, seed } => whole(random(data.len(), fractions, *seed)?),
        Protocol::HoldOutUsers { fractions, fold_in, seed } => {
            hold_out(data, fractions, *fold_in, *seed)
        }
    }
}

fn times<'a>(data: &'a Interactions, split: &str) -> Result<&'a [i64]> {
    data.times().ok_or_else(|| {
        Error::data(
            "timestamps",
            format!(
                "{split} needs them and these events have none; name the time column when reading \
                 the file, or use leave_last_out or by_user_ratio (they take the order of the \
                 file) or random"
            ),
        )
    })
}

/// The instants at which validation and test start, each moved to the nearer end of a run of
/// equal timestamps.
fn cuts_in_time(times: &[i64], fractions: &Fractions) -> Result<(i64, i64)> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    if sorted.first() == sorted.last() {
        return Err(Error::data(
            "timestamps",
            "all events happened at one instant, so time cannot split them; use random",
        ));
    }
    let (valid, test) = fractions.cuts(sorted.len());
    let cut = |at: usize| {
        let at = at.clamp(1, sorted.len() - 1);
        let low = sorted.partition_point(|&t| t < sorted[at]);
        let high = sorted.partition_point(|&t| t <= sorted[at]);
        let up = high < sorted.len() && (low == 0 || high - at < at - low);
        sorted[if up { high } else { low }]
    };
    Ok((cut(valid), cut(test)))
}

fn at_time(data: &Interactions, valid_from: i64, test_from: i64) -> Result<Vec<Part>> {
    Ok(times(data, "at_time")?
        .iter()
        .map(|&t| match t {
            t if t >= test_from => Part::Test,
            t if t >= valid_from => Part::Valid,
            _ => Part::Train,
        })
        .collect())
}

/// `cuts(len)` says where validation and test start among a user's events.
fn per_user(data: &Interactions, cuts: impl Fn(usize) -> (usize, usize)) -> Assigned {
    let mut parts = vec![Part::Train; data.len()];
    let mut short = (0, 0);
    for user in 0..data.n_users() as u32 {
        let own = &mut parts[data.range(user)];
        let (valid, test) = cuts(own.len());
        own[valid..test].fill(Part::Valid);
        own[test..].fill(Part::Test);
        if test == own.len() && !own.is_empty() {
            short = (short.0 + 1, short.1 + own.len());
        }
    }
    Assigned { parts, short }
}

fn cuts_of_user(len: usize, fractions: &Fractions) -> (usize, usize) {
    let mut train = len.max(1);
    let mut part = |share: f64| {
        // Shares such as .29 are not exact: without the nudge, 100 × .29 would round down to 28.
        let wanted = (len as f64 * share + 1e-9) as usize;
        let n = wanted.max(usize::from(share > 0.0)).min(train - 1);
        train -= n;
        n
    };
    let test = part(fractions.test());
    let valid = part(fractions.valid());
    (len - test - valid, len - test)
}

/// Positions `0..n` in random order.
fn permutation(n: usize, seed: u64, what: &str) -> Result<Vec<u32>> {
    let n = u32::try_from(n)
        .map_err(|_| Error::data("interactions", "more than 4294967295 of them; split by time"))?;
    let mut order: Vec<u32> = (0..n).collect();
    shuffle(&mut stream(seed, what, 0), &mut order);
    Ok(order)
}

fn random(n: usize, fractions: &Fractions, seed: u64) -> Result<Vec<Part>> {
    let order = permutation(n, seed, "split/events")?;
    let (valid, test) = fractions.cuts(n);
    let mut parts = vec![Part::Train; n];
    for (rank, &at) in order.iter().enumerate().skip(valid) {
        parts[at as usize] = if rank < test { Part::Valid } else { Part::Test };
    }
    Ok(parts)
}

fn hold_out(
    data: &Interactions,
    fractions: &Fractions,
    fold_in: FoldIn,
    seed: u64,
) -> Result<Assigned> {
    let events = |u: &u32| data.range(*u).len();
    let users: Vec<u32> = (0..data.n_users() as u32).filter(|u| events(u) > 1).collect();
    let singles = (0..data.n_users() as u32).filter(|u| events(u) == 1).count();
    let (valid, test) = fractions.cuts(users.len());
    let mut parts = vec![Part::Train; data.len()];
    let order = permutation(users.len(), seed, "split/users")?;
    for (rank, &at) in order.iter().enumerate().skip(valid) {
        let user = users[at as usize];
        let target = if rank < test { Part::Valid } else { Part::Test };
        divide(&mut parts[data.range(user)], target, fold_in, seed, user);
    }
    Ok(Assigned { parts, short: (singles, singles) })
}

/// Divides the events of a held-out user (two at least) into told ones and targets.
fn divide(own: &mut [Part], target: Part, fold_in: FoldIn, seed: u64, user: u32) {
    let told = ((own.len() as f64 * fold_in.share()).round() as usize).clamp(1, own.len() - 1);
    own[..told].fill(Part::FoldIn);
    own[told..].fill(target);
    if let FoldIn::Random { .. } = fold_in {
        shuffle(&mut stream(seed, "split/fold-in", u64::from(user)), own);
    }
}
