//! Dropout by LibTorch: in place on a copy where the numbers are in this process's memory, by a
//! matrix of factors elsewhere.

use burn::backend::LibTorch;
use burn::backend::tensor::FloatTensor;
use tch::{Device, Kind, Tensor};

use super::flex::drop_rows;
use super::{Draw, Dropout, DropoutKernels};
use crate::ops::libtorch::{floats_mut, wrap};

impl DropoutKernels for LibTorch {
    fn drop(x: FloatTensor<Self>, dropout: Dropout) -> FloatTensor<Self> {
        let x = &x.tensor;
        let [rows, columns] = [0, 1].map(|axis| x.size()[axis] as usize);
        if x.device() == Device::Cpu && x.kind() == Kind::Float {
            let mut out = x.contiguous().copy();
            drop_rows(floats_mut(&mut out), columns, dropout);
            return wrap(out);
        }
        let Some(draw) = Draw::new(dropout) else { return wrap(x.copy()) };
        let factors = Tensor::from_slice(&draw.factors(0, [rows, columns]));
        let factors = factors.view([rows as i64, columns as i64]);
        wrap(x * factors.to_device(x.device()).to_kind(x.kind()))
    }
}
