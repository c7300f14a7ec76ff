"""One step of torch's AdamW for causal models, pairs of texts, SimCSE and replaced tokens.

steps.py OUT   writes OUT/<model>/ (checkpoints with a tokenizer), and for every case
               OUT/<case>.json (the loss) and OUT/<case>.safetensors (gradients and every weight
               after the step)

Exits with 3 where torch or transformers is not installed.
"""

import json
import pathlib
import sys

try:
    import safetensors.torch as st
    import tokenizers
    import torch
    import torch.nn.functional as F
    import transformers as tf
except ImportError as missing:
    print(missing)
    sys.exit(3)

tf.logging.set_verbosity_error()

TEXTS = ["手机的屏幕很好", "a light shoe", "感人的书 a book", "x y z", "很好的手机"]
ANCHORS = ["手机的屏幕很好", "a light shoe", "感人的书 a book", "手机的屏幕很好"]
POSITIVES = ["很好的手机", "shoe", "a book", "手机"]
NEGATIVES = ["x y z", "light", "书", "感人"]
TEMPERATURE = 0.05
NO_IDS = dict(bos_token_id=None, eos_token_id=None)


def tokenizer():
    words = sorted({c for text in TEXTS for c in text if not c.isspace()})
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words, *("##" + w for w in words)]
    vocab = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    inner = tokenizers.BertWordPieceTokenizer(vocab, lowercase=True)
    return tf.BertTokenizerFast(tokenizer_object=inner._tokenizer, model_max_length=24)


def models(words):
    shared = dict(vocab_size=words, initializer_range=0.2)
    llama = dict(
        hidden_size=24,
        intermediate_size=40,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=24,
        head_dim=6,
        pad_token_id=None,
    )
    bert = tf.BertConfig(
        **shared,
        hidden_size=24,
        num_attention_heads=2,
        num_hidden_layers=2,
        intermediate_size=40,
        max_position_embeddings=24,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    gpt2 = tf.GPT2Config(
        **shared,
        **NO_IDS,
        n_positions=24,
        n_embd=24,
        n_layer=2,
        n_head=2,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
    )
    electra = tf.ElectraConfig(**{**bert.to_dict(), "model_type": "electra", "embedding_size": 16})
    return {
        "bert": (tf.BertModel, bert),
        "electra": (tf.ElectraForPreTraining, electra),
        "gpt2": (tf.GPT2LMHeadModel, gpt2),
        "llama": (tf.LlamaForCausalLM, tf.LlamaConfig(**shared, **NO_IDS, **llama)),
        "qwen3": (tf.Qwen3ForCausalLM, tf.Qwen3Config(**shared, **NO_IDS, **llama)),
    }


def causal(model, encode):
    batch = encode(TEXTS)
    labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
    return model(**batch, labels=labels).loss


def vectors(model, encode, texts):
    batch = encode(texts)
    mask = batch["attention_mask"].unsqueeze(-1).float()
    hidden = model(**batch).last_hidden_state
    return F.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1)


def pairs(model, encode, symmetric):
    anchors, positives, negatives = (
        vectors(model, encode, texts) for texts in (ANCHORS, POSITIVES, NEGATIVES)
    )
    scores = anchors @ torch.cat([positives, negatives]).T / TEMPERATURE
    targets = torch.arange(len(ANCHORS))
    loss = F.cross_entropy(scores, targets)
    if not symmetric:
        return loss
    back = positives @ anchors.T / TEMPERATURE
    # An anchor that is the same text as one's own is no negative.
    n = range(len(ANCHORS))
    same = torch.tensor([[i != j and ANCHORS[i] == ANCHORS[j] for j in n] for i in n])
    return (loss + F.cross_entropy(back.masked_fill(same, -1e9), targets)) / 2


def simcse(model, encode):
    """Without dropout: both vectors of a text are the same, and a gradient flows through each."""
    first, second = vectors(model, encode, TEXTS), vectors(model, encode, TEXTS)
    return F.cross_entropy(first @ second.T / TEMPERATURE, torch.arange(len(TEXTS)))


def replaced(discriminator, generator, words):
    """Every third token is masked; what takes its place is drawn by a number of its own."""
    texts = [words(text)["input_ids"] for text in TEXTS]
    batch = words(TEXTS, padding=True, return_tensors="pt")
    ids, mask = batch["input_ids"], batch["attention_mask"]
    places = [(i, j) for i, text in enumerate(texts) for j in range(1, len(text) - 1, 3)]
    draws = [(k + 1) * 0.6180339887498949 % 1 for k in range(len(places))]
    rows, columns = map(list, zip(*places))
    own = ids[rows, columns]
    masked = ids.clone()
    masked[rows, columns] = words.mask_token_id
    logits = generator(input_ids=masked, attention_mask=mask).logits[rows, columns]
    sums = logits.detach().double().softmax(1).cumsum(1)
    # The first draw is the text's own token, which is then not replaced.
    draws[0] = sums[0, own[0] - 1 : own[0] + 1].mean().item()
    drawn = (sums > torch.tensor(draws)[:, None]).long().argmax(1)
    filled = ids.clone()
    filled[rows, columns] = drawn
    scores = discriminator(input_ids=filled, attention_mask=mask).logits
    wrong = (filled != ids).float()
    assert 0 < wrong.sum() < len(places)
    detected = F.binary_cross_entropy_with_logits(scores[mask.bool()], wrong[mask.bool()])
    told = {"ids": [row[: len(text)] for row, text in zip(masked.tolist(), texts)], "draws": draws}
    starts = torch.tensor([0, *map(len, texts)]).cumsum(0)
    told["positions"] = [(starts[i] + j).item() for i, j in places]
    told["targets"] = own.tolist()
    return F.cross_entropy(logits, own) + 50 * detected, told


def save_replaced(out, words, config):
    """The two models share their embeddings."""
    discriminator = tf.ElectraForPreTraining.from_pretrained(out / "electra")
    small = {"hidden_size": 12, "num_attention_heads": 1, "intermediate_size": 20}
    generator = tf.ElectraForMaskedLM(tf.ElectraConfig(**{**config.to_dict(), **small}))
    generator.electra.embeddings = discriminator.electra.embeddings
    generator.tie_weights()
    generator.save_pretrained(out / "electra" / "generator")
    loss, told = replaced(discriminator, generator, words)
    both = torch.nn.ModuleList([discriminator, generator])
    optimizer = torch.optim.AdamW(both.parameters(), lr=1e-3, eps=1e-3, weight_decay=0.1)
    loss.backward()
    gradients = [
        {f"gradient.{name}": value.grad.detach().clone() for name, value in model.named_parameters()}
        for model in both
    ]
    optimizer.step()
    for case, model, arrays in zip(["replaced", "replaced-generator"], both, gradients):
        for name, value in model.named_parameters():
            arrays[name] = value.detach().contiguous()
        if case == "replaced-generator":
            arrays = {name: array for name, array in arrays.items() if "embeddings." not in name}
        st.save_file({name: array.clone() for name, array in arrays.items()}, out / f"{case}.safetensors")
        (out / f"{case}.json").write_text(json.dumps({"loss": loss.item(), **told}))


CASES = {
    "gpt2": ("gpt2", causal),
    "llama": ("llama", causal),
    "qwen3": ("qwen3", causal),
    "pairs": ("bert", lambda model, encode: pairs(model, encode, False)),
    "symmetric": ("bert", lambda model, encode: pairs(model, encode, True)),
    "simcse": ("bert", simcse),
}


def main(out):
    words = tokenizer()
    kinds = models(len(words))
    for name, (kind, config) in kinds.items():
        torch.manual_seed(0)
        kind(config).save_pretrained(out / name)
        words.save_pretrained(out / name)

    def encode(texts):
        batch = words(texts, padding=True, return_tensors="pt")
        return {name: batch[name] for name in ("input_ids", "attention_mask")}

    for case, (name, loss_of) in CASES.items():
        model = kinds[name][0].from_pretrained(out / name)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, eps=1e-3, weight_decay=0.1)
        loss = loss_of(model, encode)
        loss.backward()
        arrays = {
            f"gradient.{name}": value.grad.detach().clone().contiguous()
            for name, value in model.named_parameters()
            if value.grad is not None
        }
        optimizer.step()
        for name, value in model.named_parameters():
            arrays[name] = value.detach().contiguous()
        st.save_file(arrays, out / f"{case}.safetensors")
        told = {
            "loss": loss.item(),
            "texts": TEXTS,
            "anchors": ANCHORS,
            "positives": POSITIVES,
            "negatives": NEGATIVES,
        }
        (out / f"{case}.json").write_text(json.dumps(told))
    save_replaced(out, words, kinds["electra"][1])


main(pathlib.Path(sys.argv[1]))
