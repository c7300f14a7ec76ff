"""Keywords of texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, Union, overload

from . import _native

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from ._native import Segmenter

    Texts = Union[Iterable[str], NDArray[Any]]

Scored = list[tuple[str, float]]


class Encoder(Protocol):
    """Anything with ``encode(texts) -> array [texts, dim]``: a ``rec.TextEncoder``, for one."""

    def encode(self, texts: list[str], /) -> Any:
        """The vectors of texts."""


class KeywordExtractor:
    """Extracts keywords.

    ``method`` is ``"textrank"`` (Mihalcea and Tarau 2004) or ``"tfidf"``. ``unit`` says what a
    keyword is: ``"words"`` are the published methods on single words; ``"phrases"`` joins the best
    third of the words where they stand side by side, as the TextRank paper does; ``"terms"``, our
    own, looks at all runs of up to ``max_words`` words, discounts those that occur within longer
    ones (``nested``) and prefers the usual length of keywords (``prefer_length``).

    TF-IDF takes the document frequencies of the corpus given to ``fit``; without one, those that
    come with jieba. ``pos`` are the parts of speech (jieba's tags) that keywords are made of,
    ``stop_words`` replaces the Chinese and English lists, ``segmenter`` brings words of your own.
    """

    def __init__(
        self,
        method: Literal["textrank", "tfidf"] = "textrank",
        *,
        unit: Literal["words", "phrases", "terms"] = "terms",
        pos: Sequence[str] | None = None,
        stop_words: Iterable[str] | None = None,
        segmenter: Segmenter | None = None,
        min_chars: int = 2,
        max_words: int = 4,
        nested: float = 0.5,
        prefer_length: bool = True,
        window: int = 5,
        damping: float = 0.85,
    ) -> None:
        self._native = _native.KeywordExtractor(
            method,
            unit=unit,
            pos=pos,
            stop_words=stop_words,
            segmenter=segmenter,
            min_chars=min_chars,
            max_words=max_words,
            nested=nested,
            prefer_length=prefer_length,
            window=window,
            damping=damping,
        )

    def fit(self, texts: Texts, *, num_threads: int | None = None) -> KeywordExtractor:
        """Counts in how many texts each candidate occurs; returns itself."""
        self._native = self._native.fitted(texts, num_threads=num_threads)
        return self

    @property
    def is_fitted(self) -> bool:
        """Whether a corpus was counted."""
        return self._native.is_fitted

    @overload
    def extract(
        self,
        text: str,
        k: int = 5,
        *,
        with_scores: Literal[False] = False,
        encoder: Encoder | Callable[[list[str]], Any] | None = None,
        diversity: float = 0.5,
        candidates: int = 50,
    ) -> list[str]: ...
    @overload
    def extract(
        self,
        text: str,
        k: int = 5,
        *,
        with_scores: Literal[True],
        encoder: Encoder | Callable[[list[str]], Any] | None = None,
        diversity: float = 0.5,
        candidates: int = 50,
    ) -> Scored: ...
    def extract(
        self,
        text: str,
        k: int = 5,
        *,
        with_scores: bool = False,
        encoder: Encoder | Callable[[list[str]], Any] | None = None,
        diversity: float = 0.5,
        candidates: int = 50,
    ) -> list[str] | Scored:
        """The best ``k`` keywords, best first; ``(keyword, score)`` pairs with ``with_scores``.

        With an ``encoder`` (a function, or an object with ``encode``, that makes texts vectors) the
        best ``candidates`` are put in another order, as KeyBERT does: near to the whole text, and by
        ``diversity`` apart from one another. Scores are then cosines.
        """
        if encoder is None:
            found = self._native.extract(text, k)
        else:
            encode: Any = getattr(encoder, "encode", encoder)
            found = self._native.extract_with(text, k, encode, diversity, max(candidates, k))
        return found if with_scores else [keyword for keyword, _ in found]

    @overload
    def extract_batch(
        self,
        texts: Texts,
        k: int = 5,
        *,
        with_scores: Literal[False] = False,
        num_threads: int | None = None,
    ) -> list[list[str]]: ...
    @overload
    def extract_batch(
        self,
        texts: Texts,
        k: int = 5,
        *,
        with_scores: Literal[True],
        num_threads: int | None = None,
    ) -> list[Scored]: ...
    def extract_batch(
        self,
        texts: Texts,
        k: int = 5,
        *,
        with_scores: bool = False,
        num_threads: int | None = None,
    ) -> list[list[str]] | list[Scored]:
        """The keywords of each text, found on several threads."""
        found = self._native.extract_batch(texts, k, num_threads)
        if with_scores:
            return found
        return [[keyword for keyword, _ in keywords] for keywords in found]


_DEFAULT: dict[str, KeywordExtractor] = {}


def keywords(
    text: str, k: int = 5, *, method: Literal["textrank", "tfidf"] = "textrank", **options: Any
) -> list[str]:
    """The best ``k`` keywords of a text; the options are those of ``KeywordExtractor``."""
    if options:
        return KeywordExtractor(method, **options).extract(text, k)
    if method not in _DEFAULT:
        _DEFAULT[method] = KeywordExtractor(method)
    return _DEFAULT[method].extract(text, k)
