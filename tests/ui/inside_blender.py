"""Runs in the windowed Blender under test: answers what the tests ask, between two redraws.

    blender --python inside_blender.py -- FOLDER

A question is a Python file FOLDER/ask-N.py that leaves its answer in `answer`; it is written to
FOLDER/answer-N.json as either `value` or `error`. Events of mouse and keys that were there before
the question are handled before it is answered: from one look to the next, Blender handles all.
"""

import json
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import bpy as untyped_bpy

bpy: Any = untyped_bpy  # its attributes exist only in Blender

FOLDER = Path(sys.argv[sys.argv.index("--") + 1])
SECONDS_BETWEEN_LOOKS = 0.02


class Watch:
    """Longest time in which Blender came back to nobody: how long its window was frozen."""

    def __init__(self) -> None:
        self.last = time.monotonic()
        self.longest = 0.0

    def look(self) -> None:
        """Note the time since the last look."""
        now = time.monotonic()
        self.longest = max(self.longest, now - self.last)
        self.last = now

    def longest_freeze(self) -> float:
        """Seconds since this was last asked; begins anew."""
        longest, self.longest = self.longest, 0.0
        return longest


watch = Watch()
kept: dict[str, object] = {}
seen: list[Path] = []


def answer_questions() -> float:
    """Answer what was asked before the last look; returns when to look again, as Blender's timers
    want it."""
    watch.look()
    for question in seen:
        answer_question(question)
    seen[:] = sorted(FOLDER.glob("ask-*.py"))
    return 0.0 if seen else SECONDS_BETWEEN_LOOKS


def answer_question(question: Path) -> None:
    source = question.read_text(encoding="utf-8")
    question.unlink()
    try:
        names: dict[str, object] = {
            "bpy": bpy,
            "view": view_override,
            "region": view_region,
            "longest_freeze": watch.longest_freeze,
            "kept": kept,
        }
        exec(compile(source, question.name, "exec"), names)
        answer = {"value": names.get("answer")}
    except Exception:  # noqa: BLE001 - the test at the other end is shown whatever went wrong
        answer = {"error": traceback.format_exc()}
    name = question.stem.replace("ask", "answer")
    unfinished = FOLDER / f"{name}.part"
    unfinished.write_text(json.dumps(answer), encoding="utf-8")
    unfinished.rename(FOLDER / f"{name}.json")


def view_area(editor: str = "VIEW_3D") -> Any:
    """The largest area of an editor, the 3D view's if not said otherwise."""
    window = bpy.context.window_manager.windows[0]
    areas = [area for area in window.screen.areas if area.type == editor]
    return max(areas, key=lambda area: area.width * area.height)


def view_region(kind: str, editor: str = "VIEW_3D") -> Any:
    """A region of an editor: WINDOW, UI (the sidebar), HEADER..."""
    return next(region for region in view_area(editor).regions if region.type == kind)


def view_override(editor: str = "VIEW_3D") -> dict[str, object]:
    """Context of an editor, which operators called from a timer lack."""
    window = bpy.context.window_manager.windows[0]
    region = view_region("WINDOW", editor)
    return {"window": window, "area": view_area(editor), "region": region}


bpy.app.timers.register(answer_questions, persistent=True)
