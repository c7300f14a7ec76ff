//! The screen never loses an item, and its kernels agree.

use rand::RngExt as _;

use super::*;
use crate::rank::Factors;

fn normal(rng: &mut crate::rng::Rng, len: usize) -> Vec<f32> {
    (0..len).map(|_| (0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0).collect()
}

#[test]
fn what_reaches_the_floor_passes_and_little_else() {
    for (dim, n_items, bias, skew) in [
        (1, 300, false, 0),
        (3, 700, true, 2),
        (64, 1000, false, 0),
        (65, 900, true, 1),
        (257, 600, true, 3),
    ] {
        let mut rng = crate::rng::stream(7, "screen", dim as u64);
        let (users, mut items) = (normal(&mut rng, 16 * dim), normal(&mut rng, n_items * dim));
        for (i, row) in items.chunks_exact_mut(dim).enumerate() {
            row.iter_mut().for_each(|x| *x *= (1.0 + i as f32).powi(-skew));
            row[0] *= 30.0;
        }
        let bias = bias.then(|| normal(&mut rng, n_items));
        let factors = Factors { dim, users: &users, items: &items, item_bias: bias.as_deref() };
        let all: Vec<u32> = (0..16).collect();
        let list: Vec<u32> = (0..n_items as u32).rev().collect();
        let screen = Screen::new(&factors, &all, &list).unwrap();
        let groups = screen.groups(&factors, &all).unwrap();
        let (mut reach, mut pass) = (0, 0);
        for (g, group) in groups.iter().enumerate() {
            let users: Vec<u32> = (0..USERS).map(|u| (g * USERS + u).min(15) as u32).collect();
            let floors: Vec<f32> = users
                .iter()
                .map(|&u| {
                    let mut scores: Vec<f32> =
                        list.iter().map(|&i| factors.score_one(u, i)).collect();
                    scores.sort_by(|a, b| b.total_cmp(a));
                    scores[20]
                })
                .collect();
            let mut row = [f32::MAX; 8];
            row[..USERS].copy_from_slice(&floors);
            let (mut found, mut hits) = (vec![], Hits::new());
            for tile in 0..screen.tiles.len() {
                screen.search(tile, group, &row, &mut hits);
                pass += hits.as_slice().len();
                found.extend(
                    hits.as_slice().iter().map(|h| (h.user as usize, screen.order[h.row as usize])),
                );
            }
            for (u, &user) in users.iter().enumerate().filter(|(u, _)| g * USERS + u < 16) {
                for &item in &list {
                    if factors.score_one(user, item) >= floors[u] {
                        reach += 1;
                        assert!(found.contains(&(u, item)), "dim {dim}, user {user}, item {item}");
                    }
                }
            }
        }
        println!("dim {dim}: {reach} reach, {pass} pass");
        // The first tile of a steep table has lengths of many sizes and one scale.
        let at_most = if skew == 0 { 3 * reach } else { ITEMS * 16 };
        assert!(pass <= at_most, "dim {dim}: {pass} pass for {reach}");
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn the_kernels_agree() {
    if !crate::rank::product::has_avx2() {
        return println!("skipped: no AVX2");
    }
    let mut rng = crate::rng::stream(3, "kernel", 0);
    for pairs in [1, 2, 31, 128] {
        let lines: Vec<Line> = (0..PANELS * pairs)
            .map(|_| Line(std::array::from_fn(|_| rng.random_range(1..=255))))
            .collect();
        let codes = (0..pairs * USERS).map(|_| {
            let byte = |x: i8| u32::from(x as u8);
            let pair = byte(rng.random_range(-63..=63)) | byte(rng.random_range(-63..=63)) << 8;
            pair | pair << 16
        });
        let group = Group {
            codes: codes.collect(),
            start: std::array::from_fn(|u| (u as i32) << 8 | (u as i32) << 24),
            inverse: [1.0; 8],
            error: [0.0; 8],
            norm: [0.0; 8],
        };
        let thresholds = [i16::MIN, -1000, -1, 0, 500, i16::MAX, 0, 0];
        let (mut fast, mut plain) = ([[0; USERS]; PANELS], [[0; USERS]; PANELS]);
        // SAFETY: AVX2 is there.
        unsafe { avx2::compare(&lines, &group, &thresholds, &mut fast) };
        portable::compare(&lines, &group, &thresholds, &mut plain);
        assert_eq!(fast, plain);
        assert!(plain.iter().all(|p| p[5] == 0));
    }
}
