//! Layers whose activations are computed anew in the backward pass (Chen et al. 2016, "Training Deep
//! Nets with Sublinear Memory Cost").
//!
//! While a [`Tape`] records, a layer keeps its input alone. The backward pass of what comes after the
//! layers gives the gradient of the last layer's output; then, from the last layer down, each is
//! computed again and its gradients walked back. What dropout drops is a hash, so that a layer
//! computed again is the very same.

use std::cell::RefCell;

use burn::module::Module;
use burn::tensor::{Gradients, Tensor};

use crate::ops::tracked_as;

/// A layer as a function of its input.
type Forward = Box<dyn Fn(Tensor<2>) -> Tensor<2>>;

/// A layer that was passed.
struct Segment {
    input: Tensor<2>,
    /// A leaf, from which what comes after the layer begins.
    output: Tensor<2>,
    forward: Forward,
}

thread_local! {
    /// What this thread's pass goes through, if it is recorded.
    static TAPE: RefCell<Option<Vec<Segment>>> = const { RefCell::new(None) };
}

/// The layers of a pass, in order.
#[derive(Default)]
pub(super) struct Tape(Vec<Segment>);

impl Tape {
    /// Records the layers that `forward` passes on this thread.
    pub(super) fn record<T>(forward: impl FnOnce() -> T) -> (T, Self) {
        /// Ends the recording, should `forward` not return.
        struct End;
        impl Drop for End {
            fn drop(&mut self) {
                TAPE.take();
            }
        }
        TAPE.set(Some(Vec::new()));
        let _end = End;
        let out = forward();
        (out, Self(TAPE.take().unwrap_or_default()))
    }

    /// Walks back from the gradients of the loss, layer by layer; `take` is given those of each.
    pub(super) fn walk_back(self, of_loss: &mut Gradients, mut take: impl FnMut(&mut Gradients)) {
        let mut above: Option<Gradients> = None;
        for Segment { input, output, forward } in self.0.into_iter().rev() {
            let after = above.as_mut().and_then(|gradients| output.grad_remove(gradients));
            let Some(gradient) = after.or_else(|| output.grad_remove(of_loss)) else { continue };
            let x = leaf(input.clone());
            let mut gradients = along(forward(x.clone()), gradient).backward();
            take(&mut gradients);
            above = x.grad_remove(&mut gradients).map(|gradient| {
                let mut below = along(input, gradient).backward();
                take(&mut below);
                below
            });
        }
    }
}

/// `forward(layer, x)`, which a tape that records computes again in the backward pass.
pub(super) fn layer<L: Module + 'static>(
    layer: &L,
    x: Tensor<2>,
    forward: impl Fn(&L, Tensor<2>) -> Tensor<2> + 'static,
) -> Tensor<2> {
    if !TAPE.with_borrow(Option::is_some) {
        return forward(layer, x);
    }
    // Nothing of the layer is kept: neither its weights nor its input are tracked.
    let untracked = x.clone().detach().set_require_grad(false);
    let output = leaf(forward(&layer.clone().no_grad(), untracked));
    let layer = layer.clone();
    let forward: Forward = Box::new(move |x| forward(&layer, x));
    let segment = Segment { input: x, output: output.clone(), forward };
    TAPE.with_borrow_mut(|tape| tape.get_or_insert_default().push(segment));
    output
}

/// The same numbers, from which gradients are wanted.
fn leaf(x: Tensor<2>) -> Tensor<2> {
    x.detach().require_grad()
}

/// A loss whose gradient in `y` is `gradient`.
fn along(y: Tensor<2>, gradient: Tensor<2>) -> Tensor<1> {
    let gradient = tracked_as(&y, gradient);
    // Tracked even where no weight before `y` learns.
    let nothing = Tensor::<1>::zeros([1], (&y.device(), y.dtype())).require_grad();
    (y * gradient).sum() + nothing
}
