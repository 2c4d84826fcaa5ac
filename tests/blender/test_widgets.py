"""Every reason that greys a button goes through one function, which makes it showable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmm_blender.blender import widgets

PACKAGE = Path(widgets.__file__).resolve().parents[1]


class Operator:
    said = ""

    @classmethod
    def poll_message_set(cls, text: str) -> None:
        cls.said = text


def test_a_reason_greys_the_button_and_can_be_shown() -> None:
    operator: Any = Operator
    assert widgets.can_run(operator, "") and operator.said == ""
    assert not widgets.can_run(operator, "The bone '\ud800' is gone.")
    assert operator.said.encode("utf-8") and "is gone." in operator.said


def test_nobody_else_sets_a_poll_message() -> None:
    users = [
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if "poll_message_set" in path.read_text(encoding="utf-8")
    ]
    assert users == ["blender/widgets.py"]
