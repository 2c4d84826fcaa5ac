"""What operators share that change the scene at once, without the worker: try, say, draw again."""

from __future__ import annotations

from typing import Any, ClassVar

from ...common.errors import MMMError
from ..bpy_types import Context
from ..guards import one_sentence
from ..widgets import redraw, shown


class ChangeOperator:
    """Base of such operators, beside ``bpy.types.Operator``. They say what to change."""

    bl_options: ClassVar[set[str]] = {"UNDO"}

    report: Any

    def change(self, context: Context) -> str:
        """Do it; the sentence that says so, "" for none. Raises MMMError, with nothing changed."""
        raise NotImplementedError

    @one_sentence
    def execute(self, context: Context) -> set[str]:
        """An error is said, and is no step of undo."""
        try:
            sentence = self.change(context)
        except MMMError as error:
            self.report({"ERROR"}, shown(str(error)))
            return {"CANCELLED"}
        if sentence:
            self.report({"INFO"}, shown(sentence))
        redraw()
        return {"FINISHED"}
