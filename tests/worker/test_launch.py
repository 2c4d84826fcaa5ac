"""What the worker's Python sees: its own packages, the runtime, this package; nothing else."""

import importlib.util
import json
import os
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest

from mmm_blender.worker import launch, processes
from mmm_blender.worker.protocol import FailureKind, WorkerError

PYTHON = Path(sys.executable)
ROOT = Path(launch.PACKAGE_FOLDER).parent


@pytest.fixture
def unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder of wheels as Blender unpacks them, from which this process would import."""
    origin = tmp_path / "site-packages" / "onnxruntime" / "__init__.py"
    origin.parent.mkdir(parents=True)
    origin.touch()

    def find(name: str) -> ModuleSpec:
        spec = ModuleSpec(name, None, origin=str(origin))
        spec.has_location = True
        return spec

    monkeypatch.setattr(importlib.util, "find_spec", find)
    return str(origin.parent.parent)


def path_of(command: list[str], **variables: str) -> list[str]:
    """``sys.path`` of a worker that is started by this command line."""
    shown = [word.replace("importlib.import_module", "print(json.dumps(sys.path)) and ")
             for word in command]  # fmt: skip
    shown = [word.replace("import importlib,", "import json,") for word in shown]
    done = subprocess.run(
        shown, capture_output=True, text=True, check=False, cwd=ROOT,
        env=dict(os.environ) | variables,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[0])


def test_blenders_own_python_gets_the_wheels_and_the_package_last(
    unpacked: str, tmp_path: Path
) -> None:
    command = launch.worker_command(PYTHON)
    assert command[0] == sys.executable and command[1] == "-I"
    seen = path_of(command, PYTHONPATH=str(tmp_path / "mine"), PYTHONHOME="")
    assert seen[-2:] == [unpacked, str(ROOT)]
    assert "" not in seen and str(tmp_path / "mine") not in seen


def test_another_python_gets_the_package_alone(unpacked: str) -> None:
    command = launch.worker_command(Path("/elsewhere/python"))
    assert command[-2:] == [str(ROOT), "mmm_blender"] and unpacked not in command


@pytest.mark.parametrize("found", [None, ModuleSpec("onnxruntime", None)])
def test_without_a_runtime_there_is_no_folder_of_it(
    found: ModuleSpec | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(_name: str) -> ModuleSpec | None:
        return found

    monkeypatch.setattr(importlib.util, "find_spec", find)
    assert launch.runtime_folders() == ()

    def stand_in(_name: str) -> None:
        raise ValueError("onnxruntime.__spec__ is None")

    monkeypatch.setattr(importlib.util, "find_spec", stand_in)
    assert launch.runtime_folders() == ()


def test_variables_for_python_do_not_reach_the_worker() -> None:
    given = {"PYTHONHOME": "/x", "pythonpath": "/y", "__PYVENV_LAUNCHER__": "/z", "HOME": "/h"}
    assert launch.worker_variables(given) == {"HOME": "/h"}


@pytest.mark.parametrize(
    ("executable", "known"), [("", False), ("blender", False), ("python3.13", True)]
)
def test_blender_itself_is_no_python(
    executable: str, known: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / executable if executable else Path()
    if executable:
        path.touch()
    monkeypatch.setattr(sys, "executable", str(path) if executable else "")
    assert launch.own_python() == (path if known else None)
    assert not launch.is_own_python(Path())


@pytest.mark.parametrize("winerror", [None, 225, 1260])
def test_a_policy_or_an_antivirus_is_told_apart(
    winerror: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    error: Any = OSError(22, "blocked by group policy") if winerror else PermissionError(13, "no")
    if winerror:
        error.winerror = winerror

    def forbid(*_arguments: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr(subprocess, "Popen", forbid)
    with pytest.raises(WorkerError, match=r"does not let /x/python run .* press again") as caught:
        processes.open_process(["/x/python"])
    assert caught.value.kind is FailureKind.BLOCKED
