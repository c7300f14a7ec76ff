"""Measuring models, and comparing them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from . import _native
from ._estimator import Model
from ._native import Dataset, Leaderboard, PairedTest, Recommendations
from .errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

Missing = Literal["miss", "leave_out"]


class Report(dict[str, Any]):
    """What an evaluation found: a dictionary of figures with their protocol beside them.

    Keys are the metrics' names, each with its mean over users, then ``protocol``, ``setting``,
    ``counts``, ``confidence``, ``bootstrap``, ``seed`` and ``seconds``.
    """

    def __init__(self, native: _native.Report) -> None:
        summary = native.summary()
        figures = summary.pop("figures")
        summary.pop("users")
        super().__init__({figure["name"]: figure["mean"] for figure in figures}, **summary)
        self._native = native
        self._intervals = {figure["name"]: figure["interval"] for figure in figures}

    @property
    def intervals(self) -> dict[str, tuple[float, float] | None]:
        """The bootstrap interval of each figure; ``None`` for figures of all lists together."""
        return {name: tuple(i) if i else None for name, i in self._intervals.items()}

    @property
    def users(self) -> NDArray[Any]:
        """The evaluated users, in the order of ``per_user``."""
        return self._native.users

    def per_user(self, metric: str) -> NDArray[np.float64]:
        """Each user's value of a metric."""
        return self._native.per_user(metric)

    def __repr__(self) -> str:
        return str(self._native)

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


def evaluate(
    model: Model | Recommendations | Any,
    test: Dataset,
    *,
    train: Dataset | None = None,
    metrics: Sequence[str] = ("recall@20", "ndcg@20"),
    filter_seen: bool = True,
    also_seen: Dataset | Sequence[Dataset] = (),
    ties: Literal["pessimistic", "by_id"] = "pessimistic",
    candidates: int | None = None,
    sampler: Literal["uniform", "popularity"] = "uniform",
    min_weight: float | None = None,
    unknown_users: Missing = "miss",
    unknown_items: Missing = "miss",
    seen_items: Missing = "miss",
    similarity: str = "jaccard",
    protocol: str = "",
    bootstrap: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    num_threads: int | None = None,
) -> Report:
    """Measures a model on test events, matched by the caller's ids.

    All items compete and every test user counts: a user or item that the model does not know is a
    miss. What the model was trained on is removed from the lists, or the events of ``train``
    where given, and those of ``also_seen`` (the validation part). ``candidates`` ranks each user's
    relevant items among so many sampled ones instead, under the name ``sampled(n)_ndcg@10``.

    Metrics are ``precision@k``, ``recall@k``, ``recall_head@k``, ``recall_tail@k``, ``hr@k``, ``ndcg@k``, ``ndcg_linear@k``,
    ``ndcg_exp@k``, ``mrr@k``, ``map@k``, ``map_full@k``, ``r_precision``, ``auc``, ``coverage@k``,
    ``gini@k``, ``novelty@k``, ``diversity@k`` and ``serendipity@k``. The head is the fifth of the
    catalogue that most training users had, the tail the rest. Diversity takes ``test.items``
    and a ``similarity``: ``"jaccard"`` or ``"cosine"`` of tags, or the name of a vector field.

    Ready-made ``Recommendations`` are measured as they are, and so is what any other object with a
    ``recommend`` method like a model's answers.
    """
    shared = {
        "protocol": protocol,
        "bootstrap": bootstrap,
        "confidence": confidence,
        "seed": seed,
        "num_threads": num_threads,
    }
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    if isinstance(model, Model):
        ranking = {
            "ties": ties,
            "candidates": candidates,
            "sampler": sampler,
            "min_weight": min_weight,
            "unknown_users": unknown_users,
            "unknown_items": unknown_items,
            "seen_items": seen_items,
        }
        also = [also_seen] if isinstance(also_seen, Dataset) else list(also_seen)
        return Report(
            _native.evaluate_model(
                model._model(), test, train, filter_seen, also, names, similarity, shared | ranking
            )
        )
    if candidates is not None or also_seen:
        raise DataError("candidates and also_seen need a model: ready-made lists stay as they are")
    answer = model
    if not isinstance(model, Recommendations):
        answer = model.recommend(
            _test_users(test), k=_depth(names), filter_seen=filter_seen, on_unknown="skip"
        )
    return Report(_native.evaluate_answer(answer, test, names, similarity, shared))


def leaderboard(
    models: Mapping[str, Model],
    test: Dataset,
    *,
    baseline: str | None = None,
    train: Dataset | None = None,
    metrics: Sequence[str] = (
        "ndcg@10",
        "recall@10",
        "recall_head@10",
        "recall_tail@10",
        "coverage@10",
        "novelty@10",
    ),
    segments: Mapping[str, int] = {"cold": 0, "warm": 5, "heavy": 50},  # noqa: B006
    filter_seen: bool = True,
    also_seen: Dataset | Sequence[Dataset] = (),
    ties: Literal["pessimistic", "by_id"] = "pessimistic",
    min_weight: float | None = None,
    unknown_users: Missing = "miss",
    unknown_items: Missing = "miss",
    seen_items: Missing = "miss",
    similarity: str = "jaccard",
    protocol: str = "",
    permutations: int = 10_000,
    bootstrap: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    num_threads: int | None = None,
) -> Leaderboard:
    """Measures models side by side, each once: all users, and each segment of them.

    ``models`` are named, ``{"EASE": ease, "fusion": fusion}``. ``segments`` part the users by their
    distinct items in ``train`` (by default in what the first model was trained on): a user belongs
    to the last whose number they reach; ``{}`` for none. With a ``baseline`` each of the others is
    tested against it, as in ``compare``, and p-values are adjusted for the number of models (Holm
    1979). The other options are those of ``evaluate``.

    The result prints as a table, has ``to_frame``, ``to_dict`` and ``to_json``, and ``write_html``
    for a page with plots that needs no network.
    """
    options = {
        "protocol": protocol,
        "bootstrap": bootstrap,
        "confidence": confidence,
        "seed": seed,
        "num_threads": num_threads,
        "ties": ties,
        "min_weight": min_weight,
        "unknown_users": unknown_users,
        "unknown_items": unknown_items,
        "seen_items": seen_items,
    }
    also = [also_seen] if isinstance(also_seen, Dataset) else list(also_seen)
    return _native.leaderboard(
        [model._model() for model in models.values()],
        list(models),
        test,
        train,
        filter_seen,
        also,
        [metrics] if isinstance(metrics, str) else list(metrics),
        similarity,
        list(segments.items()),
        baseline,
        permutations,
        options,
    )


def compare(
    first: Report,
    second: Report,
    metric: str,
    *,
    permutations: int = 10_000,
    bootstrap: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> PairedTest:
    """Whether the first model is better than the second on the same users.

    A two-sided sign-flip permutation test of the mean difference (Smucker, Allan, Carterette
    2007), with a paired bootstrap interval.
    """
    return _native.compare(
        first._native, second._native, metric, permutations, bootstrap, confidence, seed
    )


def _test_users(test: Dataset) -> Iterable[Any]:
    """Users with test events."""
    degrees = test.user_counts
    return [user for user, n in zip(test.user_ids.tolist(), degrees.tolist()) if n]


def _depth(metrics: Sequence[str]) -> int:
    cuts = [int(name.rpartition("@")[2]) for name in metrics if "@" in name]
    return max(cuts, default=100)
