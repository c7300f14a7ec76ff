"""Progress bars: tqdm where it is installed (terminal and notebook), plain text otherwise."""

from __future__ import annotations

import sys
from typing import Any, Protocol, Union


class Progress(Protocol):
    """What ``fit(progress=...)`` calls: any object with these methods will do."""

    def begin(self, task: str, total: int) -> None:
        """A task of ``total`` steps begins."""

    def step(self, done: int, note: str) -> None:
        """``done`` steps are done; ``note`` holds the figures of the moment."""

    def end(self) -> None:
        """The task is over."""


class TqdmProgress:
    """A tqdm bar for each task."""

    def __init__(self, tqdm: Any) -> None:
        self._tqdm = tqdm
        self._bar: Any = None

    def begin(self, task: str, total: int) -> None:
        self.end()
        self._bar = self._tqdm(total=total, desc=task, leave=True)

    def step(self, done: int, note: str) -> None:
        if self._bar is not None:
            self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(done - self._bar.n)

    def end(self) -> None:
        if self._bar is not None:
            self._bar.update(self._bar.total - self._bar.n)
            self._bar.close()
            self._bar = None


class TextProgress:
    """One line on standard error for each task, rewritten as it goes."""

    def __init__(self) -> None:
        self._task = ""
        self._total = 0

    def begin(self, task: str, total: int) -> None:
        self._task, self._total = task, total
        self.step(0, "")

    def step(self, done: int, note: str) -> None:
        sys.stderr.write(f"\r{self._task}: {done}/{self._total} {note}\033[K")
        sys.stderr.flush()

    def end(self) -> None:
        sys.stderr.write("\n")


def reporter(progress: Union[bool, Progress]) -> Progress | None:
    """The reporter that ``fit(progress=...)`` asks for."""
    if progress is False:
        return None
    if progress is not True:
        return progress
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return TextProgress()
    return TqdmProgress(tqdm)
