"""What the machine at hand does well: the precision that training runs in, and whether models can be
compiled.
"""

import os
import shutil
from pathlib import Path


def cpu_has_bf16() -> bool:
    """Whether this CPU multiplies bf16 in hardware (AVX-512 BF16 or AMX); without that bf16 is slower than
    float32.
    """
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").is_file() else ""
    return "avx512_bf16" in flags or "amx_bf16" in flags


def bf16_pays() -> bool:
    """Whether bf16 autocast is faster than float32 in PyTorch here: on a GPU that has it, on a CPU that has
    it.
    """
    import torch

    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return cpu_has_bf16()


def precision() -> dict[str, bool]:
    """The Trainer's arguments `bf16` and `use_cpu`: bf16 where it pays (without a GPU it must be asked for by
    name), else float32.
    """
    import torch

    bf16 = bf16_pays()
    return {"bf16": bf16, "use_cpu": bf16 and not torch.cuda.is_available()}


def can_compile() -> bool:
    """Whether `torch.compile` finds what it needs: Triton on a GPU, a C++ compiler on a CPU. Says so where it
    does not.
    """
    import torch

    if torch.cuda.is_available() or any(
        map(shutil.which, filter(None, (os.environ.get("CXX"), "g++", "clang++", "cl")))
    ):
        return True
    print(
        "no C++ compiler (g++, clang++ or cl) found: training without torch.compile, which is slower",
        flush=True,
    )
    return False
