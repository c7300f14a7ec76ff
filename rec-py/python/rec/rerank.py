"""Putting candidates in another order. Ask a model for more than you show, and pick from that."""

from __future__ import annotations

from typing import Literal

from . import _native
from ._native import Dataset, Items, Recommendations
from .errors import DataError, ParameterError

__all__ = ["calibrate", "mmr"]

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
    return _native.rerank_mmr(candidates, items, k, relevance, similarity, normalize)


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
