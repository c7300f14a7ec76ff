"""The package itself: import time, stubs, types."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import rec

HERE = Path(rec.__file__).parent


def run(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, cwd=HERE.parents[1])


def test_importing_takes_no_heavy_module_and_no_time():
    # Time of this process alone, so that a busy machine does not fail the test; what parts of the
    # standard library take tells a slow one.
    script = (
        "import time; t = time.process_time(); import {}; t = time.process_time() - t; "
        "import sys; print(t); print(*sys.modules)"
    )
    times, usual = [], []
    for _ in range(5):
        seconds, modules = run("-c", script.format("rec")).stdout.splitlines()
        times.append(float(seconds))
        parts = "asyncio, http.server, unittest.mock, xml.dom.minidom"
        usual.append(float(run("-c", script.format(parts)).stdout.splitlines()[0]))
    assert not {"numpy", "pandas", "scipy", "pyarrow"} & set(modules.split())
    assert min(times) < max(0.1, min(usual))


def test_everything_public_is_documented():
    for name in rec.__all__:
        value = getattr(rec, name)
        if name != "__version__":
            assert value.__doc__, name
    assert re.fullmatch(r"\d+\.\d+\.\d+", rec.__version__)


def test_typing_marker():
    assert (HERE / "py.typed").exists()


def test_stubs_agree_with_the_module():
    pytest.importorskip("mypy")
    done = run("-m", "mypy.stubtest", "rec._native", "--ignore-disjoint-bases")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_package_type_checks():
    pytest.importorskip("mypy")
    done = run("-m", "mypy", "--strict", "--python-version", "3.10", "-p", "rec")
    assert done.returncode == 0, done.stdout + done.stderr
