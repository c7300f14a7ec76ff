//! AdamW over the touched rows of a large table.

use std::collections::BTreeMap;

use burn::tensor::{DType, Tensor, TensorData};

use super::AdamWConfig;
use super::module::exact;
use super::op::{self, Stepped};
use crate::ops::TouchedRows;
use crate::ops::maybe::tracked_as;
use crate::{Error, Result};

/// AdamW over a table `[rows, d]` of which a step touches few rows ("lazy" Adam).
///
/// A step changes only the rows its batch read, in place: an untouched row keeps its value, its
/// moments and its step count, and is not decayed. Bias is corrected by each row's own count, not
/// by the global one. So a row goes exactly the way that dense AdamW would take it through the
/// steps that touched it, whenever those come; with a global count the first steps of a row that is
/// first seen late would be `(1 − β₁) / √(1 − β₂)`, about 3, times too large. A count costs 4 bytes
/// a row.
///
/// [`AdamWConfig::no_decay`] does not apply: give a `weight_decay` of 0. `max_norm` bounds the norm
/// of the table's gradient alone.
#[derive(Clone, Debug)]
pub struct TableAdamW {
    config: AdamWConfig,
    first: Tensor<2>,
    second: Tensor<2>,
    steps: Vec<u32>,
}

impl TableAdamW {
    /// With no step made.
    ///
    /// # Errors
    /// A value of `config` outside its domain.
    pub fn new(table: &Tensor<2>, config: AdamWConfig) -> Result<Self> {
        config.check()?;
        let zeros = || table.clone().inner().zeros_like().cast(exact(table.dtype()));
        Ok(Self { config, first: zeros(), second: zeros(), steps: vec![0; table.dims()[0]] })
    }

    /// The table after a step of rate `lr`, given the gradient of [`TouchedRows::rows`]. Pass the
    /// table itself, not a clone: it is changed in place where nothing else holds it.
    pub fn step(
        &mut self,
        table: Tensor<2>,
        touched: &TouchedRows,
        gradient: Tensor<2>,
        lr: f64,
    ) -> Tensor<2> {
        let scale = match self.config.max_norm {
            Some(_) => self.config.clip(op::sum_of_squares(gradient.clone()).sqrt()),
            None => 1.0,
        };
        let updates = touched.ids().iter().map(|id| {
            let steps = &mut self.steps[*id as usize];
            *steps = steps.saturating_add(1);
            self.config.update(u64::from(*steps), lr, true, scale)
        });
        let updates = updates.collect();
        let like = Tensor::<1>::empty([1], &table.device());
        let nothing = || Tensor::zeros([0, 0], &table.device().inner());
        let first = std::mem::replace(&mut self.first, nothing());
        let second = std::mem::replace(&mut self.second, nothing());
        let before = Stepped { parameter: table.inner(), first, second };
        let after = op::step_rows(before, gradient, touched.ids(), updates);
        (self.first, self.second) = (after.first, after.second);
        tracked_as(&like, after.parameter)
    }

    /// `step` `[rows]`, `exp_avg` and `exp_avg_sq` `[rows, d]`.
    pub fn state(&self) -> BTreeMap<String, TensorData> {
        let steps: Vec<i64> = self.steps.iter().map(|steps| i64::from(*steps)).collect();
        let n = steps.len();
        BTreeMap::from([
            (STEP.to_string(), TensorData::new(steps, [n])),
            (FIRST.to_string(), self.first.to_data()),
            (SECOND.to_string(), self.second.to_data()),
        ])
    }

    /// Puts back what [`TableAdamW::state`] gave.
    ///
    /// # Errors
    /// An entry that is missing or not of the table's shape.
    pub fn load_state(&mut self, state: &BTreeMap<String, TensorData>) -> Result<()> {
        let [rows, d] = self.first.dims();
        let entry = |name: &str, shape: &[usize]| {
            let found = state.get(name);
            found.filter(|data| **data.shape() == *shape).ok_or_else(|| {
                let got = found.map_or("none".into(), |data| format!("{:?}", data.shape()));
                Error::shape(format!("state of the table, {name}"), format!("{shape:?}"), got)
            })
        };
        let (steps, first, second) =
            (entry(STEP, &[rows])?, entry(FIRST, &[rows, d])?, entry(SECOND, &[rows, d])?);
        let (device, dtype) = (self.first.device(), self.first.dtype());
        let place = |data: &TensorData| {
            let data = data.clone().convert_dtype(dtype);
            Tensor::<2>::from_data(data, (&device, dtype))
        };
        let count = |steps: i64| steps.clamp(0, i64::from(u32::MAX)) as u32;
        self.steps = steps.clone().convert_dtype(DType::I64).iter::<i64>().map(count).collect();
        (self.first, self.second) = (place(first), place(second));
        Ok(())
    }
}

const STEP: &str = "step";
const FIRST: &str = "exp_avg";
const SECOND: &str = "exp_avg_sq";
