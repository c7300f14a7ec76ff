"""A BERT with a classifier, before and after one step of torch's AdamW.

classifier.py OUT   writes OUT/bert/ (a checkpoint with its tokenizer), and for both tasks
                    OUT/<task>.json (texts, labels, loss) and OUT/<task>.safetensors (the classifier
                    before, every weight after).

Exits with 3 where torch or transformers is not installed.
"""

import json
import pathlib
import sys

try:
    import safetensors.torch as st
    import tokenizers
    import torch
    import transformers as tf
except ImportError as missing:
    print(missing)
    sys.exit(3)

tf.logging.set_verbosity_error()

TEXTS = ["手机的屏幕很好", "a light shoe", "", "感人的书 a book", "x y z", "很好的手机"]
LABELS = {
    "single": [0, 1, 2, 2, 1, 0],
    "multi": [[1, 0, 0], [0, 1, 1], [0, 0, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1]],
}


def checkpoint(folder):
    words = sorted({c for text in TEXTS for c in text if not c.isspace()})
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces += words + ["##" + w for w in words]
    vocab = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = tokenizers.BertWordPieceTokenizer(vocab, lowercase=True)
    fast = tf.BertTokenizerFast(tokenizer_object=tokenizer._tokenizer, model_max_length=24)
    fast.save_pretrained(folder)
    config = tf.BertConfig(
        vocab_size=len(vocab),
        hidden_size=24,
        num_attention_heads=2,
        num_hidden_layers=2,
        intermediate_size=40,
        max_position_embeddings=24,
        initializer_range=0.2,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    torch.manual_seed(0)
    tf.BertModel(config).save_pretrained(folder)
    return fast


def main(out):
    tokenizer = checkpoint(out / "bert")
    batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
    for task, labels in LABELS.items():
        torch.manual_seed(1)
        kind = "single_label_classification" if task == "single" else "multi_label_classification"
        model = tf.BertForSequenceClassification.from_pretrained(
            out / "bert", num_labels=3, problem_type=kind
        )
        # As drawn they are small: larger ones let every weight move.
        model.classifier.weight.data.normal_(std=0.5)
        model.classifier.bias.data.normal_(std=0.5)
        arrays = {
            f"before.{name}": value.detach().clone()
            for name, value in model.classifier.named_parameters()
        }
        target = torch.tensor(labels, dtype=torch.long)
        target = target if task == "single" else target.float()
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, eps=1e-3, weight_decay=0.1)
        loss = model(**batch, labels=target).loss
        loss.backward()
        optimizer.step()
        for name, value in model.named_parameters():
            arrays[name.removeprefix("bert.")] = value.detach().contiguous()
        st.save_file(arrays, out / f"{task}.safetensors")
        told = {"texts": TEXTS, "labels": labels, "loss": loss.item()}
        (out / f"{task}.json").write_text(json.dumps(told))


main(pathlib.Path(sys.argv[1]))
