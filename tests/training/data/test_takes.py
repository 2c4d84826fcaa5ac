"""Which files are takes: rows of the tables, and sets that never mix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mmm_blender.training.data import preparation
from mmm_blender.training.data.captions import lacking_words, wording_of
from mmm_blender.training.data.motion_file import ClipRecord
from mmm_blender.training.data.preparation import SETS, SOURCES, Gathered, Wanted, collect, gather
from mmm_blender.training.data.tables import read_table
from mmm_blender.training.data.takes import (
    CMU_TABLE,
    MORE_TABLE,
    Take,
    absent_checkouts,
    cmu_name,
    listed_takes,
)
from tests.training.captured_files import amc_text, asf_text, write_skillmimic
from tests.training.data.test_asf_amc import UNIT, frames_of_bones
from tests.training.synthetic import RIG, as_source, signed_axes, walk_on_the_spot

COLUMNS = ("source", "repo", "path", "fps", "content", "label", "reject", "same_as")
MORE = read_table(MORE_TABLE, COLUMNS)


def test_the_two_sets_never_mix_terms() -> None:
    assert "hdm05" not in SETS["starter"]  # share-alike
    assert "bandai" not in SETS["open"]  # not for commercial use
    assert {name for names in SETS.values() for name in names} < set(SOURCES)


def test_every_row_of_the_table_has_words_and_a_source() -> None:
    assert len(MORE) == 506
    for row in MORE:
        assert row["source"] in SOURCES
        assert float(row["fps"]) > 0
        if row["source"] == "cmu":
            known = ClipRecord("n", "t", "cmu", "cmu", "", row["label"], 1)
            assert not wording_of(known).phrases[0][0].startswith("does ")
        else:
            assert not lacking_words(row["content"], "normal"), row


def test_a_capture_that_two_repositories_have_is_named_by_its_table_row() -> None:
    paths = {row["path"] for row in read_table(CMU_TABLE, ("path",))}
    again = [row["same_as"] for row in MORE if row["same_as"]]
    assert len(again) > 30
    assert set(again) <= paths
    assert len(set(again)) == len(again)


TABLE = """source,repo,path,fps,content,label,reject,same_as
hdm05,someone/Captures,a/HDM_xx_squat_001_120.amc,120,squat,,,
hdm05,someone/Captures,a/HDM_xx_squat_002_120.amc,120,squat,,a joint flips,
hdm05,someone/Captures,a/HDM_xx_squat_003_120.amc,120,squat,,,
skillmimic,someone/Captures,b/pick.pt,60,pick-up-ball,,,
hdm05,someone/Absent,a.amc,120,squat,,,
"""


def write_checkout(sources: Path) -> Path:
    axes = frames_of_bones(0)
    folder = sources / "Captures" / "a"
    folder.mkdir(parents=True)
    (folder / "HDM_xx.asf").write_text(asf_text(axes, UNIT), encoding="utf-8")
    text = amc_text(walk_on_the_spot(240), axes, UNIT)
    (folder / "HDM_xx_squat_001_120.amc").write_text(text, encoding="utf-8")
    write_skillmimic(sources / "Captures" / "b" / "pick.pt", walk_on_the_spot(180))
    table = sources / "table.csv"
    table.write_text(TABLE, encoding="utf-8")
    return table


def test_rows_of_one_source(tmp_path: Path) -> None:
    table, rejected = write_checkout(tmp_path), dict[str, str]()
    [squat] = listed_takes(tmp_path, rejected, "hdm05", table)
    assert (squat.source, squat.content, squat.style) == ("hdm05", "squat", "normal")
    assert (squat.read().frames, squat.read().fps) == (240, 120.0)
    name = "hdm05_Captures_a_HDM_xx_squat"
    assert rejected == {
        f"{name}_002_120": "a joint flips",
        f"{name}_003_120": "table.csv names it, but it is not in the checkout",
    }
    [pick] = listed_takes(tmp_path, rejected, "skillmimic", table)
    assert (pick.content, pick.rig.name) == ("pick-up-ball", "skillmimic")


def test_a_set_without_any_checkout_names_them_all(tmp_path: Path) -> None:
    assert absent_checkouts(tmp_path, ["hdm05"]) == ["JointLearning-HDM05"]
    assert "SkillMimic" in absent_checkouts(tmp_path, SETS["open"])
    assert "Bandai-Namco-Research-Motiondataset" not in absent_checkouts(tmp_path, SETS["open"])
    with pytest.raises(preparation.MMMError, match="nothing was written"):
        collect(Wanted(tmp_path, SETS["open"]))


def take(name: str, frames: int = 60, flip_at: int | None = None, **more: object) -> Take:
    """A take of the made-up rig; one joint flips in a frame."""
    clip = walk_on_the_spot(frames)
    if flip_at is not None:
        clip.rotations_TJ4[flip_at:, 15] = [0.0, 0.0, 1.0, 0.0]
    source = as_source(clip, signed_axes(np.random.default_rng(0)), 1.0)
    return Take(name, "cmu", "cmu", "", "walk", lambda: source, RIG, **more)  # pyright: ignore[reportArgumentType]


def gathered(*takes: Take) -> Gathered:
    into = Gathered()
    gather(RIG, takes, into)
    return into


def test_another_file_of_a_capture_serves_only_where_the_first_is_bad() -> None:
    good, bad = take("a"), take("a", flip_at=30)
    again = take("b", same_as="a")
    assert [record.take for record in gathered(good, again).records] == ["a"]
    assert gathered(good, again).rejected == {"b": "another file of the same capture serves"}
    assert [record.take for record in gathered(bad, again).records] == ["b"]
    name = cmu_name("CMU-MoCap-01-09", "02/02_01.bvh")
    assert name == "cmu_CMU-MoCap-01-09_02_02_01"


def test_a_bad_moment_costs_a_piece_of_a_long_take() -> None:
    long = 5 * preparation.MAX_FRAMES
    whole = gathered(take("a", long, flip_at=10))
    assert not whole.records
    assert "turns more than" in whole.rejected["a"]
    cut = gathered(take("a", long, flip_at=10, by_piece=True))
    assert [record.name for record in cut.records] == [f"a#{n}" for n in (1, 2, 3, 4)]
    few = gathered(take("a", long, flip_at=10, by_piece=True, most_pieces=2))
    assert [record.name for record in few.records] == ["a#2", "a#4"]


def test_pieces_are_spread() -> None:
    assert preparation.spread(10, 2) == [2, 7]
    assert preparation.spread(3, 0) == [0, 1, 2]
    assert preparation.spread(2, 5) == [0, 1]
