"""What transformers and sentence-transformers make of a folder that was saved here.

saved_encoder.py FOLDER TEXTS OUT   encodes the list of texts in TEXTS (JSON) and writes OUT
                                    (safetensors): `vectors` of sentence-transformers, and `first`, the
                                    last hidden state of the first token by transformers.

Exits with 3 where one of the two is not installed.
"""

import json
import pathlib
import sys

try:
    import safetensors.torch as st
    import sentence_transformers as sbert
    import torch
    import transformers as tf
except ImportError as missing:
    print(missing)
    sys.exit(3)

tf.logging.set_verbosity_error()
tf.logging.disable_progress_bar()


def main(folder, texts, out):
    texts = json.loads(pathlib.Path(texts).read_text())
    vectors = torch.from_numpy(sbert.SentenceTransformer(folder, device="cpu").encode(texts))
    tokenizer = tf.AutoTokenizer.from_pretrained(folder)
    model = tf.AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        hidden = model(**tokenizer(texts, padding=True, return_tensors="pt")).last_hidden_state
    st.save_file({"vectors": vectors.contiguous(), "first": hidden[:, 0].contiguous()}, out)


main(*sys.argv[1:])
