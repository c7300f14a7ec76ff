"""Parameters as attributes, with scikit-learn's way of asking for them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self


class Parameters:
    """What has its constructor's keywords as attributes of the same name.

    ``get_params`` and ``set_params`` are those of scikit-learn, so ``sklearn.base.clone`` and its parameter
    grids work.
    """

    random_state: int | None
    num_threads: int | None

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        # All parameters are keyword-only with defaults; importing inspect would take longer than
        # the rest of the package.
        return cls.__init__.__kwdefaults__ or {}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """All parameters by name."""
        return {name: getattr(self, name) for name in self._defaults()}

    def set_params(self, **params: Any) -> Self:
        """Changes parameters by name; what is fitted stays as it is until fitted again."""
        names = self._defaults()
        for name, value in params.items():
            if name not in names:
                raise ParameterError(
                    f"parameter {name}: {type(self).__name__} has {', '.join(names)}"
                )
            setattr(self, name, value)
        self._check()
        return self

    def _set(self, params: Mapping[str, Any]) -> None:
        """Takes over the constructor's arguments (``locals()``) and checks them."""
        for name in self._defaults():
            setattr(self, name, params[name])
        self._check()

    def _check(self) -> None:
        """Refuses parameters outside their domain."""
        raise NotImplementedError

    def _check_run(self) -> None:
        if self.random_state is not None and not _is_count(self.random_state, 0):
            raise ParameterError(
                f"parameter random_state = {self.random_state!r}: give an integer of at least 0, "
                "or None for another run every time"
            )
        if self.num_threads is not None and not _is_count(self.num_threads, 1):
            raise ParameterError(
                f"parameter num_threads = {self.num_threads!r}: give an integer of at least 1, "
                "or None for all cores"
            )

    def _seed(self) -> int:
        """``random_state``, or where that is ``None`` a number that nobody knows."""
        if self.random_state is None:
            return int.from_bytes(os.urandom(7), "little")
        return int(self.random_state)

    def __repr__(self) -> str:
        defaults = self._defaults()
        changed = (
            f"{name}={value!r}"
            for name, value in self.get_params().items()
            if value != defaults[name]
        )
        return f"{type(self).__name__}({', '.join(changed)})"


def _is_count(value: Any, least: int) -> bool:
    """Whether it is an integer (numpy's included) of at least ``least``."""
    return hasattr(value, "__index__") and not isinstance(value, bool) and int(value) >= least
