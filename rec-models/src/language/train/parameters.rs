//! A module's parameters as arrays by path, and back.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};

use crate::ops::adamw::path::Path;
use crate::train::Snapshot;
use crate::{Error, Result};

/// The parameters as single-precision arrays: exact for f32, bf16 and f16.
pub(in crate::language) fn snapshot(module: &impl Module) -> Snapshot {
    let mut taken = Taken { path: Path::default(), snapshot: Snapshot::new() };
    module.visit(&mut taken);
    taken.snapshot
}

/// The module with the parameters of a snapshot.
///
/// # Errors
/// [`Error::Shape`] for a parameter that the snapshot lacks or has in another shape.
pub(super) fn restored<M: Module>(module: M, snapshot: Snapshot) -> Result<M> {
    let mut put = Put { path: Path::default(), snapshot, error: None };
    let module = module.map(&mut put);
    match put.error {
        Some(error) => Err(error),
        None => Ok(module),
    }
}

struct Taken {
    path: Path,
    snapshot: Snapshot,
}

impl ModuleVisitor for Taken {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let shape = tensor.dims();
        let values = tensor.into_data().iter::<f32>().collect();
        let snapshot = std::mem::take(&mut self.snapshot);
        self.snapshot = snapshot.with(&self.path.joined(), &shape, values);
    }
}

struct Put {
    path: Path,
    snapshot: Snapshot,
    error: Option<Error>,
}

impl ModuleMapper for Put {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let shape = param.val().dims();
        match self.snapshot.take(&self.path.joined(), &shape) {
            Ok(values) => param.map(|old| {
                let data = TensorData::new(values, shape);
                let new = Tensor::from_data(data, (&old.device(), old.dtype()));
                new.set_require_grad(old.is_require_grad())
            }),
            Err(error) => {
                self.error.get_or_insert(error);
                param
            }
        }
    }
}
