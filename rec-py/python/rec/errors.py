"""What can go wrong, each also an exception of the standard library's kind."""

from __future__ import annotations

__all__ = [
    "DataError",
    "FormatError",
    "IdMismatchError",
    "NotFittedError",
    "ParameterError",
    "RecError",
    "ShapeError",
    "TooLargeError",
    "UnknownIdError",
    "UnsupportedError",
    "VersionError",
]


class RecError(Exception):
    """Base of all errors of this library; file system errors are ``OSError`` as usual."""


class UnknownIdError(RecError, KeyError):
    """A user or item that the model or data set has never seen."""

    kind: str
    """``"user"`` or ``"item"``."""
    id: str
    """The id, as text."""

    def __str__(self) -> str:
        # KeyError shows the repr of its argument, which makes a sentence hard to read.
        return Exception.__str__(self)


class ParameterError(RecError, ValueError):
    """A parameter outside its domain."""

    name: str
    """The parameter."""
    value: str
    """The refused value, as text."""


class NotFittedError(RecError, ValueError):
    """A model was asked for something before ``fit``."""


class FormatError(RecError, ValueError):
    """A file or frame that is not what it should be: a malformed row, a missing column."""

    path: str
    """The file."""
    line: int
    """The line, from 1, where the format has lines."""


class DataError(RecError, ValueError):
    """Data that the operation or the model cannot take."""


class ShapeError(RecError, ValueError):
    """Two things whose sizes must agree do not."""


class IdMismatchError(RecError, ValueError):
    """Two objects whose ids differ."""


class UnsupportedError(RecError, NotImplementedError):
    """An operation that this model or build does not have."""


class TooLargeError(RecError, MemoryError):
    """A job that would not fit into memory."""


class VersionError(RecError, ValueError):
    """A model folder written in a newer format."""
