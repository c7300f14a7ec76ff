//! Adam (Kingma and Ba 2015) on the arrays of a network.

use super::gradient::Gradients;
use super::net::Network;

/// Decay of the mean gradient and of the mean square.
const BETAS: (f32, f32) = (0.9, 0.999);
const EPSILON: f32 = 1e-8;

/// The moments of each array. Those of an embedding change in the steps that its token is in.
pub(super) struct Adam {
    embeddings: Moments,
    kernels: Moments,
    body: Vec<Moments>,
    output: Moments,
    output_bias: Moments,
    steps: i32,
}

/// Mean gradient and mean square.
pub(super) struct Moments(Vec<f32>, Vec<f32>);

impl Adam {
    pub(super) fn new(network: &Network) -> Self {
        let of = |array: &[f32]| Moments::new(array.len());
        Self {
            embeddings: of(&network.embeddings),
            kernels: of(&network.kernels),
            body: network.body.arrays().into_iter().map(|(_, _, array)| of(array)).collect(),
            output: of(&network.output),
            output_bias: of(&network.output_bias),
            steps: 0,
        }
    }

    /// Steps taken.
    pub(super) fn steps(&self) -> i32 {
        self.steps
    }

    /// A step of a network whose `tokens` have the gradients' embeddings; arrays without gradients stay.
    /// Gives the rates of the step, for what learns beside it.
    pub(super) fn step(
        &mut self,
        network: &mut Network,
        tokens: &[u32],
        of: &Gradients,
        rate: f32,
    ) -> (f32, f32) {
        self.steps += 1;
        let bias = |beta: f32| 1.0 - beta.powi(self.steps);
        let rates = (rate / bias(BETAS.0), bias(BETAS.1).sqrt().recip());
        let dim = network.dim();
        for (&token, gradient) in tokens.iter().zip(of.embeddings.chunks_exact(dim)) {
            self.embeddings.step(token as usize * dim, &mut network.embeddings, gradient, rates);
        }
        self.kernels.step(0, &mut network.kernels, &of.kernels, rates);
        let body = network.body.arrays_mut().into_iter().zip(&of.body);
        self.body.iter_mut().zip(body).for_each(|(moments, (array, gradient))| {
            moments.step(0, array, gradient, rates);
        });
        self.output.step(0, &mut network.output, &of.output, rates);
        self.output_bias.step(0, &mut network.output_bias, &of.output_bias, rates);
        rates
    }
}

impl Moments {
    pub(super) fn new(len: usize) -> Self {
        Self(vec![0.0; len], vec![0.0; len])
    }

    /// A step of the weights from `from` on, as many as there are gradients.
    pub(super) fn step(
        &mut self,
        from: usize,
        weights: &mut [f32],
        of: &[f32],
        (rate, root): (f32, f32),
    ) {
        let at = from..from + of.len();
        let moments = self.0[at.clone()].iter_mut().zip(&mut self.1[at.clone()]);
        for ((w, (m, v)), g) in weights[at].iter_mut().zip(moments).zip(of) {
            *m = BETAS.0 * *m + (1.0 - BETAS.0) * g;
            *v = BETAS.1 * *v + (1.0 - BETAS.1) * g * g;
            *w -= rate * *m / (v.sqrt() * root + EPSILON);
        }
    }
}
