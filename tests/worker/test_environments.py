"""The folder of environments: which counts, who uses it, what may be deleted."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmm_blender.common.errors import MMMError
from mmm_blender.worker import environments as e

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows locks the running program")
HOLD = """\
import sys
sys.path.insert(0, {root!r})
from mmm_blender.worker import environments
sys.prefix = {prefix!r}
environments.hold_environment()
print("held", flush=True)
sys.stdin.read()
"""


def make(folder: Path, name: str = "env-1", home: Path | None = None) -> Path:
    """An environment as a set-up leaves it, without its packages."""
    environment = folder / name
    python = e.python_in(environment)
    python.parent.mkdir(parents=True)
    python.write_bytes(b"x" * 2_000_000)
    (environment / "pyvenv.cfg").write_text(f"home = {home or folder}\nversion = 3.11.2\n", "utf-8")
    e.mark_ready(environment, "cpu")
    return environment


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A worker, perhaps of another Blender, that runs in ``env-1``."""
    program = HOLD.format(root=str(Path(e.__file__).parents[2]), prefix=str(make(tmp_path)))
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_size_and_build_stand_in_the_marker(tmp_path: Path) -> None:
    make(tmp_path)
    info = e.environment_info(tmp_path)
    assert (info.megabytes, info.flavour, info.reason) == (2, "cpu", "")
    assert e.environment_python(tmp_path) == info.python


def test_an_environment_of_version_0_1_0_counts_too(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "ready.json").write_text('{"environment": "env-1"}', "utf-8")
    info = e.environment_info(tmp_path)
    assert info.python is not None and (info.megabytes, info.flavour) == (0, "")


@pytest.mark.parametrize("marker", ["", "[]", '{"environment": 5}', "x" * 100_000, "\x00"])
def test_a_strange_marker_is_none(tmp_path: Path, marker: str) -> None:
    make(tmp_path)
    (tmp_path / "ready.json").write_text(marker, "utf-8")
    try:
        assert e.environment_info(tmp_path).python is None
    except OSError:
        pytest.fail("a marker that is too large is no error of the disk")


def test_a_python_that_is_gone_is_told_and_not_used(tmp_path: Path) -> None:
    make(tmp_path, home=tmp_path / "Blender 4.4" / "python")
    info = e.environment_info(tmp_path)
    assert "Blender 4.4" in info.reason and "press Repair" in info.reason
    assert e.environment_python(tmp_path) is None


@POSIX
def test_one_that_a_worker_runs_in_is_never_deleted(
    tmp_path: Path, worker: subprocess.Popen[str]
) -> None:
    assert e.is_in_use(tmp_path / "env-1")
    with pytest.raises(MMMError, match="another Blender runs in that folder: close"):
        e.remove_all(tmp_path)
    e.remove_leftovers(tmp_path, replaced="env-1")
    assert e.environment_python(tmp_path) is not None
    make(tmp_path, "env-2")
    e.remove_leftovers(tmp_path, replaced="env-1")
    assert (tmp_path / "env-1").is_dir()
    worker.kill()
    worker.wait()
    e.remove_leftovers(tmp_path, replaced="env-1")
    assert not (tmp_path / "env-1").exists() and (tmp_path / "env-2").is_dir()


def test_remove_gives_the_megabytes_back_and_leaves_the_log(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / e.LOG_NAME).write_text("said")
    (tmp_path / "mine.txt").write_text("a person's own")
    assert e.remove_all(tmp_path) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.txt", e.LOG_NAME]
    assert e.remove_all(tmp_path) == 0


def test_a_folder_that_cannot_be_renamed_is_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = make(tmp_path)

    def locked(_self: Path, _target: Path) -> Path:
        raise PermissionError(13, "in use")

    monkeypatch.setattr(Path, "rename", locked)
    assert not e.remove(environment) and environment.is_dir()


def test_a_worker_outside_of_an_environment_holds_nothing(tmp_path: Path) -> None:
    before = sorted(Path(sys.prefix).iterdir())
    e.hold_environment()
    assert sorted(Path(sys.prefix).iterdir()) == before


def test_environments_of_other_blenders_are_found_the_newest_first(tmp_path: Path) -> None:
    inside = Path("extensions/.user/user_default/mmm_blender/worker_environment")
    for version in ("4.2", "4.10", "5.0"):
        make(tmp_path / version / inside)
    (tmp_path / "5.0" / inside / "ready.json").write_text(json.dumps({"environment": "gone"}))
    (tmp_path / "4.4" / inside).mkdir(parents=True)
    mine = tmp_path / "5.2" / inside
    assert e.other_environments(mine) == [tmp_path / "4.10" / inside, tmp_path / "4.2" / inside]
    assert e.other_environments(tmp_path / "elsewhere") == []
