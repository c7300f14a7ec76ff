"""Language models that learn from texts: from nothing, by adapters, and from behaviour."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

import rec

GOODS = ["手机", "耳机", "鞋子", "咖啡", "键盘"]
PRAISE = ["屏幕清晰", "音质出色", "穿着舒服", "味道香浓", "手感很好"]
TEXTS = [f"这款{GOODS[i % 5]}的{PRAISE[i % 5]}。" for i in range(60)]


@pytest.fixture(scope="module")
def bpe() -> rec.Tokenizer:
    return rec.Tokenizer.train(
        TEXTS,
        model="bpe",
        vocab_size=320,
        special_tokens={"eos_token": "<|endoftext|>"},
        progress=False,
    )


@pytest.fixture(scope="module")
def wordpiece() -> rec.Tokenizer:
    return rec.Tokenizer.train(TEXTS, model="wordpiece", vocab_size=90, progress=False)


def small(family, tokenizer, **sizes):
    return rec.LanguageModel.from_config(
        family, tokenizer, hidden_size=32, n_layers=2, n_heads=2, max_len=64, seed=1, **sizes
    )


@pytest.mark.parametrize("family", ["gpt2", "qwen3"])
def test_a_decoder_learns_generates_and_loads_in_transformers(bpe, tmp_path, family) -> None:
    lm = small(family, bpe)
    before = lm.perplexity(TEXTS[:5])
    assert lm.objective == "causal" and lm.history is None
    trained = lm.fit(
        TEXTS, validation=TEXTS[:5], epochs=12, learning_rate=5e-3, batch_size=10, dropout=0.0
    )
    assert trained is lm
    assert len(lm.history.losses) == len(lm.history.validation) == 12
    after = lm.perplexity(TEXTS[:5])
    assert after < before / 5
    one = lm.generate(["这款手机的"], max_new_tokens=40)[0]
    assert one.text.startswith("屏幕") and one.finish == "stop_id"
    lm.save(tmp_path / "lm")
    again = rec.LanguageModel.from_pretrained(tmp_path / "lm")
    assert again.perplexity(TEXTS[:5]) == pytest.approx(after, rel=1e-6)
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    peer = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "lm")
    total, count = 0.0, 0
    for text in TEXTS[:5]:
        ids = torch.tensor([bpe.encode(text).ids])
        with torch.no_grad():
            total += peer(ids, labels=ids).loss.item() * (ids.shape[1] - 1)
        count += ids.shape[1] - 1
    assert math.exp(total / count) == pytest.approx(after, rel=1e-4)


def test_a_masked_model_becomes_an_encoder(wordpiece, tmp_path) -> None:
    lm = small("bert", wordpiece)
    assert lm.objective == "masked" and lm.max_len == 64
    lm.fit(TEXTS, validation=TEXTS[:10], epochs=6, learning_rate=5e-3, batch_size=10)
    assert lm.history.validation[-1][1] < lm.history.validation[0][1]
    with pytest.raises(rec.UnsupportedError, match="both ways"):
        lm.generate(["这款"])
    with pytest.raises(rec.UnsupportedError, match="both ways"):
        lm.perplexity(TEXTS)
    lm.save(tmp_path / "bert")
    assert rec.TextEncoder.from_pretrained(tmp_path / "bert").encode(TEXTS[:3]).shape == (3, 32)


def test_electra_tells_replaced_tokens(wordpiece, tmp_path) -> None:
    lm = small("electra", wordpiece)
    assert lm.objective == "electra" and lm.max_len == 64
    lm.fit(TEXTS, validation=TEXTS[:10], epochs=6, learning_rate=5e-3, batch_size=10)
    assert lm.history.validation[-1][1] < lm.history.validation[0][1]
    lm.save(tmp_path / "electra")
    assert (tmp_path / "electra" / "generator" / "model.safetensors").is_file()
    enc = rec.TextEncoder.from_pretrained(tmp_path / "electra")
    more = enc.pretrain(TEXTS, tmp_path / "more", objective="electra", epochs=1, batch_size=10)
    # The generator was there and has learned on: the loss goes on where it was.
    assert more.history.losses[0] < lm.history.losses[0]
    assert more.encode(TEXTS[:3]).shape == (3, 32)
    tags = ["a" if "屏幕" in text else "b" for text in TEXTS]
    assert rec.TagClassifier(encoder=more, epochs=1).fit(TEXTS, tags).score(TEXTS, tags) > 0.5
    with pytest.raises(rec.UnsupportedError, match="lora"):
        enc.pretrain(TEXTS, tmp_path / "no", objective="electra", lora=rec.LoRA())
    small("bert", wordpiece).save(tmp_path / "bert")
    bert = rec.TextEncoder.from_pretrained(tmp_path / "bert")
    with pytest.raises(rec.FormatError, match="electra"):
        bert.pretrain(TEXTS, tmp_path / "no", objective="electra")


def test_a_run_goes_on_from_its_checkpoint(bpe, tmp_path) -> None:
    settings = {"epochs": 2, "batch_size": 10, "checkpoints": tmp_path, "checkpoint_every": 2}
    whole = small("gpt2", bpe).fit(TEXTS, epochs=2, batch_size=10)
    first = small("gpt2", bpe).fit(TEXTS, **settings)
    again = small("gpt2", bpe).fit(TEXTS, **settings)
    assert whole.history == first.history == again.history
    assert whole.perplexity(TEXTS[:5]) == again.perplexity(TEXTS[:5])
    with pytest.raises(rec.ParameterError, match="learning_rate"):
        small("gpt2", bpe).fit(TEXTS, learning_rate=1e-3, **settings)


def test_adapters_learn_and_lie_apart(bpe, wordpiece, tmp_path) -> None:
    base = tmp_path / "base"
    small("gpt2", bpe).save(base)
    lm = rec.LanguageModel.from_pretrained(base)
    lora = rec.LoRA(r=4, alpha=8, dropout=0.1)
    lm.fit(TEXTS, epochs=4, learning_rate=1e-2, batch_size=10, lora=lora)
    assert lm.history.losses[-1] < lm.history.losses[0]
    lm.save(tmp_path / "tuned")
    card = json.loads((tmp_path / "tuned" / "lora" / "adapter_config.json").read_text())
    assert (card["peft_type"], card["r"], card["target_modules"]) == ("LORA", 4, ["c_attn"])

    small("bert", wordpiece).save(tmp_path / "bert")
    enc = rec.TextEncoder.from_pretrained(tmp_path / "bert")
    tuned = enc.pretrain(
        TEXTS,
        tmp_path / "spread",
        learning_rate=1e-2,
        lora=rec.LoRA(r=2, targets=["query", "intermediate.dense"]),
    )
    adapter = tmp_path / "spread" / "lora"
    adapted = rec.TextEncoder.from_pretrained(tmp_path / "bert", adapter=adapter)
    rec.LoRA.merge(tmp_path / "bert", adapter, tmp_path / "merged")
    merged = rec.TextEncoder.from_pretrained(tmp_path / "merged")
    vectors = tuned.encode(TEXTS[:5])
    assert np.abs(vectors - enc.encode(TEXTS[:5])).max() > 1e-3
    for other in (adapted, merged):
        assert np.abs(vectors - other.encode(TEXTS[:5])).max() < 1e-5

    peft = pytest.importorskip("peft")
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    model = transformers.AutoModel.from_pretrained(tmp_path / "bert")
    model = peft.PeftModel.from_pretrained(model, adapter).eval()
    ids = torch.tensor([wordpiece.encode(TEXTS[0]).ids])
    with torch.no_grad():
        mean = model(ids).last_hidden_state[0].mean(0).numpy()
    assert np.abs(mean - vectors[0]).max() < 1e-4


def test_behaviour_gives_pairs(wordpiece, tmp_path) -> None:
    pd = pytest.importorskip("pandas")
    log = pd.DataFrame(
        {
            "user": [u for u in range(20) for _ in range(2)],
            "item": [i for u in range(20) for i in (u % 5, 5 + u % 5)],
            "time": list(range(40)),
        }
    )
    ds = rec.Dataset.from_frame(log, user="user", item="item", time="time")
    with pytest.raises(rec.RecError, match=r"ds\.items"):
        rec.sampling.co_consumed(ds)
    titles = [f"买{goods}" for goods in GOODS] + [f"这款{praise}" for praise in PRAISE]
    frame = pd.DataFrame({"id": range(10), "title": titles})
    ds.items = rec.Items.from_frame(frame, id="id", text=["title"])
    anchors, positives = rec.sampling.co_consumed(ds, subsample=0, rounds=2)
    assert set(zip(anchors, positives)) == {(titles[i], titles[i + 5]) for i in range(5)}
    assert len(anchors) == 40
    with pytest.raises(rec.ParameterError, match="title"):
        rec.sampling.co_consumed(ds, text="nothing")
    small("bert", wordpiece).save(tmp_path / "bert")
    enc = rec.TextEncoder.from_pretrained(tmp_path / "bert")
    tuned = enc.fit_pairs(
        anchors, positives, tmp_path / "shop", symmetric=True, epochs=5, learning_rate=2e-3
    )
    assert tuned.history.losses[-1] < tuned.history.losses[0]


@pytest.mark.parametrize(
    ("family", "sizes", "part"),
    [
        ("lstm", {}, "family"),
        ("gpt2", {"config": {"activation_function": "mish"}}, "mish"),
    ],
)
def test_bad_models_say_what_to_do(bpe, family, sizes, part) -> None:
    with pytest.raises(rec.RecError, match=part):
        small(family, bpe, **sizes)


def test_bad_settings_say_what_to_do(bpe, tmp_path: Path) -> None:
    lm = small("gpt2", bpe)
    with pytest.raises(TypeError, match="epoch"):
        lm.fit(TEXTS, epoch=3)
    with pytest.raises(TypeError, match=r"rec\.LoRA"):
        lm.fit(TEXTS, lora=8)
    with pytest.raises(rec.ParameterError, match="nowhere"):
        lm.fit(TEXTS, lora=rec.LoRA(targets=["nowhere"]))
    with pytest.raises(rec.RecError, match="words"):
        lm.fit(["", ""])
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(rec.RecError, match="holds files"):
        lm.save(tmp_path)
