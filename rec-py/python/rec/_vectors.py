"""Vectors of words and items, with gensim's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Union, overload

from . import _native
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
