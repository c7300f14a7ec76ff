"""Data that tests share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import rec


@pytest.fixture(scope="session")
def log() -> pd.DataFrame:
    """80 users in two tastes over 40 items: even users choose among the first 20 items."""
    rng = np.random.default_rng(7)
    rows = []
    for user in range(80):
        taste = np.arange(20) if user % 2 == 0 else np.arange(20, 40)
        for step, item in enumerate(rng.choice(taste, size=8, replace=False)):
            rows.append((f"u{user}", int(item), 1_600_000_000 + 86_400 * step + user, 1.0))
    return pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp", "rating"])


@pytest.fixture(scope="session")
def dataset(log: pd.DataFrame) -> rec.Dataset:
    return rec.Dataset.from_frame(log, user="user_id", item="item_id", time="timestamp")
