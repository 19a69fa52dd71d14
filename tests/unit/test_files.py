"""Files appear whole or not at all, and a place that cannot be written is named."""

import errno

import pytest

from helpers import files
from helpers.config import InputError


def test_a_file_is_replaced_in_one_step_and_keeps_its_ending(tmp_path):
    target = tmp_path / "new" / "table.csv"
    files.write_text(target, "old")
    with files.replacing(target) as temporary:
        assert temporary.suffix == ".csv"
        temporary.write_text("new", encoding="utf-8")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert list(target.parent.iterdir()) == [target]


def test_a_directory_is_replaced_in_one_step(tmp_path):
    target = tmp_path / "site"
    target.mkdir()
    (target / "stale").touch()
    with files.replacing(target) as temporary:
        temporary.mkdir()
        (temporary / "page").touch()
        assert (target / "stale").exists()
    assert [path.name for path in target.iterdir()] == ["page"]
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    "fault", [KeyboardInterrupt(), ValueError("no"), OSError(errno.ENOSPC, "No space left on device")]
)
def test_what_fails_half_way_leaves_what_was_there(tmp_path, fault):
    target = tmp_path / "record.json"
    files.write_json(target, {"kept": "sí"})
    raised = InputError if isinstance(fault, OSError) else type(fault)
    with pytest.raises(raised), files.replacing(target) as temporary:
        temporary.write_text("half")
        raise fault
    assert target.read_text(encoding="utf-8") == '{\n "kept": "sí"\n}\n'
    assert list(tmp_path.iterdir()) == [target]


def test_a_place_that_cannot_be_written_is_named_with_the_way_out():
    with pytest.raises(InputError, match="/dev/null/x: cannot be written .*move HELPERS_BUILD"):
        files.write_text(files.Path("/dev/null/x/y"), "text")
    with pytest.raises(InputError, match="--out /dev/null/x: cannot be written"):
        files.check_writable(files.Path("/dev/null/x"), "--out")


def test_a_lock_that_cannot_be_opened_is_named(tmp_path):
    (tmp_path / "lock").mkdir()
    with pytest.raises(InputError, match="cannot be written"), files.only_one(tmp_path):
        pass


def test_parts_of_killed_processes_are_removed_and_nothing_else(tmp_path):
    (tmp_path / ".12345.part.key").mkdir()
    (tmp_path / ".12345.part.key" / "half").touch()
    (tmp_path / "key").mkdir()
    files.remove_parts(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
