//! The three steps of the algorithm: moving nodes, refining circles, joining parts to nodes.

use std::collections::VecDeque;

use rand::RngExt as _;
use rand::seq::SliceRandom as _;

use super::network::Network;
use crate::rng::Rng;

/// Gains below this are rounding.
const LEAST_GAIN: f64 = 1e-10;

/// One run from a parting of the nodes, labels below `n`.
pub(super) fn run(network: &Network, start: &[u32], randomness: f64, rng: &mut Rng) -> Vec<u32> {
    let mut labels = start.to_vec();
    // The part that each node has gone into, level by level.
    let mut of: Vec<u32> = (0..network.n() as u32).collect();
    let mut level: Option<Network> = None;
    loop {
        let now = level.as_ref().unwrap_or(network);
        move_nodes(now, &mut labels, rng);
        let refined = refine(now, &labels, randomness, rng);
        let (parts, n_parts) = counted(&refined);
        if n_parts == now.n() {
            let (labels, _) = counted(&labels);
            return of.iter().map(|&part| labels[part as usize]).collect();
        }
        let mut above = vec![0; n_parts];
        parts.iter().zip(&labels).for_each(|(&part, &circle)| above[part as usize] = circle);
        let next = now.aggregated(&parts, n_parts);
        of.iter_mut().for_each(|part| *part = parts[*part as usize]);
        (labels, _) = counted(&above);
        level = Some(next);
    }
}

/// Labels `0..k` in order of appearance, and `k`.
fn counted(labels: &[u32]) -> (Vec<u32>, usize) {
    let mut numbers = vec![u32::MAX; labels.iter().max().map_or(0, |&c| c as usize + 1)];
    let mut next = 0;
    let counted = labels.iter().map(|&c| {
        let number = &mut numbers[c as usize];
        if *number == u32::MAX {
            *number = next;
            next += 1;
        }
        *number
    });
    (counted.collect(), next as usize)
}

/// The weights of a node's edges to each circle it touches.
struct Touched {
    weights: Vec<f64>,
    circles: Vec<u32>,
}

impl Touched {
    fn new(n: usize) -> Self {
        Self { weights: vec![0.0; n], circles: Vec::new() }
    }

    fn gather(&mut self, network: &Network, v: usize, labels: &[u32], of: impl Fn(u32) -> bool) {
        self.circles.drain(..).for_each(|c| self.weights[c as usize] = 0.0);
        for (u, w) in network.edges.iter_row(v).filter(|&(u, _)| of(u)) {
            let c = labels[u as usize];
            if self.weights[c as usize] == 0.0 {
                self.circles.push(c);
            }
            self.weights[c as usize] += f64::from(w);
        }
    }
}

/// MoveNodesFast: a node goes where quality gains most, and its neighbours elsewhere are looked at
/// again.
fn move_nodes(network: &Network, labels: &mut [u32], rng: &mut Rng) {
    let n = network.n();
    let mut sizes = vec![0.0; n];
    let mut counts = vec![0u32; n];
    for (v, &c) in labels.iter().enumerate() {
        sizes[c as usize] += network.sizes[v];
        counts[c as usize] += 1;
    }
    let mut empty: Vec<u32> = (0..n as u32).rev().filter(|&c| counts[c as usize] == 0).collect();
    let mut order: Vec<u32> = (0..n as u32).collect();
    order.shuffle(rng);
    let mut queue = VecDeque::from(order);
    let mut queued = vec![true; n];
    let mut touched = Touched::new(n);
    while let Some(v) = queue.pop_front() {
        let v = v as usize;
        queued[v] = false;
        let from = labels[v];
        touched.gather(network, v, labels, |_| true);
        sizes[from as usize] -= network.sizes[v];
        let gain = |c: u32| {
            touched.weights[c as usize] - network.resolution * network.sizes[v] * sizes[c as usize]
        };
        let mut best = (from, gain(from));
        // Alone: nothing gained, nothing lost.
        let alone = if counts[from as usize] > 1 { empty.last().map(|&c| (c, 0.0)) } else { None };
        let others = touched.circles.iter().map(|&c| (c, gain(c))).chain(alone);
        for (c, gain) in others {
            if gain > best.1 + LEAST_GAIN {
                best = (c, gain);
            }
        }
        let to = best.0;
        sizes[to as usize] += network.sizes[v];
        if to == from {
            continue;
        }
        counts[from as usize] -= 1;
        counts[to as usize] += 1;
        if counts[to as usize] == 1 {
            empty.pop();
        }
        if counts[from as usize] == 0 {
            sizes[from as usize] = 0.0;
            empty.push(from);
        }
        labels[v] = to;
        for (u, _) in network.edges.iter_row(v) {
            if labels[u as usize] != to && !queued[u as usize] {
                queued[u as usize] = true;
                queue.push_back(u);
            }
        }
    }
}

/// RefinePartition: within each circle, nodes that are well connected to it join parts that are, from
/// single nodes, each at random among those where quality does not fall.
fn refine(network: &Network, labels: &[u32], randomness: f64, rng: &mut Rng) -> Vec<u32> {
    let n = network.n();
    let mut circles = vec![Vec::new(); n];
    labels.iter().enumerate().for_each(|(v, &c)| circles[c as usize].push(v));
    let mut refined = Refined {
        network,
        parts: (0..n as u32).collect(),
        sizes: network.sizes.clone(),
        outside: vec![0.0; n],
        single: vec![true; n],
        touched: Touched::new(n),
        randomness,
    };
    for circle in circles.iter_mut().filter(|circle| circle.len() > 1) {
        circle.shuffle(rng);
        refined.merge(circle, labels, rng);
    }
    refined.parts
}

struct Refined<'a> {
    network: &'a Network,
    parts: Vec<u32>,
    sizes: Vec<f64>,
    /// `E(c, S − c)`: a part's edges to the rest of its circle.
    outside: Vec<f64>,
    single: Vec<bool>,
    touched: Touched,
    randomness: f64,
}

impl Refined<'_> {
    /// MergeNodesSubset.
    fn merge(&mut self, circle: &[usize], labels: &[u32], rng: &mut Rng) {
        let network = self.network;
        let total: f64 = circle.iter().map(|&v| network.sizes[v]).sum();
        let well_connected = |edges: f64, size: f64| {
            edges >= network.resolution * size * (total - size) - LEAST_GAIN
        };
        for &v in circle {
            let inside =
                network.edges.iter_row(v).filter(|&(u, _)| labels[u as usize] == labels[v]);
            self.outside[v] = inside.map(|(_, w)| f64::from(w)).sum();
        }
        for &v in circle {
            if !(self.single[v] && well_connected(self.outside[v], network.sizes[v])) {
                continue;
            }
            let own = labels[v];
            self.touched.gather(network, v, &self.parts, |u| labels[u as usize] == own);
            let candidates: Vec<(u32, f64)> = self
                .touched
                .circles
                .iter()
                .filter(|&&c| well_connected(self.outside[c as usize], self.sizes[c as usize]))
                .map(|&c| {
                    let apart = network.resolution * network.sizes[v] * self.sizes[c as usize];
                    (c, self.touched.weights[c as usize] - apart)
                })
                .filter(|&(_, gain)| gain >= 0.0)
                // To stay alone gains nothing, which is allowed.
                .chain([(self.parts[v], 0.0)])
                .collect();
            let to = chosen(&candidates, self.randomness, rng);
            if to != self.parts[v] {
                self.join(v, to);
            }
        }
    }

    fn join(&mut self, v: usize, to: u32) {
        let between = self.touched.weights[to as usize];
        self.sizes[to as usize] += self.network.sizes[v];
        // Edges between the two were outside of both.
        self.outside[to as usize] += self.outside[v] - 2.0 * between;
        self.single[v] = false;
        // The node whose number the part bears is no longer alone.
        self.single[to as usize] = false;
        self.parts[v] = to;
    }
}

/// One of the candidates, with odds `e^(gain/θ)`.
fn chosen(candidates: &[(u32, f64)], randomness: f64, rng: &mut Rng) -> u32 {
    let most = candidates.iter().map(|&(_, gain)| gain).fold(0.0, f64::max);
    let odds: Vec<f64> =
        candidates.iter().map(|&(_, gain)| ((gain - most) / randomness).exp()).collect();
    let mut left = rng.random::<f64>() * odds.iter().sum::<f64>();
    for (&(c, _), odds) in candidates.iter().zip(&odds) {
        left -= odds;
        if left < 0.0 {
            return c;
        }
    }
    // Rounding: the last.
    candidates.last().map_or(0, |&(c, _)| c)
}
