"""Language models: training, text generation, likelihoods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Union

from . import _native
from ._encoder import LoadReport
from ._training import TrainingHistory, run

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Unpack

    from ._native import Tokenizer
    from ._training import Training

    Family = Literal[
        "gpt2",
        "llama",
        "qwen2",
        "qwen3",
        "bert",
        "roberta",
        "distilbert",
        "albert",
        "electra",
    ]
    Texts = Union[Iterable[str], NDArray[Any]]
    StrPath = Union[str, os.PathLike[str]]

Finish = Literal["stop_id", "stop_text", "length", "positions", "interrupted"]


class Generated(NamedTuple):
    """A prompt's continuation."""

    text: str
    """The text, without the stop token or stop text."""
    ids: list[int]
    """The tokens, a stop token included."""
    finish: Finish
    """Why it ended: a stop token or text, ``max_new_tokens``, or no position for another token."""


class Piece(NamedTuple):
    """A token as it comes."""

    prompt: int
    """Which prompt it continues, its place in the list."""
    id: int
    """The token."""
    text: str
    """The text that is certain with it; empty while a character is not whole."""
    finish: Finish | None
    """Why the continuation ends with it, if it does."""


class LanguageModel:
    """A language model with its tokenizer, that learns from texts alone.

    A decoder (GPT-2, Llama, Qwen) predicts the next token: it continues texts, and says how likely
    they are. An encoder (BERT, RoBERTa, DistilBERT, ALBERT) predicts tokens behind a mask, ELECTRA
    tells which tokens a small generator has replaced; once saved, :class:`TextEncoder` and
    :class:`TagClassifier` start from it.

    >>> tokenizer = rec.Tokenizer.train(texts, model="bpe", vocab_size=8000)
    >>> lm = rec.LanguageModel.from_config("gpt2", tokenizer, hidden_size=256, n_layers=4)
    >>> lm.fit(texts, validation=others, epochs=5).save("models/shop-gpt2")
    >>> lm = rec.LanguageModel.from_pretrained("models/qwen3")
    >>> lm.generate(["这款手机的优点是"], max_new_tokens=50)[0].text
    >>> for piece in lm.stream(["这款手机的优点是"], do_sample=True, top_p=0.9, seed=1):
    ...     print(piece.text, end="", flush=True)
    """

    def __init__(self, native: _native.LanguageModel) -> None:
        self._native = native
        self._history: TrainingHistory | None = None

    @classmethod
    def from_pretrained(
        cls,
        folder: StrPath,
        *,
        device: str = "cpu",
        dtype: Literal["float32", "bfloat16", "float16"] = "float32",
    ) -> LanguageModel:
        """Loads a local folder in Hugging Face layout. Nothing is downloaded."""
        return cls(_native.LanguageModel.from_pretrained(folder, device=device, dtype=dtype))

    @classmethod
    def from_config(
        cls,
        family: Family,
        tokenizer: Tokenizer,
        *,
        hidden_size: int = 256,
        n_layers: int = 4,
        n_heads: int = 4,
        intermediate_size: int | None = None,
        max_len: int = 256,
        config: dict[str, Any] | None = None,
        seed: int = 0,
        device: str = "cpu",
        dtype: Literal["float32", "bfloat16", "float16"] = "float32",
    ) -> LanguageModel:
        """A new model of a family and sizes, with the tokenizer's vocabulary, to be trained.

        ``intermediate_size`` is ``4 * hidden_size`` if left out. ``config`` names fields of the
        family's own ``config.json`` in place of its defaults. A masked family needs a tokenizer
        with a mask token.
        """
        sizes = {
            "family": family,
            "hidden_size": hidden_size,
            "n_layers": n_layers,
            "n_heads": n_heads,
            "intermediate_size": intermediate_size,
            "max_len": max_len,
            "config": config or {},
        }
        native = _native.LanguageModel.from_config(
            sizes, tokenizer, seed=seed, device=device, dtype=dtype
        )
        return cls(native)

    def fit(
        self,
        texts: Texts,
        *,
        validation: Texts | None = None,
        whole_words: bool = True,
        **settings: Unpack[Training],
    ) -> LanguageModel:
        """Learns from unlabelled texts, and gives itself: see :attr:`history`.

        A decoder predicts the next token, and the end of a text where its tokenizer has a token for
        it. An encoder predicts tokens behind a mask, or tells which were replaced, whole words of
        jieba's unless ``whole_words=False``. Dropout is 0.1 unless told. The folder it was loaded
        from stays as it is: :meth:`save` writes the trained model. With ``checkpoints``, a run that
        was broken off goes on where it stopped.
        """
        defaults = {"epochs": 3, "learning_rate": 5e-4, "batch_tokens": 4096}
        given = run(settings, defaults)
        native, history = self._native.fit(texts, validation, whole_words=whole_words, **given)
        self._native, self._history = native, TrainingHistory(*history)
        return self

    def save(self, folder: StrPath) -> None:
        """Writes the model as a folder that ``transformers`` loads, whole or not at all.

        Adapters that it was trained with (``lora=``) are merged, and lie apart in its folder
        ``lora``.
        """
        self._native.save(folder)

    @property
    def history(self) -> TrainingHistory | None:
        """How the last :meth:`fit` went."""
        return self._history

    @property
    def objective(self) -> Literal["causal", "masked", "electra"]:
        """What it predicts: the next token, tokens behind a mask, or which tokens were replaced."""
        return self._native.objective

    @property
    def options(self) -> dict[str, Any]:
        """What the folder's ``generation_config.json`` suggests: what :meth:`generate` does by default."""
        return self._native.options

    @property
    def vocab_size(self) -> int:
        """Rows of the token table."""
        return self._native.vocab_size

    @property
    def max_len(self) -> int | None:
        """Tokens of prompt and continuation together, at most; None where nothing bounds them."""
        return self._native.max_len

    @property
    def report(self) -> LoadReport:
        """What of the checkpoint was used, and what the model had to do without."""
        return LoadReport(*self._native.report)

    def generate(
        self,
        prompts: Texts,
        *,
        max_new_tokens: int | None = None,
        do_sample: bool | None = None,
        temperature: float | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        repetition_penalty: float | None = None,
        stop_ids: Sequence[int] | None = None,
        stop_strings: Sequence[str] | None = None,
        seed: int | None = None,
        num_threads: int | None = None,
    ) -> list[Generated]:
        """The continuation of every prompt.

        Options left out are the checkpoint's (:attr:`options`). Without ``do_sample`` the likeliest
        token is taken each time; with it, one is drawn from what ``repetition_penalty``,
        ``temperature``, ``top_k`` (0 for all) and ``top_p`` leave, in this order. Draws depend on
        ``seed`` and the prompt's place in the list. A token of ``stop_ids`` or a text of
        ``stop_strings`` ends the continuation.
        """
        options = _named(
            max_new_tokens=max_new_tokens,
            do_sample=do_sample,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            repetition_penalty=repetition_penalty,
            stop_ids=stop_ids,
            stop_strings=stop_strings,
            seed=seed,
        )
        found = self._native.generate(prompts, options=options, num_threads=num_threads)
        return [Generated(*one) for one in found]

    def stream(
        self,
        prompts: Texts,
        *,
        max_new_tokens: int | None = None,
        do_sample: bool | None = None,
        temperature: float | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        repetition_penalty: float | None = None,
        stop_ids: Sequence[int] | None = None,
        stop_strings: Sequence[str] | None = None,
        seed: int | None = None,
        num_threads: int | None = None,
    ) -> Iterator[Piece]:
        """As :meth:`generate`, a token at a time, of each prompt in turn.

        Generation goes on beside the caller, a token ahead, and stops once the iterator is dropped.
        """
        options = _named(
            max_new_tokens=max_new_tokens,
            do_sample=do_sample,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            repetition_penalty=repetition_penalty,
            stop_ids=stop_ids,
            stop_strings=stop_strings,
            seed=seed,
        )
        tokens = self._native.stream(prompts, options=options, num_threads=num_threads)
        return (Piece(*token) for token in tokens)

    def log_likelihoods(
        self, texts: Texts, *, batch_tokens: int = 2048, num_threads: int | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.uint64]]:
        """Each text's log-probability (in nats) and how many of its tokens were predicted.

        A text's first token, which nothing precedes, is not predicted.
        """
        return self._native.log_likelihoods(
            texts, batch_tokens=batch_tokens, num_threads=num_threads
        )

    def perplexity(
        self, texts: Texts, *, batch_tokens: int = 2048, num_threads: int | None = None
    ) -> float:
        """The perplexity of all the texts together; NaN where no token was predicted."""
        import math

        logs, tokens = self.log_likelihoods(
            texts, batch_tokens=batch_tokens, num_threads=num_threads
        )
        total = int(tokens.sum())
        return math.exp(-float(logs.sum()) / total) if total else math.nan

    def __repr__(self) -> str:
        return f"LanguageModel(vocab_size={self.vocab_size}, max_len={self.max_len})"


def _named(**options: Any) -> dict[str, Any]:
    """The options that the caller named."""
    return {name: value for name, value in options.items() if value is not None}
