"""All tests, `python -m tests`: two calls of pytest side by side, each with half of the cores.

Keras and PyTorch never share a process, so each has its own pytest. A line says which part it is of.
"""

import os
import subprocess
import sys
import threading
import time

STREAMS = (("tests/end_to_end notebooks",), ("tests/unit", "tests/keras", "tests/torch"))
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


def run(part: str, failed: list[str], running: set[subprocess.Popen]) -> None:
    """One call of pytest; its output goes on line by line, under its name."""
    began, name = time.monotonic(), part.split()[0].removeprefix("tests/")
    command = [sys.executable, "-m", "pytest", *part.split()]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    running.add(process)
    for line in process.stdout:
        print(f"{name:>10} | {line}", end="", flush=True)
    if process.wait():
        failed.append(part)
    print(f"{name:>10} | ended after {time.monotonic() - began:.0f} s", flush=True)


def main() -> int:
    """The exit code: 0 if every part passed."""
    half = str(max(1, (os.cpu_count() or 2) // 2))
    os.environ |= {"PYTHONUNBUFFERED": "1", **dict.fromkeys(THREADS, half)}
    failed, running = [], set()
    streams = [
        threading.Thread(
            target=lambda parts=parts: [run(part, failed, running) for part in parts], daemon=True
        )
        for parts in STREAMS
    ]
    try:
        for stream in streams:
            stream.start()
        for stream in streams:
            stream.join()
    except KeyboardInterrupt:
        for process in running:
            process.terminate()
        return 130
    print(f"FAILED: {', '.join(failed)}" if failed else "all tests passed")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
