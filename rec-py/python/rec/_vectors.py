"""Vectors of words and items, with gensim's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Union, overload

from . import _native
from ._estimator import FactorModel
from ._progress import Progress, reporter
from .errors import NotFittedError, ParameterError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Self

    StrPath = Union[str, os.PathLike[str]]
    Term = Union[str, NDArray[Any]]
    Sentences = Iterable[Iterable[str]]


class KeyedVectors:
    """Words and their vectors.

    >>> wv = rec.KeyedVectors.load_word2vec_format("vectors.bin", binary=True)
    >>> wv["king"], wv.most_similar(positive=["king", "woman"], negative=["man"])
    """

    def __init__(self, native: _native.Vectors) -> None:
        self._native = native
        self._words: list[str] | None = None

    @classmethod
    def from_arrays(
        cls,
        words: Sequence[str],
        vectors: NDArray[Any],
        *,
        counts: Sequence[int] | None = None,
    ) -> KeyedVectors:
        """A table of the rows of ``vectors``, ``[words, dim]``."""
        import numpy as np

        values = np.ascontiguousarray(vectors, dtype=np.float32)
        if values.ndim != 2:
            raise ParameterError(f"parameter vectors: a matrix is needed, not {values.ndim}-D")
        wanted = None if counts is None else [int(count) for count in counts]
        return cls(_native.Vectors.from_arrays(list(words), values, wanted))

    @classmethod
    def load_word2vec_format(
        cls,
        path: StrPath,
        binary: bool = False,
        *,
        limit: int | None = None,
        no_header: bool = False,
        duplicates: Literal["raise", "first"] = "raise",
    ) -> KeyedVectors:
        """Reads a file of word2vec, gensim or (``no_header=True``) GloVe; gzip is recognised.

        ``limit`` reads only so many words, the first. A word that stands there twice is refused, or
        its first vector kept. A damaged file raises ``FormatError`` that says where.
        """
        if duplicates not in ("raise", "first"):
            raise ParameterError(f"parameter duplicates = {duplicates!r}: choose raise or first")
        native = _native.Vectors.import_file(
            path, _format(binary, no_header), limit, duplicates == "first"
        )
        return cls(native)

    def save_word2vec_format(
        self, path: StrPath, binary: bool = False, *, write_header: bool = True
    ) -> None:
        """Writes a file that word2vec, gensim and others read; a name in ``.gz`` is compressed."""
        self._native.export_file(path, _format(binary, not write_header))

    @classmethod
    def load(cls, path: StrPath, mmap: Literal["r"] | None = None) -> KeyedVectors:
        """Reads the folder of a saved table or of a saved model of words.

        With ``mmap="r"`` the numbers stay in the file, which must not be changed meanwhile: they are
        read as they are asked for, and shared by all processes that open it.
        """
        if mmap not in (None, "r"):
            raise ParameterError(f"parameter mmap = {mmap!r}: choose 'r' or None")
        return cls(_native.Vectors.load(path, mmap == "r"))

    def save(self, path: StrPath) -> None:
        """Writes the table as a folder, whole or not at all."""
        self._native.save(path)

    @property
    def vector_size(self) -> int:
        """Length of a vector."""
        return self._native.dim

    @property
    def vectors(self) -> NDArray[np.float32]:
        """All vectors, ``[words, vector_size]``, in the order of ``index_to_key``: a copy."""
        return self._native.values

    @property
    def index_to_key(self) -> list[str]:
        """The words in the order of their rows."""
        if self._words is None:
            self._words = self._native.words
        return self._words

    @property
    def key_to_index(self) -> dict[str, int]:
        """The row of each word."""
        return {word: row for row, word in enumerate(self.index_to_key)}

    def get_index(self, word: str) -> int:
        """The row of a word; ``KeyError`` where it has none."""
        row = self._native.index(word)
        if row is None:
            raise KeyError(word)
        return row

    def get_vecattr(self, word: str, attr: Literal["count"]) -> int:
        """How often the word was seen."""
        counts = self._native.counts
        if attr != "count" or counts is None:
            raise KeyError(attr)
        return int(counts[self.get_index(word)])

    def get_vector(self, word: str, norm: bool = False) -> NDArray[np.float32]:
        """The vector of a word, at length 1 with ``norm``; ``KeyError`` where it has none."""
        vector = self._of(word)
        if not norm:
            return vector
        import numpy as np

        length = np.linalg.norm(vector)
        unit: NDArray[np.float32] = vector if length == 0 else vector / length
        return unit

    @overload
    def __getitem__(self, words: str) -> NDArray[np.float32]: ...
    @overload
    def __getitem__(self, words: Sequence[str]) -> NDArray[np.float32]: ...
    def __getitem__(self, words: str | Sequence[str]) -> NDArray[np.float32]:
        """The vector of a word, or the vectors of several, ``[words, vector_size]``."""
        if isinstance(words, str):
            return self._of(words)
        import numpy as np

        empty: NDArray[np.float32] = np.zeros((0, self.vector_size), np.float32)
        return np.stack([self._of(word) for word in words]) if len(words) else empty

    def _of(self, word: str) -> NDArray[np.float32]:
        return self._native.get(word)

    def most_similar(
        self,
        positive: Term | Sequence[Term] = (),
        negative: Term | Sequence[Term] = (),
        topn: int = 10,
        indexer: VectorIndex | None = None,
    ) -> list[tuple[str, float]]:
        """The nearest words by cosine to the mean of the terms, the negative ones turned round.

        ``most_similar(["king", "woman"], ["man"])`` answers an analogy. Words asked with are left
        out. With an ``indexer`` (``build_index``) not every word is looked at.
        """
        if indexer is not None:
            return indexer.most_similar(positive, negative, topn)
        return self._native.most_similar(_terms(positive), _terms(negative), topn)

    def build_index(
        self,
        *,
        ef_construction: int = 200,
        ef_search: int = 100,
        seed: int = 0,
        num_threads: int | None = None,
    ) -> VectorIndex:
        """An approximate index for ``most_similar`` (HNSW, Malkov and Yashunin 2020).

        ``ef_search`` is the most words that a search gives; larger values of either find more of the
        true neighbours and take longer.
        """
        native = _native.VectorIndex.build(
            self._native, ef_construction, ef_search, seed, num_threads
        )
        return VectorIndex(native)

    def get_mean_vector(
        self,
        keys: Sequence[str],
        weights: Sequence[float] | None = None,
        pre_normalize: bool = True,
        post_normalize: bool = False,
        ignore_missing: bool = True,
    ) -> NDArray[np.float32]:
        """The mean of words' vectors, at length 1 each unless told otherwise.

        Words without a vector are left out, or raise ``KeyError``; of none, the mean is zeros.
        """
        import numpy as np

        known = [word for word in keys if word in self] if ignore_missing else list(keys)
        shares = dict(zip(keys, [1.0] * len(keys) if weights is None else weights))
        if len(keys) and weights is not None and len(weights) != len(keys):
            raise ParameterError("parameter weights: give one a word")
        mean = np.zeros(self.vector_size, np.float32)
        total = sum(abs(shares[word]) for word in known)
        for word in known:
            mean += shares[word] / total * self.get_vector(word, norm=pre_normalize)
        length = float(np.linalg.norm(mean))
        return mean / np.float32(length) if post_normalize and length else mean

    def evaluate_word_analogies(
        self,
        analogies: StrPath,
        restrict_vocab: int = 300_000,
        case_insensitive: bool = True,
    ) -> tuple[float, list[dict[str, Any]]]:
        """The share of the analogies in a file that are solved, and by section which ones.

        The file has lines ``: section`` and under them ``a b c d``, asking what is to ``c`` as
        ``b`` is to ``a``. Questions with a word that takes no part are skipped. The last section
        sums up, as in gensim.
        """
        accuracy, found = self._native.analogies(analogies, restrict_vocab, case_insensitive)
        sections: list[dict[str, Any]] = [
            {
                "section": name,
                "correct": [tuple(question) for question in correct],
                "incorrect": [tuple(question) for question in incorrect],
            }
            for name, correct, incorrect in found
        ]
        total: dict[str, Any] = {"section": "Total accuracy"}
        for kind in ("correct", "incorrect"):
            total[kind] = [question for section in sections for question in section[kind]]
        return accuracy, [*sections, total]

    def similar_by_word(self, word: str, topn: int = 10) -> list[tuple[str, float]]:
        """The nearest words to a word."""
        return self.most_similar(word, topn=topn)

    def similar_by_vector(self, vector: NDArray[Any], topn: int = 10) -> list[tuple[str, float]]:
        """The nearest words to a vector."""
        return self.most_similar([vector], topn=topn)

    def most_similar_cosmul(
        self,
        positive: str | Sequence[str],
        negative: str | Sequence[str] = (),
        topn: int = 10,
    ) -> list[tuple[str, float]]:
        """As ``most_similar``, by products of similarities (3CosMul, Levy and Goldberg 2014)."""
        ask = [[words] if isinstance(words, str) else list(words) for words in (positive, negative)]
        return self._native.most_similar_cosmul(ask[0], ask[1], topn)

    def similarity(self, a: str, b: str) -> float:
        """The cosine of two words' vectors."""
        return self._native.similarity(a, b)

    def doesnt_match(self, words: Sequence[str]) -> str:
        """The word that is farthest from the mean of all."""
        return self._native.doesnt_match(list(words))

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and word in self._native

    def __len__(self) -> int:
        return len(self._native)

    def __repr__(self) -> str:
        return f"KeyedVectors({len(self)} words, vector_size={self.vector_size})"

    def __getstate__(self) -> dict[str, Any]:
        counts = self._native.counts
        return {
            "words": self.index_to_key,
            "vectors": self.vectors,
            "counts": None if counts is None else counts.tolist(),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        made = _native.Vectors.from_arrays(state["words"], state["vectors"], state["counts"])
        self._native, self._words = made, None


class VectorIndex:
    """An approximate index of a table (``KeyedVectors.build_index``)."""

    def __init__(self, native: _native.VectorIndex) -> None:
        self._native = native

    def most_similar(
        self,
        positive: Term | Sequence[Term] = (),
        negative: Term | Sequence[Term] = (),
        topn: int = 10,
    ) -> list[tuple[str, float]]:
        """As ``KeyedVectors.most_similar``, but for the neighbours that the search misses."""
        return self._native.most_similar(_terms(positive), _terms(negative), topn)

    def recall(self, k: int = 10, queries: int = 1000, seed: int = 0) -> float:
        """The share of the true ``k`` nearest neighbours that is found, over words of the table."""
        return self._native.recall(k, queries, seed)


class SIF:
    """Vectors of sentences by smooth inverse frequency (Arora et al. 2017).

    The mean of a sentence's words' vectors, a word of probability ``p`` weighing ``a / (a + p)``,
    less its projection on the first singular vector of the sentences fitted on.

    >>> sif = rec.SIF(wv, a=1e-3).fit(sentences)
    >>> sif.transform(sentences)        # float32 [sentences, vector_size]
    """

    def __init__(self, wv: KeyedVectors, *, a: float = 1e-3) -> None:
        self.wv = wv
        self.a = a
        self._native: _native.Sif | None = None

    def fit(self, sentences: Sequence[Sequence[str]]) -> Self:
        """Finds what the sentences have in common, and returns itself."""
        given = [list(words) for words in sentences]
        self._native = _native.Sif.fit(self.wv._native, given, float(self.a))
        return self

    def transform(self, sentences: Sequence[Sequence[str]]) -> NDArray[np.float32]:
        """The vectors of sentences, ``[sentences, vector_size]``; zeros of one without known words."""
        if self._native is None:
            raise NotFittedError("this SIF is not fitted; call fit(sentences) first")
        return self._native.transform([list(words) for words in sentences])


class _WordModel:
    """What models of words share: their corpus, and a native model once they are fitted."""

    _kind: str
    min_count: int
    max_vocab_size: int | None
    max_final_vocab: int | None
    seed: int

    def _check(self) -> None:
        self._model: _native.WordModel | None = None
        _native.WordModel.check(self._kind, self._config())
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


class FastTextKeyedVectors(KeyedVectors):
    """The vectors of a ``FastText``: of an unseen word, the mean of its n-grams' vectors.

    ``word in wv`` tells whether a word has a vector, ``word in wv.key_to_index`` whether it was
    trained on.
    """

    def __init__(self, model: _native.WordModel) -> None:
        super().__init__(model.vectors)
        self._model = model

    def _of(self, word: str) -> NDArray[np.float32]:
        vector = self._model.unseen(word)
        if vector is None:
            raise KeyError(f"{word!r} has no vector, and none of its n-grams has one")
        return vector

    def most_similar(
        self,
        positive: Term | Sequence[Term] = (),
        negative: Term | Sequence[Term] = (),
        topn: int = 10,
        indexer: VectorIndex | None = None,
    ) -> list[tuple[str, float]]:
        """As ``KeyedVectors.most_similar``; unseen words may be asked with."""

        def known(term: Any) -> Any:
            if isinstance(term, str) and term not in self._native:
                return self.get_vector(term, norm=True)
            return term

        asked = [[known(term) for term in _terms(terms)] for terms in (positive, negative)]
        return super().most_similar(asked[0], asked[1], topn, indexer)

    def similarity(self, a: str, b: str) -> float:
        """The cosine of two words' vectors, seen or not."""
        return float(self.get_vector(a, norm=True) @ self.get_vector(b, norm=True))

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self._model.unseen(word) is not None

    def __reduce__(self) -> Any:
        raise TypeError("save the FastText itself: a pickle would lose the n-grams")


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


class Item2Vec(FactorModel):
    """word2vec on what people did: each user's events are a sentence (Barkan, Koenigstein 2016).

    A user is the mean of the items they had, so ``recommend_histories`` works for anyone. With
    ``workers=1`` the result is the same at every run; more are lock-free and faster, and are not.

    Args:
        vector_size: Length of a vector.
        window: Events looked at each way; ``None`` for all of the user's, as in the paper, whose
            cost is the square of a history's length.
        shrink_windows: Draws each event's window uniformly from 1 to ``window``.
        shuffle: Reads each history in another order each epoch, so that a window of ``n`` draws
            ``2 n`` events of the whole history: as ``window=None``, at a fraction of the cost.
        max_gap: Seconds between two events that part two sessions; ``None`` for one a user.
        tags: Whether items' tags (``ds.items``) stand in the sentences after their items; items
            without events then get the mean of their tags' vectors.
        negative: Negatives a window.
        ns_exponent: Negatives are drawn in proportion to ``count ** ns_exponent``.
        sample: Relative frequency above which items are sub-sampled; 0 for none.
        alpha: Learning rate at the start.
        min_alpha: Learning rate at the end.
        epochs: Passes over the events.
        score: ``"cosine"``, or ``"output"`` for what training predicts from.
        workers: Parallel workers.
    """

    _kind = "item2vec"

    def __init__(
        self,
        *,
        vector_size: int = 64,
        window: int | None = None,
        shrink_windows: bool = False,
        shuffle: bool = False,
        max_gap: float | None = None,
        tags: bool = False,
        negative: int = 5,
        ns_exponent: float = 0.75,
        sample: float = 1e-3,
        alpha: float = 0.025,
        min_alpha: float = 1e-4,
        epochs: int = 20,
        score: Literal["cosine", "output"] = "cosine",
        workers: int = 1,
        random_state: int | None = 0,
        num_threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.vector_size: int
        self.window: int | None
        self.shrink_windows: bool
        self.shuffle: bool
        self.max_gap: float | None
        self.tags: bool
        self.negative: int
        self.ns_exponent: float
        self.sample: float
        self.alpha: float
        self.min_alpha: float
        self.epochs: int
        self.score: Literal["cosine", "output"]
        self.workers: int
        self._set(locals())


def _format(binary: bool, no_header: bool) -> str:
    if binary and no_header:
        raise ParameterError("parameter no_header: the binary format always has its first line")
    if binary:
        return "word2vec-binary"
    return "glove" if no_header else "word2vec"


def _terms(terms: Term | Sequence[Term]) -> list[Any]:
    """One word or vector, or many."""
    if isinstance(terms, str) or getattr(terms, "ndim", None) == 1:
        return [terms]
    return list(terms)


def _count(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not hasattr(value, "__index__") or int(value) < least:
        raise ParameterError(f"parameter {name} = {value!r}: give an integer of at least {least}")
