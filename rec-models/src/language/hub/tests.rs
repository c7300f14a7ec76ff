use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use burn::tensor::Device;
use rec_core::text::{TokenizerModel, TokenizerTrainer, TrainOptions};

use super::{Hub, wanted};
use crate::language::{Bert, BertConfig, Encode, EncoderOptions, TextEncoder};

const COMMIT: &str = "1f0c9a7d0b6a4c0c8ef5b1f3c1a2b3c4d5e6f708";

/// A server with the Hub's two answers, the list of files and a range of one, for a folder.
struct Server {
    endpoint: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn of(folder: &Path, extra: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (folder, seen) = (folder.to_path_buf(), asked.clone());
        let extra: Vec<String> = extra.iter().map(|name| (*name).to_owned()).collect();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(stream, &folder, &extra, &seen);
            }
        });
        Self { endpoint, asked }
    }

    fn hub(&self, cache: &tempfile::TempDir) -> Hub {
        Hub {
            endpoint: Some(self.endpoint.clone()),
            cache: Some(cache.path().to_path_buf()),
            ..Hub::default()
        }
    }

    fn fetched(&self) -> usize {
        self.asked.lock().unwrap().iter().filter(|path| path.contains("/resolve/")).count()
    }
}

fn answer(mut stream: TcpStream, folder: &Path, extra: &[String], seen: &Mutex<Vec<String>>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let path = lines.next().unwrap_or_default().split(' ').nth(1).unwrap_or_default().to_owned();
    let range = lines
        .take_while(|line| !line.is_empty())
        .find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
    seen.lock().unwrap().push(path.clone());
    let (status, head, body) = respond(&path, range.as_deref(), folder, extra);
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{head}\r\n",
        body.len()
    );
    let _ = stream.write_all(&body);
}

fn respond(
    path: &str,
    range: Option<&str>,
    folder: &Path,
    extra: &[String],
) -> (&'static str, String, Vec<u8>) {
    if path.starts_with("/api/models/some/bert/revision/") {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.extend_from_slice(extra);
        let siblings: Vec<_> =
            names.iter().map(|name| serde_json::json!({ "rfilename": name })).collect();
        let body = serde_json::json!({ "sha": COMMIT, "siblings": siblings }).to_string();
        return ("200 OK", "Content-Type: application/json\r\n".into(), body.into_bytes());
    }
    let name = path.strip_prefix(&format!("/some/bert/resolve/{COMMIT}/"));
    let Some(bytes) = name.and_then(|name| std::fs::read(folder.join(name)).ok()) else {
        return ("404 Not Found", String::new(), Vec::new());
    };
    let (from, to) = range.and_then(|range| range.split_once('-')).unwrap_or(("0", ""));
    let from: usize = from.parse().unwrap();
    let to = to.parse().map_or(bytes.len(), |to: usize| (to + 1).min(bytes.len()));
    let head = format!(
        "ETag: \"{}-{}\"\r\nX-Repo-Commit: {COMMIT}\r\nContent-Range: bytes {from}-{}/{}\r\n",
        name.unwrap_or_default().replace('/', "-"),
        bytes.len(),
        to.saturating_sub(1),
        bytes.len()
    );
    ("206 Partial Content", head, bytes[from..to].to_vec())
}

fn checkpoint() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let options = TrainOptions::new(TokenizerModel::WordPiece).vocab_size(60);
    let mut trainer = TokenizerTrainer::new(options).unwrap();
    trainer.feed(&["a blue shoe", "a red shoe"]).unwrap();
    let tokenizer = trainer.train().unwrap();
    tokenizer.save_folder(folder.path()).unwrap();
    let config = BertConfig {
        vocab_size: tokenizer.vocab_size(),
        hidden_size: 16,
        num_hidden_layers: 1,
        num_attention_heads: 2,
        intermediate_size: 16,
        max_position_embeddings: 16,
        ..BertConfig::default()
    };
    Bert::init(config, &Device::flex(), 1).unwrap().save(folder.path()).unwrap();
    folder
}

#[test]
fn a_checkpoint_by_name_is_the_folder_it_came_from() {
    let (origin, cache) = (checkpoint(), tempfile::tempdir().unwrap());
    let server = Server::of(origin.path(), &["tf_model.h5", "onnx/model.onnx", "../../evil.json"]);
    let folder = server.hub(&cache).folder("some/bert").unwrap();
    let load = |path: &Path| TextEncoder::from_pretrained(path, &EncoderOptions::default());
    let texts = ["a blue shoe", "red"];
    let (ours, theirs) = (load(&folder).unwrap(), load(origin.path()).unwrap());
    assert_eq!(
        ours.encode(&texts, &Encode::default()).unwrap(),
        theirs.encode(&texts, &Encode::default()).unwrap()
    );
    let first = server.fetched();
    assert_eq!(server.hub(&cache).folder("some/bert").unwrap(), folder);
    assert_eq!(server.fetched(), first, "what is in the cache is not fetched again");
}

#[test]
fn what_is_no_checkpoint_is_refused() {
    let (empty, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let hub = Server::of(empty.path(), &[]).hub(&cache);
    let said = hub.folder("some/bert").unwrap_err().to_string();
    assert!(said.contains("no config.json"), "{said}");
    std::fs::write(empty.path().join("config.json"), "{}").unwrap();
    let said = hub.folder("some/bert").unwrap_err().to_string();
    assert!(said.contains("neither *.safetensors"), "{said}");
    let said = hub.folder("some/unknown").unwrap_err().to_string();
    assert!(said.contains("some/unknown") && said.contains("404"), "{said}");
    for name in ["", "/etc", "../x", "a/b/c"] {
        assert!(hub.folder(name).unwrap_err().to_string().contains("owner/model"), "{name}");
    }
}

#[test]
fn a_server_out_of_reach_is_named() {
    let cache = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let hub = Hub {
        endpoint: Some(format!("http://{free}")),
        cache: Some(cache.path().to_path_buf()),
        ..Hub::default()
    };
    let said = hub.folder("some/bert").unwrap_err().to_string();
    assert!(said.contains("connection"), "{said}");
}

#[test]
fn only_what_is_read_is_fetched() {
    let names = [
        "config.json",
        "model.safetensors",
        "pytorch_model.bin",
        "tf_model.h5",
        "onnx/config.json",
        "onnx/model.safetensors",
        "2_Dense/model.safetensors",
        "1_Pooling/config.json",
        "README.md",
    ];
    let got = wanted(&names);
    assert_eq!(
        got,
        ["config.json", "model.safetensors", "2_Dense/model.safetensors", "1_Pooling/config.json"]
    );
    assert_eq!(wanted(&names[2..3]), ["pytorch_model.bin"]);
}
