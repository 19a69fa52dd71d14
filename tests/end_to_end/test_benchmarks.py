"""What waits for a GPU, tried at a size that any machine has."""

import os
import subprocess
import sys

import pandas as pd
import pytest

from helpers.config import ROOT


@pytest.mark.slow
def test_all_that_is_to_run_on_a_gpu_runs_small():
    place, environment = ROOT / "benchmarks", os.environ | {"PYTHON": sys.executable}
    made = [
        place / f"{name}.csv"
        for name in ("pretrain_throughput_cpu_tiny", "llm_speed_cpu_tiny", "llm_speed_cpu_tiny_512")
    ]
    try:
        subprocess.run(["sh", str(place / "on_gpu.sh"), "tiny"], env=environment, check=True)
        tables = [pd.read_csv(file) for file in made]
    finally:
        for file in made:
            file.unlink(missing_ok=True)
    assert all((table["tokens_per_second"] > 0).all() for table in tables)
    losses = tables[1].loc[tables[1]["what"] == "fine-tuning", "loss"]
    assert losses.between(0.5 * losses.median(), 2 * losses.median()).all()
