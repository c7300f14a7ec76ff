"""Ctrl-C in the middle of training."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

SCRIPT = """
import numpy as np, scipy.sparse as sp, rec
m = sp.random(20000, 5000, density=0.01, random_state=1, format="csr")
ds = rec.Dataset.from_csr(m)
print("ready", flush=True)
try:
    rec.ALS(factors=64, epochs=100000).fit(ds)
except KeyboardInterrupt:
    print("stopped", flush=True)
    raise
"""


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c_stops_training_soon():
    child = subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "ready\n"
    time.sleep(1.0)
    assert child.poll() is None
    sent = time.monotonic()
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert out == "stopped\n"
    assert "KeyboardInterrupt" in err
    assert time.monotonic() - sent < 10


def test_python_threads_go_on_while_a_model_trains():
    import threading

    import numpy as np
    import scipy.sparse as sp

    import rec

    ds = rec.Dataset.from_csr(sp.random(3000, 1000, density=0.02, random_state=1, format="csr"))
    ticks, training = 0, threading.Event()

    def fit():
        training.set()
        rec.ALS(factors=32, epochs=20).fit(ds)
        training.clear()

    worker = threading.Thread(target=fit)
    worker.start()
    training.wait()
    while training.is_set():
        ticks += 1
        time.sleep(0.001)
    worker.join()
    assert ticks > 20
    assert np.isfinite(ticks)
