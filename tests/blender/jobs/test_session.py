"""A job's states with a clock and a worker of our own, and what in the scene calls it off."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from mmm_blender.blender.addon import worker_python
from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.generate.task import GenerateParams, start_generation
from mmm_blender.blender.jobs import (
    job_operator,
)
from mmm_blender.blender.jobs import (
    session as jobs,
)
from mmm_blender.blender.jobs import (
    timer as handlers,
)
from mmm_blender.blender.jobs.job_operator import JobOperator
from mmm_blender.blender.jobs.scene_job import SceneJob
from mmm_blender.blender.jobs.session import Job, State, WorkerSession
from mmm_blender.common.errors import MMMError
from mmm_blender.worker.client import WorkerClient
from mmm_blender.worker.protocol import (
    STAGE_GENERATING,
    STAGE_LOADING,
    BundleLoaded,
    Cancel,
    Failed,
    FailureKind,
    Generate,
    Generated,
    Progress,
    Ready,
    WorkerError,
    WorkerMessage,
)
from tests.worker.fake_worker import BOOTSTRAP, STEPS

PYTHON, OTHER_PYTHON = Path("/usr/bin/python3"), Path("/opt/python3")
READY = Ready("1", "2", {"cpu": "CPU", "cuda:0": "A GPU"})
WAIT_SECONDS = 240.0


class ScriptedClient:
    """A worker that says what the test puts into ``says``."""

    def __init__(self, python: Path) -> None:
        self.python = python
        self.ready: Ready | None = None
        self.status = None
        self.bundle_info = None
        self.says: list[WorkerMessage] = []
        self.sent: list[object] = []
        self.jobs = 0
        self.stopped = False

    def new_job(self) -> int:
        self.jobs += 1
        return self.jobs

    def start(self) -> None:
        if self.python == OTHER_PYTHON:
            raise WorkerError("That Python cannot be run.", FailureKind.ENVIRONMENT)

    def submit(self, job: object, bundle: object = None) -> None:
        self.start()
        self.sent += [bundle, job]

    def cancel(self, job: int) -> None:
        self.sent.append(Cancel(job))

    def poll(self) -> list[WorkerMessage]:
        said, self.says = self.says, []
        return said

    def stop(self) -> None:
        self.stopped = True


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def quiet(clock: Clock) -> WorkerSession:
    """A session of its own whose worker is scripted."""
    return WorkerSession(
        connect=lambda python: cast(WorkerClient, ScriptedClient(python)), clock=clock
    )


def worker_of(session: WorkerSession) -> ScriptedClient:
    return cast(ScriptedClient, session.client)


def start(session: WorkerSession, python: Path = PYTHON) -> Job:
    return session.start(python, Generate("walk", 1.0))


def answer(job: int, frames: int = 20) -> Generated:
    rotations = np.tile([1.0, 0.0, 0.0, 0.0], (frames, 22, 1))
    recipe = {
        "prompt": "walk", "seconds": 1.0, "seed": 0, "bundle": "fake", "bundle_hash": "0",
        "sampler": {}, "addon_version": "1", "device": "cpu", "threads": 1, "torch_version": "2",
        "pin_feet": True, "fps": 20.0, "tokens": [[0, 0]], "conditions": {},
    }  # fmt: skip
    tokens = np.zeros((5, 2), dtype=np.int64)
    return Generated(job, rotations, np.zeros((frames, 3)), 20.0, False, tokens, recipe)


def hear(session: WorkerSession, *messages: WorkerMessage) -> None:
    worker_of(session).says += messages
    session.tick()


# --- the job -------------------------------------------------------------------------------------


def test_a_job_goes_from_start_to_result(quiet: WorkerSession, clock: Clock) -> None:
    job = start(quiet)
    seen = [(job.state, job.fraction)]
    for message in (
        READY,
        Progress(job.number, 0, 0, STAGE_LOADING),
        BundleLoaded({}),
        Progress(job.number, 1, 2, STAGE_GENERATING),
        Progress(job.number, 2, 2, STAGE_GENERATING),
        answer(job.number),
    ):
        hear(quiet, message)
        seen.append((job.state, job.fraction))
    assert [state for state, _ in seen] == [
        State.STARTING,
        State.LOADING,
        State.LOADING,
        State.GENERATING,
        State.GENERATING,
        State.GENERATING,
        State.SUCCEEDED,
    ]
    fractions = [fraction for _, fraction in seen]
    assert fractions == sorted(fractions) and fractions[0] == 0.0 and fractions[-1] == 1.0
    assert not quiet.busy and isinstance(job.result, Generated)


def test_it_says_what_goes_on_from_the_first_moment(quiet: WorkerSession, clock: Clock) -> None:
    job = start(quiet)
    assert quiet.busy
    assert job.text(clock()) == "Starting the model (0 s)"
    hear(quiet, READY, BundleLoaded({}), Progress(job.number, 3, 10, STAGE_GENERATING))
    clock.now += 2.0
    assert job.text(clock()) == "Generating 3 of 10 (2 s)"


def test_one_job_at_a_time(quiet: WorkerSession) -> None:
    start(quiet)
    with pytest.raises(MMMError, match="at work already"):
        start(quiet)
    quiet.cancel()
    start(quiet)


def test_other_jobs_are_not_listened_to(quiet: WorkerSession) -> None:
    late = start(quiet)
    quiet.cancel("Cancelled: for a test.")
    job = start(quiet)
    hear(quiet, READY, answer(late.number), Failed(late.number, FailureKind.ENVIRONMENT, "Broken."))
    assert late.state is State.CANCELLED and late.result is None
    assert job.running
    hear(quiet, answer(job.number))
    assert job.state is State.SUCCEEDED


def test_a_cancelled_job_ends_at_once_and_the_worker_is_said(quiet: WorkerSession) -> None:
    job = start(quiet)
    quiet.cancel()
    assert not quiet.busy and job.state is State.CANCELLED
    assert worker_of(quiet).sent[-1] == Cancel(job.number)
    assert quiet.notice.text == "Cancelled." and not quiet.notice.is_error


def test_a_silent_worker_is_given_up(quiet: WorkerSession, clock: Clock) -> None:
    job = start(quiet)
    worker = worker_of(quiet)
    clock.now += jobs.START_SECONDS - 1
    quiet.tick()
    assert job.running
    clock.now += 2
    quiet.tick()
    assert (job.state, job.kind) == (State.FAILED, FailureKind.WORKER_ENDED)
    assert "did not answer" in job.sentence and worker.stopped
    assert start(quiet).running


def test_another_python_means_another_worker(quiet: WorkerSession) -> None:
    start(quiet)
    first = worker_of(quiet)
    quiet.cancel()
    with pytest.raises(MMMError, match="cannot be run"):
        start(quiet, OTHER_PYTHON)
    assert first.stopped and not quiet.busy
    assert OTHER_PYTHON in quiet.python_errors


def test_devices_and_refusals_come_from_the_worker(quiet: WorkerSession) -> None:
    quiet.check(PYTHON)
    hear(quiet, READY)
    assert quiet.devices == READY.devices
    quiet.check(PYTHON)
    hear(quiet, Ready("1", "", {}, "That Python lacks torch."))
    assert quiet.python_errors == {PYTHON: "That Python lacks torch."}
    quiet.check(PYTHON)
    assert not quiet.python_errors


def test_shutting_down_cancels_and_stops(quiet: WorkerSession) -> None:
    job, worker = start(quiet), worker_of(quiet)
    quiet.shut_down()
    assert job.state is State.CANCELLED and worker.stopped and quiet.client is None
    quiet.tick()


# --- a real process that behaves badly ------------------------------------------------------------


@pytest.fixture
def staffed(worker_python: Path) -> Iterator[WorkerSession]:
    """A session whose worker is a process of the test's, without torch."""
    session = WorkerSession(connect=lambda _: WorkerClient(worker_python, BOOTSTRAP))
    yield session
    session.shut_down()


def finish(session: WorkerSession, prompt: str) -> Job:
    job = session.start(PYTHON, Generate(prompt, 1.0))
    end = time.monotonic() + WAIT_SECONDS
    while job.running and time.monotonic() < end:
        session.tick()
        time.sleep(0.005)
    return job


def test_after_a_crash_the_next_press_works(staffed: WorkerSession) -> None:
    job = finish(staffed, "crash")
    assert job.state is State.FAILED and "the graphics driver said no" in job.sentence
    assert finish(staffed, "walk").state is State.SUCCEEDED


def test_every_step_is_seen(staffed: WorkerSession) -> None:
    job = finish(staffed, "walk")
    assert (job.step, job.steps) == (STEPS, STEPS)


# --- the scene ------------------------------------------------------------------------------------


@pytest.fixture
def scene_session(
    session: WorkerSession, quiet: WorkerSession, monkeypatch: pytest.MonkeyPatch
) -> Iterator[WorkerSession]:
    """The add-on's session with a scripted worker."""
    session.shut_down()
    monkeypatch.setattr(session, "connect", quiet.connect)
    monkeypatch.setattr(worker_python, "worker_python", lambda: (PYTHON, ""))
    yield session
    session.shut_down()


def press(bundle: Path) -> SceneJob:
    params = GenerateParams("walk", 1.0, 0, str(bundle))
    return start_generation(bpy.context, params)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text("{}")
    return tmp_path


def deliver(scene_job: SceneJob, session: WorkerSession) -> bool:
    worker_of(session).says += [READY, BundleLoaded({}), answer(scene_job.job.number)]
    return scene_job.tick(bpy.context)


def new_character() -> Any:
    bpy.ops.mmm.add_character()
    return bpy.context.view_layer.objects.active


def actions() -> list[str]:
    return [action.name for action in bpy.data.actions]


def test_an_answer_becomes_keys(scene_session: WorkerSession, bundle: Path) -> None:
    scene_job = press(bundle)
    assert not scene_job.tick(bpy.context)
    assert len(bpy.data.objects) == 0
    assert deliver(scene_job, scene_session)
    assert actions() == ["walk"]
    assert scene_session.notice.text.startswith("Keyed ")


def test_a_second_press_is_greyed(scene_session: WorkerSession, bundle: Path) -> None:
    press(bundle)
    assert not bpy.ops.mmm.generate.poll()
    assert not bpy.ops.mmm.add_character.poll()
    assert bpy.ops.mmm.cancel() == {"FINISHED"}
    assert bpy.ops.mmm.generate.poll()


CHANGES: list[tuple[Callable[[], object], str]] = [
    (lambda: bpy.data.objects.remove(bpy.context.view_layer.objects.active), "was deleted"),
    (bpy.ops.object.delete, "was deleted"),
    (lambda: bpy.ops.object.mode_set(mode="POSE"), "mode was changed"),
    (lambda: bpy.ops.object.mode_set(mode="EDIT"), "mode was changed"),
    (lambda: bpy.ops.scene.new(type="EMPTY"), "another scene"),
    (lambda: bpy.ops.wm.read_homefile(use_empty=True), "another file"),
    (handlers.on_undo, "undone"),
]


@pytest.mark.parametrize(("change", "words"), CHANGES)
def test_a_changed_scene_calls_it_off(
    scene_session: WorkerSession, bundle: Path, change: Callable[[], object], words: str
) -> None:
    new_character()
    scene_job = press(bundle)
    change()
    before = actions()
    assert deliver(scene_job, scene_session)
    assert scene_job.job.state is State.CANCELLED
    assert words in scene_session.notice.text
    assert actions() == before == []
    assert not scene_session.busy


def test_a_renamed_target_is_found(scene_session: WorkerSession, bundle: Path) -> None:
    rig = new_character()
    scene_job = press(bundle)
    rig.name = "Renamed"
    impostor = bpy.data.objects.new("MMM Character", None)
    assert deliver(scene_job, scene_session)
    assert rig.animation_data.action is not None and impostor.animation_data is None


def test_another_selection_changes_nothing(scene_session: WorkerSession, bundle: Path) -> None:
    other, rig = new_character(), new_character()
    scene_job = press(bundle)
    bpy.context.view_layer.objects.active = other
    bpy.context.scene.frame_set(77)
    assert deliver(scene_job, scene_session)
    assert rig.animation_data.action.frame_range[0] == 1.0
    assert other.animation_data is None


def test_no_memory_on_the_gpu_offers_the_cpu(scene_session: WorkerSession, bundle: Path) -> None:
    scene_job = press(bundle)
    worker_of(scene_session).says.append(
        Failed(scene_job.job.number, FailureKind.OUT_OF_MEMORY, "Full.")
    )
    assert scene_job.tick(bpy.context)
    assert scene_session.notice == jobs.Notice(
        "Full.", is_error=True, kind=FailureKind.OUT_OF_MEMORY
    )


# --- the modal operator, whose events a Blender without a window never sends ----------------------


class Press(JobOperator):
    """What Blender would make of the operator; the test sends the events."""

    def __init__(self, bundle: Path) -> None:
        self.bundle = bundle
        self.reports: list[tuple[set[str], str]] = []
        self.report = self._note
        assert self._begin(bpy.context)
        self._timer = bpy.context.window_manager.event_timer_add(
            job_operator.TICK_SECONDS, window=bpy.context.window
        )

    def _note(self, level: set[str], text: str) -> None:
        self.reports.append((level, text))

    def start(self, context: Any) -> SceneJob:
        return press(self.bundle)

    def send(self, kind: str, value: str = "PRESS") -> set[str]:
        event: Any = SimpleNamespace(type=kind, value=value)
        return self.modal(bpy.context, event)

    @property
    def has_timer(self) -> bool:
        return self._timer is not None


def test_modal_lets_other_events_through_and_finishes(
    scene_session: WorkerSession, bundle: Path
) -> None:
    operator = Press(bundle)
    assert operator.send("G") == {"PASS_THROUGH"}
    assert operator.send("TIMER") == {"PASS_THROUGH"}
    worker_of(scene_session).says += [READY, answer(1)]
    assert operator.send("MOUSEMOVE") == {"PASS_THROUGH"}
    assert operator.send("TIMER") == {"FINISHED"}
    assert not operator.has_timer
    assert operator.reports == [({"INFO"}, "Keyed 'MMM Character' from frame 1 to 24.")]


def test_esc_cancels(scene_session: WorkerSession, bundle: Path) -> None:
    operator = Press(bundle)
    assert operator.send("ESC", "RELEASE") == {"PASS_THROUGH"}
    assert operator.send("ESC") == {"CANCELLED"}
    assert not operator.has_timer and not scene_session.busy
    assert operator.reports == [({"INFO"}, "Cancelled.")]


def test_a_failure_is_reported_once(scene_session: WorkerSession, bundle: Path) -> None:
    operator = Press(bundle)
    worker_of(scene_session).says.append(
        Failed(1, FailureKind.WORKER_ENDED, "It ended: try again.")
    )
    assert operator.send("TIMER") == {"CANCELLED"}
    assert operator.reports == [({"ERROR"}, "It ended: try again.")]
    assert scene_session.notice.is_error


def test_a_bug_leaves_no_job_behind(
    scene_session: WorkerSession, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = Press(bundle)
    monkeypatch.setattr(scene_session, "tick", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        operator.send("TIMER")
    assert not scene_session.busy and not operator.has_timer


def test_blender_ending_the_operator_cancels_the_job(
    scene_session: WorkerSession, bundle: Path
) -> None:
    operator = Press(bundle)
    operator.cancel(bpy.context)
    assert not scene_session.busy and not operator.has_timer


def test_between_jobs_the_worker_is_still_heard(scene_session: WorkerSession) -> None:
    scene_session.check(PYTHON)
    worker_of(scene_session).says.append(READY)
    assert handlers.keep_house() == handlers.HOUSEKEEPING_SECONDS
    assert scene_session.devices == READY.devices
