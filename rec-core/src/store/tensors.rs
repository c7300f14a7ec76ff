//! Named arrays as bytes, and back.

use safetensors::tensor::{Dtype, TensorView};
use sha2::{Digest, Sha256};

/// An element type that a model folder holds.
pub(crate) trait Element: Copy {
    const DTYPE: Dtype;
    const SIZE: usize;
    fn write(self, out: &mut Vec<u8>);
    fn read(bytes: &[u8]) -> Self;
}

macro_rules! element {
    ($($type:ty => $dtype:ident),*) => {$(
        impl Element for $type {
            const DTYPE: Dtype = Dtype::$dtype;
            const SIZE: usize = size_of::<$type>();
            fn write(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
            fn read(bytes: &[u8]) -> Self {
                let mut raw = [0; size_of::<$type>()];
                raw.copy_from_slice(bytes);
                Self::from_le_bytes(raw)
            }
        }
    )*};
}

element!(f32 => F32, f64 => F64, u8 => U8, u32 => U32, u64 => U64, i64 => I64);

/// A named array on its way to disk.
pub(crate) struct Array {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

impl Array {
    pub(crate) fn new<T: Element>(shape: &[usize], values: &[T]) -> Self {
        let mut bytes = Vec::with_capacity(values.len() * T::SIZE);
        values.iter().for_each(|v| v.write(&mut bytes));
        Self { dtype: T::DTYPE, shape: shape.to_vec(), bytes }
    }

    pub(crate) fn view(&self) -> Result<TensorView<'_>, safetensors::SafeTensorError> {
        TensorView::new(self.dtype, self.shape.clone(), &self.bytes)
    }
}

pub(crate) fn decode<T: Element>(bytes: &[u8]) -> Vec<T> {
    bytes.chunks_exact(T::SIZE).map(T::read).collect()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}
