"""A token grid of any length, filled through windows that are no longer than the model sees.

A window shows kept tokens on both sides of what it fills. A masked stretch that is too long for
one window is filled from its start on by windows that move along it: what one has filled is
context of the next.

B windows of a batch, L token places, P columns of the grid.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...common.arrays import AnyArray, BoolArray, FloatArray, IntArray
from ...geometry.editing.edit_mask import masked_runs
from ..config import NO_GUIDANCE, SamplerConfig
from ..motion_model import MotionModel
from ..runtime.interface import Float32Array
from ..sampling import masks
from ..sampling.noise import Noise
from ..sampling.sampler import OnTokens

if TYPE_CHECKING:
    from ..text import TextEncoder

CONTEXT_TOKENS = 12
"""Kept tokens that a window shows before and after what it fills, where there are so many: 2.4 s
at 5 tokens a second, a step or two."""

UNSURE_TOKENS = 6
"""Tokens at the end of a window that stops within a masked stretch: the model takes that place
for the motion's end and comes to a halt (1.2 s), so the next window makes them again."""

OnGrid = Callable[[IntArray, BoolArray], bool]
"""The whole grid (L, P) between two steps, and which of its cells stay as they are; those of later
windows do not. True where that is enough."""
OnStep = Callable[[int, int], None]
IsCancelled = Callable[[], bool]


@dataclass(frozen=True)
class Window:
    """Places start..stop-1 are seen; of these the masked ones in fill_start..fill_stop-1 filled."""

    start: int
    stop: int
    fill_start: int
    fill_stop: int

    @property
    def length(self) -> int:
        """Places that are seen."""
        return self.stop - self.start


def plan_windows(masked_L: BoolArray, max_tokens: int) -> list[Window]:
    """Windows of at most ``max_tokens`` places that fill every masked place, in order."""
    context = min(CONTEXT_TOKENS, max_tokens // 4)
    unsure = min(UNSURE_TOKENS, max_tokens // 8)
    runs = masked_runs(masked_L)
    windows: list[Window] = []
    while runs:
        start, stop = runs[0]
        before = min(context, start)
        after = min(context, len(masked_L) - stop)
        room = max_tokens - before - after
        if stop - start <= room:
            inside = [run for run in runs if run[1] - start <= max_tokens - before - context]
            done = max(1, len(inside))
            windows.append(_around(start, runs[done - 1][1], len(masked_L), max_tokens))
            runs = runs[done:]
        else:
            step = _even_share(stop - start, max_tokens - before - unsure, room)
            seen = start - before
            windows.append(Window(seen, seen + max_tokens, start, start + step))
            runs[0] = (start + step, stop)
    return windows


def _even_share(length: int, most: int, last: int) -> int:
    """Places of the next window: none gets a mere rest, the last one ``last`` at most."""
    others = -(-(length - last) // most)
    return min(most, max(-(-length // (others + 1)), -(-(length - last) // others)))


def _around(fill_start: int, fill_stop: int, places: int, max_tokens: int) -> Window:
    """The window with as much on both sides as there is, evenly."""
    spare = max_tokens - (fill_stop - fill_start)
    before = min(fill_start, max(spare // 2, spare - (places - fill_stop)))
    after = min(places - fill_stop, spare - before)
    return Window(fill_start - before, fill_stop + after, fill_start, fill_stop)


@dataclass(frozen=True)
class WindowFiller:
    """A model, and how it is to fill windows of a token grid.

    on_step, cancelled: see ``sampling.sample``. path_LF: where the root goes in the whole grid,
    for a model that was taught to follow a path (``path_condition``); others ignore it. on_grid:
    see there.
    """

    model: MotionModel
    text_encoder: TextEncoder
    sampler: SamplerConfig
    on_step: OnStep | None = None
    cancelled: IsCancelled | None = None
    path_LF: FloatArray | None = None
    on_grid: OnGrid | None = None

    def fill(
        self,
        tokens_LP: IntArray,
        mask_LP: BoolArray,
        windows: Sequence[Window],
        prompts: Sequence[str],
        noises: Sequence[Noise],
    ) -> IntArray:
        """The grid with the windows' masked cells filled, all windows in one batch.

        prompts, noises: one for each window; all prompts empty: without a text. Windows must
        fill different places; none sees what another one of the batch fills: there it finds MASK.
        """
        rows = [tokens_LP[window.start : window.stop] for window in windows]
        on_tokens = self._seen(tokens_LP, mask_LP, windows)
        filled_BLP = self._filled(rows, mask_LP, windows, prompts, noises, on_tokens=on_tokens)
        result_LP = tokens_LP.copy()
        for filled_LP, window in zip(filled_BLP, windows, strict=True):
            _put(result_LP, filled_LP, mask_LP, window)
        return result_LP

    def fill_candidates(
        self,
        tokens_BLP: IntArray,
        mask_LP: BoolArray,
        window: Window,
        prompt: str,
        noises: Sequence[Noise],
    ) -> IntArray:
        """Several grids of the same mask, filled in one window, all in one batch."""
        rows = list(tokens_BLP[:, window.start : window.stop])
        count = len(rows)
        on_tokens = self._seen(tokens_BLP[0], mask_LP, [window])
        windows, prompts = [window] * count, [prompt] * count
        filled_BLP = self._filled(rows, mask_LP, windows, prompts, noises, on_tokens=on_tokens)
        result_BLP = tokens_BLP.copy()
        for result_LP, filled_LP in zip(result_BLP, filled_BLP, strict=True):
            _put(result_LP, filled_LP, mask_LP, window)
        return result_BLP

    def _seen(
        self, tokens_LP: IntArray, mask_LP: BoolArray, windows: Sequence[Window]
    ) -> OnTokens | None:
        """``on_grid`` as the sampler wants it: the first rows of a batch fill the windows."""
        on_grid = self.on_grid
        if on_grid is None:
            return None

        def on_tokens(filled_BLP: IntArray, open_BLP: BoolArray) -> bool:
            grid_LP, known_LP = tokens_LP.copy(), ~mask_LP
            for row, window in enumerate(windows):
                _put(grid_LP, filled_BLP[row], mask_LP, window)
                _put(known_LP, ~open_BLP[row], mask_LP, window)
            return on_grid(grid_LP, known_LP)

        return on_tokens

    def log_shares(self, tokens_LP: IntArray, window: Window, prompt: str) -> AnyArray:
        """Log-probabilities (L, P, K) of all codes in the cells that a window sees."""
        return self._log_shares(tokens_LP[None], window, prompt, self.sampler.guidance)[0]

    def doubts(
        self, tokens_BLP: IntArray, mask_LP: BoolArray, windows: Sequence[Window], prompt: str
    ) -> FloatArray:
        """How unlikely the codes of full grids are beside all others, as the model says without
        guidance: mean over the masked cells, nats. (B,)."""
        sums_B = np.zeros(len(tokens_BLP))
        for window in windows:
            seen, fill = slice(window.start, window.stop), np.zeros(len(mask_LP), dtype=np.bool_)
            fill[window.fill_start : window.fill_stop] = True
            place_M, column_M = np.nonzero((mask_LP & fill[:, None])[seen])
            shares_BLPK = self._log_shares(tokens_BLP, window, prompt, NO_GUIDANCE)
            codes_BM = tokens_BLP[:, seen][:, place_M, column_M]
            rows_B1 = np.arange(len(tokens_BLP))[:, None]
            sums_B -= shares_BLPK[rows_B1, place_M, column_M, codes_BM].sum(axis=1)
        return sums_B / max(int(mask_LP.sum()), 1)

    def _log_shares(
        self, tokens_BLP: IntArray, window: Window, prompt: str, guidance: float
    ) -> AnyArray:
        """Log-probabilities (B, L, P, K) of all codes in the cells that a window sees."""
        prompts = [prompt] * len(tokens_BLP)
        lengths_B = np.full(len(tokens_BLP), window.length)
        size = (self.model.places, tokens_BLP.shape[2])
        grid_BLP = masks.masked_grid(lengths_B, *size, self.model.vocabulary)
        grid_BLP[:, : window.length] = tokens_BLP[:, window.start : window.stop]
        shares_BLPK = self.model.log_shares(
            grid_BLP[:, : window.length + 1],
            lengths_B,
            self.text_encoder.encode(prompts),
            guidance=guidance,
            without_text=self._without_text(prompts),
            path_BLF=self._paths([window] * len(prompts), window.length + 1),
        )
        return shares_BLPK[:, : window.length]

    def _filled(
        self,
        rows: Sequence[IntArray],
        mask_LP: BoolArray,
        windows: Sequence[Window],
        prompts: Sequence[str],
        noises: Sequence[Noise],
        *,
        on_tokens: OnTokens | None,
    ) -> IntArray:
        """Grids (B, L, P) of what each window sees, filled."""
        lengths_B = np.array([window.length for window in windows])
        size = (self.model.places, mask_LP.shape[1])
        grid_BLP = masks.masked_grid(lengths_B, *size, self.model.vocabulary)
        mask_BLP = np.zeros(grid_BLP.shape, dtype=np.bool_)
        for row, window in enumerate(windows):
            grid_BLP[row, : window.length] = rows[row]
            mask_BLP[row, : window.length] = mask_LP[window.start : window.stop]
        return self.model.fill(
            grid_BLP,
            mask_BLP,
            lengths_B,
            self.text_encoder.encode(prompts),
            sampler=self.sampler,
            noises=noises,
            without_text=self._without_text(prompts),
            path_BLF=self._paths(windows, self.model.places),
            on_step=self.on_step,
            cancelled=self.cancelled,
            on_tokens=on_tokens,
        )

    def _paths(self, windows: Sequence[Window], places: int) -> Float32Array | None:
        """The condition (B, L, F) of what each window sees; None where there is none."""
        if self.path_LF is None:
            return None
        path_BLF = np.zeros((len(windows), places, self.path_LF.shape[1]), dtype=np.float32)
        for row, window in enumerate(windows):
            path_BLF[row, : window.length] = self.path_LF[window.start : window.stop]
        return path_BLF

    def part(self, index: int, parts: int) -> WindowFiller:
        """For one of several parts of a job: its steps are reported as the whole job's (parts
        count alike)."""
        tell = self.on_step
        if tell is None or parts == 1:
            return self

        def report(done: int, total: int) -> None:
            tell(index * total + done, parts * total)

        return replace(self, on_step=report)

    @property
    def once(self) -> WindowFiller:
        """The filler for whom a prompt has one try."""
        return replace(self, sampler=replace(self.sampler, claim_tries=1))

    def _without_text(self, prompts: Sequence[str]) -> bool:
        """A model that was never trained without a text hears an empty one."""
        can = self.model.transformer_config.trained_with_guidance
        return can and not any(prompt.strip() for prompt in prompts)


def _put(tokens_LP: AnyArray, filled_LP: AnyArray, mask_LP: BoolArray, window: Window) -> None:
    """Write what a window filled into the grid."""
    fill = slice(window.fill_start, window.fill_stop)
    made_LP = filled_LP[window.fill_start - window.start : window.fill_stop - window.start]
    tokens_LP[fill] = np.where(mask_LP[fill], made_LP, tokens_LP[fill])
