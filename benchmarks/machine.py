"""What the benchmarks run on."""

import os
import platform
from pathlib import Path


def machine() -> str:
    """The GPU, or the CPU and its number of cores, in one line."""
    import torch  # not above: a process that measures Keras must not load it

    from helpers.models.finetuning import cpu_has_bf16

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.is_file() else []
    name = next(
        (line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
    return f"{name}, {os.cpu_count()} cores" + (", bf16" if cpu_has_bf16() else "")
