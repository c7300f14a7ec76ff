"""Texts to vectors."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Union

from . import _native
from ._progress import Progress, reporter
from ._training import TrainingHistory, run
from .errors import ShapeError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Unpack

    from ._training import Training

    Texts = Union[Iterable[str], NDArray[Any]]
    StrPath = Union[str, os.PathLike[str]]
    Pooling = Literal["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"]


class LoadReport(NamedTuple):
    """What of a checkpoint was used."""

    missing: list[str]
    """Optional weights the model has and the checkpoint lacks."""
    unexpected: list[str]
    """Weights of the checkpoint that the model did not take."""


class TextEncoder:
    """A transformer with its tokenizer and pooling: one vector a text.

    >>> enc = rec.TextEncoder.from_pretrained("all-MiniLM-L6-v2")
    >>> enc.encode(["a phone case", "手机壳"], normalize=True).shape
    (2, 384)

    Texts are sorted by length and packed, equal texts are encoded once, and a text's vector is the
    same whatever else is in the batch (to 1e-5 in float32).
    """

    def __init__(
        self, native: _native.TextEncoder, history: TrainingHistory | None = None
    ) -> None:
        self._native = native
        self._history = history
        # Holds the files of an encoder that was trained in place, as long as it lives.
        self._files: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    def from_pretrained(
        cls,
        folder: StrPath,
        *,
        device: str = "cpu",
        dtype: Literal["float32", "bfloat16", "float16"] = "float32",
        pooling: Pooling | None = None,
        max_len: int | None = None,
        long_texts: Literal["truncate", "chunk"] = "truncate",
        overlap: int = 0,
        cache: StrPath | None = None,
        adapter: StrPath | None = None,
    ) -> TextEncoder:
        """Loads a local folder in sentence-transformers or Hugging Face layout.

        Nothing is downloaded. ``pooling`` replaces that of the folder (the mean, where it names
        none). Texts of more than ``max_len`` tokens are cut, or with ``long_texts="chunk"`` encoded
        in windows that share ``overlap`` tokens, and averaged. ``cache`` is a folder that keeps
        vectors by text and model. ``adapter`` is a folder of LoRA adapters, as ``peft`` and
        :meth:`pretrain` write it, that are added to the weights.
        """
        native = _native.TextEncoder.from_pretrained(
            folder,
            device=device,
            dtype=dtype,
            pooling=pooling,
            max_len=max_len,
            long_texts=long_texts,
            overlap=overlap,
            cache=cache,
            adapter=adapter,
        )
        return cls(native)

    @property
    def dim(self) -> int:
        """Columns of the vectors."""
        return self._native.dim

    @property
    def max_len(self) -> int:
        """Tokens of a text that the model sees at once, special ones included."""
        return self._native.max_len

    @property
    def pooling(self) -> list[str]:
        """The pooling modes, concatenated where there are several."""
        return self._native.pooling

    @property
    def prompts(self) -> dict[str, str]:
        """The prompts the folder names, by name."""
        return self._native.prompts

    @property
    def report(self) -> LoadReport:
        """What of the checkpoint was used, and what the model had to do without."""
        return LoadReport(*self._native.report)

    @property
    def history(self) -> TrainingHistory | None:
        """How the training went that made this encoder, if one did."""
        return self._history

    def pretrain(
        self,
        texts: Texts,
        to: StrPath | None = None,
        *,
        objective: Literal["simcse", "mlm", "masked", "electra"] = "simcse",
        validation: Texts | None = None,
        temperature: float = 0.05,
        whole_words: bool = True,
        **settings: Unpack[Training],
    ) -> TextEncoder:
        """Learns from unlabelled texts.

        ``objective="simcse"`` spreads the texts' vectors apart (Gao et al. 2021); ``"mlm"`` (or
        ``"masked"``) predicts tokens behind a mask, whole words of jieba's unless
        ``whole_words=False``, and teaches the language of the domain. With ``"electra"`` a
        small generator, which learns beside it, replaces tokens, and an encoder of that family
        tells which (Clark et al. 2020).

        With a folder ``to``, what was learnt is written there and given back as a new encoder, and
        this one stays as it is; the folder keeps the layout of the one loaded, for
        sentence-transformers and transformers. Without one this encoder itself learns, and is given
        back; :meth:`save` writes it.

        >>> tuned = enc.pretrain(texts, "shop-encoder", epochs=1, learning_rate=3e-5)
        >>> enc.pretrain(texts, objective="mlm").save("shop-encoder")

        With ``lora=rec.LoRA(...)`` adapters learn in place of the weights.
        """
        lists = [texts] if validation is None else [texts, validation]
        lesson = "masked" if objective == "mlm" else objective
        return self._train(lists, to, lesson, temperature, whole_words, settings)

    def fit_pairs(
        self,
        anchors: Texts,
        positives: Texts,
        to: StrPath | None = None,
        *,
        negatives: Texts | None = None,
        temperature: float = 0.05,
        symmetric: bool = False,
        **settings: Unpack[Training],
    ) -> TextEncoder:
        """Learns that ``anchors[i]`` and ``positives[i]`` belong together.

        The other pairs of a batch are a pair's negatives (InfoNCE), and so are the hard
        ``negatives``: as many for every pair, pair by pair. ``symmetric=True`` is for pairs without
        a direction. Behaviour gives pairs as well (:func:`rec.sampling.co_consumed`). Without a
        folder ``to`` this encoder itself learns, as in :meth:`pretrain`.
        """
        lists = [anchors, positives] if negatives is None else [anchors, positives, negatives]
        return self._train(lists, to, "pairs", temperature, symmetric, settings)

    def _train(
        self,
        lists: list[Texts],
        to: StrPath | None,
        lesson: str,
        temperature: float,
        flag: bool,
        settings: Training,
    ) -> TextEncoder:
        defaults = {"epochs": 1, "learning_rate": 3e-5, "batch_tokens": 16_384}
        given = run(settings, defaults)
        files = tempfile.TemporaryDirectory(prefix="rec-encoder-") if to is None else None
        folder = to if to is not None else Path(files.name if files else "", "encoder")
        history = self._native.train(
            lists, folder, lesson=lesson, temperature=temperature, flag=flag, **given
        )
        native = _native.TextEncoder.from_pretrained(
            folder,
            device=given["surroundings"]["device"],
            dtype=given["surroundings"]["dtype"],
            pooling=None,
            max_len=None,
            long_texts="truncate",
            overlap=0,
            cache=None,
            adapter=None,
        )
        learnt = self if to is None else TextEncoder(native)
        learnt._native, learnt._history, learnt._files = native, TrainingHistory(*history), files
        return learnt

    def save(self, folder: StrPath) -> None:
        """Writes the encoder to a folder that is not there yet, or empty, in the layout of the one it
        came from: sentence-transformers, transformers and :meth:`from_pretrained` load it. An adapter
        is merged."""
        self._native.save(folder)

    def encode(
        self,
        texts: Texts,
        *,
        prompt: str | None = None,
        prompt_name: str | None = None,
        normalize: bool | None = None,
        batch_tokens: int = 4096,
        memory_limit: int | None = None,
        num_threads: int | None = None,
        progress: bool | Progress = False,
    ) -> NDArray[np.float32]:
        """Vectors of the texts: float32 ``[texts, dim]``.

        ``prompt`` (or the folder's prompt named ``prompt_name``) is put before every text.
        ``normalize=True`` gives vectors of length 1; by default the model's own steps decide.
        ``memory_limit`` bounds the bytes taken beside the model.
        """
        return self._native.encode(
            texts,
            prompt=prompt,
            prompt_name=prompt_name,
            normalize=normalize,
            batch_tokens=batch_tokens,
            memory_limit=memory_limit,
            num_threads=num_threads,
            progress=reporter(progress),
        )

    def encode_to_file(
        self,
        texts: Iterable[str],
        path: StrPath,
        *,
        prompt: str | None = None,
        prompt_name: str | None = None,
        normalize: bool | None = None,
        batch_tokens: int = 4096,
        memory_limit: int | None = None,
        num_threads: int | None = None,
        progress: bool | Progress = False,
    ) -> NDArray[np.float32]:
        """As :meth:`encode`, for texts from an iterator and more vectors than fit in memory.

        The vectors go to ``path``, a NumPy file that appears once it is whole, and come back
        memory-mapped.
        """
        self._native.encode_to_file(
            texts,
            path,
            prompt=prompt,
            prompt_name=prompt_name,
            normalize=normalize,
            batch_tokens=batch_tokens,
            memory_limit=memory_limit,
            num_threads=num_threads,
            progress=reporter(progress),
        )
        import numpy as np  # Importing the package stays light.

        vectors: NDArray[np.float32] = np.load(path, mmap_mode="r")
        return vectors

    def rank(
        self,
        query: str,
        texts: Texts,
        *,
        batch_tokens: int = 4096,
        num_threads: int | None = None,
    ) -> list[tuple[int, float]]:
        """The texts by cosine to the query, the nearest first: ``(position, cosine)``."""
        return self._native.rank(query, texts, batch_tokens=batch_tokens, num_threads=num_threads)

    @staticmethod
    def similarity(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
        """The cosine of every row of ``a`` with every row of ``b``."""
        if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
            raise ShapeError(f"two matrices of equal columns are needed: got {a.shape}, {b.shape}")
        cosines: NDArray[np.float32] = _unit(a) @ _unit(b).T
        return cosines

    def __repr__(self) -> str:
        pooling = "+".join(self.pooling)
        return f"TextEncoder(dim={self.dim}, max_len={self.max_len}, pooling={pooling!r})"


def _unit(x: NDArray[np.float32]) -> NDArray[np.float32]:
    import numpy as np

    norms: NDArray[np.float32] = np.linalg.norm(x, axis=1, keepdims=True)
    return np.divide(x, norms, out=np.zeros_like(x, dtype=np.float32), where=norms > 0)
