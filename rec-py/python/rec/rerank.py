"""Putting candidates in another order. Ask a model for more than you show, and pick from that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from . import _native
from ._native import Dataset, Items, Recommendations
from .errors import DataError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ._estimator import Id

__all__ = ["Rules", "calibrate", "dpp", "freshness", "mmr"]

Normalize = Literal["none", "min_max", "z_score", "rank"]


def mmr(
    candidates: Recommendations,
    items: Items,
    *,
    k: int = 10,
    relevance: float = 0.7,
    similarity: str = "jaccard",
    normalize: Normalize = "min_max",
) -> Recommendations:
    """The best ``k`` of the candidates by maximal marginal relevance (Carbonell, Goldstein 1998).

    Item by item: ``relevance * score - (1 - relevance) * similarity to the nearest chosen``.
    ``similarity`` is ``"jaccard"`` of the items' tags, or names one of their vector fields
    (cosine).
    """
    _check_share("relevance", relevance)
    return _native.rerank_diverse(
        candidates, items, k, "mmr", relevance, similarity, normalize
    )


def dpp(
    candidates: Recommendations,
    items: Items,
    *,
    k: int = 10,
    relevance: float = 0.7,
    similarity: str = "jaccard",
    normalize: Normalize = "min_max",
) -> Recommendations:
    """The best ``k`` of the candidates by a determinantal point process (Chen, Zhang, Zhou 2018).

    Greedily maximises ``relevance * sum of scores + (1 - relevance) * log det of similarities``:
    unlike ``mmr`` it looks at all chosen items at once. ``relevance`` is below 1; ``similarity`` as
    in ``mmr``.
    """
    _check_share("relevance", relevance)
    return _native.rerank_diverse(
        candidates, items, k, "dpp", relevance, similarity, normalize
    )


def freshness(
    candidates: Recommendations,
    times: Mapping[Any, int],
    *,
    now: int,
    half_life: float,
    weight: float = 0.3,
    normalize: Normalize = "min_max",
) -> Recommendations:
    """The candidates with scores that fade with age, best first.

    ``(1 - weight) * score + weight * 2 ** (-age / half_life)``. ``times`` says when each item
    appeared, in the unit of ``now`` and ``half_life``; an item without a time has no freshness.
    """
    _check_share("weight", weight)
    return _native.rerank_freshness(
        candidates, dict(times), int(now), float(half_life), weight, normalize
    )


class Rules:
    """The rules of the house: what is shown, hidden, favoured and kept in bounds.

    Args:
        pinned: Items by their place in the list, from 1.
        blocked_items: Items that are never shown.
        blocked_tags: No item with one of these tags is shown.
        boosted_items: Factors on the items' scores, which are scaled to 0 … 1 first.
        boosted_tags: Factors on the scores of all items of a tag.
        quotas: The most items of a tag in a list.
    """

    def __init__(
        self,
        *,
        pinned: Mapping[int, Id] | None = None,
        blocked_items: Iterable[Id] = (),
        blocked_tags: Iterable[str] = (),
        boosted_items: Mapping[Any, float] | None = None,
        boosted_tags: Mapping[str, float] | None = None,
        quotas: Mapping[str, int] | None = None,
    ) -> None:
        items = [{"item": i, "factor": float(f)} for i, f in (boosted_items or {}).items()]
        tags = [{"tag": t, "factor": float(f)} for t, f in (boosted_tags or {}).items()]
        self._rules: dict[str, Any] = {
            "pinned": [{"item": i, "position": at} for at, i in (pinned or {}).items()],
            "blocked_items": list(blocked_items),
            "blocked_tags": list(blocked_tags),
            "boosted": items + tags,
            "quotas": [{"tag": tag, "at_most": n} for tag, n in (quotas or {}).items()],
        }

    def adjust(self, candidates: Recommendations, items: Items | None = None) -> Recommendations:
        """The candidates without the blocked ones, boosted, best first.

        Rules on tags need ``items``. Re-rank what comes back for diversity if you like, then
        ``select``.
        """
        return _native.rerank_rules(candidates, items, None, self._rules)

    def select(
        self, candidates: Recommendations, items: Items | None = None, *, k: int = 10
    ) -> Recommendations:
        """The first ``k`` that quotas let pass, with pinned items in their places."""
        bounds = {**self._rules, "boosted": []}
        return _native.rerank_rules(candidates, items, k, bounds)

    def apply(
        self, candidates: Recommendations, items: Items | None = None, *, k: int = 10
    ) -> Recommendations:
        """``adjust``, then ``select``."""
        return _native.rerank_rules(candidates, items, k, self._rules)


def calibrate(
    candidates: Recommendations,
    past: Dataset,
    items: Items | None = None,
    *,
    k: int = 10,
    strength: float = 0.5,
    alpha: float = 0.01,
    normalize: Normalize = "min_max",
) -> Recommendations:
    """The best ``k`` of the candidates, with tags in the proportions of the user's past.

    Steck 2018, equation 7: ``(1 - strength) * scores - strength * KL(past || list)``. Tags are
    those of ``items``, or of ``past.items``.
    """
    _check_share("strength", strength)
    table = items if items is not None else past.items
    if table is None:
        raise DataError("calibrate needs the items' tags: pass items, or set past.items")
    return _native.rerank_calibrate(candidates, past, table, k, strength, alpha, normalize)


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ParameterError(f"parameter {name} = {value!r}: choose a number from 0 to 1")
