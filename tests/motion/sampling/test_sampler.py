"""The sampler fills what is masked, nothing else, and needs no network for it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from _parity.cells import all_cells
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.common.arrays import AnyArray, BoolArray, IntArray
from mmm_blender.motion.config import SamplerConfig
from mmm_blender.motion.sampling import masks
from mmm_blender.motion.sampling.noise import Noise
from mmm_blender.motion.sampling.sampler import Cancelled, TokensToLogits, sample
from mmm_blender.motion.vocabulary import Vocabulary

VOCABULARY = Vocabulary(11)
PLACES, PARTS = 14, 2


def as_asked(logits_of: Callable[[IntArray], AnyArray]) -> TokensToLogits:
    """Logits of whole grids as the sampler asks for them, by places."""
    return lambda tokens_BLP, wanted_BL: logits_of(tokens_BLP)[wanted_BL]


def random_logits(seed: int) -> Callable[[IntArray], AnyArray]:
    """Logits that depend on the whole grid, as a network's do."""
    mixing = np.random.default_rng(seed).standard_normal(VOCABULARY.size)

    def logits_of(tokens_BLP: IntArray) -> AnyArray:
        context = mixing[tokens_BLP].sum((1, 2))
        place = np.arange(tokens_BLP[0].size).reshape(1, *tokens_BLP.shape[1:], 1)
        code = np.arange(VOCABULARY.codes)
        return np.sin(context[:, None, None, None] * 7 + place * 1.7 + code * 2.9) * 3

    return logits_of


def run(
    seed: int, tokens_BLP: IntArray, mask_BLP: BoolArray, config: SamplerConfig, noise: int = 0
) -> IntArray:
    return sample(
        as_asked(random_logits(seed)),
        tokens_BLP,
        mask_BLP,
        vocabulary=VOCABULARY,
        config=config,
        noises=[Noise(noise + row) for row in range(len(tokens_BLP))],
    )


@st.composite
def tasks(draw: st.DrawFn) -> tuple[IntArray, BoolArray]:
    """A grid of given codes with END and PAD, and any mask within the motion."""
    lengths_B = np.array(draw(st.lists(st.integers(1, PLACES - 1), min_size=1, max_size=3)))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    shape = (len(lengths_B), PLACES, PARTS)
    given_BLP = rng.integers(VOCABULARY.codes, size=shape)
    chosen_BLP = rng.random(shape) < draw(st.floats(0, 1))
    mask_BLP = chosen_BLP & all_cells(lengths_B, PLACES, PARTS)
    return masks.close_grid(given_BLP, lengths_B, VOCABULARY), mask_BLP


CONFIGS = st.builds(
    SamplerConfig,
    steps=st.none() | st.integers(1, 12),
    closing_step=st.booleans(),
    temperature=st.floats(0, 3),
    greedy=st.booleans(),
    confidence_noise=st.just(0.0) | st.floats(0, 10),
    schedule=st.sampled_from(["cosine", "linear"]),
    revisions=st.integers(0, 3),
)


@settings(max_examples=60, deadline=None)
@given(tasks(), CONFIGS, st.integers(0, 99))
def test_given_cells_never_change_and_masked_ones_get_codes(
    task: tuple[IntArray, BoolArray], config: SamplerConfig, seed: int
):
    tokens_BLP, mask_BLP = task
    filled_BLP = run(seed, tokens_BLP, mask_BLP, config)
    assert np.array_equal(filled_BLP[~mask_BLP], tokens_BLP[~mask_BLP])
    assert ((filled_BLP[mask_BLP] >= 0) & (filled_BLP[mask_BLP] < VOCABULARY.codes)).all()


@settings(max_examples=30, deadline=None)
@given(tasks(), CONFIGS, st.integers(0, 99))
def test_equal_seeds_give_equal_tokens(
    task: tuple[IntArray, BoolArray], config: SamplerConfig, seed: int
):
    assert np.array_equal(run(seed, *task, config, noise=5), run(seed, *task, config, noise=5))


@settings(max_examples=30, deadline=None)
@given(tasks(), CONFIGS, st.integers(0, 99))
def test_a_row_does_not_hang_on_its_batch(
    task: tuple[IntArray, BoolArray], config: SamplerConfig, seed: int
):
    tokens_BLP, mask_BLP = task
    together_BLP = run(seed, tokens_BLP, mask_BLP, config)
    alone_BLP = run(seed, tokens_BLP[:1], mask_BLP[:1], config)
    assert np.array_equal(together_BLP[:1], alone_BLP)


def test_confidence_noise_changes_which_cells_are_kept_and_greedy_has_none():
    lengths_B = np.array([PLACES - 1])
    tokens_BLP = masks.masked_grid(lengths_B, PLACES, PARTS, VOCABULARY)
    mask_BLP = all_cells(lengths_B, PLACES, PARTS)

    def filled(noise: float, greedy: bool) -> IntArray:
        config = SamplerConfig(
            steps=8, temperature=0, confidence_noise=noise, greedy=greedy
        )  # without temperature only the order of filling is left to chance
        return run(0, tokens_BLP, mask_BLP, config)

    assert not np.array_equal(filled(0.0, greedy=False), filled(5.0, greedy=False))
    assert np.array_equal(filled(0.0, greedy=True), filled(5.0, greedy=True))


def test_other_seeds_give_other_tokens():
    lengths_B = np.array([PLACES - 1])
    tokens_BLP = masks.masked_grid(lengths_B, PLACES, PARTS, VOCABULARY)
    mask_BLP = all_cells(lengths_B, PLACES, PARTS)
    first, second = (run(0, tokens_BLP, mask_BLP, SamplerConfig(), noise=n) for n in (1, 2))
    assert not np.array_equal(first, second)


def test_greedy_takes_the_likeliest_code_in_one_step(greedy: SamplerConfig):
    lengths_B = np.array([PLACES - 1])
    tokens_BLP = masks.masked_grid(lengths_B, PLACES, PARTS, VOCABULARY)
    mask_BLP = all_cells(lengths_B, PLACES, PARTS)
    filled_BLP = run(3, tokens_BLP, mask_BLP, replace(greedy, steps=1))
    likeliest_BLP = random_logits(3)(tokens_BLP).argmax(-1)
    assert np.array_equal(filled_BLP[mask_BLP], likeliest_BLP[mask_BLP])


def test_the_most_doubtful_cells_are_masked_again(greedy: SamplerConfig):
    """Two steps on four places: cos(pi/4) * 4 = 2.8, so two cells are open in the second."""
    certainty = np.array([5.0, 1.0, 2.0, 4.0])
    seen: list[IntArray] = []

    def tokens_to_logits(tokens_BLP: IntArray) -> AnyArray:
        seen.append(tokens_BLP[0, :, 0].copy())
        logits_BLPK = np.zeros((*tokens_BLP.shape, VOCABULARY.codes))
        logits_BLPK[0, :4, 0, 7] = certainty
        return logits_BLPK

    tokens_BLP = masks.masked_grid(np.array([4]), 5, 1, VOCABULARY)
    sample(
        as_asked(tokens_to_logits),
        tokens_BLP,
        all_cells(np.array([4]), 5, 1),
        vocabulary=VOCABULARY,
        config=replace(greedy, steps=2),
        noises=[Noise(0)],
    )
    mask, end = VOCABULARY.mask, VOCABULARY.end
    assert [grid.tolist() for grid in seen] == [
        [mask, mask, mask, mask, end],
        [7, mask, mask, 7, end],
    ]


def test_confidence_ranks_the_cells_of_all_parts_together(greedy: SamplerConfig):
    """One part certain everywhere, the other nowhere: only the other is opened again."""
    open_cells: list[IntArray] = []

    def tokens_to_logits(tokens_BLP: IntArray) -> AnyArray:
        open_cells.append((tokens_BLP == VOCABULARY.mask).sum((0, 1)))
        logits_BLPK = np.zeros((*tokens_BLP.shape, VOCABULARY.codes))
        logits_BLPK[:, :, 0, 3] = 9.0
        logits_BLPK[:, :, 1, 4] = 1.0
        return logits_BLPK

    lengths_B = np.array([8])
    sample(
        as_asked(tokens_to_logits),
        masks.masked_grid(lengths_B, 9, 2, VOCABULARY),
        all_cells(lengths_B, 9, 2),
        vocabulary=VOCABULARY,
        config=replace(greedy, steps=4),
        noises=[Noise(0)],
    )
    assert [cells.tolist() for cells in open_cells] == [[8, 8], [6, 8], [3, 8], [0, 6]]


def test_revisions_choose_anew_what_does_not_fit_the_rest():
    """A network that knows nothing of masked cells, but in a full grid wants code 3 everywhere."""
    wanted = 3

    def tokens_to_logits(tokens_BLP: IntArray) -> AnyArray:
        logits = np.zeros((*tokens_BLP.shape, VOCABULARY.codes))
        logits[..., wanted] += 20.0 * (tokens_BLP != VOCABULARY.mask).all()
        return logits

    tokens_BLP = masks.close_grid(
        np.zeros((1, 101, PARTS), dtype=np.int64), np.array([100]), VOCABULARY
    )
    mask_BLP = np.zeros(tokens_BLP.shape, dtype=np.bool_)
    mask_BLP[:, 10:90] = True
    found = [
        sample(
            as_asked(tokens_to_logits),
            tokens_BLP,
            mask_BLP,
            vocabulary=VOCABULARY,
            config=SamplerConfig(steps=1, revisions=revisions),
            noises=[Noise(0)],
        )
        for revisions in (0, 1, 4)
    ]
    shares = [float((grid[mask_BLP] == wanted).mean()) for grid in found]
    assert shares[0] < 0.2
    assert shares[1] == pytest.approx(shares[0] + 0.4, abs=0.01)
    assert shares[2] > 0.95
    assert all((grid[~mask_BLP] == tokens_BLP[~mask_BLP]).all() for grid in found)


def test_temperature_one_samples_from_the_probabilities():
    logits_K = np.array([0.0, 1.0, 2.0])
    rows = 4000
    lengths_B = np.full(1, rows)
    grid_BLP = masks.masked_grid(lengths_B, rows + 1, 1, Vocabulary(3))
    filled_BLP = sample(
        lambda _tokens, wanted_BL: np.tile(logits_K, (int(wanted_BL.sum()), 1, 1)),
        grid_BLP,
        all_cells(lengths_B, rows + 1, 1),
        vocabulary=Vocabulary(3),
        config=SamplerConfig(steps=1),
        noises=[Noise(0)],
    )
    share_K = np.bincount(filled_BLP[0, :rows, 0], minlength=3) / rows
    assert share_K.tolist() == pytest.approx(
        (np.exp(logits_K) / np.exp(logits_K).sum()).tolist(), abs=0.03
    )


def test_progress_is_reported_and_cancelling_stops_between_steps(greedy: SamplerConfig):
    lengths_B = np.array([PLACES - 1])
    steps: list[tuple[int, int]] = []

    def call(stop_after: int) -> None:
        sample(
            as_asked(random_logits(0)),
            masks.masked_grid(lengths_B, PLACES, PARTS, VOCABULARY),
            all_cells(lengths_B, PLACES, PARTS),
            vocabulary=VOCABULARY,
            config=replace(greedy, steps=5),
            noises=[Noise(0)],
            on_step=lambda done, total: steps.append((done, total)),
            cancelled=lambda: len(steps) > stop_after,
        )

    call(stop_after=99)
    assert steps == [(done, 5) for done in range(6)]
    steps.clear()
    with pytest.raises(Cancelled):
        call(stop_after=2)
    assert steps == [(0, 5), (1, 5), (2, 5)]


def test_a_mask_without_cells_changes_nothing():
    tokens_BLP = masks.close_grid(
        np.ones((1, PLACES, PARTS), dtype=np.int64), np.array([6]), VOCABULARY
    )
    mask_BLP = np.zeros(tokens_BLP.shape, dtype=np.bool_)
    assert np.array_equal(run(0, tokens_BLP, mask_BLP, SamplerConfig()), tokens_BLP)
