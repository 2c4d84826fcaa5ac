"""The command up to the point where Ray begins."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from mmm_blender.dataset import command
from mmm_blender.dataset.folder import Facts
from mmm_blender.dataset.key_index import KeyIndex
from mmm_blender.dataset.ledger import Ledger
from mmm_blender.dataset.maker import Failure, ShardDone
from mmm_blender.dataset.plan import Plan
from mmm_blender.dataset.wanted import BrokenRow
from tests.dataset.conftest import HASH, WriteTable, wanted

PROGRAM = "generate_dataset"


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    facts = Facts("starter", HASH, 0.0, True, (), {})
    return Ledger(9, tmp_path, tmp_path, tmp_path / "clips.csv", facts)


def test_a_plan_holds_each_key_once_and_leaves_out_what_is_there(ledger: Ledger) -> None:
    rows = [wanted(line) for line in range(2, 9)]
    twice = wanted(2)
    with KeyIndex() as index:
        index.add_stored([rows[0].key(HASH)])
        plan = Plan([*rows, twice, BrokenRow(10, "b", "why.")], index, ledger, HASH, 4)
        tasks = list(plan.tasks)
    assert [[clip.line for clip in task.clips] for task in tasks] == [[3, 4, 5, 6], [7, 8]]
    assert vars(ledger.counts) == {
        **{"rows": 9, "made": 0, "rejected": 0, "stored_before": 2, "repeated": 0, "failed": 1}
    }


def test_a_repeated_row_is_named_with_the_line_of_the_first(ledger: Ledger, tmp_path: Path) -> None:
    first = wanted(2)
    with KeyIndex() as index:
        assert len(list(Plan([first, first], index, ledger, HASH, 4).tasks)) == 1
    [failure] = (tmp_path / "failures.jsonl").read_text(encoding="utf-8").splitlines()
    assert "name and seed of line 2" in json.loads(failure)["sentence"]
    assert ledger.counts.repeated == 1


def test_the_report_has_counts_means_and_the_first_hundred_failures(
    ledger: Ledger, tmp_path: Path
) -> None:
    (tmp_path / "a.parquet").write_bytes(b"")
    ledger.done(ShardDone("a", 3, 1, (), 400, 2.0, 1.0, {"jerk_m_s3": (30.0, 3)}))
    for line in range(150):
        ledger.failed(Failure(line, "", "why."))
    report = json.loads(ledger.write([], ended=True).read_text(encoding="utf-8"))
    assert report["counts"]["made"] == 3
    assert report["figures"] == {"jerk_m_s3": 10.0}
    assert (report["cpu_seconds_per_clip"], report["bytes_per_clip"]) == (0.5, 100)
    assert (len(report["failures"]), report["failures_not_named_here"]) == (100, 50)
    lines = (tmp_path / "failures.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 150


def test_the_line_tells_how_far_how_fast_and_how_long_yet(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.parquet").write_bytes(b"")
    ledger.done(ShardDone("a", 3, 0, (), 1, 0.0, 0.0, {}))
    monkeypatch.setattr(Ledger, "rate", 0.5)
    assert ledger.line() == "3 of 9 rows, 0.50 clips/s, 0:00:12 left"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--format", "fbx"], "--format 'fbx' is not known"),
        (["--actors", "0"], "is not between 1 and a million"),
        (["--fps", "-1"], "is not between 0 and 1000"),
        (["--min-copy-distance", "5"], "needs --training-set"),
    ],
)
def test_wrong_options_leave_the_program_with_2(
    options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        command.main(["--prompts", "a.csv", "--out", "o", *options], PROGRAM)
    assert left.value.code == 2
    assert words in capsys.readouterr().err


def test_what_cannot_work_is_one_sentence_and_2(
    tmp_path: Path, write_table: WriteTable, capsys: pytest.CaptureFixture[str]
) -> None:
    table = write_table(["a,walks,1,0"])
    asked = ["--prompts", str(table), "--out", str(tmp_path / "out")]
    assert command.main([*asked, "--bundle", str(tmp_path)], PROGRAM) == 2
    assert command.main([*asked[2:], "--prompts", str(tmp_path / "no.csv")], PROGRAM) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(f"{PROGRAM}: There are no weights in")
    assert "could not be read" in second
    assert not (tmp_path / "out").exists()


def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def found(name: str, *_: Any) -> Any:
        return None if name == "ray" else True

    monkeypatch.setattr(importlib.util, "find_spec", found)
    assert command.main(["--prompts", "a.csv", "--out", str(tmp_path / "o")], PROGRAM) == 2
    assert "lacks ray: install the extra with 'pip install .[cluster]'" in capsys.readouterr().err
