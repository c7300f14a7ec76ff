//! TextRank over the words of a text (R. Mihalcea, P. Tarau, EMNLP 2004).

use hashbrown::HashMap;

use super::document::Document;
use super::options::KeywordOptions;

/// The rank of each word that can be a keyword, by its text in lower case:
///
/// `WS(v) = (1 − d) + d · Σ_{u ∈ N(v)} w(u, v) / Σ_{t ∈ N(u)} w(u, t) · WS(u)`
///
/// (eq. 2 on an undirected graph), where `w(u, v)` is the number of times that `u` and `v` stand
/// less than `window` words apart; all ranks are 1 at first, and the last ones count from then on
/// (Gauss–Seidel), until none changes by more than `tolerance`.
pub(super) fn ranks<'d>(
    document: &'d Document<'_>,
    options: &KeywordOptions,
) -> HashMap<&'d str, f64> {
    let graph = Graph::new(document, options.window);
    let ranks = graph.rank(options);
    graph.nodes.iter().copied().zip(ranks).collect()
}

struct Graph<'d> {
    /// Words in order of their first occurrence.
    nodes: Vec<&'d str>,
    /// Neighbours of each word, with the part of the neighbour's rank that comes here.
    neighbours: Vec<Vec<(usize, f64)>>,
}

impl<'d> Graph<'d> {
    fn new(document: &'d Document<'_>, window: usize) -> Self {
        let mut ids: HashMap<&str, usize> = HashMap::new();
        let mut nodes = Vec::new();
        let mut weights: HashMap<(usize, usize), f64> = HashMap::new();
        // The words of the window, by position.
        let mut recent: std::collections::VecDeque<(usize, usize)> = Default::default();
        for (at, word) in document.words.iter().enumerate().filter(|(_, w)| w.content) {
            let node = *ids.entry(&*word.key).or_insert_with(|| {
                nodes.push(&*word.key);
                nodes.len() - 1
            });
            while recent.front().is_some_and(|&(before, _)| at - before >= window) {
                recent.pop_front();
            }
            for &(_, other) in recent.iter().filter(|&&(_, other)| other != node) {
                *weights.entry((node.min(other), node.max(other))).or_default() += 1.0;
            }
            recent.push_back((at, node));
        }
        let neighbours = neighbours(nodes.len(), weights);
        Self { nodes, neighbours }
    }

    fn rank(&self, options: &KeywordOptions) -> Vec<f64> {
        let d = options.damping;
        let mut ranks = vec![1.0; self.nodes.len()];
        for _ in 0..options.max_rounds {
            let mut change = 0f64;
            for (node, neighbours) in self.neighbours.iter().enumerate() {
                let given: f64 = neighbours.iter().map(|&(from, share)| share * ranks[from]).sum();
                let rank = (1.0 - d) + d * given;
                change = change.max((rank - ranks[node]).abs());
                ranks[node] = rank;
            }
            if change <= options.tolerance {
                break;
            }
        }
        ranks
    }
}

fn neighbours(nodes: usize, weights: HashMap<(usize, usize), f64>) -> Vec<Vec<(usize, f64)>> {
    let mut out = vec![0.0; nodes];
    let mut neighbours = vec![Vec::new(); nodes];
    for (&(a, b), &weight) in &weights {
        out[a] += weight;
        out[b] += weight;
        neighbours[a].push((b, weight));
        neighbours[b].push((a, weight));
    }
    for list in &mut neighbours {
        // In the order of nodes, so that sums come out the same every time.
        list.sort_unstable_by_key(|&(from, _)| from);
        for (from, weight) in list {
            *weight /= out[*from];
        }
    }
    neighbours
}
