"""Of several tries the one that fits best is kept, and then brought nearer to its goal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmm_blender.common.arrays import BoolArray, FloatArray, IntArray
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.editing.edit_mask import span_mask
from mmm_blender.motion.config import SamplerConfig
from mmm_blender.motion.pipeline import refinement
from mmm_blender.motion.pipeline.candidates import (
    Misfit,
    best,
    candidate_seeds,
    restless_share,
    still_frames,
)
from mmm_blender.motion.pipeline.edit_tokens import EditJob
from mmm_blender.motion.pipeline.obedience import MET
from mmm_blender.motion.pipeline.pipeline import EditRequest
from mmm_blender.motion.pipeline.refinement import Exchanges, Goal, refine
from mmm_blender.motion.pipeline.windows import WindowFiller, plan_windows
from tests.geometry.feet.test_foot_locking import standing, walking
from tests.geometry.motions import smooth_clip
from tests.motion.tiny_models import tiny_generator

STEPS = SamplerConfig(steps=2)


def test_the_first_candidate_is_the_request_itself() -> None:
    seeds = candidate_seeds(7, 8)
    assert seeds[0] == 7 and len(set(seeds)) == 8
    assert seeds == candidate_seeds(7, 8) and seeds[:3] == candidate_seeds(7, 3)
    assert all(0 <= seed < 2**63 for seed in candidate_seeds(2**63 - 1, 8))


def test_the_cheapest_is_the_best_and_of_equal_ones_the_first() -> None:
    near, far, restless = Misfit(0.05), Misfit(0.3), Misfit(0.05, 0.0, 0.5)
    assert best([far, near, restless, near], [MET] * 4, [2.0] * 4) == 1
    assert best([far, near, restless, near], [MET] * 4, [2.0, 2.0, 2.0, 1.9]) == 3
    assert best([far, near], [MET] * 2, [2.0, 4.0]) == 1  # it has to arrive first of all
    assert near.cost < restless.cost < Misfit(0.05, 90.0).cost


def test_feet_that_stand_are_still() -> None:
    assert still_frames(standing(20, 20.0)).all()
    assert still_frames(walking(40, 20.0)).all()
    sliding = standing(40, 20.0)
    ahead_T3 = np.arange(40)[:, None] * np.array([0.0, 0.0, 0.02])
    sliding = sliding.replace(root_T3=sliding.root_T3 + ahead_T3)
    assert not still_frames(sliding).any()
    masked_T = np.arange(40) >= 20
    assert restless_share(sliding, standing(40, 20.0), masked_T) == 1.0
    assert restless_share(sliding, sliding, masked_T) == 0.0


def request(candidates: int | None, footsteps: bool = True) -> EditRequest:
    sampler = replace(STEPS, candidates=candidates, footsteps=footsteps)
    return EditRequest(
        smooth_clip(80, seed=3), span_mask(80, 20, 60, "all"), "walks", 4, sampler=sampler
    )


def test_an_edit_takes_eight_candidates_where_it_has_to_arrive() -> None:
    generator = tiny_generator("two parts")
    assert generator.edit(request(None)).sampler.candidates == 8
    free = replace(request(None), moves_after=True)
    assert generator.edit(free).sampler.candidates == 1
    arms = replace(request(None), mask=span_mask(80, 20, 60, "upper"))
    assert generator.edit(arms).sampler.candidates == 1
    assert generator.edit(request(3)).sampler.candidates == 3


def test_what_the_model_would_not_say_is_doubtful() -> None:
    generator = tiny_generator("hears paths")
    filler = WindowFiller(generator.model, generator.text_encoder, STEPS)
    mask_LP = np.zeros((60, 2), dtype=np.bool_)
    mask_LP[5:50, 0] = True
    windows = plan_windows(mask_LP.any(axis=1), generator.model.places - 1)
    grids_BLP = np.random.default_rng(2).integers(0, 24, (5, 60, 2))
    for window in windows:
        open_LP = mask_LP.copy()
        open_LP[: window.fill_start] = open_LP[window.fill_stop :] = False
        seen = slice(window.start, window.stop)
        shares_LPK = filler.log_shares(grids_BLP[0], window, "walks")
        likeliest_LP = shares_LPK.argmax(axis=-1)
        grids_BLP[0, seen] = np.where(open_LP[seen], likeliest_LP, grids_BLP[0, seen])
    doubts_B = filler.doubts(grids_BLP, mask_LP, windows, "walks")
    assert doubts_B.shape == (5,) and (doubts_B > 0.0).all()
    assert doubts_B.argmin() == 0
    alone = [filler.doubts(each[None], mask_LP, windows, "walks")[0] for each in grids_BLP]
    assert np.allclose(alone, doubts_B, atol=1e-4)


def test_more_candidates_leave_less_to_be_led() -> None:
    generator = tiny_generator("two parts")
    one, many = generator.edit(request(1)), generator.edit(request(8))
    assert many.remainder_mps < one.remainder_mps
    assert not np.array_equal(one.tokens_LP, many.tokens_LP)
    again = generator.edit(request(8))
    assert np.array_equal(many.tokens_LP, again.tokens_LP)


def test_candidates_say_how_far_they_are() -> None:
    steps: list[tuple[int, int]] = []
    tiny_generator("two parts").edit(request(4), lambda done, total: steps.append((done, total)))
    assert steps[-1][0] == steps[-1][1] > 0


def test_no_candidates_are_refused() -> None:
    with pytest.raises(MMMError, match="'candidates' must be 1 or more"):
        SamplerConfig(candidates=0)


def exchanges() -> tuple[IntArray, FloatArray, BoolArray]:
    """A grid, log-probabilities of its codes, and which cells are open."""
    model = tiny_generator("two parts").model
    rng = np.random.default_rng(1)
    codes = model.vocabulary.codes
    tokens_LP = rng.integers(0, codes, (12, len(model.columns)))
    log_LPK = np.log(rng.dirichlet(np.ones(codes), tokens_LP.shape))
    open_LP = np.zeros(tokens_LP.shape, dtype=np.bool_)
    open_LP[3:9, 0] = True
    return tokens_LP, log_LPK, open_LP


GOAL = Goal(10.0, 38.5, 0.3, 0.2, -0.4)


def test_exchanged_codes_bring_it_nearer_and_only_open_cells_change() -> None:
    model = tiny_generator("two parts").model
    tokens_LP, log_LPK, open_LP = exchanges()
    refined_LP = refine(model, tokens_LP, log_LPK, open_LP, GOAL)
    assert np.array_equal(refined_LP[~open_LP], tokens_LP[~open_LP])
    assert (refined_LP != tokens_LP).any()
    assert np.array_equal(refined_LP, refine(model, tokens_LP, log_LPK, open_LP, GOAL))
    steps = refinement.root_steps
    start, end = (steps(model, each[None]).gone(10.0, 38.5) for each in (tokens_LP, refined_LP))
    goal_3 = start + np.array([GOAL.turn, GOAL.x, GOAL.z])
    assert GOAL.cost(goal_3 - end, 1.0) < GOAL.cost(goal_3 - start, 1.0)


def test_what_is_decoded_near_an_exchange_is_what_the_whole_grid_decodes_to() -> None:
    model = tiny_generator("two parts").model
    tokens_LP, log_LPK, open_LP = exchanges()
    tried = Exchanges.of(log_LPK, open_LP)
    gone_N3 = refinement.gone_with(model, tokens_LP, tried, GOAL)
    for at in range(0, len(gone_N3), 5):
        changed_LP = tokens_LP.copy()
        changed_LP[tried.place_N[at], tried.column_N[at]] = tried.code_N[at]
        whole = refinement.root_steps(model, changed_LP[None]).gone(GOAL.first, GOAL.last)
        assert np.allclose(whole[0], gone_N3[at], atol=1e-5)


def test_root_steps_are_the_path_of_the_clip() -> None:
    generator = tiny_generator("two parts")
    clip = smooth_clip(48, seed=2)
    job = EditJob(clip, span_mask(48, 10, 30, "all"), "", 0, False)
    tokens_LP = exchanges()[0]
    made = job.decoded(generator.model, tokens_LP)
    path_3 = refinement.root_steps(generator.model, tokens_LP[None]).at(17.0)[0]
    assert np.allclose(path_3[1:], made.root_T3[17, [0, 2]], atol=1e-5)
    assert job.way == (9, 30)
