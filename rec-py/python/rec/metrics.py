"""Metrics of ready-made ranked lists, and of predicted labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Union

from . import _native
from ._evaluate import Report
from .errors import ParameterError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Relevant = Union[Iterable[Any], Mapping[Any, float]]

__all__ = [
    "accuracy",
    "classification_report",
    "confusion_matrix",
    "evaluate_lists",
    "expected_calibration_error",
    "f1",
    "hamming_loss",
    "mean_average_precision",
    "precision_at_k",
    "roc_auc",
]


def evaluate_lists(
    lists: Sequence[Iterable[Any]] | Mapping[Any, Iterable[Any]],
    relevant: Sequence[Relevant] | Mapping[Any, Relevant],
    metrics: Sequence[str] = ("ndcg@10",),
    *,
    item_counts: Mapping[Any, int] | None = None,
    n_users: int | None = None,
    protocol: str = "",
    bootstrap: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    num_threads: int | None = None,
) -> Report:
    """Measures ranked lists of item ids, best first, against the relevant items.

    Both are sequences beside each other, or mappings by user, where a user without a list counts
    as a miss. Relevant items are ids, or ``{id: weight}``; weights of 0 or less are not relevant.
    Novelty and serendipity need ``item_counts``, the training users who had each item, and their
    number ``n_users``.
    """
    if isinstance(relevant, Mapping):
        answered = lists if isinstance(lists, Mapping) else dict(zip(relevant, lists))
        rows = [answered.get(user, ()) for user in relevant]
        wanted: list[Relevant] = list(relevant.values())
    else:
        rows, wanted = list(lists.values() if isinstance(lists, Mapping) else lists), list(relevant)
    counts: dict[Any, int] | None = None
    if item_counts is not None:
        counts = {**item_counts, None: n_users or max(item_counts.values(), default=0)}
    options = {
        "protocol": protocol,
        "bootstrap": bootstrap,
        "confidence": confidence,
        "seed": seed,
        "num_threads": num_threads,
    }
    weighed = [_weighed(row) for row in wanted]
    return Report(_native.evaluate_rows(rows, weighed, list(metrics), counts, options))


def _weighed(row: Relevant) -> tuple[list[Any], list[float]]:
    if isinstance(row, Mapping):
        return list(row), [float(weight) for weight in row.values()]
    ids = row.tolist() if hasattr(row, "tolist") else list(row)
    return ids, [1.0] * len(ids)


def accuracy(y_true: Iterable[Any], y_pred: Iterable[Any], *, multi_label: bool = False) -> float:
    """The share of texts whose label (with ``multi_label``, whole list of labels) is right."""
    return _native.LabelCounts(y_true, y_pred, multi_label).accuracy


def f1(
    y_true: Iterable[Any],
    y_pred: Iterable[Any],
    *,
    average: Literal["macro", "micro"] = "macro",
    multi_label: bool = False,
) -> float:
    """F1 over the labels that occur: the mean of each label's, or over the pooled decisions."""
    counts = _native.LabelCounts(y_true, y_pred, multi_label)
    if average not in ("macro", "micro"):
        raise ParameterError(f"parameter average = {average!r}: choose 'macro' or 'micro'")
    return counts.macro[2] if average == "macro" else counts.micro[2]


def hamming_loss(y_true: Iterable[Any], y_pred: Iterable[Any]) -> float:
    """The share of wrong decisions among all texts and labels; both sides are lists of labels."""
    return _native.LabelCounts(y_true, y_pred, True).hamming_loss


def classification_report(
    y_true: Iterable[Any], y_pred: Iterable[Any], *, multi_label: bool = False
) -> dict[Any, dict[str, float]]:
    """Precision, recall, F1 and support of each label, and ``"macro avg"`` and ``"micro avg"``."""
    counts = _native.LabelCounts(y_true, y_pred, multi_label)
    names = ("precision", "recall", "f1")
    support = counts.support
    report: dict[Any, dict[str, float]] = {
        label: {**dict(zip(names, values)), "support": float(n)}
        for label, n, *values in zip(counts.labels.tolist(), support, *counts.by_label)
    }
    total = float(sum(support))
    report["macro avg"] = {**dict(zip(names, counts.macro)), "support": total}
    report["micro avg"] = {**dict(zip(names, counts.micro)), "support": total}
    return report


def confusion_matrix(
    y_true: Iterable[Any], y_pred: Iterable[Any]
) -> tuple[NDArray[np.uint64], NDArray[Any]]:
    """``[true label, predicted label]`` counts, and the labels in the order of both."""
    counts = _native.LabelCounts(y_true, y_pred, False)
    if counts.confusion is None:
        raise ParameterError("y_pred: a confusion matrix needs one label a text")
    return counts.confusion, counts.labels


def roc_auc(truth: ArrayLike, scores: ArrayLike) -> float:
    """The mean one-versus-rest ROC-AUC of ``[texts, labels]`` scores; one label may be ``[texts]``."""
    return _native.classify_roc_auc(*_table(truth, scores))


def mean_average_precision(truth: ArrayLike, scores: ArrayLike) -> float:
    """mAP of ``[texts, labels]`` scores, over the labels that occur; one label may be ``[texts]``."""
    return _native.classify_map(*_table(truth, scores))


def precision_at_k(truth: ArrayLike, scores: ArrayLike, k: int) -> float:
    """The share of right labels among the ``k`` of highest score, over the texts that have any."""
    return _native.classify_precision_at_k(*_table(truth, scores), k)


def expected_calibration_error(confidence: ArrayLike, right: ArrayLike, *, bins: int = 15) -> float:
    """ECE (Guo et al. 2017): how far confidence lies from accuracy, in bins of equal width."""
    import numpy as np

    sure = np.ascontiguousarray(confidence, dtype=np.float32).ravel()
    return _native.classify_ece(sure, np.ascontiguousarray(right, dtype=bool).ravel(), bins)


def _table(truth: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    import numpy as np

    has = np.ascontiguousarray(truth, dtype=bool)
    values = np.ascontiguousarray(scores, dtype=np.float32)
    if has.ndim == 1 and values.ndim == 1:
        has, values = has[:, None], values[:, None]
    if has.ndim != 2 or values.ndim != 2:
        raise ShapeError(f"[texts, labels] is needed: got {has.shape} and {values.shape}")
    return has, values
