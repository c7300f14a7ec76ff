"""Splits by protocol: what to train on, what to measure on, and an account of every event.

Each returns a ``Split`` that unpacks to ``train, valid, test``. Validation and test events whose
user or item training never saw are kept apart in ``split.cold``; ``split.report`` says what was
moved and why, and ``split.warnings`` what to beware of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from . import _native
from ._native import Cold, Dataset, Split

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Cold",
    "Split",
    "at_time",
    "by_time",
    "by_user_ratio",
    "leave_last_out",
    "random",
    "user_holdout",
]

_SHARES = (0.8, 0.1, 0.1)


def leave_last_out(dataset: Dataset, *, n: int = 1, validation: bool = True) -> Split:
    """Holds out each user's last ``n`` events for the test, and the ``n`` before for validation.

    Users with too few events stay wholly in training.
    """
    return _native.split_leave_last_out(dataset, n, validation)


def by_time(dataset: Dataset, fractions: Sequence[float] = _SHARES) -> Split:
    """Splits all events at points in time: training precedes validation precedes test.

    ``fractions`` are ``[train, valid, test]`` or ``[train, test]``; events of one instant stay
    together.
    """
    return _native.split_by_time(dataset, list(fractions))


def at_time(dataset: Dataset, test_from: int, *, valid_from: int | None = None) -> Split:
    """Splits all events at given timestamps, in the data's own unit."""
    return _native.split_at_time(dataset, test_from, valid_from)


def by_user_ratio(dataset: Dataset, fractions: Sequence[float] = _SHARES) -> Split:
    """Splits each user's events by fractions, in order of time."""
    return _native.split_by_user_ratio(dataset, list(fractions))


def random(dataset: Dataset, fractions: Sequence[float] = _SHARES, *, seed: int = 0) -> Split:
    """Splits all events at random."""
    return _native.split_random(dataset, list(fractions), seed)


def user_holdout(
    dataset: Dataset,
    fractions: Sequence[float] = _SHARES,
    *,
    fold_in: float = 0.8,
    order: Literal["first", "random"] = "first",
    seed: int = 0,
) -> Split:
    """Holds out whole users (strong generalisation; Liang et al. 2018).

    A model never trains on them, is told the share ``fold_in`` of each one's events
    (``split.fold_in``), the first or random ones, and is measured on the rest.
    """
    return _native.split_user_holdout(dataset, list(fractions), fold_in, order, seed)
