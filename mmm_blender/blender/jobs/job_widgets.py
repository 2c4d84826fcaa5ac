"""What a panel draws of a job: progress, cancel, how it ended."""

from __future__ import annotations

from ...worker.protocol import FailureKind
from ..bpy_types import Context
from ..widgets import BIG, Layout, draw_wrapped
from .session import State, WorkerSession


def draw_progress(layout: Layout, the_session: WorkerSession) -> None:
    """How the job goes, and the button that ends it."""
    assert the_session.job is not None
    row = layout.row(align=True)
    row.scale_y = BIG
    row.progress(factor=the_session.job.fraction, text=the_session.job.text(the_session.clock()))
    if the_session.job.state is State.GENERATING:
        row.operator("mmm.finish_now", text="", icon="CHECKMARK")
    row.operator("mmm.cancel", text="", icon="X")


def draw_notice(
    layout: Layout, context: Context, the_session: WorkerSession, panel: str = "", width: int = 0
) -> None:
    """The last message, with the prompt that it is about. panel: one that shows its own only; the
    main one shows those of no panel too. width: of a menu, in pixels at a scale of 1, else 0."""
    notice = the_session.notice
    if not notice.text or panel not in ("", the_session.panel):
        return
    in_menu = width > 0
    box = layout if in_menu else layout.box()
    if the_session.prompt:
        draw_wrapped(
            box, context, f"\u201c{the_session.prompt}\u201d", width=width, in_menu=in_menu
        )
    icon = "ERROR" if notice.is_error else "INFO"
    draw_wrapped(box, context, notice.text, icon=icon, width=width, in_menu=in_menu)
    if notice.kind in (FailureKind.OUT_OF_MEMORY, FailureKind.DEVICE):
        box.operator("mmm.generate_on_cpu")
    if notice.kind in (FailureKind.INTERNAL, FailureKind.WORKER_ENDED):
        box.operator("mmm.open_worker_log", icon="TEXT")
