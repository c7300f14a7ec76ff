"""Text on its way to tokens: cleaning, segmentation, stop words, pipelines of them; keywords.

>>> rec.text.clean("<p>这款手机&amp;耳机，真的太太太太好了！！！！</p>")
'这款手机&耳机,真的太太太好了!!!'
>>> rec.text.Segmenter("zh").cut("我来到北京清华大学")
['我', '来到', '北京', '清华大学']
>>> pipeline = rec.text.Pipeline(
...     [rec.text.Cleaner(), rec.text.Segmenter("zh"), "words", rec.text.stop_words("zh")]
... )
>>> pipeline.process("<b>手机</b>的屏幕很好！！！")
['手机', '屏幕']
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, Union

from . import _native
from ._keywords import KeywordExtractor, keywords
from ._native import Segmenter
from .errors import ParameterError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    Texts = Union[Iterable[str], NDArray[Any]]
    Path = Union[str, os.PathLike[str]]
    Step = Union["Cleaner", Segmenter, Set[str], Mapping[str, Any], str]

__all__ = [
    "Cleaner",
    "KeywordExtractor",
    "Pipeline",
    "Segmenter",
    "clean",
    "keywords",
    "stop_words",
]


class Cleaner:
    """A chain of text filters chosen by name, run in the order of the arguments.

    ``urls``, ``emails`` and ``mentions`` give what stands in the place of such marks; ``None``
    keeps them. ``hashtags`` is ``"keep"``, ``"drop"`` or ``"text"`` (the words stay), ``emoji``
    ``"keep"``, ``"drop"`` or ``"name"`` (``👍`` becomes ``thumbs up``), ``normalize`` ``"nfc"``,
    ``"nfkc"`` or ``None``. ``half_width`` turns full-width ASCII into half-width and changes
    nothing else; ``simplify`` turns traditional into simplified Chinese; ``max_repeats`` cuts runs
    of one character, digits excepted.
    """

    def __init__(
        self,
        *,
        html: bool = True,
        control_characters: bool = True,
        urls: str | None = " ",
        emails: str | None = " ",
        mentions: str | None = " ",
        hashtags: Literal["keep", "drop", "text"] = "text",
        emoji: Literal["keep", "drop", "name"] = "keep",
        zero_width: bool = True,
        normalize: Literal["nfc", "nfkc"] | None = "nfkc",
        half_width: bool = False,
        simplify: bool = False,
        lowercase: bool = False,
        max_repeats: int | None = 3,
        whitespace: bool = True,
    ) -> None:
        self._options: dict[str, Any] = {
            "html": html,
            "control_characters": control_characters,
            "urls": urls,
            "emails": emails,
            "mentions": mentions,
            "hashtags": hashtags,
            "emoji": emoji,
            "zero_width": zero_width,
            "normalize": normalize,
            "half_width": half_width,
            "simplify": simplify,
            "lowercase": lowercase,
            "max_repeats": max_repeats,
            "whitespace": whitespace,
        }
        self._pipeline = Pipeline(_native.cleaner_steps(self._options))

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The filters as steps of a pipeline."""
        return self._pipeline.steps

    def clean(self, text: str) -> str:
        """The clean text."""
        cleaned: str = self._pipeline.process(text)
        return cleaned

    def clean_batch(self, texts: Texts, *, num_threads: int | None = None) -> list[str]:
        """The clean texts, made on several threads."""
        return self._pipeline.process_batch(texts, num_threads=num_threads)

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self._options.items())
        return f"rec.text.Cleaner({options})"


def clean(html: str, **options: Any) -> str:
    """The text of a piece of HTML or plain text, cleaned; the options are those of ``Cleaner``."""
    return _cleaner(**options).clean(html)


@lru_cache(maxsize=32)
def _cleaner(**options: Any) -> Cleaner:
    return Cleaner(**options)


def stop_words(
    language: str,
    *,
    add: Iterable[str] = (),
    remove: Iterable[str] = (),
    file: Path | None = None,
) -> frozenset[str]:
    """The stop words of a language (``"zh"``, ``"en"`` …; the stopwords-iso collection).

    ``add`` and the lines of ``file`` (UTF-8) come on top, ``remove`` is taken out.
    """
    words = {*_native.stop_words(language), *add}
    if file is not None:
        with open(file, encoding="utf-8-sig") as lines:
            words.update(line.strip() for line in lines)
        words.discard("")
    return frozenset(words - set(remove))


class Pipeline:
    """A chain of steps: filters on the text, then perhaps a segmenter and filters on its tokens.

    A step is a ``Cleaner``, a ``Segmenter``, a set of stop words, a name (``"html"``, ``"words"``
    for tokens that are not punctuation …), or the mapping that JSON has for it, such as
    ``{"step": "length", "min": 2}``. The same JSON makes the same pipeline in Rust.
    """

    def __init__(self, steps: Iterable[Step]) -> None:
        listed = [made for step in steps for made in _steps(step)]
        self._native = _native.TextPipeline.from_json(json.dumps(listed))

    @classmethod
    def from_json(cls, text: str) -> Pipeline:
        """A pipeline from its JSON."""
        pipeline = cls.__new__(cls)
        pipeline._native = _native.TextPipeline.from_json(text)
        return pipeline

    def to_json(self) -> str:
        """The pipeline as JSON, a list of steps."""
        return self._native.to_json()

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The steps, as JSON has them."""
        steps: list[dict[str, Any]] = json.loads(self.to_json())
        return steps

    def process(self, text: str) -> Any:
        """The tokens of a text; the clean text where the chain has no segmenter."""
        return self._native.process(text)

    def process_batch(
        self, texts: Texts, *, join: str | None = None, num_threads: int | None = None
    ) -> list[Any]:
        """The tokens of each text, or the clean texts, in their order.

        ``texts`` is a list, array, Series or Arrow column of strings. With ``join`` the tokens of
        a text come as one string with ``join`` between, which is faster and smaller.
        """
        return self._native.process_batch(texts, join=join, num_threads=num_threads)

    def process_file(
        self,
        input: Path,
        output: Path,
        *,
        column: str | int | None = None,
        sep: str = ",",
        header: bool = True,
        lossy: bool = False,
        num_threads: int | None = None,
    ) -> dict[str, int]:
        """Runs over a file of any size in bounded memory; returns ``{"rows": …, "tokens": …}``.

        Without ``column`` each line of ``input`` is a text, otherwise it is that column of a CSV
        file; gzip is recognised. ``output`` gets a row for each, tokens with spaces between, or a
        JSON list where its name ends in ``.jsonl``; ``.gz`` compresses. It appears whole or not at
        all. Invalid UTF-8 is an error that names the line, or with ``lossy`` becomes U+FFFD.
        """
        rows, tokens = self._native.process_file(
            input,
            output,
            column=column,
            sep=sep,
            header=header,
            lossy=lossy,
            num_threads=num_threads,
        )
        return {"rows": rows, "tokens": tokens}

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return Pipeline.from_json, (self.to_json(),)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pipeline) and self.steps == other.steps

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"rec.text.Pipeline({[step['step'] for step in self.steps]})"


def _steps(step: Step) -> Sequence[Mapping[str, Any]]:
    if isinstance(step, Cleaner):
        return step.steps
    if isinstance(step, Segmenter):
        return [{"step": "segment", **json.loads(step.to_json())}]
    if isinstance(step, str):
        return [{"step": step}]
    if isinstance(step, Mapping):
        return [step]
    if isinstance(step, Set):
        return [{"step": "stop_words", "add": sorted(step)}]
    raise ParameterError(
        f"step {step!r}: pass a Cleaner, a Segmenter, a set of stop words, a name or a mapping"
    )
