//! The binary tree of hierarchical softmax.

use crate::{Error, Result};

/// The Huffman tree of words by how often they were seen: a word's path from the root is the shorter
/// the more frequent the word is, and no tree has shorter paths on average (D. A. Huffman, "A method
/// for the construction of minimum-redundancy codes", 1952). A path is a list of inner nodes and the
/// turn taken at each; `n` words have `n − 1` inner nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HuffmanTree {
    starts: Vec<usize>,
    nodes: Vec<u32>,
    turns: Vec<bool>,
}

impl HuffmanTree {
    /// The tree of words seen so often.
    ///
    /// # Errors
    /// [`Error::Data`] for fewer than two words or more than 2³¹.
    pub fn new(counts: &[u64]) -> Result<Self> {
        let n = counts.len();
        if !(2..=1 << 31).contains(&n) {
            let why = format!("there are {n}, and a tree needs 2 to 2^31");
            return Err(Error::data("the words of hierarchical softmax", why));
        }
        let parents = parents(counts);
        let mut tree = Self { starts: vec![0], nodes: Vec::new(), turns: Vec::new() };
        let mut path = Vec::new();
        for word in 0..n {
            path.clear();
            let mut at = word;
            while at != 2 * n - 2 {
                let (parent, turn) = parents[at];
                path.push((parent - n as u32, turn));
                at = parent as usize;
            }
            tree.nodes.extend(path.iter().rev().map(|step| step.0));
            tree.turns.extend(path.iter().rev().map(|step| step.1));
            tree.starts.push(tree.nodes.len());
        }
        Ok(tree)
    }

    /// A word's inner nodes from the root, and whether its path turns right at each. Words must be
    /// within the tree.
    #[inline]
    pub fn path(&self, word: u32) -> (&[u32], &[bool]) {
        let range = self.starts[word as usize]..self.starts[word as usize + 1];
        (&self.nodes[range.clone()], &self.turns[range])
    }
}

/// The parent of every node but the last, which is the root, and whether the node is its right
/// child: words come first, then inner nodes in the order in which they were made. The two rarest
/// trees are joined each time; of equals the one made first.
fn parents(counts: &[u64]) -> Vec<(u32, bool)> {
    let n = counts.len();
    let mut words: Vec<u32> = (0..n as u32).collect();
    words.sort_by_key(|&word| counts[word as usize]);
    // Inner nodes are made in ascending order, so that two queues are enough.
    let mut inner: Vec<u128> = Vec::with_capacity(n - 1);
    let mut parents = vec![(0, false); 2 * n - 2];
    let (mut next_word, mut next_inner) = (0, 0);
    for made in 0..n - 1 {
        let mut sum = 0;
        for is_right in [false, true] {
            let word = words.get(next_word).map(|&w| u128::from(counts[w as usize]));
            let of_inner = inner.get(next_inner).copied();
            let takes_word = match (word, of_inner) {
                (Some(word), Some(of_inner)) => word <= of_inner,
                (word, _) => word.is_some(),
            };
            let (node, weight) = match takes_word {
                true => (words[next_word] as usize, word.unwrap_or(0)),
                false => (n + next_inner, of_inner.unwrap_or(0)),
            };
            *(if takes_word { &mut next_word } else { &mut next_inner }) += 1;
            parents[node] = ((n + made) as u32, is_right);
            sum += weight;
        }
        inner.push(sum);
    }
    parents
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(tree: &HuffmanTree, n: u32) -> Vec<usize> {
        (0..n).map(|word| tree.path(word).0.len()).collect()
    }

    #[test]
    fn frequent_words_have_short_paths() {
        // 5 9 12 13 16 45: the textbook's tree, of 224 turns in all.
        let counts = [45, 16, 13, 12, 9, 5];
        let tree = HuffmanTree::new(&counts).unwrap();
        assert_eq!(lengths(&tree, 6), [1, 3, 3, 3, 4, 4]);
        let all: u64 = lengths(&tree, 6).iter().zip(counts).map(|(&l, n)| l as u64 * n).sum();
        assert_eq!(all, 224);
        for counts in [vec![0, 0], vec![1; 9], (1..400).map(|n| 1000 / n).collect::<Vec<u64>>()] {
            let n = counts.len() as u32;
            let tree = HuffmanTree::new(&counts).unwrap();
            let kraft: f64 = lengths(&tree, n).iter().map(|&l| 0.5f64.powi(l as i32)).sum();
            assert!((kraft - 1.0).abs() < 1e-12);
            let mut paths: Vec<Vec<(u32, bool)>> = (0..n)
                .map(|w| tree.path(w).0.iter().copied().zip(tree.path(w).1.to_vec()).collect())
                .collect();
            assert!(paths.iter().all(|path| path[0].0 == n - 2), "all paths begin at the root");
            paths.sort();
            paths.dedup();
            assert_eq!(paths.len(), n as usize);
        }
        assert!(HuffmanTree::new(&[3]).is_err());
    }
}
