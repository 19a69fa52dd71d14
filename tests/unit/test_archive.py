"""What the repository keeps of finished runs: the same answers from it as from where they were trained."""

import json

import numpy as np
import pytest

from helpers import arms
from helpers.config import InputError
from helpers.data.study import prepare
from helpers.experiments import archive, derived, plan, records
from helpers.experiments.grid import ensure
from helpers.experiments.outcomes import outcome_of

ARMS = ["majority", "tfidf_logreg"]


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A study whose runs are in an archive alone, and its records as they were where they were trained."""
    study = prepare("quick")
    ensure(study, ARMS)
    specs = [spec for stage in plan.stages(study, ARMS, "shown") for spec in stage]
    before = [records.load(spec) for spec in specs]
    file = archive.write((spec.key for spec in specs), {}, tmp_path / "records.npz")
    monkeypatch.setattr(archive, "RUNS", tmp_path / "runs")
    assert archive.unpack(tmp_path, file) == len(specs)
    return study, before, file


def test_an_archive_gives_what_the_runs_gave(kept, tmp_path):
    study, before, file = kept
    for record in before:
        again = records.load(record.spec)
        assert again.metrics == record.metrics
        assert again.history.equals(record.history)
        for side in records.SIDES:
            for name, values in getattr(record, side).arrays(side).items():
                assert np.array_equal(values, getattr(again, side).arrays(side)[name]), name
    assert plan.missing(study, ARMS) == []
    assert archive.unpack(tmp_path, file) == len(before)  # what is there stays
    assert [r.spec.seed for r in plan.results(study, "tfidf_logreg")] == [0]


def test_equal_runs_make_equal_archives_and_lost_ones_are_named(kept, tmp_path):
    study, before, file = kept
    keys = [record.spec.key for record in before]
    again = archive.write(reversed(keys), {}, tmp_path / "again.npz")
    assert again.read_bytes() == file.read_bytes()
    with pytest.raises(LookupError, match="run 0123 is not under"):
        archive.write([*keys, "0123"], {}, tmp_path / "more.npz")
    assert not (tmp_path / "more.npz").exists()


def test_each_profile_keeps_its_runs_in_a_file_of_its_own(kept, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "KEPT", tmp_path / "records")
    assert archive.file_of("class") != archive.file_of("reference")
    file = plan.keep(kept[0])
    assert file == tmp_path / "records" / "quick.npz"
    assert archive.unpack(tmp_path / "there", file) == len(kept[1])


def test_nothing_overwrites_an_archive_and_what_it_lacks_is_counted(kept, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(archive, "KEPT", tmp_path / "records")
    every = [spec for stage in plan.stages(kept[0], list(arms.ARMS), "whole") for spec in stage]
    file = plan.keep(kept[0])
    said, before = f"{len(every) - len(kept[1])} of {len(every)} runs are not", file.read_bytes()
    assert said in capsys.readouterr().out
    monkeypatch.setattr(archive, "RUNS", tmp_path / "no-runs")
    with pytest.raises(InputError, match="no run of profile quick is finished here; nothing was written"):
        plan.keep(kept[0])
    assert file.read_bytes() == before


def test_what_was_not_kept_is_asked_for_by_name_and_passes_for_nothing_else(kept):
    """A model without its weights would be the base, and nothing of it forgotten."""
    for load in (records.load_logits, records.load_arrays):
        with pytest.raises(InputError, match="only its answers were kept"):
            load(kept[1][0].spec)


def test_a_broken_or_missing_archive_is_named(kept, tmp_path):
    kept[2].write_bytes(b"PK no archive")
    with pytest.raises(InputError, match=r"records\.npz: not an archive of runs .*restore it"):
        archive.unpack(tmp_path / "new", kept[2])
    with pytest.raises(InputError, match="no such file; `python -m helpers archive` writes it"):
        archive.unpack(tmp_path / "new", tmp_path / "nothing.npz")
    assert not (tmp_path / "new").exists()


def counted(specs, told):
    counted.times += 1
    return {"runs": len(specs), "told": told, "share": float(np.float32(0.1))}


def test_what_is_derived_is_computed_once_and_travels_with_the_archive(kept, tmp_path, monkeypatch):
    _, before, file = kept
    monkeypatch.setattr(derived, "DERIVED", tmp_path / "derived")
    monkeypatch.setattr(derived, "function_hash", lambda module, function: "code")
    monkeypatch.setattr(derived, "import_module", lambda name: __import__(name, fromlist=["counted"]))
    specs, counted.times = [record.spec for record in before], 0
    first = derived.derived(counted, specs, [1, 2])
    assert (
        derived.derived(counted, specs, [1, 2])
        == first
        == {"runs": len(specs), "told": [1, 2]} | {"share": float(np.float32(0.1))}
    )
    assert counted.times == 1
    derived.derived(counted, specs[:1], [1])
    assert counted.times == 2
    keys = {spec.key for spec in specs}
    archive.write(keys, derived.current(keys), file)
    for made in (tmp_path / "derived").iterdir():
        made.unlink()
    archive.unpack(tmp_path, file)
    assert derived.derived(counted, specs, [1, 2]) == first
    assert counted.times == 2
    assert derived.current({"other"}) == {}
    # trained again elsewhere, the same spec may answer otherwise
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(archive, "answers_hash", lambda key: "other answers")
        assert derived.current(keys) == {}
    monkeypatch.setattr(derived, "function_hash", lambda module, function: "new code")
    assert derived.current(keys) == {}
    derived.derived(counted, specs, [1, 2])
    assert counted.times == 3
    derived.derived(counted, specs, [1, 2], beside=(archive.find,))
    assert counted.times == 4
    assert len(derived.current(keys)) == 2
    changed = {"find": "newer code"}
    monkeypatch.setattr(derived, "function_hash", lambda module, name: changed.get(name, "new code"))
    assert len(derived.current(keys)) == 1


def test_an_outcome_holds_what_the_measures_need():
    logits = np.array([[3.0, 1.0, 2.0], [0.0, 0.0, 0.0], [1.0, 5.0, 4.0]])
    found = outcome_of(logits, np.array([0, 2, 2]))
    assert found.first[:, :3].tolist() == [[0, 2, 1], [0, 1, 2], [1, 2, 0]]
    assert (found.first[:, 3:] == -1).all()
    assert found.correct.tolist() == [True, False, False]
    assert found.above.tolist() == [0, 0, 1]
    assert found.tied.tolist() == [1, 3, 1]
    assert found.above_own.tolist() == [0, 0, 0]  # among classes 0 and 2, which the rows are of
    assert found.tied_own.tolist() == [1, 2, 1]
    assert found.sure[1] == pytest.approx(1 / 3)
    assert found.nats[1] == pytest.approx(np.log(3))
    assert len(outcome_of(np.zeros((0, 3)), np.zeros(0, int)).first) == 0  # a side without rows


def test_the_index_is_readable_json(kept):
    with np.load(kept[2]) as arrays:
        index = json.loads(arrays[archive.INDEX].tobytes())
    assert set(index["runs"]) == {record.spec.key for record in kept[1]}
    assert index["runs"][kept[1][0].spec.key]["spec"]["arm"] in ARMS
