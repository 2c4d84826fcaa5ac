"""What a panel draws of a job: progress, cancel, how it ended."""

from __future__ import annotations

from ...worker.protocol import OUT_OF_MEMORY
from ..bpy_types import Context
from ..widgets import BIG, Layout, draw_wrapped
from .session import Desk


def draw_progress(layout: Layout, the_desk: Desk) -> None:
    """How the job goes, and the button that ends it."""
    assert the_desk.job is not None
    row = layout.row(align=True)
    row.scale_y = BIG
    row.progress(factor=the_desk.job.fraction, text=the_desk.job.text(the_desk.clock()))
    row.operator("mmm.cancel", text="", icon="X")


def draw_notice(layout: Layout, context: Context, the_desk: Desk) -> None:
    """The last message."""
    notice = the_desk.notice
    if not notice.text:
        return
    box = layout.box()
    draw_wrapped(box, context, notice.text, icon="ERROR" if notice.is_error else "INFO")
    if notice.kind == OUT_OF_MEMORY:
        box.operator("mmm.generate_on_cpu")
