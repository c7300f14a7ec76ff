"""Language models of recurrent units, which classifiers of texts start from."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, Union

from . import _native
from ._estimator import _from_bytes, _to_bytes
from ._params import Parameters
from ._progress import Progress, reporter
from .errors import NotFittedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Self

    Texts = Union[Iterable[str], NDArray[np.object_]]
    StrPath = Union[str, os.PathLike[str]]


class GruLanguageModel(Parameters):
    """A recurrent language model, learned from texts alone and kept for any number of labellings.

    >>> rec.GruLanguageModel(language_passes=20).fit(reviews).save("language")
    >>> gru = {"learner": "gru", "language": "language"}
    >>> categories = rec.TagClassifier(learners=["svm", "nb_svm", gru]).fit(texts, categories)
    >>> sentiments = rec.TagClassifier(learners=["svm", "nb_svm", gru]).fit(texts, sentiments)

    Gated recurrent units read a text both ways; each learns to predict the token that it reads next
    (Dai and Le 2015). A learner ``"gru"`` of :class:`TagClassifier` starts from there; its ``hidden``,
    ``dim`` and ``tokens`` must be these. Same seed, same result, on any number of threads.

    Args:
        language_passes: Passes over the texts.
        hidden: Length of a state, each way.
        dim: Length of an embedding.
        tokens: ``"characters"`` (words where the script has no ideographs) or ``"words"``.
        batch_size: Texts of a step.
        embedding_dropout: The share of the embeddings' numbers that is dropped while training.
        min_count: Tokens that occur fewer times than this share one embedding.
        max_len: Tokens of a text that are read, from its beginning.
        language: The folder of a model of the same sizes to go on from; its tokens stay.
        random_state: Seed of every random draw; ``None`` for one that nobody knows.
        num_threads: Threads; ``None`` for all cores.
    """

    language: StrPath | None
    _fitted: _native.FittedGruLanguage | None = None

    def __init__(
        self,
        *,
        language_passes: int = 20,
        hidden: int = 128,
        dim: int = 128,
        tokens: Literal["characters", "words"] = "characters",
        batch_size: int = 64,
        embedding_dropout: float = 0.25,
        min_count: int = 2,
        max_len: int = 256,
        language: StrPath | None = None,
        random_state: int | None = 0,
        num_threads: int | None = None,
    ) -> None:
        self._set(locals())

    def _check(self) -> None:
        _native.FittedGruLanguage.check(self._config())
        self._check_run()

    def _config(self) -> dict[str, Any]:
        config = self.get_params()
        for name in ("random_state", "num_threads"):
            del config[name]
        if self.language is not None:
            config["language"] = os.fspath(self.language)
        return config

    def fit(self, texts: Texts, *, progress: bool | Progress = False) -> Self:
        """Trains on texts and returns itself. Texts of fewer than two tokens teach nothing.

        Ctrl-C stops training.
        """
        self._fitted = _native.FittedGruLanguage.learn(
            texts,
            self._config(),
            seed=self._seed(),
            num_threads=self.num_threads,
            progress=reporter(progress),
        )
        return self

    def _model(self) -> _native.FittedGruLanguage:
        if self._fitted is None:
            raise NotFittedError("this GruLanguageModel is not fitted; call fit(texts) first")
        return self._fitted

    def perplexity(self, texts: Texts) -> float:
        """``e`` to the mean loss a token on texts, of both ways; the first token that each way reads of
        a text is not predicted."""
        return self._model().perplexity(texts, self.num_threads)

    @property
    def loss_(self) -> float:
        """The mean training loss of the last pass, in nats a token; where tokens are many, over some
        drawn ones."""
        return self._model().loss

    @property
    def n_tokens_(self) -> int:
        """Tokens that have an embedding of their own."""
        return self._model().n_tokens

    def save(self, path: StrPath) -> None:
        """Writes the fitted model as a folder, whole or not at all; ``rec.load`` reads it."""
        self._model().save(path)

    def __getstate__(self) -> dict[str, Any]:
        files = None if self._fitted is None else _to_bytes(self._fitted)
        return {"params": self.get_params(), "files": files}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state["params"].items():
            setattr(self, name, value)
        if state["files"] is not None:
            self._fitted, _ = _from_bytes(state["files"], _native.FittedGruLanguage.load)

    def __sklearn_is_fitted__(self) -> bool:
        return self._fitted is not None

    @classmethod
    def _load(cls, path: StrPath) -> GruLanguageModel:
        fitted = _native.FittedGruLanguage.load(path)
        names = cls._defaults()
        model = cls(**{name: value for name, value in fitted.config.items() if name in names})
        model._fitted = fitted
        return model
