//! PyTorch files that try to run code when they are read.

use std::fs;
use std::path::Path;

use super::{assert_refused, checkpoint};

/// A pickle, protocol 2, of a dictionary whose one value is `posix.system("touch FILE")`: a Python
/// that unpickles it runs the command.
fn dictionary_with_a_call(file: &Path) -> Vec<u8> {
    let mut bytes = b"\x80\x02}X\x01\x00\x00\x00w".to_vec();
    bytes.extend(call(file));
    bytes.extend(b"s.");
    bytes
}

/// The same call, and nothing else.
fn only_a_call(file: &Path) -> Vec<u8> {
    [b"\x80\x02".to_vec(), call(file), b".".to_vec()].concat()
}

/// GLOBAL posix.system, its argument, a tuple of it, REDUCE.
fn call(file: &Path) -> Vec<u8> {
    let command = format!("touch {}", file.display());
    let mut bytes = b"cposix\nsystem\nX".to_vec();
    bytes.extend((command.len() as u32).to_le_bytes());
    bytes.extend(command.as_bytes());
    bytes.extend(b"\x85R");
    bytes
}

/// The archive that `torch.save` writes: files, uncompressed, in a zip.
fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in entries {
        let mut crc = flate2::Crc::new();
        crc.update(data);
        let mut head = vec![10, 0, 0, 0, 0, 0, 0, 0, 0, 0]; // version, flags, stored, time, date
        head.extend(crc.sum().to_le_bytes());
        head.extend((data.len() as u32).to_le_bytes());
        head.extend((data.len() as u32).to_le_bytes());
        head.extend((name.len() as u16).to_le_bytes());
        head.extend([0, 0]);
        let at = (out.len() as u32).to_le_bytes();
        directory.extend(b"PK\x01\x02\x0a\x00");
        directory.extend(&head);
        directory.extend([0; 10]); // comment, disk, attributes
        directory.extend(at);
        directory.extend(name.as_bytes());
        out.extend(b"PK\x03\x04");
        out.extend(head);
        out.extend(name.as_bytes());
        out.extend(*data);
    }
    let (at, count) = (out.len() as u32, entries.len() as u16);
    out.extend(&directory);
    out.extend(b"PK\x05\x06\x00\x00\x00\x00");
    out.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0, 0]);
    out
}

fn archive(pickle: &[u8]) -> Vec<u8> {
    zip(&[("m/data.pkl", pickle), ("m/version", b"3\n"), ("m/byteorder", b"little")])
}

/// The stream that `torch.save` wrote before: magic number, version, system, object, storage keys.
fn stream(pickle: &[u8]) -> Vec<u8> {
    let magic = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";
    let version = b"\x80\x02M\xe9\x03.";
    let system = b"\x80\x02}X\x0d\x00\x00\x00little_endian\x88s.";
    [&magic[..], version, system, pickle, b"\x80\x02]."].concat()
}

#[test]
fn a_pickle_that_would_run_code_is_refused_and_the_code_is_not_run() {
    let folder = checkpoint();
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    let trace = folder.path().join("code-was-run");
    for pickle in [dictionary_with_a_call(&trace), only_a_call(&trace)] {
        for file in [archive(&pickle), stream(&pickle), pickle.clone()] {
            fs::write(folder.path().join("pytorch_model.bin"), file).unwrap();
            assert_refused(folder.path(), &["pytorch_model.bin", "Only tensors are read"]);
            assert!(!trace.exists(), "the code in the pickle was run");
        }
    }
}

/// The layouts above are real ones: with a harmless dictionary they are read, and lack weights.
#[test]
fn the_same_layouts_without_a_call_are_read() {
    let folder = checkpoint();
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    let harmless = b"\x80\x02}X\x01\x00\x00\x00wK\x01s.";
    for file in [archive(harmless), stream(harmless)] {
        fs::write(folder.path().join("pytorch_model.bin"), file).unwrap();
        assert_refused(folder.path(), &["no weight \"embeddings.word_embeddings.weight\""]);
    }
}

#[test]
fn a_cut_archive_is_refused() {
    let folder = checkpoint();
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    let whole = archive(b"\x80\x02}.");
    for keep in [0, 1, 30, whole.len() / 2, whole.len() - 1] {
        fs::write(folder.path().join("pytorch_model.bin"), &whole[..keep]).unwrap();
        assert_refused(folder.path(), &["pytorch_model.bin"]);
    }
}
