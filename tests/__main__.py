"""All tests, `python -m tests`: calls of pytest, two at a time, each with half of the cores.

Keras and PyTorch never share a process, so each has its own pytest. A line says which part it is of.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

# The longest first, so that both ends meet. The notebooks find trained what the pipeline's tests trained.
FIRST = ("pipeline", "results")
PARTS = {
    "pipeline": (*(f"tests/end_to_end/test_{name}.py" for name in FIRST), "notebooks"),
    "unit": ("tests/unit",),
    "end_to_end": ("tests/end_to_end", *(f"--ignore=tests/end_to_end/test_{name}.py" for name in FIRST)),
    "keras": ("tests/keras",),
    "torch": ("tests/torch",),
}
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


def run(name: str) -> bool:
    """Whether one call of pytest passed; its output goes on line by line, under the part's name."""
    began, command = time.monotonic(), [sys.executable, "-m", "pytest", *PARTS[name]]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        for line in process.stdout:
            print(f"{name:>10} | {line}", end="", flush=True)
        passed = process.wait() == 0
    finally:
        process.kill()
    print(f"{name:>10} | {'passed' if passed else 'FAILED'} in {time.monotonic() - began:.0f} s", flush=True)
    return passed


def main() -> int:
    """The exit code: 0 if every part passed."""
    half = str(max(1, (os.cpu_count() or 2) // 2))
    os.environ |= {"PYTHONUNBUFFERED": "1", **dict.fromkeys(THREADS, half)}
    try:
        with ThreadPoolExecutor(2) as side_by_side:
            passed = dict(zip(PARTS, side_by_side.map(run, PARTS), strict=True))
    except KeyboardInterrupt:  # it has reached the calls of pytest too
        return 130
    failed = [name for name in PARTS if not passed[name]]
    print(f"FAILED: {', '.join(failed)}; look for FAILED and ERROR above" if failed else "all tests passed")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
