"""The comparison on other people's data: its numbers are kept, its texts are not."""

import hashlib
from pathlib import Path

import pandas as pd

from ..analysis.comparison import MAIN, correct_together, paired, summary
from ..analysis.exam import read_together
from ..config import BUILD, InputError
from ..data import sources
from ..data.study import prepare
from ..experiments import plan
from ..experiments.grid import ensure
from ..experiments.records import work_alone
from ..files import replacing, write_json
from ..pretraining import contamination
from ..report import facts
from ..report.results import head, plain


def statements_about(source: str, pages: pd.DataFrame, kept: pd.DataFrame) -> str | None:
    """A file with a source's statements about the pages that are kept; None where it brings none."""
    said = sources.load_statements(source, set(pages["label"]))
    if said is None:
        return None
    file = BUILD / "external" / f"{sources.name_of(source)}-statements.csv"
    with replacing(file) as temporary:
        said[said["label"].isin(kept["label"])].to_csv(temporary, index=False)
    return str(file)


def compare(profile: str, source: str, corpus: Path | None) -> Path:
    """Compares arms on a source's shared split; writes report/external/<name>.json and returns its path.

    Trains the arms that are asked about it. No training fractions, no unseen diseases, no network padded to
    the longest text.

    corpus: the pre-training text; pages that share a run of words with it (see `contamination`) are left out,
    since the base has read them.
    """
    place = sources.parts_of(source)[0]
    if corpus is not None and place in sources.NAMED_SOURCES:
        raise InputError(f"--corpus: only with a file; {source} is no file whose pages can be left out")
    pages = own = sources.load_table(source)
    content = hashlib.sha256(pages.to_csv(index=False).encode()).hexdigest()[:8]
    if corpus is not None:
        found = contamination.audit(pages, corpus)["pages"]
        own = pages[[found[contamination.page_key(text)] == 0 for text in pages["text"]]]
        table = BUILD / "external" / f"{sources.name_of(source)}.csv"
        if own.empty:
            raise InputError(
                f"--corpus {corpus}: every page of {source} shares text with it; nothing is left to compare "
                "on"
            )
        with replacing(table) as temporary:
            own.to_csv(temporary, index=False)
        source = sources.with_options(str(table), statements=statements_about(source, pages, own))
    study = prepare(profile, source)
    arms = plan.asked(study, "external")
    with work_alone():
        ensure(study, arms, "chosen")
    pairs = paired(study, [pair for pair in MAIN if set(pair) <= set(arms)])
    name = Path(place).name.split(".")[0]
    command = f"python -m helpers external --profile {profile} --data {Path(place).name}"
    content_of = {
        "command": command + ("" if corpus is None else " --corpus DIR"),
        "pages": len(pages),
        "pages_unread": len(own),
        "pages_kept": int(study.pages["label"].isin(study.split["label"]).sum()),
        **head(study),
        "source": name,  # not of what was left of it
        "arms": plain(summary(study, arms)),
        "together": plain(read_together(study, arms)),
        "pairs": plain(correct_together(pairs)[0]),
    }
    file = facts.EXTERNAL / f"{name}-{content}-{profile}{'' if corpus is None else '-unread'}.json"
    write_json(file, content_of)
    print(f"the numbers are in {file}")
    return file
