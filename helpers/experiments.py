"""What is trained on which split: trials, the choice on validation, seeds; one worker process per framework."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pandas as pd

from . import baselines, metrics, splits
from .config import ARMS, BUILD, InputError
from .records import Record, RunSpec, base_hash, drop_broken_checkpoints, load, recipe, save
from .study import Study


def make_spec(study: Study, arm: str, value: float | None, seed: int, split: str | None = None) -> RunSpec:
    """The spec of one run; split None: the study's own (the page split's key gives the original protocol)."""
    torch_arm = ARMS[arm].framework == "torch"
    return RunSpec(
        arm=arm,
        split=split or study.split_key,
        seed=seed,
        value=value,
        epochs=study.profile.epochs.get(arm),
        base=base_hash(study.profile.base) if torch_arm else None,
        recipe=recipe(ARMS[arm].framework),
    )


def trial_specs(study: Study, arm: str) -> list[RunSpec]:
    """The tuning trials of an arm, all with the first seed: as many for every tuned arm."""
    values = study.profile.trials[arm] if ARMS[arm].tuned else (None,)
    return [make_spec(study, arm, value, study.profile.seeds[0]) for value in values]


def choose(records: list[Record]) -> Record:
    """The trial with the best validation MRR; the lower validation loss decides between equals. Test is not looked at.

    With a hundred validation rows accuracy jumps by whole points from one lucky row to the next; MRR uses every rank.
    """
    return max(records, key=lambda r: (r.metrics["valid"]["mrr"], -r.metrics["valid"]["loss"]))


def seed_specs(study: Study, chosen: RunSpec) -> list[RunSpec]:
    """The chosen value with every seed (scikit-learn's arms are deterministic: one)."""
    seeds = study.profile.seeds[:1] if ARMS[chosen.arm].framework == "sklearn" else study.profile.seeds
    return [make_spec(study, chosen.arm, chosen.value, seed) for seed in seeds]


def page_spec(study: Study) -> RunSpec:
    """The first attempt: the notes' network on whole pages split at random."""
    return make_spec(study, "bilstm_original", None, study.profile.seeds[0], split=study.page_key)


def run(spec: RunSpec, base: str, progress: Callable[[str], None] = lambda text: None) -> Record:
    """The record of a spec: from the cache, or trained now in this process (whose framework it must be)."""
    if record := load(spec):
        return record
    split = splits.load_split(spec.split)
    framework = ARMS[spec.arm].framework
    if framework == "sklearn":
        began = time.perf_counter()
        result = baselines.train(split, spec.arm, spec.value, spec.seed)
    elif framework == "keras":
        from . import bilstm

        bilstm.load_keras()
        began = time.perf_counter()  # the first run of a worker does not pay for importing the framework
        result = bilstm.train(split, spec.arm, spec.value, spec.seed, spec.epochs, progress)
    else:
        from transformers import Trainer  # noqa: F401  (imported before the clock starts)

        from . import gpt2

        work = BUILD / "runs" / f"{spec.key}.work"
        drop_broken_checkpoints(work)
        began = time.perf_counter()
        result = gpt2.train(split, spec.arm, spec.value, spec.seed, spec.epochs, progress, base=base, work=work)
    seconds = time.perf_counter() - began
    scores = {}
    for name in ("valid", "test"):
        labels = splits.side(split, name)[1]
        if len(labels):
            scores[name] = metrics.evaluate(result[f"{name}_logits"], labels)
    save(spec, result, seconds, scores)
    return load(spec)


def pending(study: Study, arm: str) -> int:
    """How many runs of an arm are still to be trained (before the trials are done: as if none of the seeds were)."""
    trials = trial_specs(study, arm)
    missing = [spec for spec in trials if load(spec) is None]
    pages = [page_spec(study)] if arm == "bilstm_original" else []
    n_pages = sum(load(spec) is None for spec in pages)
    if missing:
        return n_pages + len(missing) + len(seed_specs(study, trials[0])) - 1
    chosen = choose([load(spec) for spec in trials]).spec
    return n_pages + sum(load(spec) is None for spec in seed_specs(study, chosen))


def train_arms(study: Study, arms: list[str]) -> None:
    """Trains what is missing of the arms in this process: trials, choice on validation, the other seeds; says each run."""
    left = sum(pending(study, arm) for arm in arms)
    done = 0

    def one(spec: RunSpec) -> Record:
        nonlocal done
        if record := load(spec):
            return record
        done += 1
        shown = f"[{done}/{left}] {spec}" + (" · whole pages" if spec.split == study.page_key else "")
        print(f"{shown} …", flush=True)
        tty = sys.stdout.isatty()
        record = run(
            spec,
            study.profile.base,
            (lambda text: print(f"\r    {text}   ", end="", flush=True)) if tty else (lambda text: None),
        )
        accuracy = {name: f"{scores['accuracy']:.3f}" for name, scores in record.metrics.items() if name == "valid"}
        print(
            ("\r" if tty else "")
            + f"    done in {record.seconds:.0f} s{''.join(f' · {k} accuracy {v}' for k, v in accuracy.items())}      ",
            flush=True,
        )
        return record

    for arm in arms:
        if arm == "bilstm_original":
            one(page_spec(study))
        chosen = choose([one(spec) for spec in trial_specs(study, arm)]).spec
        for spec in seed_specs(study, chosen):
            one(spec)


def ensure(study: Study, arms: list[str]) -> None:
    """Trains what is missing, one worker process per framework, one after the other (two at once slow each other down)."""
    for framework in ("sklearn", "keras", "torch"):
        own = [arm for arm in arms if ARMS[arm].framework == framework and pending(study, arm)]
        if not own:
            continue
        if framework == "sklearn":
            train_arms(study, own)
            continue
        command = [
            sys.executable,
            "-m",
            "helpers",
            "train",
            "--profile",
            study.profile.name,
            "--data",
            study.source,
            "--arms",
            ",".join(own),
        ]
        environment = os.environ | {"HELPERS_WORKER": "1", "PYTHONUNBUFFERED": "1"}
        if code := subprocess.run(command, env=environment, check=False).returncode:
            raise RuntimeError(
                f"training of {', '.join(own)} ended with exit code {code}; finished runs are kept, run again to go on"
            )


def die_with_parent() -> None:
    """In a worker: ends the process when the one that started it is gone, so that a killed pipeline leaves none behind."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def results(study: Study, arm: str) -> list[Record]:
    """The records of an arm's chosen value, one a seed. Raises InputError if they have not been trained yet."""
    trials = [load(spec) for spec in trial_specs(study, arm)]
    if None not in trials:
        records = [load(spec) for spec in seed_specs(study, choose(trials).spec)]
        if None not in records:
            return records
    raise InputError(
        f"{arm}: not trained yet in this profile; run `python -m helpers train --profile {study.profile.name} --arms {arm}`"
    )


def tuning_table(study: Study, arms: list[str]) -> pd.DataFrame:
    """One row a trial: arm, value, validation MRR, accuracy and loss, whether it was chosen."""
    rows = []
    for arm in arms:
        trials = [load(spec) for spec in trial_specs(study, arm)]
        best = choose(trials)
        for record in trials:
            rows.append(
                (
                    arm,
                    record.spec.value,
                    *(record.metrics["valid"][name] for name in ("mrr", "accuracy", "loss")),
                    record is best,
                )
            )
    return pd.DataFrame(rows, columns=["arm", "value", "valid_mrr", "valid_accuracy", "valid_loss", "chosen"])
