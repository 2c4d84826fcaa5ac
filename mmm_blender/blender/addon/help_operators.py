"""Manual and Report a Bug."""

import platform
from pathlib import Path
from typing import ClassVar

from ...common.atomic_files import make_folder, write_files
from ...common.errors import MMMError
from ...common.package import PACKAGE_FOLDER, package_version
from ..bpy_types import Context, bpy
from ..guards import one_sentence
from ..jobs.session import session
from ..widgets import can_run, shown
from .paths import user_folder

_PAGE = Path("manual") / "README.md"
_REPORT = "bug_report.txt"
_REPORT_TEXT = """\
MMM {version}, Blender {blender}, {system}
Device: {device}
Last message: {message}

What you did, what happened, what you expected:



Log:
{log}
"""


def manual_page() -> Path | None:
    """The first page of the manual: inside the installed extension, or in the checkout's docs."""
    pages = (PACKAGE_FOLDER / _PAGE, PACKAGE_FOLDER.parent / "docs" / _PAGE)
    return next((page for page in pages if page.is_file()), None)


def report_text() -> str:
    """What a report of a bug needs; nothing of the scene but the last message."""
    status = session.worker_status
    return _REPORT_TEXT.format(
        version=package_version(),
        blender=bpy.app.version_string,
        system=platform.platform(),
        device="not started" if status is None else status.device,
        message=session.notice.text or "none",
        log=session.client.log_tail if session.client is not None else "",
    )


class OpenManual(bpy.types.Operator):
    """Open the manual: a first session, takes, edits, loops, curves and timing"""

    bl_idname = "mmm.open_manual"
    bl_label = "Manual"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: Context) -> bool:
        """Greyed where a copy of the package alone has no manual."""
        return can_run(cls, "" if manual_page() else "This copy of the add-on has no manual.")

    @one_sentence
    def execute(self, _context: Context) -> set[str]:
        """In whatever shows such files."""
        bpy.ops.wm.path_open(filepath=str(manual_page()))
        return {"FINISHED"}


class ReportBug(bpy.types.Operator):
    """Write versions, the last message and the log to a text file and open it, to be sent"""

    bl_idname = "mmm.report_bug"
    bl_label = "Report a Bug"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @one_sentence
    def execute(self, context: Context) -> set[str]:
        """Into the user's folder and the clipboard; without a window the file is all."""
        path, text = user_folder() / _REPORT, report_text()
        try:
            make_folder(path.parent)
            write_files({path: text.encode()})
        except MMMError as error:
            self.report({"ERROR"}, shown(str(error)))
            return {"CANCELLED"}
        if not bpy.app.background:
            context.window_manager.clipboard = shown(text)
            bpy.ops.wm.path_open(filepath=str(path))
        self.report({"INFO"}, shown(f"The report is in {path} and in the clipboard."))
        return {"FINISHED"}


_CLASSES = (OpenManual, ReportBug)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
