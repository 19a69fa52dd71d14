"""How long the demo takes to answer, and how much memory its processes hold.

    python benchmarks/demo_latency.py [--profile reference]                  writes demo_latency_<device>.csv
    python benchmarks/demo_latency.py --screenshot figures/06_demo.png    a picture of the page after the
    first example

Every example is asked several times, once the models are loaded and have answered before; the time is that of
`demo.respond`, so without the browser's. Memory is that of the server and its three processes, shared pages
counted once (PSS).
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from helpers.config import ROOT

TIMES = 5  # each example is asked
PACKAGES = "gradio and playwright: pip install -r requirements-demo.txt -r requirements-html.txt"


def memory_mib() -> float:
    """Of this process and all below it."""
    own = psutil.Process()
    return sum(process.memory_full_info().pss for process in (own, *own.children(recursive=True))) / 2**20


def measure(profile: str | None) -> dict:
    """One row of the table."""
    from machine import machine

    from helpers.demo import page

    asked = page.Demo(profile)
    began = time.perf_counter()
    if not asked.open():
        sys.exit("no trained models: make run")
    loading, seconds = time.perf_counter() - began, []
    for number in range(TIMES + 1):
        for example in page.examples(asked.models):
            began = time.perf_counter()
            page.respond(asked, example, page.EXPLAINED[-1])
            if number:  # the first time round is to warm up
                seconds.append(time.perf_counter() - began)
    memory = memory_mib()
    asked.end()
    return {
        "profile": asked.shown.split()[1],
        "diseases": len(asked.models.classes),
        "answers": len(seconds),
        "median_seconds": round(float(np.median(seconds)), 3),
        "p90_seconds": round(float(np.quantile(seconds, 0.9)), 3),
        "worst_seconds": round(max(seconds), 3),
        "loading_seconds": round(loading, 1),
        "memory_mib": round(memory),
        "cores": os.cpu_count(),
        "machine": machine(),
    }


def photograph(profile: str | None, file: Path) -> None:
    """The page at 1280 px after its first example, whole, as PNG."""
    from playwright.sync_api import sync_playwright

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, "-u", "-m", "helpers", "demo", "--port", port]
    command += ["--profile", profile] if profile else []
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server,
        sync_playwright() as driver,
    ):
        try:
            if not any(line.startswith("open ") for line in server.stdout):
                sys.exit("the demo did not start")
            browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(f"http://127.0.0.1:{port}")
            named = "document.querySelector('.ejemplo')?.innerText.length > 0"  # the models are loaded
            page.wait_for_function(named, timeout=240_000)
            page.locator(".ejemplo").first.click()
            page.locator("#respuesta .panel").last.wait_for(timeout=120_000)
            page.mouse.move(0, 0)
            page.wait_for_timeout(1000)  # the answer fades in
            page.screenshot(path=file, full_page=True)
            browser.close()
        finally:
            server.terminate()
    print(f"written to {file}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", help="(default: the last one finished)")
    parser.add_argument("--screenshot", type=Path, metavar="FILE", help="take a picture instead")
    options = parser.parse_args()
    try:
        if options.screenshot:
            photograph(options.profile, options.screenshot)
            return
        row = measure(options.profile)
    except ImportError as error:
        sys.exit(f"{error}; needed: {PACKAGES}")
    print("\n".join(f"{name:16} {value}" for name, value in row.items()))
    file = ROOT / "benchmarks" / f"demo_latency_{'cpu' if 'cores' in row['machine'] else 'gpu'}.csv"
    pd.DataFrame([row]).to_csv(file, index=False)
    print(f"written to {file}")


if __name__ == "__main__":
    main()
