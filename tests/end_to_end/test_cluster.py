"""The grid on a two-node Ray cluster on this machine: a worker killed in mid-run loses nothing."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("ray", reason="Ray is not installed: pip install -r requirements-ray.txt")

CLUSTER = """
import os, signal, sys
from ray.cluster_utils import Cluster
node = dict(num_cpus=1, object_store_memory=100 * 2**20)
cluster = Cluster(initialize_head=True, head_node_args=dict(node, include_dashboard=False))
cluster.add_node(**node)
cluster.wait_for_nodes()
print(cluster.address, flush=True)
signal.pause()
"""


@pytest.fixture
def cluster(tmp_path):
    """The address of a cluster of two nodes with one core each."""
    environment = os.environ | {"RAY_USAGE_STATS_ENABLED": "0", "HELPERS_BUILD": str(tmp_path)}
    with (tmp_path / "cluster.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", CLUSTER], env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
    address = process.stdout.readline().strip()
    assert address, (tmp_path / "cluster.log").read_text()[-2000:]
    yield address
    process.terminate()
    process.wait(30)


def kill_a_worker(grid, build):
    """Kills the first worker in mid-run, after the first of two epochs; returns the run's key."""
    deadline = time.monotonic() + 300
    while grid.poll() is None and time.monotonic() < deadline:
        for file in build.glob("runs/*.running"):
            try:
                told = json.loads(file.read_text())
            except (OSError, ValueError):  # just being written, or gone
                continue
            if "epoch 1/" in told["said"]:
                os.kill(told["pid"], signal.SIGKILL)
                return file.stem
        time.sleep(0.02)
    return None


def test_a_worker_killed_in_the_middle_of_a_run_loses_none(cluster, tmp_path):
    command = [
        sys.executable,
        "-m",
        "helpers",
        "grid",
        "--profile",
        "quick",
        "--arms",
        "tfidf_logreg,gpt2_scratch",
    ]
    environment = os.environ | {"HELPERS_BUILD": str(tmp_path), "RAY_USAGE_STATS_ENABLED": "0"}
    grid = subprocess.Popen(
        [*command, "--backend", "ray", "--address", cluster],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        killed = kill_a_worker(grid, tmp_path)
        printed = grid.communicate(timeout=400)[0]
    finally:
        grid.kill()
    assert killed, printed
    assert grid.returncode == 0, printed
    assert "everything is done" in printed, printed
    done = [json.loads(file.read_text())["spec"] for file in tmp_path.glob("runs/*/record.json")]
    assert (tmp_path / "runs" / killed / "record.json").is_file()
    assert sorted(spec["arm"] for spec in done) == ["gpt2_scratch"] * 6 + ["tfidf_logreg"] * 6


def test_an_address_without_ray_or_without_a_cluster_is_refused(tmp_path):
    command = [sys.executable, "-m", "helpers", "grid", "--profile", "quick", "--arms", "naive_bayes"]
    environment = os.environ | {"HELPERS_BUILD": str(tmp_path), "RAY_USAGE_STATS_ENABLED": "0"}
    for options, message in (
        (["--address", "127.0.0.1:1"], "only a Ray cluster has one; add --backend ray"),
        (["--backend", "ray", "--address", "nonsense"], "no Ray cluster answers there"),
    ):
        done = subprocess.run(
            [*command, *options], env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 2, done.stderr
        assert message in done.stderr, done.stderr
