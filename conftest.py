"""Tests never touch the repository's own outputs: what they write goes to a directory of this session."""

import os
import shutil
import signal
import tempfile

os.environ["HELPERS_BUILD"] = tempfile.mkdtemp(prefix="helpers-test-")
os.environ["HELPERS_PROFILE"] = "quick"  # what the notebooks run with under nbmake
os.environ["PYTHONWARNINGS"] = "ignore::DeprecationWarning"
# In a shell's background job Ctrl-C is ignored, and every process begun from here would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure(config):
    shutil.rmtree(os.environ["HELPERS_BUILD"], ignore_errors=True)
