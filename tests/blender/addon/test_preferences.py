"""Which Python, which device, and Set Up."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mmm_blender.batch import command
from mmm_blender.blender.addon import choices, operators, paths, worker_python
from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.jobs.session import Job, WorkerSession
from mmm_blender.blender.jobs.setup_job import SetupSession, setup_session
from mmm_blender.worker.installer import (
    CANCELLED,
    CUDA,
    DONE,
    FAILED,
    RUNNING,
    EnvironmentParams,
    EnvironmentSetup,
    SetupProgress,
)
from mmm_blender.worker.protocol import AUTO_DEVICE, LoadBundle


@pytest.fixture
def no_torch_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in Blender itself: its own Python is nobody's worker."""
    monkeypatch.delenv(command.PYTHON_VARIABLE, raising=False)
    monkeypatch.setattr(worker_python, "_host_has_runtime", lambda: False)
    monkeypatch.setattr(worker_python, "runtime_folders", lambda: ())


def test_defaults_hold_where_blender_keeps_no_preferences(session: WorkerSession) -> None:
    assert choices.preferences() is None
    found = choices.choices()
    assert found.bundles_folder == paths.user_folder() / "weights"
    assert found.load_bundle("x") == LoadBundle(
        "x", AUTO_DEVICE, 0, float(choices.DEFAULT_IDLE_MINUTES)
    )


def test_blenders_defaults_are_the_same(stored: Any) -> None:
    with_preferences = choices.choices()
    bpy.context.preferences.addons.remove(bpy.context.preferences.addons[paths.ROOT_PACKAGE])
    try:
        assert choices.choices() == with_preferences
    finally:
        bpy.context.preferences.addons.new().module = paths.ROOT_PACKAGE


def test_what_a_person_chose_is_read(stored: Any, tmp_path: Path) -> None:
    stored.python_source, stored.python_path = choices.CHOSEN, str(tmp_path / "python")
    stored.device, stored.threads, stored.idle_minutes = "cuda:1", 6, 0
    stored.bundles_folder, stored.wheels_folder = str(tmp_path), str(tmp_path / "wheels")
    stored.flavour, stored.index_url = CUDA, " https://example.org/simple "
    stored.environment_path = str(tmp_path / "place")
    assert choices.choices() == choices.Choices(
        chosen_python=tmp_path / "python",
        device="cuda:1",
        threads=6,
        idle_minutes=0,
        bundles_folder=tmp_path,
        environment_folder=tmp_path / "place",
        flavour=CUDA,
        index_url="https://example.org/simple",
        wheels=tmp_path / "wheels",
    )
    assert worker_python.environment_params() == EnvironmentParams(
        tmp_path / "place",
        flavour=CUDA,
        index_url="https://example.org/simple",
        wheels=tmp_path / "wheels",
    )


def test_the_variable_comes_before_the_choice(
    stored: Any, monkeypatch: pytest.MonkeyPatch, no_torch_here: None, tmp_path: Path
) -> None:
    stored.python_source, stored.python_path = choices.CHOSEN, sys.executable
    assert worker_python.worker_python() == (Path(sys.executable), "")
    named = tmp_path / "python"
    monkeypatch.setenv(command.PYTHON_VARIABLE, str(named))
    assert worker_python.worker_python()[0] is None  # not there: said, not passed over
    named.touch()
    assert worker_python.worker_python() == (named, "")


def test_without_any_python_set_up_is_named(stored: Any, no_torch_here: None) -> None:
    python, reason = worker_python.worker_python()
    assert python is None and "press Set Up" in reason
    stored.python_source = choices.CHOSEN
    assert "No Python is chosen" in worker_python.worker_python()[1]
    stored.python_path = "/nowhere/python"
    assert "There is no Python at /nowhere/python" in worker_python.worker_python()[1]
    with pytest.raises(RuntimeError, match="There is no Python"):
        bpy.ops.mmm.generate(prompt="a person walks")


def test_with_its_wheels_blenders_own_python_is_the_workers(
    stored: Any, no_torch_here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_python, "runtime_folders", lambda: ("/wheels",))
    assert worker_python.worker_python() == (Path(sys.executable), "")
    found: list[Path | None] = [Path(sys.executable).with_name("python")]

    def made(_folder: Path) -> Path | None:
        return found[0]

    monkeypatch.setattr(worker_python, "environment_python", made)
    assert worker_python.worker_python() == (found[0], "")  # what was set up comes first
    found[0] = None
    monkeypatch.setattr(worker_python, "own_python", lambda: None)
    assert "no Python that MMM could start" in worker_python.worker_python()[1]


def test_another_choice_forgets_what_was_wrong(stored: Any, session: WorkerSession) -> None:
    session.python_errors[Path("/x")] = "It lacks torch."
    stored.python_path = "/y"
    assert not session.python_errors


def test_the_chosen_device_is_listed_before_the_worker_has_seen_it(
    stored: Any, session: WorkerSession
) -> None:
    assert list(choices.known_devices()) == [AUTO_DEVICE, "cpu"]
    choices.choose_device("cuda:1")
    assert "cuda:1" in choices.known_devices()
    session.devices.update({"cpu": "CPU", "cuda:1": "A GPU"})
    assert choices.known_devices()["cuda:1"] == "A GPU"
    bpy.ops.wm.context_set_string(data_path=choices.device_path(), value="cpu")
    assert choices.choices().device == "cpu"


class FakeSetup:
    """A set-up that stands where the test puts it."""

    def __init__(self, params: EnvironmentParams) -> None:
        self.params = params
        self.progress = SetupProgress(RUNNING, 0, 0, "Starting")
        self.end = SetupProgress(DONE, 5, 5, "The environment is ready.")

    def start(self) -> None:
        self.progress = SetupProgress(RUNNING, 2, 5, "Installing", "pip says")

    def wait(self) -> SetupProgress:
        self.progress = self.end
        return self.progress

    def cancel(self) -> None:
        if self.progress.state == RUNNING:
            self.progress = SetupProgress(CANCELLED, 2, 5, "The set-up was cancelled.")


@pytest.fixture
def fake_setup(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[FakeSetup]]:
    monkeypatch.setattr(setup_session, "make", FakeSetup)
    yield FakeSetup
    setup_session.setup = None
    setup_session.notice = type(setup_session.notice)()


def test_set_up_asks_for_the_network_unless_there_are_wheels(
    stored: Any, tmp_path: Path, fake_setup: object
) -> None:
    if bpy.app.online_access:
        pytest.skip("this Blender was started with online access")
    with pytest.raises(RuntimeError, match="online access is off"):
        bpy.ops.mmm.set_up_environment()
    stored.wheels_folder = str(tmp_path)
    assert bpy.ops.mmm.set_up_environment() == {"FINISHED"}
    assert setup_session.notice.text == "The environment is ready."


def test_set_up_waits_for_the_job_and_ends_the_idle_worker(
    stored: Any,
    session: WorkerSession,
    tmp_path: Path,
    fake_setup: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored.wheels_folder = str(tmp_path)
    session.job = Job(1, 0.0)
    with pytest.raises(RuntimeError, match="MMM is at work: wait"):
        bpy.ops.mmm.set_up_environment()
    session.cancel()
    stopped: list[bool] = []
    idle = SimpleNamespace(stop=lambda: stopped.append(True), python=Path(sys.executable))
    monkeypatch.setattr(session, "_client", idle)
    assert bpy.ops.mmm.set_up_environment() == {"FINISHED"}
    assert stopped == [True] and session.client is None


def test_a_failed_set_up_is_said(
    stored: Any, tmp_path: Path, fake_setup: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored.wheels_folder = str(tmp_path)
    failed = SetupProgress(FAILED, 3, 5, "The disk is full: make room.")

    def fail(self: FakeSetup) -> None:
        self.progress = failed

    monkeypatch.setattr(fake_setup, "wait", fail)
    with pytest.raises(RuntimeError, match="The disk is full"):
        bpy.ops.mmm.set_up_environment()
    assert setup_session.notice.is_error and not setup_session.busy


def test_a_set_up_runs_beside_the_work_and_can_be_cancelled() -> None:
    session = SetupSession(make=lambda params: cast(EnvironmentSetup, FakeSetup(params)))
    assert session.tick() and session.progress is None
    session.start(EnvironmentParams(Path("folder")))
    assert not session.tick() and session.busy
    with pytest.raises(Exception, match="runs already"):
        session.start(EnvironmentParams(Path("folder")))
    session.cancel()
    assert session.tick() and not session.busy
    assert session.notice.text == "The set-up was cancelled." and not session.notice.is_error


def test_the_real_set_up_tells_why_it_failed(stored: Any, tmp_path: Path) -> None:
    stored.wheels_folder = str(tmp_path)  # which holds none
    with pytest.raises(RuntimeError, match="holds no wheels"):
        bpy.ops.mmm.set_up_environment()


def test_the_new_python_is_tried_at_the_end(
    session: WorkerSession, no_torch_here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Path] = []
    python = Path(sys.executable)

    def made(_folder: Path) -> Path:
        return python

    monkeypatch.setattr(operators, "environment_python", made)
    monkeypatch.setattr(worker_python, "environment_python", made)
    monkeypatch.setattr(operators, "session", SimpleNamespace(busy=False, check=tried.append))
    assert operators.watch() is None
    assert tried == [python]
