"""The compiled part of the library; use it through ``rec``."""

import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from ._progress import Progress

__all__ = [
    "Circles",
    "Cold",
    "Dataset",
    "DecodeStream",
    "Encoding",
    "Explanation",
    "FittedGruLanguage",
    "FittedModel",
    "FittedTags",
    "Graph",
    "Items",
    "KeywordExtractor",
    "LabelCounts",
    "LanguageModel",
    "Leaderboard",
    "PairedTest",
    "Recommendations",
    "Report",
    "Segmenter",
    "SocialGraph",
    "Split",
    "TextEncoder",
    "TextPipeline",
    "TokenStream",
    "Tokenizer",
    "Sif",
    "VectorIndex",
    "Vectors",
    "Vocab",
    "WordModel",
    "__version__",
    "_dataset_from_state",
    "check_device",
    "check_params",
    "check_tag_params",
    "classify_ece",
    "classify_map",
    "classify_precision_at_k",
    "classify_roc_auc",
    "cleaner_steps",
    "compare",
    "evaluate_answer",
    "evaluate_model",
    "evaluate_rows",
    "fit",
    "folder_kind",
    "fuse",
    "leaderboard",
    "learn_fusion",
    "learn_trees",
    "load",
    "rank_by_trees",
    "read_parts",
    "rerank_calibrate",
    "rerank_diverse",
    "rerank_freshness",
    "rerank_rules",
    "sampling_co_consumed",
    "split_at_time",
    "split_by_time",
    "split_by_user_ratio",
    "split_leave_last_out",
    "split_random",
    "split_user_holdout",
    "stop_words",
    "pipeline_config",
    "pipeline_from_toml",
    "pipeline_keywords",
    "pipeline_leaderboard",
    "pipeline_nearest_users",
    "pipeline_profiles",
    "pipeline_recommend_texts",
    "pipeline_report",
    "pipeline_set_catalogue",
    "pipeline_stand_ins",
    "pipeline_to_toml",
    "run_pipeline",
    "user_profiles",
]

__version__: str

_Id = int | str
_Ids = Sequence[_Id] | NDArray[Any] | Iterable[_Id]
_Path = str | os.PathLike[str]
_Library = Literal["pandas", "polars", "arrow"]
_Policy = Literal["keep", "sum", "last", "count"]
_Column = str | int
_Unit = Literal["s", "ms", "us", "ns"]

@final
class Dataset:
    items: Items | None
    social: SocialGraph | None
    @staticmethod
    def from_frame(
        df: Any,
        *,
        user: str,
        item: str,
        time: str | None = None,
        weight: str | None = None,
        event: str | None = None,
        event_weights: Mapping[str, float] | None = None,
        duplicates: _Policy = "keep",
    ) -> Dataset: ...
    @staticmethod
    def from_csr(
        csr: Any, *, user_ids: _Ids | None = None, item_ids: _Ids | None = None
    ) -> Dataset: ...
    @staticmethod
    def read(
        path: _Path,
        *,
        user: _Column | None = None,
        item: _Column | None = None,
        time: _Column | None = None,
        weight: _Column | None = None,
        event: _Column | None = None,
        event_weights: Mapping[str, float] | None = None,
        sep: str | None = None,
        header: bool | None = None,
        time_unit: _Unit | None = None,
        skip_bad: bool = False,
        duplicates: _Policy = "keep",
    ) -> Dataset: ...
    @staticmethod
    def read_csv(
        path: _Path,
        *,
        user: _Column | None = None,
        item: _Column | None = None,
        time: _Column | None = None,
        weight: _Column | None = None,
        event: _Column | None = None,
        event_weights: Mapping[str, float] | None = None,
        sep: str | None = None,
        header: bool | None = None,
        time_unit: _Unit | None = None,
        skip_bad: bool = False,
        duplicates: _Policy = "keep",
    ) -> Dataset: ...
    @property
    def n_users(self) -> int: ...
    @property
    def n_items(self) -> int: ...
    @property
    def n_interactions(self) -> int: ...
    @property
    def n_duplicates(self) -> int: ...
    @property
    def density(self) -> float: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def report(self) -> dict[str, Any] | None: ...
    @property
    def user_counts(self) -> NDArray[np.int64]: ...
    @property
    def item_counts(self) -> NDArray[np.int64]: ...
    @property
    def has_times(self) -> bool: ...
    @property
    def has_weights(self) -> bool: ...
    @property
    def user_ids(self) -> NDArray[Any]: ...
    @property
    def item_ids(self) -> NDArray[Any]: ...
    def history(self, user: _Id) -> NDArray[Any]: ...
    def write(self, path: _Path) -> None: ...
    def to_csr(self) -> Any: ...
    def to_frame(self, library: _Library | None = None) -> Any: ...
    def k_core(self, min_user: int = 5, min_item: int = 5) -> Dataset: ...
    def binarize(self, threshold: float = 0.0) -> Dataset: ...
    def deduplicate(self, policy: _Policy = "sum") -> Dataset: ...
    def with_items(self) -> Dataset: ...
    def __len__(self) -> int: ...

@final
class Items:
    @staticmethod
    def from_frame(
        df: Any,
        *,
        id: str,
        text: str | Sequence[str] | None = None,
        tags: str | None = None,
        vectors: str | Sequence[str] | None = None,
    ) -> Items: ...
    @staticmethod
    def read(
        path: _Path,
        *,
        id: _Column | None = None,
        text: Sequence[_Column] | None = None,
        tags: _Column | None = None,
        tag_separator: str | None = None,
        vectors: Sequence[_Column] | None = None,
        id_map: _Path | None = None,
        sep: str | None = None,
        header: bool | None = None,
        skip_bad: bool = False,
    ) -> Items: ...
    @property
    def ids(self) -> NDArray[Any]: ...
    @property
    def text_fields(self) -> list[str]: ...
    @property
    def tag_names(self) -> list[str]: ...
    @property
    def vector_fields(self) -> list[tuple[str, int]]: ...
    def write(self, path: _Path) -> None: ...
    def title(self, item: _Id) -> str | None: ...
    def tags(self, item: _Id) -> list[str]: ...
    def __len__(self) -> int: ...

@final
class SocialGraph:
    @staticmethod
    def from_frame(
        df: Any,
        dataset: Dataset,
        *,
        source: str,
        target: str,
        weight: str | None = None,
        directed: bool = False,
        on_unknown: Literal["raise", "drop"] = "raise",
    ) -> SocialGraph: ...
    @property
    def n_edges(self) -> int: ...
    @property
    def n_dropped(self) -> int: ...
    def friends(self, user: _Id) -> NDArray[Any]: ...
    def to_csr(self) -> Any: ...

@final
class Graph:
    @staticmethod
    def from_edges(
        source: _Ids, target: _Ids, weight: Any = None, *, directed: bool = False
    ) -> Graph: ...
    @staticmethod
    def from_frame(
        df: Any,
        *,
        source: str,
        target: str,
        weight: str | None = None,
        directed: bool = False,
    ) -> Graph: ...
    @staticmethod
    def from_csr(csr: Any, *, ids: _Ids | None = None) -> Graph: ...
    @staticmethod
    def from_friends(dataset: Dataset, *, max_memory: int = ...) -> Graph: ...
    @staticmethod
    def read(path: _Path, *, directed: bool = False) -> Graph: ...
    def write(self, path: _Path) -> None: ...
    @property
    def n_nodes(self) -> int: ...
    @property
    def n_edges(self) -> int: ...
    @property
    def ids(self) -> NDArray[Any]: ...
    def degrees(self) -> NDArray[np.float32]: ...
    def neighbours(self, node: _Id) -> NDArray[Any]: ...
    def to_csr(self) -> Any: ...
    def normalized(
        self,
        by: Literal["symmetric", "random_walk"] = "symmetric",
        *,
        self_loops: float | None = None,
    ) -> Any: ...
    def k_core(self, k: int) -> Graph: ...
    def edge_dropout(self, rate: float, *, seed: int = 0) -> Graph: ...
    def hold_out(
        self, share: float, *, seed: int = 0
    ) -> tuple[Graph, NDArray[Any], NDArray[Any]]: ...
    def link_scores(
        self,
        node: _Id,
        *,
        method: Literal[
            "common_neighbours",
            "adamic_adar",
            "resource_allocation",
            "preferential_attachment",
        ] = "adamic_adar",
    ) -> NDArray[np.float32]: ...
    def circles(
        self,
        *,
        quality: Literal["modularity", "cpm"] = "modularity",
        resolution: float = 1.0,
        randomness: float = 0.01,
        iterations: int = 10,
        seed: int = 0,
    ) -> Circles: ...
    def __len__(self) -> int: ...

@final
class Circles:
    @property
    def labels(self) -> NDArray[np.int64]: ...
    @property
    def quality(self) -> float: ...
    def members(self, circle: int) -> NDArray[Any]: ...
    def recommend(
        self,
        node: _Id,
        k: int = 10,
        *,
        vectors: NDArray[np.float32] | None = None,
        taste: float = 0.0,
        min_size: int = 2,
    ) -> list[tuple[int, float]]: ...
    def __len__(self) -> int: ...

@final
class Recommendations:
    @property
    def users(self) -> NDArray[Any]: ...
    @property
    def items(self) -> NDArray[Any]: ...
    @property
    def scores(self) -> NDArray[np.float32]: ...
    @property
    def counts(self) -> NDArray[np.int64]: ...
    @property
    def skipped(self) -> NDArray[Any]: ...
    @property
    def k(self) -> int: ...
    def to_frame(self, library: _Library | None = None) -> Any: ...
    def __len__(self) -> int: ...
    def write_csv(self, path: _Path, *, items: Items | None = None) -> None: ...
    def __getitem__(self, row: int, /) -> list[tuple[Any, float]]: ...

@final
class Explanation:
    @property
    def score(self) -> float: ...
    @property
    def contributions(self) -> list[tuple[Any, float]]: ...
    @property
    def exact(self) -> bool: ...
    @property
    def rest(self) -> float: ...
    @property
    def shares(self) -> list[tuple[str, float]]: ...
    @property
    def tags(self) -> list[tuple[str, float]]: ...
    @property
    def keywords(self) -> list[tuple[str, float]]: ...
    def to_dict(self) -> dict[str, Any]: ...
    def to_json(self) -> str: ...
    def sentence(
        self,
        language: Literal["en", "zh"] = "en",
        *,
        domain: Literal["general", "shop", "news", "music", "video"] = "general",
    ) -> str: ...

@final
class FittedModel:
    @property
    def kind(self) -> str: ...
    @property
    def config(self) -> Any: ...
    @property
    def training(self) -> Any: ...
    @property
    def n_users(self) -> int: ...
    @property
    def n_items(self) -> int: ...
    @property
    def user_ids(self) -> NDArray[Any]: ...
    @property
    def item_ids(self) -> NDArray[Any]: ...
    @property
    def factors(self) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None: ...
    def recommend(
        self,
        users: _Ids | None,
        *,
        k: int,
        filter_seen: bool,
        items: _Ids | None,
        exclude: _Ids | None,
        candidates: Iterable[_Ids] | None,
        on_unknown: str | FittedModel,
        num_threads: int | None,
    ) -> Recommendations: ...
    def recommend_histories(
        self,
        histories: Iterable[Any],
        *,
        k: int,
        filter_seen: bool,
        items: _Ids | None,
        exclude: _Ids | None,
        candidates: Iterable[_Ids] | None,
        on_unknown: str | FittedModel,
        num_threads: int | None,
    ) -> Recommendations: ...
    def similar_items(self, items: _Ids, *, k: int, num_threads: int | None) -> Recommendations: ...
    def explain(
        self,
        item: _Id,
        *,
        user: _Id | None,
        history: list[Any] | None,
        items: Items | None,
        keywords: Items | None,
        train: Dataset | None,
    ) -> Explanation: ...
    def save(self, path: _Path) -> None: ...

@final
class Split:
    @property
    def train(self) -> Dataset: ...
    @property
    def valid(self) -> Dataset: ...
    @property
    def test(self) -> Dataset: ...
    @property
    def fold_in(self) -> Dataset | None: ...
    @property
    def cold(self) -> Cold: ...
    @property
    def report(self) -> dict[str, Any]: ...
    @property
    def warnings(self) -> list[str]: ...
    def __iter__(self) -> Iterator[Dataset]: ...
    def __len__(self) -> int: ...

@final
class Cold:
    @property
    def valid(self) -> Dataset: ...
    @property
    def test(self) -> Dataset: ...
    @property
    def users(self) -> NDArray[Any]: ...
    @property
    def items(self) -> NDArray[Any]: ...

@final
class Report:
    def summary(self) -> dict[str, Any]: ...
    def per_user(self, metric: str) -> NDArray[np.float64]: ...
    @property
    def users(self) -> NDArray[Any]: ...

@final
class PairedTest:
    @property
    def metric(self) -> str: ...
    @property
    def difference(self) -> float: ...
    @property
    def interval(self) -> tuple[float, float] | None: ...
    @property
    def p_value(self) -> float: ...
    @property
    def users(self) -> int: ...
    @property
    def wins(self) -> tuple[int, int]: ...

def check_params(kind: str, params: Mapping[str, Any]) -> None: ...
def check_device(name: str) -> None: ...
def fit(
    kind: str,
    params: Mapping[str, Any],
    dataset: Dataset,
    *,
    seed: int,
    num_threads: int | None,
    device: str,
    validation: Dataset | None,
    metric: str,
    patience: int | None,
    every: int,
    progress: Progress | None,
    checkpoints: _Path | None,
) -> FittedModel: ...
def folder_kind(path: _Path) -> str: ...
def load(path: _Path) -> FittedModel: ...
def _dataset_from_state(state: Mapping[str, Any]) -> Dataset: ...
def read_parts(path: _Path, options: Mapping[str, Any]) -> list[Dataset | None]: ...
def sampling_co_consumed(
    dataset: Dataset,
    *,
    text: str | None,
    window: int,
    subsample: float,
    rounds: int,
    seed: int,
) -> tuple[list[str], list[str]]: ...
def split_leave_last_out(dataset: Dataset, n: int, validation: bool) -> Split: ...
def split_by_time(dataset: Dataset, fractions: Sequence[float]) -> Split: ...
def split_at_time(dataset: Dataset, test_from: int, valid_from: int | None) -> Split: ...
def split_by_user_ratio(dataset: Dataset, fractions: Sequence[float]) -> Split: ...
def split_random(dataset: Dataset, fractions: Sequence[float], seed: int) -> Split: ...
def split_user_holdout(
    dataset: Dataset, fractions: Sequence[float], fold_in: float, order: str, seed: int
) -> Split: ...
def evaluate_model(
    model: FittedModel,
    test: Dataset,
    train: Dataset | None,
    filter_seen: bool,
    also_seen: Sequence[Dataset],
    metrics: Sequence[str],
    similarity: str,
    options: Mapping[str, Any],
) -> Report: ...
def evaluate_answer(
    answer: Recommendations,
    test: Dataset,
    metrics: Sequence[str],
    similarity: str,
    options: Mapping[str, Any],
) -> Report: ...
def evaluate_rows(
    lists: Sequence[Any],
    relevant: Sequence[tuple[Any, Sequence[float]]],
    metrics: Sequence[str],
    counts: Mapping[Any, int] | None,
    options: Mapping[str, Any],
) -> Report: ...
@final
class Leaderboard:
    @property
    def names(self) -> list[str]: ...
    def to_dict(self) -> dict[str, Any]: ...
    def to_json(self) -> str: ...
    def to_frame(self, library: _Library | None = None) -> Any: ...
    def to_html(self) -> str: ...
    def write_html(self, path: _Path) -> None: ...
    def _repr_html_(self) -> str: ...

def leaderboard(
    models: Sequence[FittedModel],
    names: Sequence[str],
    test: Dataset,
    train: Dataset | None,
    filter_seen: bool,
    also_seen: Sequence[Dataset],
    metrics: Sequence[str],
    similarity: str,
    levels: Sequence[tuple[str, int]],
    baseline: str | None,
    permutations: int,
    options: Mapping[str, Any],
) -> Leaderboard: ...
def compare(
    first: Report,
    second: Report,
    metric: str,
    permutations: int,
    bootstrap: int,
    confidence: float,
    seed: int,
) -> PairedTest: ...
def fuse(
    models: Sequence[FittedModel], names: Sequence[str], fusion: Mapping[str, Any]
) -> FittedModel: ...
def learn_fusion(
    models: Sequence[FittedModel], truth: Dataset, learner: Mapping[str, Any]
) -> str: ...
def learn_trees(
    models: Sequence[FittedModel],
    truth: Dataset,
    learner: Mapping[str, Any],
    candidates: int,
    items: Items | None,
    ages: dict[_Id, float] | None,
) -> str: ...
def rank_by_trees(
    models: Sequence[FittedModel],
    ranker: str,
    candidates: int,
    items: Items | None,
    ages: dict[_Id, float] | None,
) -> FittedModel: ...
def pipeline_config(given: dict[str, Any]) -> dict[str, Any]: ...
def pipeline_from_toml(path: _Path) -> dict[str, Any]: ...
def pipeline_to_toml(given: dict[str, Any]) -> str: ...
def run_pipeline(
    given: dict[str, Any],
    dataset: Dataset | None,
    *,
    folder: _Path | None,
    num_threads: int | None,
    device: str,
    progress: Progress | None,
) -> FittedModel: ...
def pipeline_report(model: FittedModel) -> dict[str, Any]: ...
def pipeline_leaderboard(model: FittedModel) -> Leaderboard | None: ...
def pipeline_profiles(model: FittedModel, users: Any | None, by: str | None) -> str: ...
def pipeline_recommend_texts(
    model: FittedModel, texts: _Texts, k: int, *, num_threads: int | None
) -> Recommendations: ...
def pipeline_stand_ins(model: FittedModel, texts: _Texts) -> list[NDArray[Any]]: ...
def pipeline_nearest_users(
    model: FittedModel, users: Any, k: int
) -> list[list[tuple[int | str, float]]]: ...
def pipeline_keywords(model: FittedModel, items: Any) -> list[list[str]]: ...
def pipeline_set_catalogue(model: FittedModel, items: Any) -> dict[str, Any]: ...
def user_profiles(
    dataset: Dataset, users: Iterable[Any] | None, options: Mapping[str, Any]
) -> str: ...
def rerank_rules(
    candidates: Recommendations,
    items: Items | None,
    k: int | None,
    rules: Mapping[str, Any],
) -> Recommendations: ...
def rerank_freshness(
    candidates: Recommendations,
    times: Mapping[Any, int],
    now: int,
    half_life: float,
    weight: float,
    normalize: str,
) -> Recommendations: ...
def rerank_diverse(
    candidates: Recommendations,
    items: Items,
    k: int,
    method: str,
    relevance: float,
    similarity: str,
    normalize: str,
) -> Recommendations: ...
def rerank_calibrate(
    candidates: Recommendations,
    past: Dataset,
    items: Items,
    k: int,
    strength: float,
    alpha: float,
    normalize: str,
) -> Recommendations: ...

_Finish = Literal["stop_id", "stop_text", "length", "positions", "interrupted"]
_Texts = Iterable[str] | NDArray[Any]

_History = tuple[list[float], list[tuple[int, float]]]

@final
class TextEncoder:
    @staticmethod
    def from_pretrained(
        folder: _Path,
        *,
        device: str,
        dtype: str,
        pooling: str | None,
        max_len: int | None,
        long_texts: str,
        overlap: int,
        cache: _Path | None,
        adapter: _Path | None,
    ) -> TextEncoder: ...
    def save(self, folder: _Path) -> None: ...
    @staticmethod
    def merge(base: _Path, adapter: _Path, to: _Path) -> None: ...
    def train(
        self,
        lists: list[_Texts],
        to: _Path,
        *,
        lesson: str,
        temperature: float,
        flag: bool,
        settings: dict[str, Any],
        surroundings: dict[str, Any],
        progress: Any,
    ) -> _History: ...
    def encode(
        self,
        texts: _Texts,
        *,
        prompt: str | None,
        prompt_name: str | None,
        normalize: bool | None,
        batch_tokens: int,
        memory_limit: int | None,
        num_threads: int | None,
        progress: Any,
    ) -> NDArray[np.float32]: ...
    def encode_to_file(
        self,
        texts: Iterable[str],
        path: _Path,
        *,
        prompt: str | None,
        prompt_name: str | None,
        normalize: bool | None,
        batch_tokens: int,
        memory_limit: int | None,
        num_threads: int | None,
        progress: Any,
    ) -> int: ...
    def rank(
        self, query: str, texts: _Texts, *, batch_tokens: int, num_threads: int | None
    ) -> list[tuple[int, float]]: ...
    @property
    def folder(self) -> pathlib.Path: ...
    @property
    def dim(self) -> int: ...
    @property
    def max_len(self) -> int: ...
    @property
    def pooling(self) -> list[str]: ...
    @property
    def normalizes(self) -> bool: ...
    @property
    def prompts(self) -> dict[str, str]: ...
    @property
    def report(self) -> tuple[list[str], list[str]]: ...

@final
class LanguageModel:
    @staticmethod
    def from_pretrained(folder: _Path, *, device: str, dtype: str) -> LanguageModel: ...
    @staticmethod
    def from_config(
        sizes: dict[str, Any], tokenizer: Tokenizer, *, seed: int, device: str, dtype: str
    ) -> LanguageModel: ...
    def fit(
        self,
        texts: _Texts,
        validation: _Texts | None,
        *,
        whole_words: bool,
        settings: dict[str, Any],
        surroundings: dict[str, Any],
        progress: Any,
    ) -> tuple[LanguageModel, _History]: ...
    def save(self, to: _Path) -> None: ...
    @property
    def folder(self) -> pathlib.Path: ...
    @property
    def objective(self) -> Literal["causal", "masked", "electra"]: ...
    def generate(
        self, prompts: _Texts, *, options: dict[str, Any], num_threads: int | None
    ) -> list[tuple[str, list[int], _Finish]]: ...
    def stream(
        self, prompts: _Texts, *, options: dict[str, Any], num_threads: int | None
    ) -> TokenStream: ...
    def log_likelihoods(
        self, texts: _Texts, *, batch_tokens: int, num_threads: int | None
    ) -> tuple[NDArray[np.float64], NDArray[np.uint64]]: ...
    @property
    def options(self) -> dict[str, Any]: ...
    @property
    def vocab_size(self) -> int: ...
    @property
    def max_len(self) -> int | None: ...
    @property
    def report(self) -> tuple[list[str], list[str]]: ...

@final
class TokenStream:
    """Tokens as they come."""

    def __iter__(self) -> TokenStream: ...
    def __next__(self) -> tuple[int, int, str, _Finish | None]: ...

@final
class Segmenter:
    """Finds the words of texts.

    ``language`` is ``"zh"`` (jieba), ``"unicode"`` (Unicode word boundaries, also by the name
    ``"en"``) or ``"mixed"`` (jieba where there are ideographs, Unicode words elsewhere). ``mode``
    is ``"precise"``, ``"search"`` or ``"full"``; ``hmm`` lets a hidden Markov model join characters
    into words that the dictionary lacks; ``pos`` keeps tokens of these parts of speech only.
    """

    def __new__(
        cls,
        language: Literal["zh", "unicode", "en", "mixed"] | str = "zh",
        *,
        mode: Literal["precise", "search", "full"] | str = "precise",
        hmm: bool = True,
        pos: Sequence[str] | None = None,
    ) -> Segmenter: ...
    @staticmethod
    def from_json(json: str) -> Segmenter: ...
    def to_json(self) -> str: ...
    def cut(self, text: str) -> list[str]: ...
    def cut_batch(self, texts: _Texts, *, num_threads: int | None = None) -> list[list[str]]: ...
    def tokenize(self, text: str) -> list[tuple[str, int, int]]: ...
    def tag(self, text: str) -> list[tuple[str, str]]: ...
    def add_word(self, word: str, freq: int | None = None, tag: str | None = None) -> None: ...
    def remove_word(self, word: str) -> None: ...
    def load_words(self, path: _Path) -> int: ...

@final
class TextPipeline:
    @staticmethod
    def from_json(json: str) -> TextPipeline: ...
    def to_json(self) -> str: ...
    def process(self, text: str) -> Any: ...
    def process_batch(
        self, texts: _Texts, *, join: str | None = None, num_threads: int | None = None
    ) -> list[Any]: ...
    def process_file(
        self,
        input: _Path,
        output: _Path,
        *,
        column: _Column | None = None,
        sep: str = ",",
        header: bool = True,
        lossy: bool = False,
        num_threads: int | None = None,
    ) -> tuple[int, int]: ...

def cleaner_steps(options: dict[str, Any]) -> list[dict[str, Any]]: ...
def stop_words(language: str) -> list[str]: ...

@final
class Tokenizer:
    """Turns texts into the token ids of a language model, and back.

    No call cuts or pads a text unless ``max_length`` asks for it.
    """

    @staticmethod
    def from_file(path: _Path) -> Tokenizer:
        """Reads a ``tokenizer.json``."""

    @staticmethod
    def from_pretrained(folder: _Path) -> Tokenizer:
        """Reads a folder in Hugging Face layout: ``tokenizer.json``, or ``vocab.txt`` (BERT), or
        ``vocab.json`` with ``merges.txt`` (GPT-2, RoBERTa, Qwen2), and the configuration beside it.
        """

    @staticmethod
    def train(
        texts: Iterable[str] | None = None,
        *,
        files: Sequence[_Path] = ...,
        model: Literal["wordpiece", "bpe", "unigram"] = "wordpiece",
        vocab_size: int = 30_000,
        min_frequency: int = 2,
        special_tokens: dict[str, str] | None = None,
        extra_special_tokens: Sequence[str] = ...,
        lowercase: bool | None = None,
        limit_alphabet: int | None = None,
        segmenter: Segmenter | None = None,
        model_max_length: int | None = None,
        num_threads: int | None = None,
        progress: bool | Progress | None = None,
    ) -> Tokenizer:
        """Learns a tokenizer from texts, or from files with a text a line.

        ``special_tokens`` names them by role (``{"pad_token": "[PAD]", ...}``); by default those of
        BERT, GPT-2 or ALBERT. With ``segmenter`` no piece of a BPE crosses the words it finds.
        """

    def save(self, path: _Path) -> None: ...
    def save_pretrained(self, folder: _Path) -> None: ...
    def to_json(self) -> str: ...
    def encode(
        self,
        text: str,
        pair: str | None = None,
        *,
        add_special_tokens: bool = True,
        max_length: int | None = None,
        truncation_side: Literal["right", "left"] = "right",
        truncation_strategy: Literal["longest_first", "only_first", "only_second"] = "longest_first",
        offsets: Literal["chars", "bytes"] = "chars",
    ) -> Encoding: ...
    def encode_batch(
        self,
        texts: _Texts,
        pairs: _Texts | None = None,
        *,
        add_special_tokens: bool = True,
        max_length: int | None = None,
        truncation_side: Literal["right", "left"] = "right",
        truncation_strategy: Literal["longest_first", "only_first", "only_second"] = "longest_first",
        offsets: Literal["chars", "bytes"] = "chars",
        num_threads: int | None = None,
    ) -> list[Encoding]: ...
    def encode_packed(
        self,
        texts: _Texts,
        pairs: _Texts | None = None,
        *,
        add_special_tokens: bool = True,
        max_length: int | None = None,
        truncation_side: Literal["right", "left"] = "right",
        truncation_strategy: Literal["longest_first", "only_first", "only_second"] = "longest_first",
        num_threads: int | None = None,
    ) -> tuple[NDArray[np.uint32], NDArray[np.uint32] | None, NDArray[np.uint32]]:
        """Ids of all texts in one array, type ids likewise (``None`` where all are 0), and where
        each text begins: text ``i`` has ``ids[offsets[i]:offsets[i + 1]]``.
        """

    def decode(
        self, ids: Sequence[int] | NDArray[Any], *, skip_special_tokens: bool = True
    ) -> str: ...
    def decode_batch(
        self, rows: Iterable[Sequence[int] | NDArray[Any]], *, skip_special_tokens: bool = True
    ) -> list[str]: ...
    def decode_stream(self, *, skip_special_tokens: bool = True) -> DecodeStream: ...
    def token_to_id(self, token: str) -> int | None: ...
    def id_to_token(self, id: int) -> str | None: ...
    def get_vocab(self) -> dict[str, int]: ...
    def num_special_tokens_to_add(self, pair: bool = False) -> int: ...
    @property
    def vocab_size(self) -> int: ...
    @property
    def model(self) -> str: ...
    @property
    def model_max_length(self) -> int | None: ...
    @property
    def special_tokens(self) -> dict[str, str]: ...
    @property
    def pad_token_id(self) -> int | None: ...
    @property
    def unk_token_id(self) -> int | None: ...
    @property
    def cls_token_id(self) -> int | None: ...
    @property
    def sep_token_id(self) -> int | None: ...
    @property
    def mask_token_id(self) -> int | None: ...
    @property
    def bos_token_id(self) -> int | None: ...
    @property
    def eos_token_id(self) -> int | None: ...
    def __len__(self) -> int: ...

@final
class Encoding:
    """The tokens of one input; every list has one entry a token."""

    @property
    def ids(self) -> list[int]: ...
    @property
    def type_ids(self) -> list[int]: ...
    @property
    def tokens(self) -> list[str]: ...
    @property
    def offsets(self) -> list[tuple[int, int]]: ...
    @property
    def special_tokens_mask(self) -> list[int]: ...
    @property
    def sequence_ids(self) -> list[int | None]: ...
    @property
    def word_ids(self) -> list[int | None]: ...
    def __len__(self) -> int: ...

@final
class DecodeStream:
    """Text from ids that come one at a time."""

    def step(self, id: int) -> str | None: ...
    def finish(self) -> str | None: ...

@final
class Vectors:
    @staticmethod
    def from_arrays(
        words: Sequence[str], values: NDArray[np.float32], counts: Sequence[int] | None
    ) -> Vectors: ...
    @staticmethod
    def load(path: _Path, in_place: bool) -> Vectors: ...
    def save(self, path: _Path) -> None: ...
    @staticmethod
    def import_file(
        path: _Path, format: str, limit: int | None, keep_first: bool
    ) -> Vectors: ...
    def export_file(self, path: _Path, format: str) -> None: ...
    @property
    def dim(self) -> int: ...
    @property
    def words(self) -> list[str]: ...
    @property
    def values(self) -> NDArray[np.float32]: ...
    @property
    def counts(self) -> NDArray[np.uint64] | None: ...
    def index(self, word: str) -> int | None: ...
    def get(self, word: str) -> NDArray[np.float32]: ...
    def most_similar(
        self, positive: Sequence[Any], negative: Sequence[Any], k: int
    ) -> list[tuple[str, float]]: ...
    def most_similar_cosmul(
        self, positive: Sequence[str], negative: Sequence[str], k: int
    ) -> list[tuple[str, float]]: ...
    def analogies(
        self, path: _Path, restrict_vocab: int, case_insensitive: bool
    ) -> tuple[float, list[tuple[str, list[list[str]], list[list[str]]]]]: ...
    def similarity(self, a: str, b: str) -> float: ...
    def doesnt_match(self, words: Sequence[str]) -> str: ...
    def __contains__(self, word: str, /) -> bool: ...
    def __len__(self) -> int: ...

@final
class VectorIndex:
    @staticmethod
    def build(
        vectors: Vectors, ef_construction: int, ef_search: int, seed: int, threads: int | None
    ) -> VectorIndex: ...
    def most_similar(
        self, positive: Sequence[Any], negative: Sequence[Any], k: int
    ) -> list[tuple[str, float]]: ...
    def recall(self, k: int, queries: int, seed: int) -> float: ...

@final
class Sif:
    @staticmethod
    def fit(vectors: Vectors, sentences: Sequence[Sequence[str]], a: float) -> Sif: ...
    def transform(self, sentences: Sequence[Sequence[str]]) -> NDArray[np.float32]: ...
    @property
    def common(self) -> NDArray[np.float32]: ...

@final
class WordModel:
    @staticmethod
    def check(kind: str, params: dict[str, Any]) -> None: ...
    @staticmethod
    def train(
        kind: str,
        params: dict[str, Any],
        sentences: Any,
        *,
        min_count: int,
        prune_at: int | None,
        max_words: int | None,
        seed: int,
        device: str,
        onto: WordModel | None,
        progress: Any,
    ) -> WordModel: ...
    @staticmethod
    def load(path: _Path) -> WordModel: ...
    def save(self, path: _Path) -> None: ...
    @property
    def kind(self) -> str: ...
    @property
    def vectors(self) -> Vectors: ...
    def unseen(self, word: str) -> NDArray[np.float32] | None: ...
    @property
    def losses(self) -> list[float] | None: ...
    @property
    def config(self) -> dict[str, Any]: ...

@final
class Vocab:
    """Words and dense ids with counts: special entries first, then by count, ties by text."""

    @staticmethod
    def build(
        sequences: Iterable[Iterable[str]],
        *,
        min_count: int = 1,
        max_size: int | None = None,
        special: Sequence[str] = ...,
        prune_at: int | None = None,
    ) -> Vocab:
        """Counts the words of sequences in one pass.

        With ``prune_at``, whenever more distinct words are held, those seen at most ``r`` times are
        dropped, ``r`` growing by one each time; ``max_undercount`` tells by how much a count may
        fall short then.
        """

    @staticmethod
    def load(path: _Path) -> Vocab: ...
    def save(self, path: _Path) -> None: ...
    @property
    def words(self) -> list[str]: ...
    @property
    def counts(self) -> NDArray[np.uint64]: ...
    @property
    def n_special(self) -> int: ...
    @property
    def total_count(self) -> int: ...
    @property
    def max_undercount(self) -> int: ...
    def get(self, word: str) -> int | None: ...
    def word(self, id: int) -> str: ...
    def count(self, word: str) -> int: ...
    def encode(self, sequence: Iterable[str]) -> NDArray[np.uint32]: ...
    def __getitem__(self, word: str, /) -> int: ...
    def __contains__(self, word: str, /) -> bool: ...
    def __len__(self) -> int: ...

@final
class KeywordExtractor:
    def __new__(
        cls,
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
    ) -> KeywordExtractor: ...
    def fitted(self, texts: _Texts, *, num_threads: int | None = None) -> KeywordExtractor: ...
    @property
    def is_fitted(self) -> bool: ...
    def extract(self, text: str, k: int) -> list[tuple[str, float]]: ...
    def extract_batch(
        self, texts: _Texts, k: int, num_threads: int | None
    ) -> list[list[tuple[str, float]]]: ...
    def extract_with(
        self,
        text: str,
        k: int,
        encode: Callable[[list[str]], Any],
        diversity: float,
        candidates: int,
    ) -> list[tuple[str, float]]: ...

@final
class FittedGruLanguage:
    @staticmethod
    def check(params: Mapping[str, Any]) -> None: ...
    @staticmethod
    def learn(
        texts: _Texts,
        params: Mapping[str, Any],
        *,
        seed: int,
        num_threads: int | None,
        progress: Progress | None,
    ) -> FittedGruLanguage: ...
    @staticmethod
    def load(path: _Path) -> FittedGruLanguage: ...
    def save(self, path: _Path) -> None: ...
    def perplexity(self, texts: _Texts, num_threads: int | None) -> float: ...
    @property
    def config(self) -> dict[str, Any]: ...
    @property
    def loss(self) -> float: ...
    @property
    def n_tokens(self) -> int: ...

@final
class FittedTags:
    @staticmethod
    def fit(
        texts: _Texts,
        labels: Any,
        params: Mapping[str, Any],
        common: Mapping[str, Any],
        progress: Progress | None,
        *,
        unlabelled: _Texts | None,
        auxiliary: Any | None,
        tune: bool,
    ) -> FittedTags: ...
    @staticmethod
    def fit_head(
        texts: _Texts,
        labels: Any,
        encoder: TextEncoder,
        params: Mapping[str, Any],
        common: Mapping[str, Any],
        progress: Progress | None,
    ) -> FittedTags: ...
    @staticmethod
    def fine_tune(
        texts: _Texts,
        labels: Any,
        encoder: TextEncoder,
        params: Mapping[str, Any],
        common: Mapping[str, Any],
        progress: Progress | None,
    ) -> tuple[FittedTags, list[float], list[float]]: ...
    @staticmethod
    def mixture(
        members: Sequence[FittedTags], texts: _Texts, labels: Any, *, num_threads: int | None
    ) -> FittedTags: ...
    @staticmethod
    def zero_shot(
        labels: Any,
        encoder: TextEncoder,
        params: Mapping[str, Any],
        *,
        several: bool,
        separator: str | None,
        num_threads: int | None,
    ) -> FittedTags: ...
    def with_labels(self, labels: Any) -> FittedTags: ...
    @property
    def kind(self) -> str: ...
    def predict_proba_at(
        self, texts: _Texts, depth: int, num_threads: int | None
    ) -> tuple[list[str], NDArray[np.float32]]: ...
    @staticmethod
    def load(path: _Path) -> FittedTags: ...
    def save(self, path: _Path) -> None: ...
    @property
    def classes(self) -> NDArray[Any]: ...
    @property
    def several(self) -> bool: ...
    @property
    def separator(self) -> str | None: ...
    @property
    def thresholds(self) -> NDArray[np.float32]: ...
    def predict_proba(self, texts: _Texts, num_threads: int | None) -> NDArray[np.float32]: ...
    def predict_one(self, texts: _Texts, num_threads: int | None) -> NDArray[Any]: ...
    def predict_tags(
        self, texts: _Texts, num_threads: int | None
    ) -> list[list[tuple[_Id, float]]]: ...
    def top_k(
        self, texts: _Texts, k: int, num_threads: int | None
    ) -> list[list[tuple[_Id, float]]]: ...
    def evaluate(self, texts: _Texts, labels: Any, num_threads: int | None) -> dict[str, Any]: ...

@final
class LabelCounts:
    def __new__(cls, y_true: Any, y_pred: Any, several: bool) -> LabelCounts: ...
    @property
    def labels(self) -> NDArray[Any]: ...
    @property
    def accuracy(self) -> float: ...
    @property
    def hamming_loss(self) -> float: ...
    @property
    def by_label(self) -> tuple[list[float], list[float], list[float]]: ...
    @property
    def support(self) -> list[int]: ...
    @property
    def micro(self) -> tuple[float, float, float]: ...
    @property
    def macro(self) -> tuple[float, float, float]: ...
    @property
    def confusion(self) -> NDArray[np.uint64] | None: ...

def check_tag_params(params: Mapping[str, Any]) -> None: ...
def classify_map(truth: NDArray[np.bool_], scores: NDArray[np.float32]) -> float: ...
def classify_roc_auc(truth: NDArray[np.bool_], scores: NDArray[np.float32]) -> float: ...
def classify_precision_at_k(
    truth: NDArray[np.bool_], scores: NDArray[np.float32], k: int
) -> float: ...
def classify_ece(confidence: NDArray[np.float32], right: NDArray[np.bool_], bins: int) -> float: ...
