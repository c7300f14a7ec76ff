"""Files and folders of files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Union

from . import _native
from ._native import Dataset
from .errors import DataError

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    Column = Union[str, int]


def read(
    path: str | os.PathLike[str],
    *,
    user: Column | None = None,
    item: Column | None = None,
    time: Column | None = None,
    weight: Column | None = None,
    event: Column | None = None,
    event_weights: Mapping[str, float] | None = None,
    sep: str | None = None,
    header: bool | None = None,
    time_unit: Literal["s", "ms", "us", "ns"] | None = None,
    skip_bad: bool = False,
    duplicates: Literal["keep", "sum", "last", "count"] = "keep",
) -> Dataset | tuple[Dataset, Dataset | None, Dataset]:
    """Reads what stands at a path.

    A file of events or a RecBole folder gives a data set, with the folder's items; a folder with
    files ``train``, ``test`` and perhaps ``valid`` gives those parts as a tuple, the validation
    part ``None`` where there is none. Layout and columns are found out from the contents; the
    arguments are those of ``Dataset.read``.
    """
    options = locals()
    return _read(options.pop("path"), options)


def read_split(
    path: str | os.PathLike[str], **options: Any
) -> tuple[Dataset, Dataset | None, Dataset]:
    """``read`` of a folder with a split made already: train, validation or ``None``, test."""
    parts = read(path, **options)
    if isinstance(parts, tuple):
        return parts
    raise DataError(f"{path}: one data set and no split; read it with rec.read, then rec.split")


def _read(path: Any, options: dict[str, Any]) -> Dataset | tuple[Dataset, Dataset | None, Dataset]:
    parts = _native.read_parts(path, options)
    if len(parts) == 1 and parts[0] is not None:
        return parts[0]
    train, valid, test = parts
    if train is None or test is None:
        raise DataError(f"{path}: a split without a training or a test part")
    return train, valid, test
