from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.editing.edit_mask import EditMask
from mmm_blender.motion.features.smpl import encode_clip
from mmm_blender.training.data.dataset import Example
from mmm_blender.training.evaluation import field_table
from mmm_blender.training.evaluation.copying import PIECE_FRAMES, nearest_distances, query_of
from mmm_blender.training.evaluation.editing_figures import (
    TASKS,
    Task,
    moves,
    seam_jump,
    sequence_figures,
    slerp,
    task_figures,
)
from mmm_blender.training.evaluation.field_table import FID, R1, R3, Fillers, Judged
from mmm_blender.training.evaluation.goals import NOT_MEASURED, Goal, markdown
from mmm_blender.training.evaluation.held_out import MIN_FRAMES, Origin, Window, make_windows
from mmm_blender.training.evaluation.judging import (
    BATCH,
    generate_all,
    nearest_by_text,
    quick_scores,
    requests_of,
)
from tests.training import judges

SHARE = 3 / 32


def windows(count: int = 168, seed: int = 0) -> list[Window]:
    return make_windows(*judges.material(), count, seed)


def by_label(found: Sequence[Origin], spread: float, seed: int = 0) -> FloatArray:
    """Embeddings that lie around a point of their own for every label."""
    labels = sorted({window.label for window in found})
    centres = np.random.default_rng(99).normal(size=(len(labels), 6))
    noise = np.random.default_rng(seed).normal(size=(len(found), 6))
    return np.stack([centres[labels.index(w.label)] for w in found]) + spread * noise


def judged(found: list[Window], spread: float = 0.01) -> Judged:
    more = windows(2 * len(found), 1)
    return Judged(
        found, by_label(found, 0), by_label(found, spread), more, by_label(more, spread, 5),
    )  # fmt: skip


def test_windows_are_whole_tokens_of_every_clip_in_turn() -> None:
    found = windows(200)
    records, clips = judges.material()
    assert {window.name for window in found} == {record.name for record in records}
    names = [window.name for window in found]
    assert max(names.count(name) for name in names) <= 3
    lengths = {record.name: clip.frames for record, clip in zip(records, clips, strict=True)}
    for window in found:
        assert window.clip.frames % 4 == 0
        assert MIN_FRAMES <= window.clip.frames <= lengths[window.name]


def test_windows_repeat_with_the_seed() -> None:
    first, again, other = windows(90), windows(90), windows(90, 4)
    assert [w.text for w in first] == [w.text for w in again]
    assert [w.clip.frames for w in first] == [w.clip.frames for w in again]
    assert [w.text for w in first] != [w.text for w in other]


def test_a_sentence_means_one_label() -> None:
    meanings: dict[str, set[object]] = {}
    for window in windows(200):
        meanings.setdefault(window.text, set()).add(window.label)
    assert all(len(labels) == 1 for labels in meanings.values())


def test_a_good_judge_is_right_and_shuffled_text_is_at_chance() -> None:
    test = judged(windows())
    figures = field_table.figures_of(test, test.real_NE, 0)
    assert figures[R1].mean > 0.98
    assert figures[FID].mean == pytest.approx(0, abs=1e-9)
    shuffled = field_table.r_figures(test, test.real_NE, 0, shuffled=True)
    assert shuffled[R3].mean == pytest.approx(SHARE, abs=0.03)


def test_motions_that_miss_their_label_are_found_out() -> None:
    test = judged(windows())
    worse = field_table.figures_of(test, by_label(list(test.windows), 1.5, 3), 0)
    assert worse[R1].mean < 0.7
    assert worse[FID].mean > 0.1
    assert worse[R1].half > 0


def test_figures_repeat_with_the_seed() -> None:
    test = judged(windows())
    first, again, other = (field_table.figures_of(test, test.real_NE, s) for s in (0, 0, 1))
    assert first == again
    assert first != other
    assert field_table.real_halves(test, 0) == field_table.real_halves(test, 0)


def test_few_labels_are_ranked_among_those_of_another_set() -> None:
    few = [window for window in windows() if window.label[0] == "walk"]
    small, others = judged(few), judged(windows())
    same = np.ones((len(few), 6))
    alone = field_table.r_figures(small, small.real_NE, 0)
    filled = field_table.r_figures(small, small.real_NE, 0, Fillers(others, others.real_NE))
    assert len(set(small.labels)) == 7
    assert alone[R3].mean == filled[R3].mean == pytest.approx(1)
    shuffled = field_table.r_figures(
        small, small.real_NE, 0, Fillers(others, others.real_NE), shuffled=True
    )
    assert shuffled[R3].mean == pytest.approx(SHARE, abs=0.04)
    lost = field_table.r_figures(small, same, 0, Fillers(others, others.real_NE))
    assert lost[R3].mean == 0


def test_variety_is_between_clips_of_a_label() -> None:
    found = windows()
    spread = [
        field_table.modality(found, by_label(found, width), np.random.default_rng(0))
        for width in (0.0, 0.1, 0.2)
    ]
    assert spread[0] == 0
    assert spread[2] == pytest.approx(2 * spread[1])
    # pieces of one clip do not count: two points a clip, the same for every piece of it
    names = [window.name for window in found]
    rows = np.array([[float(name.rsplit("-", 1)[1])] for name in names])
    assert field_table.modality(found, rows, np.random.default_rng(0)) == pytest.approx(1)


def test_generation_is_in_order_and_in_small_batches() -> None:
    actor, found = judges.Actor(), windows(40)
    clips = generate_all(actor, requests_of(found, 7))
    assert max(actor.batches) <= BATCH
    assert [clip.frames for clip in clips] == [window.clip.frames for window in found]
    alone = actor.generate_batch([requests_of(found, 7)[5]])[0].clip
    assert np.array_equal(alone.rotations_TJ4, clips[5].rotations_TJ4)


def examples() -> list[Example]:
    records, clips = judges.material()
    return [
        Example(record, False, encode_clip(clip).astype(np.float32))
        for record, clip in zip(records, clips, strict=True)
    ]


def test_quick_scores_repeat() -> None:
    first, again = (quick_scores(judges.Actor(), judges.judge(), examples(), 0) for _ in range(2))
    assert first == again
    assert set(first) == {"fid", "r3"}
    assert 0 <= first["r3"] <= 1 and first["fid"] > 0


def test_the_nearest_clip_by_text_is_that_of_the_nearest_sentence() -> None:
    judge, known = judges.judge(), examples()[:6]
    texts = judge.embed_text(["walk", "run", "bow"])
    near = nearest_by_text(judge, texts, known, 0)
    assert near.shape == (3,)
    assert set(near.tolist()) <= set(range(6))


def test_a_copy_lies_at_nothing_from_its_source_and_so_does_its_mirror() -> None:
    clips = [judges.clip(at, PIECE_FRAMES) for at in range(4)]
    queries = [query_of(clip) for clip in (clips[2], clips[1].mirrored(), judges.clip(50, 44))]
    corpus = [encode_clip(clip) for clip in clips]
    found = nearest_distances([q for q in queries if q is not None], corpus)
    assert found[:2] == pytest.approx(0, abs=1.5)  # millimetres, in float32
    assert found[2] > 10
    assert query_of(judges.clip(0, PIECE_FRAMES - 1)) is None


def test_the_distance_is_in_millimetres_a_joint() -> None:
    source = encode_clip(judges.clip(0, PIECE_FRAMES)).astype(np.float32)
    query = query_of(judges.clip(0, PIECE_FRAMES))
    assert query is not None
    assert nearest_distances([query + np.float32(0.1)], [source])[0] == pytest.approx(
        100 * 3**0.5, rel=1e-3
    )


def keep(clip: MotionClip, mask: EditMask, prompt: str, seed: int) -> MotionClip:
    """The editor that changes nothing."""
    del mask, prompt, seed
    return clip


def test_edits_are_judged_beside_slerp() -> None:
    found = [w for w in windows(60) if w.clip.frames >= 40]
    task = TASKS["in-between: the middle half"]
    same = task_figures(task, found, slerp, judges.judge(), 0)
    assert same["FID / slerp"] == pytest.approx(1)
    assert same["edits"] == len(found)
    perfect = task_figures(task, found, keep, judges.judge(), 0)
    assert perfect["FID"] == pytest.approx(0, abs=1e-9)
    assert perfect["seam jump, cm"] == perfect["seam jump real, cm"]


def test_who_gets_somewhere_in_the_masked_frames_moves() -> None:
    clip, mask = judges.clip(0, 40), Task(0.25, 0.75).mask(40)
    still = clip.replace(root_T3=np.repeat(clip.root_T3[:1], 40, axis=0))
    ahead_T3 = np.outer(np.linspace(0.0, 2.0, 40), [0.0, 0.0, 1.0])
    assert not moves(still, mask)
    assert moves(still.replace(root_T3=still.root_T3 + ahead_T3), mask)


def test_a_jump_at_a_seam_is_seen_and_one_elsewhere_is_not() -> None:
    clip, mask = judges.clip(0, 40), Task(0.25, 0.75).mask(40)

    def shifted(frame: int) -> float:
        root = clip.root_T3.copy()
        root[frame:] += [0.0, 0.0, 0.1]
        return seam_jump(clip.replace(root_T3=root), mask) - seam_jump(clip, mask)

    assert shifted(10) > 4
    assert shifted(30) > 4
    assert shifted(20) == pytest.approx(0)


def test_jerk_at_the_borders_of_a_sequence() -> None:
    clip = judges.clip(0, 120)
    root = clip.root_T3.copy()
    root[60:] += [0.0, 0.0, 0.3]
    broken = sequence_figures(clip.replace(root_T3=root), [60])
    assert broken["ratio"] > 3
    assert sequence_figures(clip, [60])["ratio"] < 3


def test_goals_tell_met_missed_and_not_measured() -> None:
    assert Goal("a", 0.5, least=0.4).verdict == "met"
    assert Goal("a", 0.5, most=0.4).verdict == "**missed**"
    assert Goal("a", 1.4, 0.7, 1.3).row == ["a", "0.7 to 1.3", "1.4", "**missed**", ""]
    assert Goal("a", NOT_MEASURED, least=1).verdict == "not measured"
    assert markdown(["x", "y"], [[1, 2]]) == "| x | y |\n| --- | --- |\n| 1 | 2 |"
