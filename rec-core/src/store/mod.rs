//! Models on disk: a folder of `manifest.json` and safetensors files, written under a temporary
//! name and renamed when whole.

mod folders;
mod manifest;
mod reader;
mod tensors;
#[cfg(test)]
mod tests;
mod writer;

pub use manifest::{FORMAT, Manifest};
pub use reader::ModelReader;
pub use writer::ModelWriter;
