"""One module knows how Blender's versions keep the curves of an Action."""

from __future__ import annotations

import re
from pathlib import Path

import mmm_blender

PACKAGE = Path(mmm_blender.__file__).resolve().parent
THE_ONE = PACKAGE / "blender" / "fcurves" / "layered_actions.py"
_SLOTS = re.compile(
    r"\.(slots|channelbags?|action_slot|last_slot_identifier)\b|action\.layers|HAS_SLOTS|action_slot\""
)


def test_nothing_else_touches_slots_layers_and_channelbags() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{number}: {line.strip()}"
        for folder in ("blender", "batch")
        for path in sorted((PACKAGE / folder).rglob("*.py"))
        if path != THE_ONE
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if _SLOTS.search(line)
    ]
    assert found == []
    assert _SLOTS.search(THE_ONE.read_text(encoding="utf-8"))
