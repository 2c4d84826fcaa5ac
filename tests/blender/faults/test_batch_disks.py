"""A batch whose folder fills up, becomes read-only or goes away in the middle: one sentence, what
was made stays, and the same command goes on when that is mended."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mmm_blender.batch import command, runner
from tests.blender.faults.disks import STATES, Disk, small_disk

KINDS = ("blend", "bvh", "npz", "recipe")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with small_disk(tmp_path / "disk") as made:
        yield made


@pytest.fixture
def run(disk: Disk, tmp_path: Path, tiny_bundle: Path, worker_python: Path) -> Callable[[], int]:
    """Makes three rows in all formats."""
    path = tmp_path / "table.csv"
    path.write_text("name,prompt,seconds\na,walk,1\nb,walk,1\nc,walk,1\n", encoding="utf-8")
    asked = {"out": disk.work, "bundle": tiny_bundle, "format": ",".join(KINDS), "threads": 1}
    words = [word for name, value in asked.items() for word in (f"--{name}", str(value))]
    return lambda: command.main([str(path), *words, "--python", str(worker_python)], "mmm_batch")


def becomes_before_the_second(disk: Disk, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write, calls = runner.write_files, iter(range(99))

    def write_files(*given: Any) -> Any:
        if next(calls) == 1:
            disk.becomes(state)
        return write(*given)

    monkeypatch.setattr(runner, "write_files", write_files)


@pytest.mark.parametrize("state", STATES)
def test_a_folder_that_fails_in_the_middle(
    disk: Disk,
    run: Callable[[], int],
    state: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with monkeypatch.context() as patch:
        becomes_before_the_second(disk, state, patch)
        assert run() in (1, 2)
    said = capsys.readouterr().err
    assert "Traceback" not in said and "Errno" not in said and "foreseen" not in said, said
    names = {"report.json", *(f"a.{kind.replace('recipe', 'recipe.json')}" for kind in KINDS)}
    if state in ("full", "read-only"):
        assert disk.files().keys() == names
        assert json.loads(disk.files()["report.json"])["clips"]["a"]["status"] == "done"
    mend(disk, state)
    assert run() == 0
    assert len(disk.files()) == 1 + 3 * len(KINDS)


def mend(disk: Disk, state: str) -> None:
    if state == "full":
        (disk.mount / "filler").unlink()
    elif state == "read-only":
        disk.mounted_again("rw")
    elif state == "a file":
        disk.work.unlink()
