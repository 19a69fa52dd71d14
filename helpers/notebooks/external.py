"""The comparison on other people's data: its numbers are kept, its texts are not."""

import os
from pathlib import Path

from ..analysis.comparison import PAIRS, paired, summary
from ..arms import arms_asked
from ..config import BUILD, ROOT, InputError
from ..data import sources
from ..data.study import prepare
from ..experiments.grid import ensure
from ..experiments.records import work_alone
from ..files import replacing, write_json
from ..pretraining import contamination
from ..report import export

DIRECTORY = BUILD / "outputs" / "external" if "HELPERS_BUILD" in os.environ else ROOT / "report" / "external"


def compare(profile: str, source: str, corpus: Path | None) -> Path:
    """Compares arms on a source's shared split; writes report/external/<name>.json and returns its path.

    Trains the arms that are asked about it. No training fractions, no unseen diseases, no network padded to
    the longest text.

    corpus: the pre-training text; pages that share a run of words with it (see `contamination`) are left out,
    since the base has read them.
    """
    if corpus is not None and source in sources.NAMED_SOURCES:
        raise InputError(f"--corpus: only with a file; {source} is no file whose pages can be left out")
    pages = sources.load_table(source)
    kept, table = len(pages), source
    if corpus is not None:
        found = contamination.audit(pages, corpus)["pages"]
        own = pages[[found[contamination.page_key(text)] == 0 for text in pages["text"]]]
        kept, table = len(own), BUILD / "external" / f"{sources.name_of(source)}.csv"
        if not kept:
            raise InputError(
                f"--corpus {corpus}: every page of {source} shares text with it; nothing is left to compare "
                "on"
            )
        with replacing(table) as temporary:
            own.to_csv(temporary, index=False)
    study, arms = prepare(profile, str(table)), arms_asked("external")
    with work_alone():
        ensure(study, arms)
    command = f"python -m helpers external --profile {profile} --data {sources.file_of(source)[0].name}"
    results = {
        "command": command + ("" if corpus is None else " --corpus DIR"),
        "pages": len(pages),
        "pages_kept": kept,
        **export.head(study),
        "arms": export.plain(summary(study, arms)),
        "pairs": export.plain(paired(study, [pair for pair in PAIRS if set(pair) <= set(arms)])),
    }
    file = DIRECTORY / f"{sources.name_of(source)}-{profile}{'' if corpus is None else '-unread'}.json"
    write_json(file, results)
    print(f"the numbers are in {file}")
    return file
