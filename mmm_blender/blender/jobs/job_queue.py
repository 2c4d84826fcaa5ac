"""The same press for several characters: a job each, one after the other, as one press.

What the person asked for, the frame included, is as it was at the press. A job that fails costs the
others nothing; whoever cancels cancels all that are still to come, and what was keyed stays.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ...common.errors import MMMError
from ...worker.protocol import WorkerError
from ..bpy_types import ArmatureObject, Context, bpy
from ..rig.target import DataBlockRef
from .scene_job import SceneJob
from .session import Job, Notice, State, WorkerSession

Start = Callable[[Context], SceneJob]
"""Starts a job for the character that is active; raises MMMError, with nothing changed."""


@dataclass(frozen=True)
class Waiting:
    """A character and what starts its job."""

    rig: DataBlockRef
    start: Start


class JobQueue(SceneJob):
    """Stands for all jobs: ``job`` is the one that runs, and at the end one that stands for how all
    of them went."""

    def __init__(
        self, context: Context, session: WorkerSession, waiting: Sequence[Waiting]
    ) -> None:
        """Start the first job that can be started; MMMError, of the first, where none can."""
        self.session = session
        self._waiting, self._count = list(waiting), len(waiting)
        self._frame = (int(context.scene.frame_current), float(context.scene.frame_subframe))
        self._scene = DataBlockRef.of(context.scene)
        self._done: list[str] = []
        self._failed: list[str] = []
        self._current: SceneJob | None = None
        self._shows_steps = False
        self._name, self._error = "", MMMError("Select the characters that are to move.")
        if not self._start_next(context):
            raise self._error

    @property
    def job(self) -> Job:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The one that runs, or ran last."""
        assert self._current is not None
        return self._current.job

    @property
    def shows_steps(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As of all jobs."""
        return self._shows_steps

    @shows_steps.setter
    def shows_steps(self, wanted: bool) -> None:
        self._shows_steps = wanted
        if self._current is not None:
            self._current.shows_steps = wanted

    @property
    def reading(self) -> bool:
        """As of the job that runs."""
        return self._current is not None and self._current.reading

    def tick(self, context: Context) -> bool:
        """Go on with the job that runs; start the next when it is over. True at the end of all."""
        assert self._current is not None
        was_running = self._current.job.running
        if not self._current.tick(context):
            return False
        job = self._current.job
        self._note(job)
        lost = was_running and self._name not in context.scene.objects  # deleted, and the job off
        cancelled = job.state is State.CANCELLED and not lost
        if not cancelled and self._start_next(context):
            return False
        self._conclude(cancelled)
        return True

    def _start_next(self, context: Context) -> bool:
        while self._waiting:
            waiting = self._waiting.pop(0)
            self._name = waiting.rig.name
            try:
                with self._as_at_the_press(context, waiting.rig):
                    self._current = waiting.start(context)
            except MMMError as error:
                named = f"'{self._name}': {error}"
                if not self._failed:
                    of_worker = isinstance(error, WorkerError)
                    self._error = WorkerError(named, error.kind) if of_worker else MMMError(named)
                self._failed.append(named)
                continue
            self._current.shows_steps = self.shows_steps
            number = self._count - len(self._waiting)
            self._current.job.label = f"'{self._name}', {number} of {self._count}"
            return True
        return False

    @contextmanager
    def _as_at_the_press(self, context: Context, ref: DataBlockRef) -> Generator[None]:
        """The character is active, and the scene on the frame that it was on."""
        rig = ref.find(bpy.data.objects)
        scene = context.scene
        if self._scene.find(bpy.data.scenes) != scene or rig is None:
            raise MMMError("It is not in the scene any more.")
        frame = (int(scene.frame_current), float(scene.frame_subframe))
        if frame != self._frame:
            scene.frame_set(self._frame[0], subframe=self._frame[1])
        try:
            with active(context, rig):
                yield
        finally:
            if frame != self._frame:
                scene.frame_set(frame[0], subframe=frame[1])

    def _note(self, job: Job) -> None:
        if job.state is State.SUCCEEDED:
            self._done.append(self.session.notice.text)
        else:
            self._failed.append(f"'{self._name}': {job.sentence}")

    def _conclude(self, cancelled: bool) -> None:
        """Say how all of them went. Whatever was keyed is a success, and a step of undo."""
        job, failed = self.job, list(self._failed)
        if cancelled and self._waiting:
            names = ", ".join(f"'{each.rig.name}'" for each in self._waiting)
            failed.append(f"Not started: {names}.")
        text = " ".join((*failed, *self._done))
        self.session.notice = Notice(text, is_error=bool(failed) and not cancelled, kind=job.kind)
        if self._done:
            job.state, job.sentence = State.SUCCEEDED, ""
        elif not cancelled:
            job.state, job.sentence = State.FAILED, text


@contextmanager
def active(context: Context, rig: ArmatureObject) -> Generator[None]:
    """A character is the active object inside, and the one that was is afterwards."""
    objects = context.view_layer.objects
    before = None if objects.active is None else DataBlockRef.of(objects.active)
    if rig.name not in objects:
        raise MMMError(f"'{rig.name}' is not in this view layer: show its collection.")
    objects.active = rig
    try:
        yield
    finally:
        objects.active = None if before is None else before.find(bpy.data.objects)


def failing(error: MMMError) -> Start:
    """What starts nothing: the press has seen already that it cannot be done."""

    def start(_context: Context) -> SceneJob:
        raise error

    return start
