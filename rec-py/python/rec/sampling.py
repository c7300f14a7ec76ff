"""What training draws from behaviour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _native

if TYPE_CHECKING:
    from ._native import Dataset

__all__ = ["co_consumed"]


def co_consumed(
    dataset: Dataset,
    *,
    text: str | None = None,
    window: int = 5,
    subsample: float = 1e-3,
    rounds: int = 1,
    seed: int = 0,
) -> tuple[list[str], list[str]]:
    """Texts of items that the same users took up, side by side.

    So vectors of content learn from behaviour, and serve for items that nobody has taken up yet:

    >>> anchors, positives = rec.sampling.co_consumed(ds)
    >>> tuned = enc.fit_pairs(anchors, positives, "shop-encoder", symmetric=True)

    ``text`` names a text column of ``dataset.items`` (the first, if left out); pairs with an item
    without text are left out. Each event is paired with one of the ``window`` that follow it in the
    user's history, ``rounds`` times; ``subsample`` thins out events of best-sellers (0 keeps all).
    """
    return _native.sampling_co_consumed(
        dataset, text=text, window=window, subsample=subsample, rounds=rounds, seed=seed
    )
