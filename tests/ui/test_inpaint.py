"""A range of a motion is regenerated from keys that were selected in the dope sheet, by mouse."""

from collections.abc import Iterator

import pytest

from tests.ui import key_editor
from tests.ui.jobs import begin_job, hold_worker, is_busy, notice
from tests.ui.key_editor import (
    FIRST,
    LAST,
    RAW,
    by_curve,
    press_inpaint,
    regenerate,
    select_keys,
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
    before = motion.ask(RAW)

    regenerate(motion)
    motion.screenshot("inpaint_after.png")
    after = motion.ask(RAW)
    old, new = by_curve(before), by_curve(after)
    assert new.keys() == old.keys()
    for curve, keys in old.items():
        outside = {frame: key for frame, key in keys.items() if not FIRST <= frame <= LAST}
        assert {f: key for f, key in new[curve].items() if not FIRST <= f <= LAST} == outside
    assert any(new[curve] != keys for curve, keys in old.items())

    motion.press_until(
        lambda: motion.key_in_view("ctrl+z"), lambda: motion.ask(RAW) == before, "the keys before"
    )


def test_escape_leaves_the_motion_as_it_was(motion: Rig) -> None:
    select_keys(motion)
    before = motion.ask(RAW)
    hold_worker(motion)
    begin_job(motion, lambda: press_inpaint(motion))
    assert is_busy(motion)
    motion.screenshot("inpaint_during.png")
    motion.press_until(lambda: motion.key("Escape"), lambda: not is_busy(motion), "the job's end")
    assert "Cancelled" in notice(motion)
    assert motion.ask(RAW) == before
