"""A job of the worker, seen from the scene: who it is for, when it is off, what comes of it.

The scene, its mode and its target must be at the end what they were at the press of the button;
otherwise the scene_job is off and the scene stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, replace

from ...common.errors import MMMError
from ...worker.client import JobMessage, JobResult
from ...worker.protocol import FailureKind, LoadBundle, MotionMessage
from ..bpy_types import ArmatureObject, Context, bpy
from ..guards import nothing_left_behind, said
from ..rig.target import DataBlockRef
from .preview_stage import StageMaker
from .session import Job, Notice, State, WorkerSession

Finish = Callable[[Context, ArmatureObject | None, JobResult], str]
"""Puts a result into the scene; gives the sentence that says so, or raises MMMError."""

Reading = Generator[float, None, JobMessage]
"""Reads from the scene what a job needs, a few milliseconds between two of its yields, each of
which tells how far it is (0 to 1). Returns the job's message; raises MMMError."""


@dataclass(frozen=True)
class SceneSnapshot:
    """What must not change while the worker works. target: None if none was there."""

    scene: DataBlockRef
    mode: str
    target: DataBlockRef | None

    @classmethod
    def now(cls, context: Context, target: ArmatureObject | None) -> SceneSnapshot:
        """As they are."""
        return cls(
            DataBlockRef.of(context.scene),
            _mode(context, target),
            None if target is None else DataBlockRef.of(target),
        )

    def change(self, context: Context) -> str:
        """In a sentence, what has changed so that the result has no place any more; else ""."""
        if self.scene.find(bpy.data.scenes) != context.scene:
            return "Cancelled: another scene was opened."
        target = self.find_target(context)
        if self.target is not None and target is None:
            return f"Cancelled: '{self.target.name}' was deleted."
        if _mode(context, target) != self.mode:
            return "Cancelled: the mode was changed."
        return ""

    def find_target(self, context: Context) -> ArmatureObject | None:
        """The target, if it is still in the scene."""
        target = None if self.target is None else self.target.find(bpy.data.objects)
        return target if target is not None and target.name in context.scene.objects else None


def _mode(context: Context, target: ArmatureObject | None) -> str:
    return str(context.mode if target is None else target.mode)


@dataclass(frozen=True, eq=False)
class Preparation:
    """What an scene_job does before the worker gets the job. bundle: what the worker is to load.
    stage: where what it makes is shown meanwhile, None for nowhere."""

    reading: Reading
    bundle: LoadBundle | None = None
    stage: StageMaker | None = None


class SceneJob:
    """One job with its snapshot, until its result is in the scene."""

    shows_steps = False
    """What the worker makes is shown while it works: a person looks on."""

    def __init__(
        self,
        session: WorkerSession,
        job: Job,
        snapshot: SceneSnapshot,
        finish: Finish,
        preparation: Preparation | None = None,
    ) -> None:
        """preparation: for a job that was opened only, none for one that was sent."""
        self.job = job
        self.session = session
        self._snapshot = snapshot
        self._finish = finish
        self._preparation = preparation

    @property
    def reading(self) -> bool:
        """There is something to do at every tick: they should come quickly."""
        return self.job.state is State.READING

    def tick(self, context: Context) -> bool:
        """Go on a little, without blocking; True when it is over, one way or another."""
        if self.job.running and (change := self._snapshot.change(context)):
            self.session.cancel(change)
        if self.reading:
            self._read(context)
        self.session.tick()
        if self.job.running:
            return False
        if self.job.state is State.SUCCEEDED:
            self._deliver(context)
        if self.job.state is State.FAILED:
            self.session.fail(self.job.kind, self.job.sentence)
        return True

    def _read(self, context: Context) -> None:
        """Read on; when all is read, give the worker its job."""
        assert self._preparation is not None
        try:
            self.job.read = next(self._preparation.reading)
        except StopIteration as end:
            self.job.read = 1.0
            self._send(context, end.value)
        except MMMError as error:
            self.job.fail(FailureKind.BAD_REQUEST, str(error))
        except Exception as error:  # noqa: BLE001  # as in _deliver
            self.job.fail(FailureKind.BAD_REQUEST, f"The motion cannot be read ({said(error)}).")

    def _send(self, context: Context, message: JobMessage) -> None:
        assert self._preparation is not None
        make_stage = self._preparation.stage
        if self.shows_steps and make_stage is not None and isinstance(message, MotionMessage):
            with suppress(MMMError):  # then nothing is shown
                self.job.stage = make_stage(context, self._snapshot.find_target(context))
            message = replace(message, preview=self.job.stage is not None)
        with suppress(MMMError):  # the job has failed then, and says why
            self.session.send(self.job, message, self._preparation.bundle)

    def _deliver(self, context: Context) -> None:
        """Put the result into the scene, or have the job failed with the reason."""
        assert self.job.result is not None
        target = self._snapshot.find_target(context)
        try:
            with nothing_left_behind(context):
                sentence = self._finish(context, target, self.job.result)
        except MMMError as error:
            self.job.fail(FailureKind.BAD_REQUEST, str(error))
        except Exception as error:  # noqa: BLE001  # a process boundary: whatever Blender says
            self.session.keep(self.job)
            self.job.fail(FailureKind.BAD_REQUEST, undelivered(error))
        else:
            self.session.notice = Notice(sentence)


def undelivered(error: Exception) -> str:
    """That a result could not be put into the scene, in a sentence."""
    return (
        f"The motion could not be put into the scene ({said(error)}): nothing was changed, and "
        "the motion is kept; mend that and press again."
    )
