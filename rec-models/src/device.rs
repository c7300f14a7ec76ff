//! Devices by name.

use std::fmt;
use std::str::FromStr;

use burn::tensor::{DType, Device as TensorDevice};

use crate::{Error, Result};

/// Where a model trains and runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Device {
    /// This process's CPU threads, in pure Rust (`cpu`); in every build.
    #[default]
    Cpu,
    /// LibTorch (`libtorch`, `libtorch:cuda:0`, `libtorch:mps`); feature `libtorch`.
    LibTorch(LibTorchDevice),
    /// An NVIDIA GPU by burn's own compiler (`cuda`, `cuda:1`); feature `cuda`.
    Cuda(usize),
    /// A GPU by WebGPU (`wgpu`); feature `wgpu`.
    Wgpu,
}

/// A device of LibTorch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LibTorchDevice {
    /// CPU threads.
    #[default]
    Cpu,
    /// The NVIDIA GPU with this index.
    Cuda(usize),
    /// Apple's GPU.
    Mps,
}

/// A type of weights by the name NumPy and PyTorch have for it.
///
/// # Errors
/// A name that is none of `float32`, `bfloat16`, `float16`.
pub fn parse_dtype(name: &str) -> Result<DType> {
    match name {
        "float32" => Ok(DType::F32),
        "bfloat16" => Ok(DType::BF16),
        "float16" => Ok(DType::F16),
        _ => Err(Error::parameter("dtype", name, "choose float32, bfloat16 or float16")),
    }
}

/// Checks that `device` computes in `dtype`.
pub(crate) fn check_dtype(device: Device, dtype: DType) -> Result<()> {
    match dtype {
        DType::F32 => Ok(()),
        DType::BF16 | DType::F16 if device != Device::Cpu => Ok(()),
        DType::BF16 | DType::F16 => {
            let why = "the device cpu computes in float32; use the device libtorch";
            Err(Error::parameter("dtype", format!("{dtype:?}"), why))
        }
        _ => {
            let why = "choose float32, bfloat16 or float16";
            Err(Error::parameter("dtype", format!("{dtype:?}"), why))
        }
    }
}

/// Tells LibTorch how many threads it may use; the other devices go by the thread pool.
pub(crate) fn limit_threads(device: &TensorDevice, threads: Option<usize>) {
    #[cfg(feature = "libtorch")]
    if let (burn::backend::DispatchDevice::LibTorch(_), Some(threads)) =
        (device.clone().inner().as_dispatch(), threads)
    {
        tch::set_num_threads(threads as i32);
    }
    #[cfg(not(feature = "libtorch"))]
    let _ = (device, threads);
}

/// The device families this build has, by name.
pub fn available() -> &'static [&'static str] {
    &[
        "cpu",
        #[cfg(feature = "libtorch")]
        "libtorch",
        #[cfg(feature = "cuda")]
        "cuda",
        #[cfg(feature = "wgpu")]
        "wgpu",
    ]
}

impl Device {
    /// burn's device of this name.
    ///
    /// # Errors
    /// A device that this build or this machine lacks, naming what has it.
    pub fn tensor(self) -> Result<TensorDevice> {
        match self {
            Self::Cpu => Ok(TensorDevice::flex()),
            Self::LibTorch(device) => libtorch(device),
            Self::Cuda(index) => cuda(index),
            Self::Wgpu => wgpu(),
        }
    }
}

#[cfg(feature = "libtorch")]
#[allow(deprecated, reason = "burn 0.22 means to drop LibTorch, the GPU backend here")]
fn libtorch(device: LibTorchDevice) -> Result<TensorDevice> {
    let gpus = tch::Cuda::device_count().max(0) as usize;
    match device {
        LibTorchDevice::Cpu => Ok(TensorDevice::libtorch()),
        LibTorchDevice::Cuda(index) if index < gpus => Ok(TensorDevice::libtorch_cuda(index)),
        LibTorchDevice::Cuda(_) => Err(missing(
            Device::LibTorch(device),
            format!("LibTorch sees {gpus} CUDA devices here; use libtorch for its CPU"),
        )),
        LibTorchDevice::Mps if tch::utils::has_mps() => Ok(TensorDevice::libtorch_mps()),
        LibTorchDevice::Mps => Err(missing(
            Device::LibTorch(device),
            "LibTorch sees no Apple GPU here; use libtorch for its CPU".into(),
        )),
    }
}

#[cfg(not(feature = "libtorch"))]
fn libtorch(device: LibTorchDevice) -> Result<TensorDevice> {
    Err(not_built(Device::LibTorch(device), "libtorch"))
}

#[cfg(feature = "cuda")]
fn cuda(index: usize) -> Result<TensorDevice> {
    Ok(TensorDevice::cuda(index))
}

#[cfg(not(feature = "cuda"))]
fn cuda(index: usize) -> Result<TensorDevice> {
    Err(not_built(Device::Cuda(index), "cuda"))
}

#[cfg(feature = "wgpu")]
fn wgpu() -> Result<TensorDevice> {
    Ok(TensorDevice::wgpu(burn::tensor::DeviceKind::DefaultDevice))
}

#[cfg(not(feature = "wgpu"))]
fn wgpu() -> Result<TensorDevice> {
    Err(not_built(Device::Wgpu, "wgpu"))
}

#[cfg(feature = "libtorch")]
fn missing(device: Device, why: String) -> Error {
    Error::parameter("device", device, why)
}

#[cfg(not(all(feature = "libtorch", feature = "cuda", feature = "wgpu")))]
fn not_built(device: Device, feature: &str) -> Error {
    let has = available().join(", ");
    let why = format!("this build has {has}; build rec-models with the feature {feature} for it");
    Error::parameter("device", device, why)
}

impl FromStr for Device {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let parts: Vec<&str> = name.split(':').collect();
        let index = |text: &str| text.parse::<usize>().map_err(|_| unknown(name));
        match parts.as_slice() {
            ["cpu"] => Ok(Self::Cpu),
            ["libtorch"] | ["libtorch", "cpu"] => Ok(Self::LibTorch(LibTorchDevice::Cpu)),
            ["libtorch", "cuda"] => Ok(Self::LibTorch(LibTorchDevice::Cuda(0))),
            ["libtorch", "cuda", i] => Ok(Self::LibTorch(LibTorchDevice::Cuda(index(i)?))),
            ["libtorch", "mps"] => Ok(Self::LibTorch(LibTorchDevice::Mps)),
            ["cuda"] => Ok(Self::Cuda(0)),
            ["cuda", i] => Ok(Self::Cuda(index(i)?)),
            ["wgpu"] => Ok(Self::Wgpu),
            _ => Err(unknown(name)),
        }
    }
}

fn unknown(name: &str) -> Error {
    let why = "no such device; write cpu, libtorch, libtorch:cuda:0, libtorch:mps, cuda:0 or wgpu";
    Error::parameter("device", name, format!("{why} (this build has {})", available().join(", ")))
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::LibTorch(LibTorchDevice::Cpu) => f.write_str("libtorch"),
            Self::LibTorch(LibTorchDevice::Cuda(index)) => write!(f, "libtorch:cuda:{index}"),
            Self::LibTorch(LibTorchDevice::Mps) => f.write_str("libtorch:mps"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
            Self::Wgpu => f.write_str("wgpu"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_back() {
        for name in ["cpu", "libtorch", "libtorch:cuda:1", "libtorch:mps", "cuda:0", "wgpu"] {
            let device: Device = name.parse().unwrap();
            assert_eq!(device.to_string(), name);
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known() {
        for name in ["gpu", "cuda:x", "cuda:0:1", "libtorch:cuda:", ""] {
            let message = name.parse::<Device>().unwrap_err().to_string();
            assert!(message.contains("libtorch:cuda:0"), "{message}");
        }
    }

    #[cfg(not(feature = "wgpu"))]
    #[test]
    fn a_device_this_build_lacks_names_the_build_that_has_it() {
        let message = Device::Wgpu.tensor().unwrap_err().to_string();
        assert!(message.contains("feature wgpu"), "{message}");
    }
}
