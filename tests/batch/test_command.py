"""tools/batch_generate.py through real worker processes."""

from __future__ import annotations

import functools
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import batch_generate
import numpy as np
import pytest

from mmm_blender.batch import command
from mmm_blender.batch.product import Product
from mmm_blender.batch.report import Report
from mmm_blender.batch.writers import write_blend
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.bvh import read_bvh
from mmm_blender.worker.client import WorkerClient
from tests.geometry.motions import smooth_clip
from tests.worker import fake_worker

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tools" / "batch_generate.py"
SMALL_DISK = 20_000  # bytes: a report, but no .npz of two seconds

WriteTable = Callable[..., Path]
Run = Callable[..., int]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def run(out: Path, tiny_bundle: Path) -> Run:
    """The command's main function with the tiny weights."""

    def call(table: Path, *more: str, kinds: str = "npz") -> int:
        return batch_generate.main(
            [*_options(table, out, tiny_bundle, kinds), "--python", sys.executable, *more]
        )

    return call


@pytest.fixture
def with_fake_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that does what the prompt says."""
    fake = functools.partial(WorkerClient, bootstrap=fake_worker.BOOTSTRAP)
    monkeypatch.setattr(command, "WorkerClient", fake)


def _options(table: Path, out: Path, bundle: Path, kinds: str) -> list[str]:
    named = {"--prompts": table, "--out": out, "--bundle": bundle, "--format": kinds}
    return [str(word) for pair in named.items() for word in pair] + ["--threads", "1"]


def _report(out: Path) -> dict[str, Any]:
    return json.loads((out / "report.json").read_text(encoding="utf-8"))["clips"]


def _names(out: Path) -> set[str]:
    return {path.name for path in out.iterdir()}


def _start(arguments: Sequence[str], **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, capture_output=True, text=True, check=False, **more)


def test_writes_every_format_without_blender(
    write_table: WriteTable, out: Path, tiny_bundle: Path
) -> None:
    table = write_table(["wave,a person waves,1.5,3", "walk,a person walks,,"])
    program = (
        "import runpy, sys; sys.modules['bpy'] = None; "
        f"sys.argv = [{str(SCRIPT)!r}, *sys.argv[1:]]; "
        f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    )
    environment = {**os.environ, "MMM_WORKER_PYTHON": sys.executable}
    options = _options(table, out, tiny_bundle, "bvh,npz")
    ended = _start([sys.executable, "-c", program, *options], env=environment)
    assert ended.returncode == 0, ended.stderr
    assert _names(out) == {"wave.bvh", "wave.npz", "walk.bvh", "walk.npz", "report.json"}
    with np.load(out / "wave.npz", allow_pickle=False) as file:
        assert file["rotations"].shape == (45, 22, 4)
        assert file["root"].shape == (45, 3)
        recipe = json.loads(str(file["recipe"]))
    assert (recipe["prompt"], recipe["seed"], recipe["bundle"]) == ("a person waves", 3, "tiny")
    motion = read_bvh(out / "wave.bvh")
    assert motion.fps == pytest.approx(command.DEFAULT_FPS, rel=1e-6)
    assert len(motion.values_TC) == 45


def test_the_same_seed_gives_the_same_file(write_table: WriteTable, run: Run, out: Path) -> None:
    rows = [f"{name},a person waves,1,{seed}" for name, seed in (("a", 5), ("b", 6), ("c", 5))]
    assert run(write_table(rows)) == 0
    first, other, again = ((out / f"{name}.npz").read_bytes() for name in "abc")
    assert first == again
    assert first != other


@pytest.mark.usefixtures("with_fake_worker")
def test_a_second_run_makes_only_what_changed_or_went(
    write_table: WriteTable, run: Run, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["kept,a person waves,1,0", "changed,a person waves,1,0", "gone,a person waves,1,0"]
    assert run(write_table(rows), kinds="npz,bvh") == 0
    (out / "gone.bvh").unlink()
    before = {name: (out / f"{name}.npz").stat().st_mtime_ns for name in ("kept", "changed")}
    rows[1] = "changed,a person waves,1,9"
    assert run(write_table(rows), kinds="npz,bvh") == 0
    assert "1 of 3 are done already." in capsys.readouterr().out
    assert (out / "kept.npz").stat().st_mtime_ns == before["kept"]
    assert (out / "changed.npz").stat().st_mtime_ns > before["changed"]
    assert (out / "gone.bvh").exists()
    assert _report(out)["changed"]["recipe"]["seed"] == 9


@pytest.mark.usefixtures("with_fake_worker")
def test_a_format_more_keeps_those_that_are_done(
    write_table: WriteTable, run: Run, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = write_table(["a,a person waves,1,0"])
    assert [run(table, kinds=kinds) for kinds in ("npz", "bvh", "npz,bvh")] == [0, 0, 0]
    assert "1 of 1 are done already." in capsys.readouterr().out
    assert _names(out) == {"a.npz", "a.bvh", "report.json"}


@pytest.mark.usefixtures("with_fake_worker")
def test_tasks_of_a_farm_make_their_rows_into_one_report(
    write_table: WriteTable, run: Run, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = write_table([f"c{n},a person waves,1,{n}" for n in range(1, 8)])
    assert run(table, "--rows", "1:3") == 0
    assert _names(out) == {"c1.npz", "c2.npz", "c3.npz", "report.json"}
    assert run(table, "--rows", "4:6") == 0
    assert run(table, "--rows", "6:9") == 0  # the last task of an array may reach beyond the end
    assert "1 of 2 are done already." in capsys.readouterr().out
    assert _report(out).keys() == {f"c{n}" for n in range(1, 8)}


@pytest.mark.usefixtures("with_fake_worker")
def test_a_damaged_report_only_costs_time(write_table: WriteTable, run: Run, out: Path) -> None:
    out.mkdir()
    (out / "report.json").write_text('{"version": 1, "clips": {"a"', encoding="utf-8")
    assert run(write_table(["a,a person waves,1,0"])) == 0
    assert _report(out)["a"]["status"] == "done"


@pytest.mark.parametrize(
    "text",
    [
        *("[]", '{"version": 1, "clips": {"a": 3}}', '{"version": 1, "clips": []}'),
        '{"version": 99, "clips": {"a": {"recipe": {}, "files": {}}}}',
    ],
)
def test_a_report_of_another_kind_knows_of_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "report.json").write_text(text, encoding="utf-8")
    assert not Report(tmp_path / "report.json").clips


@pytest.mark.usefixtures("with_fake_worker")
def test_an_output_that_holds_few_letters_ends_nothing(
    write_table: WriteTable, run: Run, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, said = out.with_name("\u6f22\u5b57"), io.BytesIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", io.TextIOWrapper(said, "cp1252", write_through=True))
        assert run(write_table(["a,a person waves,1,0"]), "--out", str(folder)) == 0
        assert rb"\u6f22\u5b57" in said.getvalue()
    assert _report(folder)["a"]["status"] == "done"


def test_a_row_over_the_limit_fails_alone(
    write_table: WriteTable, run: Run, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["long,a person walks,99,0", "short,a person walks,1,0"]
    assert run(write_table(rows)) == 1
    assert "row 'long' (line 2): This model makes" in capsys.readouterr().err
    report = _report(out)
    assert report["long"]["status"] == "failed"
    assert "9.8 seconds" in report["long"]["error"]
    assert report["short"]["status"] == "done"
    assert _names(out) == {"short.npz", "report.json"}


@pytest.mark.usefixtures("with_fake_worker")
def test_a_killed_worker_fails_its_row_alone(
    write_table: WriteTable, run: Run, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(write_table(["a,crash,1,0", "b,walk,1,0", "c,memory,1,0"])) == 1
    said = capsys.readouterr().err
    assert "row 'a' (line 2): The model's process ended unexpectedly" in said
    assert "row 'c' (line 4): The memory of cuda:0 is exhausted" in said
    assert _names(out) == {"b.npz", "report.json"}
    assert run(write_table(["a,walk,1,0", "b,walk,1,0", "c,walk,1,0"])) == 0
    assert {entry["status"] for entry in _report(out).values()} == {"done"}


def test_a_full_disk_leaves_nothing_half_written(
    write_table: WriteTable, out: Path, tiny_bundle: Path
) -> None:
    resource = pytest.importorskip("resource", reason="file sizes cannot be limited here")
    table = write_table(["a,a person waves,2,0"])
    options = _options(table, out, tiny_bundle, "npz")
    ended = _start(
        [sys.executable, str(SCRIPT), *options, "--python", sys.executable],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL_DISK, SMALL_DISK)),
    )
    assert ended.returncode == 1
    assert "row 'a' (line 2)" in ended.stderr
    assert "could not be written" in ended.stderr
    assert _names(out) == {"report.json"}
    assert _report(out)["a"]["status"] == "failed"


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--format", "obj", "The format 'obj' is not known"),
        ("--rows", "2:", "--rows 2: names no row of"),
        ("--rows", "one", "--rows 'one' is no range"),
        ("--bundle", "/nowhere", "There are no weights in"),
        ("--prompts", "/nowhere.csv", "could not be read"),
        ("--out", "/proc/nowhere", "cannot be made"),
        ("--python", "/nowhere/python", "The Python /nowhere/python cannot be run"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_made(
    option: str, value: str, words: str, request: pytest.FixtureRequest, out: Path
) -> None:
    table = request.getfixturevalue("write_table")(["a,a person waves,1,0"])
    capsys: pytest.CaptureFixture[str] = request.getfixturevalue("capsys")
    # of an option that is given twice the later one counts
    assert request.getfixturevalue("run")(table, option, value) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("batch_generate: ") == 1
    assert not list(out.glob("*.npz"))


def test_a_bad_table_makes_nothing(
    write_table: WriteTable, run: Run, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(write_table(["good,a person waves,1,0", "../x,a person waves,1,0"])) == 2
    assert "line 3: the name '../x'" in capsys.readouterr().err
    assert not out.exists()


def test_damaged_weights_stop_the_batch_at_once(
    write_table: WriteTable, run: Run, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = out.with_name("damaged")
    bundle.mkdir()
    (bundle / "config.json").write_text("{", encoding="utf-8")
    rows = ["a,a person waves,1,0", "b,a person waves,1,0"]
    assert run(write_table(rows), "--bundle", str(bundle)) == 2
    said = capsys.readouterr().err
    assert "row 'a' (line 2): config.json of the weights folder damaged is damaged" in said
    assert "row 'b'" not in said
    assert _report(out)["a"]["status"] == "failed"


def test_blender_files_hold_a_keyed_character(write_table: WriteTable, run: Run, out: Path) -> None:
    bpy: Any = pytest.importorskip("bpy", reason="Blender's module bpy is not installed")
    table = write_table(["wave,a person waves,1.5,3"])
    assert run(table, "--fps", "29.97", kinds="blend") == 0
    assert _names(out) == {"wave.blend", "report.json"}
    bpy.ops.wm.open_mainfile(filepath=str(out / "wave.blend"))
    [action] = bpy.data.actions
    [rig] = [item for item in bpy.data.objects if item.type == "ARMATURE"]
    assert rig.animation_data.action == action
    assert tuple(action.frame_range) == (1.0, bpy.context.scene.frame_end)
    render = bpy.context.scene.render
    assert render.fps / render.fps_base == pytest.approx(29.97)
    [step] = json.loads(action["mmm_recipe"])["steps"]
    assert (step["kind"], step["prompt"]) == ("generate", "a person waves")


def test_a_blender_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    pytest.importorskip("bpy", reason="Blender's module bpy is not installed")
    recipe = {
        "prompt": "a person waves",
        **{"seconds": 1.0, "seed": 0, "bundle": "tiny", "bundle_hash": "0" * 64},
        **{"addon_version": "0", "sampler": {}, "device": "cpu", "threads": 1},
        **{"torch_version": "0", "pin_feet": True, "tokens": [[0]], "conditions": {}},
    }
    product = Product(smooth_clip(8), recipe)
    with pytest.raises(MMMError, match="could not be written"):
        write_blend(tmp_path / "no" / "where.blend", product)
