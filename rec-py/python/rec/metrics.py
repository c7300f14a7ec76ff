"""Metrics of ready-made ranked lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Union

from . import _native
from ._evaluate import Report

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Relevant = Union[Iterable[Any], Mapping[Any, float]]

__all__ = ["evaluate_lists"]


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
