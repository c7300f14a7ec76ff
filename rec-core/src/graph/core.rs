//! The dense core of a graph.

use super::Graph;

impl Graph {
    /// The largest part in which every node has at least `k` neighbours (Seidman 1983), by removing
    /// those with fewer until none is left. Nodes keep their numbers: those removed are isolated.
    /// Self-loops do not count. The graph is taken as undirected: its edges go both ways.
    pub fn k_core(&self, k: usize) -> Self {
        let neighbours = |i: usize| self.edges.row(i).iter().filter(move |&&j| j as usize != i);
        let mut left: Vec<usize> = (0..self.n_nodes()).map(|i| neighbours(i).count()).collect();
        let mut queue: Vec<usize> = (0..left.len()).filter(|&i| left[i] < k).collect();
        let mut gone = vec![false; left.len()];
        queue.iter().for_each(|&i| gone[i] = true);
        while let Some(i) = queue.pop() {
            for &j in neighbours(i) {
                let j = j as usize;
                left[j] = left[j].saturating_sub(1);
                if !gone[j] && left[j] < k {
                    gone[j] = true;
                    queue.push(j);
                }
            }
        }
        self.filtered(|i, j| !gone[i as usize] && !gone[j as usize])
    }
}
