"""What users are interested in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from . import _native

if TYPE_CHECKING:
    from ._estimator import Ids
    from ._native import Dataset


def profiles(
    dataset: Dataset,
    users: Ids | None = None,
    *,
    half_life: float | None = None,
    recent_half_life: float = 5.0,
    now: int | None = None,
    interests: int = 10,
    evidence: int = 3,
    utc_offset: int = 0,
) -> list[dict[str, Any]]:
    """Interests of users (all unless given), from the tags of what they had.

    Each has ``interests``: a ``label``, its lasting ``share`` and ``recent`` one, the ``trend``
    between them, and as ``evidence`` the events that weigh most; the ``diversity`` of interests, and
    the ``hours`` of activity where times are dates. Half-lives are in the unit of the times
    (without times: in events of the user), ages count from ``now``, the last event unless given.
    """
    options = {
        "half_life": None if half_life is None else float(half_life),
        "recent_half_life": float(recent_half_life),
        "now": now,
        "interests": interests,
        "evidence": evidence,
        "utc_offset": utc_offset,
    }
    found: list[dict[str, Any]] = json.loads(_native.user_profiles(dataset, users, options))
    return found
