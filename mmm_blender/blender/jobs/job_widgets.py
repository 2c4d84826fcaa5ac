"""What a panel draws of a job: progress, cancel, how it ended."""

from __future__ import annotations

from ...worker.protocol import FailureKind
from ..bpy_types import Context
from ..widgets import BIG, Layout, draw_wrapped
from .session import WorkerSession


def draw_progress(layout: Layout, the_session: WorkerSession) -> None:
    """How the job goes, and the button that ends it."""
    assert the_session.job is not None
    row = layout.row(align=True)
    row.scale_y = BIG
    row.progress(factor=the_session.job.fraction, text=the_session.job.text(the_session.clock()))
    row.operator("mmm.cancel", text="", icon="X")


def draw_notice(layout: Layout, context: Context, the_session: WorkerSession) -> None:
    """The last message."""
    notice = the_session.notice
    if not notice.text:
        return
    box = layout.box()
    draw_wrapped(box, context, notice.text, icon="ERROR" if notice.is_error else "INFO")
    if notice.kind == FailureKind.OUT_OF_MEMORY:
        box.operator("mmm.generate_on_cpu")
    if notice.kind in (FailureKind.INTERNAL, FailureKind.WORKER_ENDED):
        box.operator("mmm.open_worker_log", icon="TEXT")
