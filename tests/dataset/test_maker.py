"""Shards through the real pipeline, in this process."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmm_blender.common.errors import MMMError
from mmm_blender.common.package import package_version
from mmm_blender.dataset.command import read_bundle
from mmm_blender.dataset.figures import Filters
from mmm_blender.dataset.maker import Maker, check_package, code_digest
from mmm_blender.dataset.shards import ShardTask, StoredClip, read_note, read_shard
from mmm_blender.dataset.wanted import WantedClip
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.training.data.motion_file import ClipRecord, save_motions
from tests.dataset.conftest import settings_of, wanted

EVALUATOR = Path(__file__).resolve().parents[2] / "weights" / "evaluator"


@pytest.fixture(scope="module")
def maker(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Maker:
    shards = tmp_path_factory.mktemp("shards")
    return Maker(settings_of(tiny_bundle, read_bundle(tiny_bundle)[1], shards))


def make(maker: Maker, clips: Sequence[WantedClip]) -> dict[str, StoredClip]:
    done = maker.make(ShardTask.of(clips, maker.settings.bundle_hash))
    path = Path(maker.settings.shards) / f"{done.name}.parquet"
    return {clip.name: clip for clip in read_shard(path)}


def test_rows_do_not_hang_on_their_neighbours_or_their_order(maker: Maker) -> None:
    clips = [wanted(line, seconds=1 + line % 3) for line in range(2, 14)]
    together = make(maker, clips)
    random.Random(1).shuffle(clips)
    apart = make(maker, clips[:5]) | make(maker, clips[5:])
    assert together.keys() == apart.keys()
    for name, clip in together.items():
        np.testing.assert_array_equal(clip.tokens_LP, apart[name].tokens_LP)
        np.testing.assert_array_equal(clip.rotations_TJ4, apart[name].rotations_TJ4)
        assert clip.figures == apart[name].figures
    assert {clip.rotations_TJ4.shape for clip in together.values()} == {
        (20 * seconds, 22, 4) for seconds in (1, 2, 3)
    }


def test_a_row_that_the_model_cannot_make_fails_alone(maker: Maker) -> None:
    several = Maker(replace(maker.settings, batch=8))
    clips = [wanted(2), replace(wanted(3), seconds=99.0), wanted(4, prompt="x" * 3000)]
    done = several.make(ShardTask.of(clips, maker.settings.bundle_hash))
    assert done.made == 1
    assert {failure.line for failure in done.failures} == {3, 4}
    assert any("9.8 seconds" in failure.sentence for failure in done.failures)


def test_only_what_passes_is_stored_and_the_rest_is_remembered(
    needs_torch: None, maker: Maker
) -> None:
    """With the repository's own judge of prompts; what it says of random motions only varies."""
    clips = [wanted(line) for line in range(2, 10)]
    judging = replace(maker.settings, evaluator=str(EVALUATOR), formats=("npz",))
    seen = [clip.figures["text_similarity"] for clip in make(Maker(judging), clips).values()]
    assert all(-1 <= cosine <= 1 for cosine in seen)
    middle = float(np.median(seen))
    picky = Maker(replace(judging, filters={"min_similarity": middle}))
    task = ShardTask.of(clips, maker.settings.bundle_hash)
    done = picky.make(task)
    assert (done.made, done.rejected) == (4, 4)
    path = Path(maker.settings.shards) / f"{task.name}.parquet"
    note = read_note(path)
    assert all("it is like its prompt by" in entry.reason for entry in note.rejected)
    assert note.tar == path.with_suffix(".tar").stat().st_size
    assert min(clip.figures["text_similarity"] for clip in read_shard(path)) >= middle


def test_copies_of_a_training_set_are_found(maker: Maker, tmp_path: Path) -> None:
    clips = [wanted(line, seconds=2.4) for line in (2, 3)]  # the judge looks from frame 4 on
    made = make(maker, clips)
    known = MotionClip(
        made["clip2"].rotations_TJ4.astype(float), made["clip2"].root_T3.astype(float)
    )
    record = ClipRecord("a", "a", "cmu", "cmu", "", "walk", known.frames)
    save_motions(tmp_path / "set.npz", [record], [known])
    settings = replace(
        maker.settings,
        training_set=str(tmp_path / "set.npz"),
        filters={"min_copy_distance": 5.0},
    )
    done = Maker(settings).make(ShardTask.of(clips, maker.settings.bundle_hash))
    assert (done.made, done.rejected) == (1, 1)
    assert done.sums["copy_distance_mm"][0] > 5.0


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ({"foot_slide_cm_s": 2.0, "text_similarity": 0.9, "copy_distance_mm": 50.0}, ""),
        ({"text_similarity": 0.9}, ""),
        ({"foot_slide_cm_s": 4.0, "text_similarity": 0.9}, "slide by 4.00 cm/s, more than 3"),
        ({"text_similarity": 0.1}, "like its prompt by 0.100, less than 0.5"),
        ({"text_similarity": 0.9, "copy_distance_mm": 9.0}, "9.0 mm from a training clip"),
    ],
)
def test_filters_say_why_a_clip_does_not_pass(figures: dict[str, float], words: str) -> None:
    reason = Filters(max_foot_slide=3.0, min_similarity=0.5, min_copy_distance=20.0).reason(figures)
    assert (words in reason) if words else not reason


def test_another_bundle_or_another_package_is_refused(maker: Maker) -> None:
    with pytest.raises(MMMError, match=r"is another one .* copy that one there"):
        Maker(replace(maker.settings, bundle_hash="cd" * 32))
    check_package(package_version(), code_digest())
    with pytest.raises(MMMError, match="it has another version of MMM"):
        check_package("0.0.1", code_digest())
