"""Runs the notebooks in order with papermill, skips those whose inputs have not changed, and puts the outputs in place."""

import hashlib
import json
import time
from pathlib import Path

import pandas as pd

from . import report, splits
from .comparison import estimate
from .config import ARMS, BUILD, ROOT, InputError
from .grid import ensure
from .records import base_hash, clean_up, only_one, recipe
from .specs import trial_specs
from .study import Study, prepare

# Each notebook, the arms that it shows, and the figures that it promises.
NOTEBOOKS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "01_eda": ((), ("01_longitudes", "01_zipf", "01_fuga", "01_protocolos")),
    "02_tokenizer_padding_embedding": (
        ("bilstm",),
        (
            "02_uniones",
            "02_fragmentacion",
            "02_desconocidas",
            "02_lotes",
            "02_padding",
            "02_mascara",
            "02_consulta",
            "02_embedding",
        ),
    ),
    "03_bilstm": (
        ("bilstm_original", "bilstm"),
        (
            "03_desenrollada",
            "03_compuertas",
            "03_direcciones",
            "03_primer_intento",
            "03_tres_medidas",
            "03_bilstm_curvas",
        ),
    ),
    "04_autopsia": (
        ("bilstm_original",),
        ("04_sospechosos", "04_etiquetas", "04_reparacion", "04_perplejidad"),
    ),
    "05_gpt2": (
        ("gpt2_scratch", "gpt2_frozen", "gpt2_finetuned", "gpt2_lm"),
        ("05_preentrenamiento", "05_conocimiento", "05_atencion", "05_curvas", "05_carrera"),
    ),
    "06_comparacion": (
        tuple(ARMS),
        (
            "06_comparacion",
            "06_diferencias",
            "06_eficiencia",
            "06_escalera",
            "06_no_vistas",
            "06_olvido",
            "06_calibracion",
            "06_confusiones",
            "06_atribuciones",
            "06_costo",
        ),
    ),
}
TABLES = ("results.json", "macros.tex", *(f"tabla_{name}.tex" for name in report.TABLES))


def select(only: str | None) -> list[str]:
    """Notebook names that begin with one of the comma-separated prefixes (None: all); InputError for one that fits none."""
    if only is None:
        return list(NOTEBOOKS)
    prefixes = [part.strip() for part in only.split(",")]
    for prefix in prefixes:
        if not prefix or not any(name.startswith(prefix) for name in NOTEBOOKS):
            raise InputError(f"--only {prefix!r}: no notebook begins so; choose among {', '.join(NOTEBOOKS)}")
    return [name for name in NOTEBOOKS if name.startswith(tuple(prefixes))]


def run(profile: str, source: str | None = None, only: str | None = None) -> Study:
    """Trains what is missing, executes what has changed, prints the comparison and where everything is."""
    began = time.perf_counter()
    chosen = select(only)
    study = prepare(profile, source)
    rows = study.split["side"].value_counts()
    print(
        f"profile {profile} · {study.source_name} · {study.protocol} protocol · {study.split['label'].nunique()} diseases · "
        f"{rows['train']} training, {rows['valid']} validation, {rows['test']} test rows",
        flush=True,
    )
    with only_one():
        clean_up()
        arms = [arm for arm in ARMS if any(arm in NOTEBOOKS[name][0] for name in chosen)]
        ensure(study, arms, whole="06_comparacion" in chosen)
        for number, name in enumerate(chosen, 1):
            execute(study, name, f"notebook {number}/{len(chosen)} {name}")
    if "06_comparacion" in chosen:
        print_comparison(study)
    print(f"\ndone in {time.perf_counter() - began:.0f} s")
    for what, where in (("notebooks", "notebooks"), ("figures", "figures"), ("tables and macros", "report/generated")):
        print(f"  {what:<18} {study.output / where}")
    print(f"  {'run records':<18} {BUILD / 'runs'}")
    return study


def execute(study: Study, name: str, shown: str) -> None:
    """Executes one notebook unless its stamp says that nothing it depends on has changed and its outputs are there."""
    arms, figures = NOTEBOOKS[name]
    source = ROOT / "notebooks" / f"{name}.ipynb"
    target = study.output / "notebooks" / f"{name}.ipynb"
    stamp = BUILD / "stamps" / f"{study.profile.name}-{study.source_name}" / f"{name}.json"
    wanted = [study.output / "figures" / f"{figure}.{suffix}" for figure in figures for suffix in ("pdf", "png")]
    if name == "06_comparacion":
        wanted += [study.output / "report" / "generated" / table for table in TABLES]
    current = fingerprint(study, source, arms)
    if _read(stamp) == {"inputs": current, "outputs": _contents([target, *wanted])}:
        print(f"{shown}: up to date", flush=True)
        return
    print(f"{shown} …", flush=True)
    began = time.time()
    executed = BUILD / "notebooks" / f"{study.profile.name}-{study.source_name}-{name}.ipynb"
    executed.parent.mkdir(parents=True, exist_ok=True)
    _papermill(study, source, executed)
    for file in wanted:
        if not file.is_file() or file.stat().st_mtime < began - 1:
            raise RuntimeError(f"{name} did not write {file}, which it promises")
    target.parent.mkdir(parents=True, exist_ok=True)
    report.write(target, executed.read_text(encoding="utf-8"))
    executed.unlink()
    stamp.parent.mkdir(parents=True, exist_ok=True)
    report.write(stamp, json.dumps({"inputs": current, "outputs": _contents([target, *wanted])}))
    print(f"    done in {time.time() - began:.0f} s", flush=True)


def _papermill(study: Study, source: Path, executed: Path) -> None:
    import nbformat
    import papermill

    parameters = {"profile": study.profile.name, "source": study.source}
    papermill.execute_notebook(
        source,
        executed,
        parameters,
        kernel_name="python3",
        progress_bar=False,
        log_output=False,
        cwd=str(ROOT),
        extra_arguments=["--log-level=40"],
    )
    notebook = nbformat.read(executed, as_version=4)
    notebook.metadata.pop("papermill", None)
    # The target may be the source of the next run: the injected cell must not stay and outvote that run's parameters.
    notebook.cells = [cell for cell in notebook.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
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


def fingerprint(study: Study, source: Path, arms: tuple[str, ...]) -> str:
    """Hash of all that decides a notebook's outputs: its source cells, the helpers, the data, the profile, the training code."""
    cells = [(c["cell_type"], "".join(c["source"])) for c in json.loads(source.read_text(encoding="utf-8"))["cells"]]
    parts = [
        json.dumps(cells),
        repr(study.profile),
        study.split_key,
        study.page_key,
        splits.split_hash(study.pages.assign(id="", side="")),
        base_hash(study.profile.base),
    ]
    parts += [file.read_text(encoding="utf-8") for file in sorted((ROOT / "helpers").glob("*.py"))]
    shown = [ROOT / "data" / name for name in ("diseases.csv", "contamination.json", "general.csv")]
    shown += sorted((ROOT / "report" / "external").glob("*.json"))
    shown += sorted(file for suffix in ("csv", "json") for file in (ROOT / study.profile.base).glob(f"*.{suffix}"))
    parts += [file.read_text(encoding="utf-8") for file in shown]
    parts += [spec.key for arm in arms for spec in trial_specs(study, arm)]
    parts += [recipe(ARMS[arm].framework) for arm in arms]
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


def _read(stamp: Path) -> dict | None:
    """The stamp, or None if there is none or it cannot be read."""
    try:
        return json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _contents(files: list[Path]) -> dict[str, str]:
    """File name to a hash of its content; a missing file has the hash of nothing."""
    return {file.name: hashlib.sha256(file.read_bytes() if file.is_file() else b"").hexdigest() for file in files}


def print_comparison(study: Study) -> None:
    """The comparison table on the terminal, from the results.json that notebook 06 wrote."""
    results = json.loads((study.output / "report" / "generated" / "results.json").read_text(encoding="utf-8"))
    table = pd.DataFrame(results["arms"]).T
    shown = pd.DataFrame(
        {
            "model": table.index,
            "accuracy [95 % CI]": [estimate(r.accuracy, r.low, r.high) for r in table.itertuples()],
            "macro-F1": [f"{value:.3f}" for value in table["macro_f1"]],
            "top-5": [f"{value:.3f}" for value in table["top5"]],
            "class perplexity": [f"{value:.1f}" for value in table["class_perplexity"]],
            "time (s)": [f"{value:.1f}" for value in table["seconds"]],
            "seeds": table["seeds"],
        }
    )
    print("\n" + shown.to_string(index=False))
