"""How much of its path each row of a batch hears, and the numbers for it.

A drawn curve is known everywhere, way-points in a few places, an edit's surroundings on its sides,
and most prompts know nothing. Training sees all of these, so that each works alone.

B rows, L token places, S borders (L + 1), P streams, F numbers of the condition.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...motion.features.path_condition import LONG_GAP_SECONDS
from ...motion.networks.masks import motion_places
from .row_sampler import Rows
from .token_batches import Masks

UNTOLD_SHARE = 0.4
"""Of the rows hear of no path."""

_DENSE, _SPARSE, _END = 0.35, 0.35, 0.2
"""Of the others: all borders, some, the last one alone; the rest only what an edit keeps."""
_LEAST_DENSITY, _MOST_DENSITY = 0.04, 0.35  # of the borders that are way-points
_HEADING_SHARE = 0.6  # of the rows that hear the heading at their places too
_EDGE_SHARE = 0.75  # of the edits know where what is kept after them stands


def known_borders(rows: Rows, masks: Masks, root_P: Tensor) -> tuple[Tensor, Tensor]:
    """Which positions and which headings (B, S) are given. root_P: streams of the root."""
    device, count = rows.lengths_B.device, len(rows.lengths_B)

    def chance(*shape: int) -> Tensor:
        return torch.rand(*shape, device=device)

    places = rows.tokens_BLP.shape[1]
    border_S = torch.arange(places + 1, device=device)
    real_BS = border_S <= rows.lengths_B[:, None]
    kept_BS = _kept_borders(rows, masks, root_P) & (chance(count, 1) < _EDGE_SHARE)
    base_BS = kept_BS | (border_S == 0)
    mode_B1, density_B1 = chance(count, 1), chance(count, 1)
    density_B1 = _LEAST_DENSITY + (_MOST_DENSITY - _LEAST_DENSITY) * density_B1
    last_BS = border_S == rows.lengths_B[:, None]
    sparse_BS = (chance(count, places + 1) < density_B1) | (last_BS & (chance(count, 1) < 0.7))
    given_BS = torch.where(mode_B1 < _DENSE + _SPARSE + _END, last_BS, False)
    given_BS = torch.where(mode_B1 < _DENSE + _SPARSE, sparse_BS, given_BS)
    given_BS = torch.where(mode_B1 < _DENSE, True, given_BS)
    heard_B1 = rows.known_B[:, None] & (chance(count, 1) >= UNTOLD_SHARE)
    position_BS = (base_BS | given_BS) & real_BS & heard_B1
    heading_BS = base_BS | (chance(count, 1) < _HEADING_SHARE)
    return position_BS, position_BS & heading_BS


def _kept_borders(rows: Rows, masks: Masks, root_P: Tensor) -> Tensor:
    """Borders (B, S) of the places whose root an edit keeps."""
    places = rows.tokens_BLP.shape[1]
    kept_BL = ~(masks.masked_BLP & root_P).any(-1) & masks.edited_B11[..., 0]
    kept_BL &= motion_places(rows.lengths_B, places)
    nothing_B1 = torch.zeros_like(kept_BL[:, :1])
    return torch.cat([kept_BL, nothing_B1], 1) | torch.cat([nothing_B1, kept_BL], 1)


def path_features(
    poses_BS3: Tensor, position_BS: Tensor, heading_BS: Tensor, token_seconds: float
) -> Tensor:
    """``motion.features.path_condition.path_features`` for a batch on a device. (B, L, F)."""
    places = poses_BS3.shape[1] - 1
    place_L = torch.arange(places, device=poses_BS3.device)
    both_BS = position_BS & heading_BS
    before_BL, after_BL = _last_known(position_BS)[:, :-1], _next_known(position_BS)[:, 1:]
    heading_BL, turned_BL = _last_known(both_BS)[:, :-1], _next_known(both_BS)[:, 1:]
    known_BL = (before_BL >= 0) & (after_BL <= places) & (heading_BL >= 0)
    given_BL = (known_BL & (turned_BL <= places)).float()
    before_BL, heading_BL = before_BL.clamp(min=0), heading_BL.clamp(min=0)
    after_BL, turned_BL = after_BL.clamp(max=places), turned_BL.clamp(max=places)
    seconds_BL = (after_BL - before_BL).clamp(min=1) * token_seconds
    yaw_BS = poses_BS3[..., 2]
    yaw_BL = yaw_BS.gather(1, heading_BL)
    step_BL2 = _at(poses_BS3, after_BL) - _at(poses_BS3, before_BL)
    step_BL2 = step_BL2[..., :2] / seconds_BL[..., None]
    sine, cosine = yaw_BL.sin(), yaw_BL.cos()
    turn_BL = yaw_BS.gather(1, turned_BL) - yaw_BL
    turn_BL = torch.remainder(turn_BL + torch.pi, 2 * torch.pi) - torch.pi
    turn_seconds_BL = (turned_BL - heading_BL).clamp(min=1) * token_seconds
    numbers = (
        torch.ones_like(seconds_BL),
        step_BL2[..., 0] * cosine - step_BL2[..., 1] * sine,
        step_BL2[..., 0] * sine + step_BL2[..., 1] * cosine,
        given_BL,
        given_BL * turn_BL / turn_seconds_BL,
        seconds_BL / LONG_GAP_SECONDS,
        (place_L + 0.5 - before_BL) * token_seconds / seconds_BL,
        given_BL * turn_BL / torch.pi,
    )
    return torch.stack(numbers, dim=-1) * known_BL[..., None]


def _at(values_BS3: Tensor, index_BL: Tensor) -> Tensor:
    return values_BS3.gather(1, index_BL[..., None].expand(-1, -1, values_BS3.shape[2]))


def _last_known(known_BS: Tensor) -> Tensor:
    """For each border the last known one up to it, -1 for none."""
    index_S = torch.arange(known_BS.shape[1], device=known_BS.device)
    return torch.where(known_BS, index_S, -1).cummax(dim=1).values


def _next_known(known_BS: Tensor) -> Tensor:
    """For each border the next known one from it on, S for none."""
    index_S = torch.arange(known_BS.shape[1], device=known_BS.device)
    index_BS = torch.where(known_BS, index_S, known_BS.shape[1])
    return index_BS.flip(1).cummin(dim=1).values.flip(1)
