"""A range of a motion is regenerated from keys that were selected in the dope sheet, by mouse."""

import time
from collections.abc import Iterator

import pytest

from tests.ui import key_editor
from tests.ui.key_editor import (
    FIRST,
    JOBS,
    LAST,
    RAW,
    SELECTED,
    by_curve,
    press_inpaint,
    select_keys,
    wait_for_job,
)
from tests.ui.rig import Rig


@pytest.fixture
def motion(rig: Rig) -> Iterator[Rig]:
    """A generated walk, its keys in a dope sheet below the 3D view, nothing selected."""
    key_editor.open_motion(rig, "DOPESHEET")
    yield rig
    key_editor.close_motion(rig)


def test_selected_keys_are_regenerated_and_one_undo_takes_it_back(motion: Rig) -> None:
    select_keys(motion)
    motion.screenshot("inpaint_before.png")
    assert motion.ask(SELECTED) == [FIRST, LAST]
    before = motion.ask(RAW)

    press_inpaint(motion)
    motion.screenshot("inpaint_during.png")
    wait_for_job(motion)
    motion.settle()
    motion.screenshot("inpaint_after.png")
    after = motion.ask(RAW)
    old, new = by_curve(before), by_curve(after)
    assert new.keys() == old.keys()
    for curve, keys in old.items():
        outside = {frame: key for frame, key in keys.items() if not FIRST <= frame <= LAST}
        assert {f: key for f, key in new[curve].items() if not FIRST <= f <= LAST} == outside
    assert any(new[curve] != keys for curve, keys in old.items())

    left, top, right, bottom = motion.region("WINDOW")
    motion.move((left + right) // 2, (top + bottom) // 2)
    motion.key("ctrl+z")
    assert motion.ask(RAW) == before


def test_escape_leaves_the_motion_as_it_was(motion: Rig) -> None:
    select_keys(motion)
    before = motion.ask(RAW)
    press_inpaint(motion)
    motion.key("Escape")
    wait_for_job(motion)
    time.sleep(1.0)
    found = motion.ask(JOBS + "answer = jobs.session.notice.text")
    if "Cancelled" in found:  # else the job was faster than the key
        assert motion.ask(RAW) == before
