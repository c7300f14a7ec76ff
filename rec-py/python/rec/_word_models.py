"""Models of words: word2vec, fastText, GloVe and context reconstruction, with gensim's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Union

from . import _native
from ._progress import Progress, reporter
from ._vectors import FastTextKeyedVectors, KeyedVectors
from .errors import NotFittedError, ParameterError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from typing_extensions import Self

    StrPath = Union[str, os.PathLike[str]]
    Sentences = Iterable[Iterable[str]]


class _WordModel:
    """What models of words share: their corpus, and a native model once they are fitted."""

    _kind: str
    min_count: int
    max_vocab_size: int | None
    max_final_vocab: int | None
    seed: int
    device: str = "cpu"

    def _check(self) -> None:
        self._model: _native.WordModel | None = None
        _native.WordModel.check(self._kind, self._config())
        _native.check_device(self.device)
        for name, least in (("min_count", 0), ("seed", 0)):
            _count(name, getattr(self, name), least)
        for name in ("max_vocab_size", "max_final_vocab"):
            if getattr(self, name) is not None:
                _count(name, getattr(self, name), 2)

    def _config(self) -> dict[str, Any]:
        raise NotImplementedError

    @staticmethod
    def _arguments(config: dict[str, Any]) -> dict[str, Any]:
        """Arguments of the constructor, from what a saved model holds."""
        return config

    def fit(
        self,
        sentences: Sentences | None = None,
        *,
        corpus_file: StrPath | None = None,
        progress: bool | Progress = False,
    ) -> Self:
        """Trains on sentences and returns itself.

        ``sentences`` are lists of words, read once: a generator will do. ``corpus_file`` is a file
        of one sentence a line, its words parted by white space, plain or gzip. A corpus that is
        more than 2 GiB of word ids is kept in a temporary file. Ctrl-C stops training.
        """
        self._train(sentences, corpus_file, None, progress)
        return self

    def _train(
        self,
        sentences: Sentences | None,
        corpus_file: StrPath | None,
        onto: _native.WordModel | None,
        progress: bool | Progress,
    ) -> None:
        if (sentences is None) == (corpus_file is None):
            raise ParameterError("parameter sentences: give either sentences or corpus_file")
        source: Any = sentences
        if corpus_file is not None:
            from pathlib import Path

            source = Path(corpus_file)
        self._model = _native.WordModel.train(
            self._kind,
            self._config(),
            source,
            min_count=self.min_count,
            prune_at=self.max_vocab_size,
            max_words=self.max_final_vocab,
            seed=self.seed,
            device=self.device,
            onto=onto,
            progress=reporter(progress),
        )

    def _fitted(self) -> _native.WordModel:
        if self._model is None:
            name = type(self).__name__
            raise NotFittedError(f"this {name} is not fitted; call fit(sentences) first")
        return self._model

    @property
    def wv(self) -> KeyedVectors:
        """The words' vectors."""
        return KeyedVectors(self._fitted().vectors)

    def save(self, path: StrPath) -> None:
        """Writes the fitted model as a folder, whole or not at all."""
        self._fitted().save(path)

    @classmethod
    def load(cls, path: StrPath) -> Self:
        """Reads a saved model."""
        native = _native.WordModel.load(path)
        if native.kind != cls._kind:
            raise ParameterError(f"parameter path: a {native.kind} model, not a {cls._kind} one")
        model = cls(**cls._arguments(dict(native.config)))
        model._model = native
        return model


class Word2Vec(_WordModel):
    """word2vec (Mikolov et al. 2013), with gensim's names and defaults.

    >>> wv = rec.Word2Vec(vector_size=100, sg=1, workers=2).fit(sentences).wv

    With ``workers=1`` the result depends on ``seed`` alone; more workers are lock-free and faster,
    and give slightly different vectors each time.

    Args:
        vector_size: Length of a vector.
        alpha: Learning rate at the start.
        window: Words looked at each way, at most.
        min_count: Leaves out words seen less often.
        max_vocab_size: Distinct words held while counting; rare ones are dropped when there are
            more.
        sample: Relative frequency above which words are sub-sampled; 0 for none.
        seed: Seed of every random draw.
        workers: Parallel workers.
        min_alpha: Learning rate at the end.
        sg: 1 for skip-gram, 0 for a continuous bag of words.
        hs: 1 for hierarchical softmax, with ``negative=0``; 0 for negative sampling.
        negative: Negatives a window.
        ns_exponent: Negatives are drawn in proportion to ``count ** ns_exponent``.
        cbow_mean: 1 for the mean of the context, 0 for its sum.
        epochs: Passes over the corpus.
        max_final_vocab: Keeps at most so many words, the most frequent ones.
        shrink_windows: Draws each word's window uniformly from 1 to ``window``.
        device: ``"cpu"`` for threads; on another (``"libtorch"``, ``"cuda:0"``) the same objective
            trains as tensors, in batches, whatever ``workers`` says. Not with ``hs=1``.
    """

    _kind = "word2vec"

    def __init__(
        self,
        *,
        vector_size: int = 100,
        alpha: float = 0.025,
        window: int = 5,
        min_count: int = 5,
        max_vocab_size: int | None = None,
        sample: float = 1e-3,
        seed: int = 1,
        workers: int = 3,
        min_alpha: float = 1e-4,
        sg: Literal[0, 1] = 0,
        hs: Literal[0, 1] = 0,
        negative: int = 5,
        ns_exponent: float = 0.75,
        cbow_mean: Literal[0, 1] = 1,
        epochs: int = 5,
        max_final_vocab: int | None = None,
        shrink_windows: bool = True,
        device: str = "cpu",
    ) -> None:
        self.vector_size = vector_size
        self.alpha = alpha
        self.window = window
        self.min_count = min_count
        self.max_vocab_size = max_vocab_size
        self.sample = sample
        self.seed = seed
        self.workers = workers
        self.min_alpha = min_alpha
        self.sg = sg
        self.hs = hs
        self.negative = negative
        self.ns_exponent = ns_exponent
        self.cbow_mean = cbow_mean
        self.epochs = epochs
        self.max_final_vocab = max_final_vocab
        self.shrink_windows = shrink_windows
        self.device = device
        self._check()

    def _config(self) -> dict[str, Any]:
        for name in ("sg", "hs", "cbow_mean"):
            if getattr(self, name) not in (0, 1):
                raise ParameterError(f"parameter {name} = {getattr(self, name)!r}: choose 0 or 1")
        bag = "cbow" if self.cbow_mean else "cbow_sum"
        return {
            "architecture": "skip_gram" if self.sg else bag,
            "vector_size": self.vector_size,
            "window": self.window,
            "shrink_windows": self.shrink_windows,
            "hs": bool(self.hs),
            "negative": self.negative,
            "ns_exponent": self.ns_exponent,
            "sample": self.sample,
            "alpha": self.alpha,
            "min_alpha": self.min_alpha,
            "epochs": self.epochs,
            "workers": self.workers,
        }

    @staticmethod
    def _arguments(config: dict[str, Any]) -> dict[str, Any]:
        architecture = config.pop("architecture")
        config["sg"] = int(architecture == "skip_gram")
        config["cbow_mean"] = int(architecture != "cbow_sum")
        config["hs"] = int(config["hs"])
        return config

    def fit_more(
        self,
        sentences: Sentences | None = None,
        *,
        corpus_file: StrPath | None = None,
        progress: bool | Progress = False,
    ) -> Self:
        """Trains on, on other sentences: known words go on from their vectors, new ones are added.

        The learning rate starts at ``alpha`` anew. Words that the sentences lack stay as they are.
        """
        self._train(sentences, corpus_file, self._fitted(), progress)
        return self

    def __repr__(self) -> str:
        settings = f"vector_size={self.vector_size}, window={self.window}, sg={self.sg}"
        more = f"hs={self.hs}, negative={self.negative}, epochs={self.epochs}"
        return f"{type(self).__name__}({settings}, {more})"


class FastText(Word2Vec):
    """word2vec with character n-grams (Bojanowski et al. 2017): unseen words have vectors.

    >>> wv = rec.FastText(vector_size=100, sg=1, workers=2).fit(sentences).wv
    >>> wv["unheard-of"]

    It trains on CPU threads alone.

    Args, beside those of ``Word2Vec``:
        min_n: Characters of the shortest n-grams, the marks ``<`` and ``>`` of a word's ends among
            them.
        max_n: Characters of the longest n-grams; 0 for none.
        bucket: Hashes of n-grams.
    """

    _kind = "fasttext"

    def __init__(
        self,
        *,
        min_n: int = 3,
        max_n: int = 6,
        bucket: int = 2_000_000,
        **word2vec: Any,
    ) -> None:
        self.min_n = min_n
        self.max_n = max_n
        self.bucket = bucket
        super().__init__(**word2vec)

    def _config(self) -> dict[str, Any]:
        own = {"min_n": self.min_n, "max_n": self.max_n, "bucket": self.bucket}
        return {**super()._config(), **own}

    @property
    def wv(self) -> FastTextKeyedVectors:
        """The words' vectors, and those of unseen words."""
        return FastTextKeyedVectors(self._fitted())


class GloVe(_WordModel):
    """GloVe (Pennington et al. 2014): products of vectors fit the logarithms of how often words
    stand near one another.

    >>> wv = rec.GloVe(vector_size=100, window=10, x_max=10, workers=2).fit(sentences).wv

    With ``workers=1`` the result depends on ``seed`` alone. A word's vector is the sum of its
    vectors as word and as context.

    Args:
        vector_size: Length of a vector.
        window: Words looked at each way; ``d`` words away counts ``1 / d``.
        symmetric: Whether the words after a word count as those before it do.
        min_count: Leaves out words seen less often.
        max_vocab_size: Distinct words held while counting; rare ones are dropped when there are
            more.
        x_max: The count from which on all pairs weigh the same; 10 suits small corpora.
        exponent: A count ``x`` below weighs ``(x / x_max) ** exponent``.
        learning_rate: AdaGrad's first rate.
        epochs: Passes over the counts.
        seed: Seed of every random draw.
        workers: Parallel workers.
        max_final_vocab: Keeps at most so many words, the most frequent ones.
        memory_limit: Bytes, about, of counts held in memory; more go to temporary files.
    """

    _kind = "glove"

    def __init__(
        self,
        *,
        vector_size: int = 100,
        window: int = 10,
        symmetric: bool = True,
        min_count: int = 5,
        max_vocab_size: int | None = None,
        x_max: float = 100.0,
        exponent: float = 0.75,
        learning_rate: float = 0.05,
        epochs: int = 25,
        seed: int = 1,
        workers: int = 3,
        max_final_vocab: int | None = None,
        memory_limit: int = 2 << 30,
    ) -> None:
        self.vector_size = vector_size
        self.window = window
        self.symmetric = symmetric
        self.min_count = min_count
        self.max_vocab_size = max_vocab_size
        self.x_max = x_max
        self.exponent = exponent
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.seed = seed
        self.workers = workers
        self.max_final_vocab = max_final_vocab
        self.memory_limit = memory_limit
        self._check()

    def _config(self) -> dict[str, Any]:
        names = ("vector_size", "window", "symmetric", "x_max", "exponent", "learning_rate")
        more = ("epochs", "memory_limit", "workers")
        return {name: getattr(self, name) for name in names + more}

    @property
    def losses(self) -> list[float]:
        """The mean loss of a count, by epoch."""
        return self._fitted().losses or []

    def __repr__(self) -> str:
        settings = f"vector_size={self.vector_size}, window={self.window}, x_max={self.x_max}"
        return f"GloVe({settings}, epochs={self.epochs})"


class ContextReconstruction(_WordModel):
    """Vectors that are rebuilt from those of the words around, by weights that are learned too.

    Minimises ``sum_j |v_j - sum_k w_jk v_k|^2 + l2 sum (w - p)^2`` where the coordinates are
    uncorrelated, of mean 0 and variance 1; ``p`` is what the counts say of the association. The
    result depends on ``seed`` alone.

    >>> wv = rec.ContextReconstruction(vector_size=100).fit(sentences).wv

    Args:
        vector_size: Length of a vector; at most one less than there are words.
        window: Words looked at each way; ``d`` words away counts ``1 / d``.
        neighbours: Contexts a word is rebuilt from, at most.
        l2: How much holds the weights to what the counts say; about ``vector_size``.
        min_count: Leaves out words seen less often.
        max_vocab_size: Distinct words held while counting; rare ones are dropped when there are
            more.
        epochs: Steps by the vectors and the weights in turn.
        seed: Seed of every random draw.
        max_final_vocab: Keeps at most so many words, the most frequent ones.
        memory_limit: Bytes, about, of counts held in memory; more go to temporary files.
    """

    _kind = "reconstruction"

    def __init__(
        self,
        *,
        vector_size: int = 100,
        window: int = 5,
        neighbours: int = 30,
        l2: float = 100.0,
        min_count: int = 5,
        max_vocab_size: int | None = None,
        epochs: int = 10,
        seed: int = 1,
        max_final_vocab: int | None = None,
        memory_limit: int = 2 << 30,
    ) -> None:
        self.vector_size = vector_size
        self.window = window
        self.neighbours = neighbours
        self.l2 = l2
        self.min_count = min_count
        self.max_vocab_size = max_vocab_size
        self.epochs = epochs
        self.seed = seed
        self.max_final_vocab = max_final_vocab
        self.memory_limit = memory_limit
        self._check()

    def _config(self) -> dict[str, Any]:
        names = ("vector_size", "window", "neighbours", "l2", "epochs", "memory_limit")
        return {name: getattr(self, name) for name in names}

    @property
    def losses(self) -> list[float]:
        """The objective over the number of words, by epoch."""
        return self._fitted().losses or []

    def __repr__(self) -> str:
        settings = f"vector_size={self.vector_size}, window={self.window}"
        return f"ContextReconstruction({settings}, neighbours={self.neighbours}, l2={self.l2})"


def _count(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not hasattr(value, "__index__") or int(value) < least:
        raise ParameterError(f"parameter {name} = {value!r}: give an integer of at least {least}")
