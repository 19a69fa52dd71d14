"""How much memory a run needs while it runs."""

import ctypes
import gc
import os
import sys
import threading
from contextlib import suppress

import psutil

EVERY = 0.02  # seconds between two looks at the memory


class MemoryWatch:
    """While it is entered, watches how much memory this process holds; `peak`: the most beyond the start, in MiB.

    On a GPU that PyTorch trains on: the most that its tensors held there.
    """

    def __enter__(self):
        self.peak, self._over = 0.0, threading.Event()
        process = psutil.Process(os.getpid())
        give_back()  # or what an earlier run left free would hide what this one takes
        start = process.memory_info().rss

        def look() -> None:
            while not self._over.wait(EVERY):
                self.peak = max(self.peak, (process.memory_info().rss - start) / 2**20)

        if cuda := _cuda():
            cuda.reset_peak_memory_stats()
        self._thread = threading.Thread(target=look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._over.set()
        self._thread.join()
        if cuda := _cuda():
            self.peak = cuda.max_memory_allocated() / 2**20


def give_back() -> None:
    """Returns the memory that this process has freed to the system, where the C library can (glibc)."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def _cuda():
    """torch.cuda where PyTorch is in use and sees a GPU, else None."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_available() else None
