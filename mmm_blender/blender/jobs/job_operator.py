"""What operators that wait for the worker share: modal from a button, blocking in a script.

Both ways drive the same ``SceneJob``. A Blender without a window has no events, so there an invoked
operator runs to its end too.
"""

from __future__ import annotations

import time
from typing import Any, ClassVar

from ...common.errors import MMMError
from ...worker.protocol import WorkerError
from ..bpy_types import Context, Event, Timer, bpy
from ..guards import one_sentence
from ..widgets import redraw, shown
from .scene_job import SceneJob
from .session import MAIN_PANEL, State, session

TICK_SECONDS = 0.05
READING_TICK_SECONDS = 0.01
"""Between two beats of the timer; while the scene is read, the operator itself has work."""
_SLEEP_SECONDS = 0.01
_FULL_BAR = 100


class JobOperator:
    """Base of such operators, beside ``bpy.types.Operator``. They say what to start."""

    panel: ClassVar[str] = MAIN_PANEL
    """Where the button stands, and the panel that says how the job ended."""

    report: Any
    _scene_job: SceneJob | None = None
    _timer: Timer | None = None

    def start(self, context: Context) -> SceneJob:
        """Send the job. Raises MMMError, with nothing changed."""
        raise NotImplementedError

    def begin(self, context: Context) -> SceneJob:
        """Send the job, or the first of several."""
        return self.start(context)

    def asked_prompt(self, _context: Context) -> str:
        """What the job is about, in the person's words; "" where there are none."""
        return ""

    @one_sentence
    def execute(self, context: Context) -> set[str]:
        """From a script: wait for the end."""
        if not self._begin(context):
            return {"CANCELLED"}
        assert self._scene_job is not None
        run_to_end(context, self._scene_job)
        return self._outcome()

    @one_sentence
    def invoke(self, context: Context, _event: Event) -> set[str]:
        """From a button: go on beside the user's work."""
        if bpy.app.background:
            return self.execute(context)
        if not self._begin(context):
            return {"CANCELLED"}
        assert self._scene_job is not None
        self._scene_job.shows_steps = shows_steps(context)
        self._set_timer(context)
        context.window_manager.modal_handler_add(self)
        redraw()
        return {"RUNNING_MODAL"}

    def modal(self, context: Context, event: Event) -> set[str]:
        """A timer's beat, or an event that is not ours: but Esc cancels, and Shift Esc keeps what
        there is."""
        assert self._scene_job is not None
        if event.type == "ESC" and event.value == "PRESS":
            if getattr(event, "shift", False):
                session.finish_now()
            else:
                session.cancel()
        elif event.type != "TIMER":
            return {"PASS_THROUGH"}
        over = True  # also if the tick raises: Blender ends the operator then
        was_reading = self._scene_job.reading
        try:
            over = self._scene_job.tick(context)
        finally:
            redraw()
            if over:
                self.cancel(context)
        if was_reading and not self._scene_job.reading and not over:
            self._set_timer(context)
        return self._outcome() if over else {"PASS_THROUGH"}

    def cancel(self, context: Context) -> None:
        """The end: of the job, or Blender's will, for instance because another file is loaded."""
        session.cancel()
        self._remove_timer(context)

    def _begin(self, context: Context) -> bool:
        region = context.region
        beside = region is not None and region.type == "UI"
        try:
            self._scene_job = self.begin(context)
            session.panel = self.panel if beside else MAIN_PANEL
            session.prompt = self.asked_prompt(context)
        except MMMError as error:
            session.fail(error.kind if isinstance(error, WorkerError) else None, str(error))
            self.report({"ERROR"}, shown(str(error)))
            return False
        return True

    def _outcome(self) -> set[str]:
        assert self._scene_job is not None
        job = self._scene_job.job
        if job.state is State.FAILED:
            self.report({"ERROR"}, shown(job.sentence))
            return {"CANCELLED"}
        self.report({"INFO"}, shown(session.notice.text))
        return {"FINISHED"} if job.state is State.SUCCEEDED else {"CANCELLED"}

    def _set_timer(self, context: Context) -> None:
        assert self._scene_job is not None
        self._remove_timer(context)
        self._timer = context.window_manager.event_timer_add(
            READING_TICK_SECONDS if self._scene_job.reading else TICK_SECONDS, window=context.window
        )

    def _remove_timer(self, context: Context) -> None:
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)
        self._timer = None


def shows_steps(context: Context) -> bool:
    """What is made is to be shown while it is; a script is not asked."""
    settings = getattr(context.scene, "mmm", None)
    return settings is not None and bool(settings.show_steps)


def run_to_end(context: Context, scene_job: SceneJob) -> None:
    """Tick until it is over. A keyboard interrupt cancels the job before it goes on its way."""
    manager = context.window_manager
    manager.progress_begin(0, _FULL_BAR)
    try:
        while not scene_job.tick(context):
            manager.progress_update(int(scene_job.job.fraction * _FULL_BAR))
            if not scene_job.reading:
                time.sleep(_SLEEP_SECONDS)
    finally:
        scene_job.session.cancel()
        manager.progress_end()
