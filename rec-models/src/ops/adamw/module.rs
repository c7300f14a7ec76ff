//! AdamW over a module's parameters.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{DType, Device, FloatDType, Gradients, Tensor, TensorData};

use super::AdamWConfig;
use super::op::{self, Stepped};
use super::path::Path;
use crate::ops::maybe::tracked_as;
use crate::{Error, Result};

/// AdamW over the parameters of a [`Module`], each known by its path (`layers.0.linear.weight`).
///
/// A step is one pass over a parameter, its gradient and moments, in place unless another tensor
/// holds the parameter's memory. Parameters that do not require gradients, or that a loss did not
/// reach, stay as they are and do not count the step, as in PyTorch.
#[derive(Clone, Debug)]
pub struct AdamW {
    config: AdamWConfig,
    moments: BTreeMap<String, Moments>,
    /// Gradients of the step that is being made, flat, by parameter.
    gathered: BTreeMap<String, Tensor<1>>,
}

/// The moments of one parameter, flat.
#[derive(Clone, Debug)]
struct Moments {
    steps: u64,
    first: Tensor<1>,
    second: Tensor<1>,
    shape: Vec<usize>,
}

impl AdamW {
    /// With no step made.
    ///
    /// # Errors
    /// A value of `config` outside its domain.
    pub fn new(config: AdamWConfig) -> Result<Self> {
        config.check()?;
        Ok(Self { config, moments: BTreeMap::new(), gathered: BTreeMap::new() })
    }

    /// The module after a step of rate `lr`. Gradients of its parameters are taken out of
    /// `gradients`.
    pub fn step<M: Module>(&mut self, module: M, gradients: &mut Gradients, lr: f64) -> M {
        self.accumulate(&module, gradients);
        self.apply(module, lr)
    }

    /// Adds to the gradients of the next step, which [`AdamW::apply`] makes: of a loss that is
    /// computed part by part. They are taken out of `gradients`.
    pub fn accumulate<M: Module>(&mut self, module: &M, gradients: &mut Gradients) {
        let mut found = Found { path: Path::default(), gradients, by_path: BTreeMap::new() };
        module.visit(&mut found);
        for (path, gradient) in found.by_path {
            let sum = match self.gathered.remove(&path) {
                Some(before) => before + gradient,
                None => gradient,
            };
            self.gathered.insert(path, sum);
        }
    }

    /// The module after a step of rate `lr` by the gradients accumulated since the last one.
    pub fn apply<M: Module>(&mut self, module: M, lr: f64) -> M {
        self.apply_by(module, |_| lr)
    }

    /// As [`AdamW::apply`], at a rate of its own for every parameter, given its path.
    pub fn apply_by<M: Module>(&mut self, module: M, lr: impl Fn(&str) -> f64) -> M {
        let by_path = std::mem::take(&mut self.gathered);
        let scale = self.scale(&by_path);
        let path = Path::default();
        module.map(&mut Stepper { path, by_path, optimizer: self, lr, scale })
    }

    fn scale(&self, gradients: &BTreeMap<String, Tensor<1>>) -> f64 {
        if self.config.max_norm.is_none() {
            return 1.0;
        }
        let squares = gradients.values().map(|gradient| op::sum_of_squares(gradient.clone()));
        self.config.clip(squares.sum::<f64>().sqrt())
    }

    /// Every parameter's `{path}.step`, `{path}.exp_avg` and `{path}.exp_avg_sq`, as PyTorch names
    /// them: with [`AdamW::load_state`], all that a bit-exact resumption needs.
    pub fn state(&self) -> BTreeMap<String, TensorData> {
        let mut state = BTreeMap::new();
        for (path, moments) in &self.moments {
            let shaped = |x: &Tensor<1>| reshaped(x.to_data(), &moments.shape);
            state
                .insert(format!("{path}.{STEP}"), TensorData::new(vec![moments.steps as i64], [1]));
            state.insert(format!("{path}.{FIRST}"), shaped(&moments.first));
            state.insert(format!("{path}.{SECOND}"), shaped(&moments.second));
        }
        state
    }

    /// Puts back what [`AdamW::state`] gave, on `device`.
    ///
    /// # Errors
    /// A parameter that lacks one of its three entries, or whose moments differ in shape.
    pub fn load_state(
        &mut self,
        state: &BTreeMap<String, TensorData>,
        device: &Device,
    ) -> Result<()> {
        let device = device.clone().inner();
        let mut moments = BTreeMap::new();
        for path in state.keys().filter_map(|name| name.strip_suffix(STEP)?.strip_suffix('.')) {
            let entry = |part: &str| {
                let name = format!("{path}.{part}");
                state.get(&name).ok_or_else(|| {
                    Error::shape(format!("state of the optimiser, {name}"), "an entry", "none")
                })
            };
            let (step, first, second) = (entry(STEP)?, entry(FIRST)?, entry(SECOND)?);
            if first.shape() != second.shape() {
                let name = format!("state of the optimiser, {path}.{SECOND}");
                let shapes = (format!("{:?}", first.shape()), format!("{:?}", second.shape()));
                return Err(Error::shape(name, shapes.0, shapes.1));
            }
            let flat = |data: &TensorData| {
                let n = data.num_elements();
                let data = reshaped(data.clone().convert_dtype(DType::F32), &[n]);
                Tensor::<1>::from_data(data, (&device, DType::F32))
            };
            let loaded = Moments {
                steps: step.iter::<i64>().next().unwrap_or(0).max(0) as u64,
                first: flat(first),
                second: flat(second),
                shape: first.shape().to_vec(),
            };
            moments.insert(path.to_string(), loaded);
        }
        self.moments = moments;
        Ok(())
    }
}

const STEP: &str = "step";
const FIRST: &str = "exp_avg";
const SECOND: &str = "exp_avg_sq";

/// Takes out the gradients of a module's parameters, flat.
struct Found<'a> {
    path: Path,
    gradients: &'a mut Gradients,
    by_path: BTreeMap<String, Tensor<1>>,
}

impl ModuleVisitor for Found<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = param.val().grad_remove(self.gradients) {
            let n = gradient.shape().num_elements();
            self.by_path.insert(self.path.joined(), gradient.reshape([n]));
        }
    }
}

struct Stepper<'a, F> {
    path: Path,
    by_path: BTreeMap<String, Tensor<1>>,
    optimizer: &'a mut AdamW,
    lr: F,
    scale: f64,
}

impl<F: Fn(&str) -> f64> ModuleMapper for Stepper<'_, F> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let path = self.path.joined();
        match self.by_path.remove(&path) {
            Some(gradient) => param.map(|parameter| self.step(path, parameter, gradient)),
            None => param,
        }
    }
}

impl<F: Fn(&str) -> f64> Stepper<'_, F> {
    fn step<const D: usize>(
        &mut self,
        path: String,
        parameter: Tensor<D>,
        gradient: Tensor<1>,
    ) -> Tensor<D> {
        let (shape, config) = (parameter.dims(), &self.optimizer.config);
        let like = Tensor::<1>::empty([1], &parameter.device());
        let parameter = parameter.inner().reshape([gradient.dims()[0]]);
        let moments = &mut self.optimizer.moments;
        let mut before = match moments.remove(&path) {
            Some(moments) if moments.shape == shape => moments,
            _ => Moments::new(&parameter, shape.to_vec()),
        };
        before.steps += 1;
        let update =
            config.update(before.steps, (self.lr)(&path), config.decays(&path), self.scale);
        let Moments { steps, first, second, shape: kept } = before;
        let after = op::step(Stepped { parameter, first, second }, gradient, update);
        let (first, second) = (after.first, after.second);
        moments.insert(path, Moments { steps, first, second, shape: kept });
        tracked_as(&like, after.parameter.reshape(shape)).require_grad()
    }
}

impl Moments {
    fn new(parameter: &Tensor<1>, shape: Vec<usize>) -> Self {
        let zeros = || parameter.zeros_like().cast(exact(parameter.dtype()));
        Self { steps: 0, first: zeros(), second: zeros(), shape }
    }
}

fn reshaped(data: TensorData, shape: &[usize]) -> TensorData {
    let (bytes, _, dtype) = data.into_parts();
    TensorData::from_bytes(bytes, shape.to_vec(), dtype)
}

/// Moments of half-precision parameters are in single precision.
pub(super) fn exact(dtype: DType) -> FloatDType {
    if dtype == DType::F64 { FloatDType::F64 } else { FloatDType::F32 }
}
