"""Set Up against real virtual environments; the packages are tiny wheels made here."""

from __future__ import annotations

import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from mmm_blender.common.errors import MMMError
from mmm_blender.worker import installer as e
from mmm_blender.worker import package_sources, processes, setup_checks
from mmm_blender.worker.processes import kill_tree
from mmm_blender.worker.python_probe import PROBE, EnvironmentReport, report_of

PATIENCE_SECONDS = 600.0
NETWORK_VARIABLE = "MMM_TEST_NETWORK"
NETWORK_PATIENCE_SECONDS = 1800.0
NOWHERE = "http://127.0.0.1:9/simple"


def make_wheel(folder: Path, pin: str) -> None:
    """A package that can be installed and imported and does nothing."""
    name, version = pin.split("==")
    module, info = name.lower(), f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{module}/__init__.py", f"__version__ = {version!r}\n")
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        wheel.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr(f"{info}/RECORD", "")


def pins() -> list[str]:
    lines = e.REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    for pin in pins():
        make_wheel(folder, pin)
    return folder


def make_old(path: Path) -> None:
    yesterday = time.time() - 24 * 3600
    os.utime(path, (yesterday, yesterday))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> tuple[Path, list[str]]:
    """A folder with a whole environment, and what its making said on the way."""
    folder = tmp_path_factory.mktemp("place") / "of its öwn 場所"
    (folder / "env-half").mkdir(parents=True)  # left by a set-up that was killed
    make_old(folder / "env-half")
    (folder / "env-young").mkdir()  # another Blender's, perhaps
    setup = e.EnvironmentSetup(e.EnvironmentParams(folder, wheels=wheels))
    setup.start()
    seen: list[str] = []
    while setup.progress.state == e.RUNNING:
        if setup.progress.message not in seen:
            seen.append(setup.progress.message)
        time.sleep(0.01)
    assert setup.progress.state == e.DONE, setup.progress
    return folder, seen


def environments(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("env-*"))


def failing(params: e.EnvironmentParams) -> str:
    """The sentence of a set-up that must fail; nothing half-made may stay."""
    before = environments(params.folder)
    setup = e.EnvironmentSetup(params)
    setup.start()
    progress = setup.wait(PATIENCE_SECONDS)
    assert progress.state == e.FAILED, progress
    assert environments(params.folder) == before
    assert progress.message.endswith(".") and "\n" not in progress.message
    return progress.message


def probed(python: Path) -> EnvironmentReport:
    command = [str(python), "-s", "-E", "-c", PROBE]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    return report_of(python, done.stdout)


def test_a_folder_of_wheels_becomes_an_environment(made: tuple[Path, list[str]]) -> None:
    folder, seen = made
    python = e.environment_python(folder)
    assert python is not None and python.is_relative_to(folder)
    report = probed(python)
    assert report.usable and not report.reason
    assert dict(report.packages)["torch"] == "2.13.0"
    assert report.python_version == ".".join(map(str, sys.version_info[:3]))
    assert "Making the environment" in seen and "Installing torch==2.13.0" in seen
    assert "Successfully installed torch-2.13.0" in (folder / e.LOG_NAME).read_text("utf-8")
    mine = python.relative_to(folder).parts[0]
    assert environments(folder) == sorted([mine, "env-young"])  # the half one is gone


def test_the_next_set_up_removes_what_is_old_but_never_the_current_one(
    tmp_path: Path, wheels: Path
) -> None:
    for name in ("env-now", "env-before", "env-gone-old"):
        (tmp_path / name / "lib").mkdir(parents=True)
        make_old(tmp_path / name)
    (tmp_path / "ready.json").write_text('{"environment": "env-now"}')
    setup = e.EnvironmentSetup(e.EnvironmentParams(tmp_path, python=tmp_path, wheels=wheels))
    setup.start()  # fails after its first step, for there is no such Python
    assert setup.wait(PATIENCE_SECONDS).state == e.FAILED
    assert environments(tmp_path) == ["env-now"]


def test_an_error_of_our_own_ends_the_set_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def bug() -> object:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(e, "_requirements", bug)
    assert "ZeroDivisionError" in failing(e.EnvironmentParams(tmp_path))
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="kills with a POSIX signal")
def test_what_still_runs_after_a_failure_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = e.EnvironmentSetup(e.EnvironmentParams(tmp_path))
    born: list[subprocess.Popen[str]] = []

    def full(self: e.EnvironmentSetup, text: str) -> None:
        if not text.startswith("$"):
            process = self._process  # pyright: ignore[reportPrivateUsage]  # must be seen to die
            assert process is not None
            born.append(process)
            raise OSError(28, "No space left on device")

    talk = "print('x', flush=True); import time; time.sleep(60)"

    def make(self: e.EnvironmentSetup) -> None:
        self._run([sys.executable, "-c", talk])  # pyright: ignore[reportPrivateUsage]  # as above

    monkeypatch.setattr(e.EnvironmentSetup, "_note", full)
    monkeypatch.setattr(setup_checks, "NEEDED_GB", {e.CPU: 0.0})
    monkeypatch.setattr(e.EnvironmentSetup, "_make", make)
    setup.start()
    progress = setup.wait(PATIENCE_SECONDS)
    assert progress.state == e.FAILED and "No space left" in progress.message
    assert [process.poll() for process in born] == [-9]


class StubbornProcess:
    pid = 1
    killed = False

    def poll(self) -> int | None:
        return None

    def kill(self) -> None:
        self.killed = True


def test_a_process_that_windows_cannot_end_in_time_is_killed_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def late(command: list[str], **_options: object) -> None:
        raise subprocess.TimeoutExpired(command, 1.0)

    monkeypatch.setattr(subprocess, "run", late)
    process: Any = StubbornProcess()
    processes._kill_windows_tree(process)  # pyright: ignore[reportPrivateUsage]  # on any system so
    assert process.killed


@pytest.mark.skipif(sys.platform == "win32", reason="kills with a POSIX signal")
def test_a_process_that_ended_by_itself_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_group: int, _signal: int) -> None:
        raise ProcessLookupError

    monkeypatch.setattr(os, "killpg", gone)
    stubborn: Any = StubbornProcess()
    kill_tree(stubborn)  # a race that no test can win


def test_without_network_it_says_so_and_the_old_one_stays(
    made: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = made
    before = e.environment_python(folder)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", NOWHERE)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    assert "index could not be reached" in failing(e.EnvironmentParams(folder))
    assert before is not None and e.environment_python(folder) == before


@pytest.fixture
def silent_index() -> Iterator[str]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/simple"


def test_cancel_kills_pip_and_leaves_nothing(
    tmp_path: Path, silent_index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", silent_index)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    setup = e.EnvironmentSetup(e.EnvironmentParams(tmp_path))
    setup.start()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while setup.progress.step < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert setup._own_index  # pyright: ignore[reportPrivateUsage]  # pip was raised of one
    process = setup._process  # pyright: ignore[reportPrivateUsage]  # must be seen to die
    setup.cancel()
    assert setup.wait(PATIENCE_SECONDS).state == e.CANCELLED
    assert process is None or process.poll() is not None
    assert environments(tmp_path) == [] and e.environment_python(tmp_path) is None


def test_cancel_before_the_start_makes_nothing(tmp_path: Path, wheels: Path) -> None:
    setup = e.EnvironmentSetup(e.EnvironmentParams(tmp_path, wheels=wheels))
    setup.cancel()
    setup.start()
    assert setup.wait(PATIENCE_SECONDS).state == e.CANCELLED
    assert environments(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be written" in failing(e.EnvironmentParams(tmp_path / "file" / "folder"))


def test_a_full_disk_is_told_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def little(_path: Path) -> object:
        return shutil._ntuple_diskusage(10**9, 10**9 - 10**8, 10**8)  # type: ignore[attr-defined]  # no public constructor

    monkeypatch.setattr(shutil, "disk_usage", little)
    assert "0.1 GB are free: make room" in failing(e.EnvironmentParams(tmp_path))


def test_a_folder_without_wheels_is_a_sentence(tmp_path: Path) -> None:
    assert "holds no wheels" in failing(e.EnvironmentParams(tmp_path, wheels=tmp_path))


def test_a_wheel_that_is_missing_is_named(tmp_path: Path, wheels: Path) -> None:
    few = tmp_path / "few"
    shutil.copytree(wheels, few, ignore=shutil.ignore_patterns("regex*"))
    message = failing(e.EnvironmentParams(tmp_path / "place", wheels=few))
    assert "regex==" in message and "choose another" in message


def test_an_unknown_build_is_a_sentence(tmp_path: Path) -> None:
    assert "cpu or cuda" in failing(e.EnvironmentParams(tmp_path, flavour="quantum"))


def test_a_python_that_cannot_be_run_is_a_sentence(tmp_path: Path, wheels: Path) -> None:
    params = e.EnvironmentParams(tmp_path, python=tmp_path / "none", wheels=wheels)
    assert "cannot be run" in failing(params)


def test_a_half_made_environment_is_none(tmp_path: Path) -> None:
    binary = tmp_path / "env-1" / ("Scripts" if os.name == "nt" else "bin")
    binary.mkdir(parents=True)
    (binary / ("python.exe" if os.name == "nt" else "python")).write_text("")
    assert e.environment_python(tmp_path) is None
    for marker in ("", "[]", "{}", '{"environment": "env-2"}'):
        (tmp_path / "ready.json").write_text(marker)
        assert e.environment_python(tmp_path) is None
    (tmp_path / "ready.json").write_text('{"environment": "env-1"}')
    assert e.environment_python(tmp_path) is not None


def test_a_python_without_torch_is_reported(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    python = tmp_path / "bare" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    report = probed(python)
    assert not report.usable and "cannot import torch (No module named 'torch')" in report.reason
    assert "Set Up" in report.reason


@pytest.mark.skipif(sys.platform == "win32", reason="a script without suffix cannot be run there")
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("hello", "does not answer as a Python"),
        ('{"python": [3, 9, 2], "packages": {}, "errors": {}, "cuda": ""}', "3.11 or newer"),
        ("5", "does not answer as a Python"),
        ('{"python": 3}', "does not answer as a Python"),
    ],
)
def test_other_programs_and_old_pythons_are_refused(
    tmp_path: Path, answer: str, words: str
) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\necho '{answer}'\n")
    program.chmod(0o755)
    report = probed(program)
    assert not report.usable and words in report.reason


def source(params: e.EnvironmentParams, torch: str = "", own_index: bool = True) -> list[str]:
    return package_sources.package_source(params, own_index, torch)


def test_where_packages_come_from(tmp_path: Path) -> None:
    params = e.EnvironmentParams
    index = package_sources.PYTORCH_CPU_INDEX
    assert source(params(tmp_path)) == []
    assert source(params(tmp_path), index) == []  # the studio's own index
    assert source(params(tmp_path), index, own_index=False) == ["--index-url", index]
    assert source(params(tmp_path), own_index=False) == []
    typed = params(tmp_path, flavour=e.CUDA, index_url="https://here/simple")
    for torch in ("", index):
        assert source(typed, torch) == ["--index-url", "https://here/simple"]
    folder = params(tmp_path, flavour=e.CUDA, index_url="https://here", wheels=tmp_path)
    for torch in ("", index):
        assert source(folder, torch)[:2] == ["--no-index", "--find-links"]


class Index(http.server.BaseHTTPRequestHandler):
    """Has no package, and keeps what was asked of it."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
        pass


def test_a_typed_index_is_the_only_one_that_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    settings = tmp_path / "pip.conf"
    settings.write_text(
        f"[global]\nindex-url = {address}/theirs/\nextra-index-url = {address}/more/\n"
        "no-index = true\n"
    )
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    params = e.EnvironmentParams(tmp_path / "place", index_url=f"{address}/typed")
    assert "choose another index" in failing(params)
    server.shutdown()
    server.server_close()
    assert Index.asked and all(path.startswith("/typed/") for path in Index.asked)


def test_a_build_without_cuda_is_told_to_who_wants_cuda(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = e.EnvironmentSetup(e.EnvironmentParams(tmp_path, flavour=e.CUDA))
    answer = {"python": [3, 11, 2], "packages": {"torch": "2"}, "errors": {}, "cuda": "",
              "cards": [["RTX", ""]]}  # fmt: skip

    def run(_self: object, _command: object) -> list[str]:
        return ["a warning", json.dumps(answer)]

    monkeypatch.setattr(e.EnvironmentSetup, "_run", run)
    with pytest.raises(MMMError, match="knows no CUDA"):
        setup._try_out()  # pyright: ignore[reportPrivateUsage]  # no wheel with CUDA fits in a test
    answer["cuda"] = "12.6"
    setup._try_out()  # pyright: ignore[reportPrivateUsage]  # as above


def test_every_package_is_pinned() -> None:
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][0-9.]*", pin) for pin in pins())
    names = [pin.split("==")[0] for pin in pins()]
    assert {"torch", "numpy", "ftfy", "regex", "safetensors"} <= set(names)
    assert "smplx" not in names  # its licence allows research only


@pytest.mark.skipif(
    not os.environ.get(NETWORK_VARIABLE),
    reason=f"downloads 200 MB or more from pip's configured index: set {NETWORK_VARIABLE}=1",
)
def test_a_real_environment_from_the_configured_index(tmp_path: Path) -> None:
    setup = e.EnvironmentSetup(e.EnvironmentParams(tmp_path))
    setup.start()
    assert setup.wait(NETWORK_PATIENCE_SECONDS).state == e.DONE, setup.progress
    python = e.environment_python(tmp_path)
    assert python is not None and probed(python).usable
