"""What a machine can do to a training step: tried in a process of its own, because a capture that
fails leaves the device's generator unusable.

Also fills the compiler's cache on disk, which the processes that train then find.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...common.atomic_files import replacing
from ...motion.config import PATH_FEATURES, TokenizerConfig, TransformerConfig
from ...motion.features.layout import SMPL_269
from ...motion.networks.text.features import TextFeatures
from ...motion.networks.transformer import MaskedTransformer
from ..data.clip_variants import ClipVariants
from .device_bank import FeatureBank
from .loop import autocast
from .masked_training import compiled
from .row_sampler import WIDTHS
from .tokenizer_training import TokenizerPlan, TokenizerTraining, new_tokenizer

CAPTURE, COMPILE = "capture", "compile"
_CLIPS, _FRAMES, _WORDS = 64, 120, 24
_SECONDS = 6.0
_COMPILE_GAIN = 0.95  # compiled steps must be at least so much faster


def random_variants(clips: int = _CLIPS, frames: int = _FRAMES) -> ClipVariants:
    """Noise in the form of clips."""
    rng = np.random.default_rng(0)
    numbers = np.arange(clips)
    none = np.zeros(clips, dtype=np.bool_)
    features = 0.1 * rng.standard_normal((clips * frames, SMPL_269.channels))
    return ClipVariants(
        clip_V=numbers,
        variant_V=0 * numbers,
        frames_V=np.full(clips, frames),
        features_NC=features.astype(np.float16),
        poses_S3=np.zeros((clips * (frames + 1), 3), dtype=np.float32),
        texts=[],
        phrases=[],
        travels_V=none,
        gesture_V=none,
        idle_V=none,
        upright_V=none,
    )


def try_capture(config: TokenizerConfig, plan: TokenizerPlan) -> dict[str, object]:
    """Steps a second of the tokenizer, eager and captured; raises where a capture fails."""
    device = torch.device("cuda")
    bank = FeatureBank(random_variants(), np.full(_CLIPS, 1 / _CLIPS), device)
    rates: dict[str, object] = {}
    for captured in (False, True):
        found: list[dict[str, object]] = []
        short = replace(plan, seconds=_SECONDS, capture=captured)
        tokenizer = new_tokenizer(config, bank, 0)
        training = TokenizerTraining(
            tokenizer, bank, None, short, lambda _, row, rows=found: rows.append(dict(row))
        )
        training.fit()
        rates["captured" if captured else "eager"] = [row for row in found if "loss" not in row]
    return rates


def try_compile(
    config: TransformerConfig, tokenizer: TokenizerConfig, batch: int, precision: str
) -> dict[str, object]:
    """Seconds of a transformer's step, eager and compiled, for each width of a batch."""
    device = torch.device("cuda")
    books_PKD = torch.randn(len(tokenizer.columns), tokenizer.codes, tokenizer.code_dim)
    model = MaskedTransformer(config, tokenizer, books_PKD).to(device).train()
    fused = compiled(model)
    found: dict[str, object] = {}
    for width in WIDTHS:
        found[str(width)] = {
            name: round(_step_seconds(lambda net=net, w=width: _loss(net, w, batch, precision)), 4)
            for name, net in (("eager", model), ("compiled", fused))
        }
    return found


def _loss(net: Callable[..., list[Tensor]], width: int, batch: int, precision: str) -> Tensor:
    device = torch.device("cuda")
    tokens = torch.randint(1000, (batch, width, 4), device=device)
    lengths = torch.randint(8, width, (batch,), device=device)
    path = torch.zeros(batch, width, PATH_FEATURES, device=device)
    mask = torch.ones(batch, _WORDS, dtype=torch.bool, device=device)
    sentence = torch.randn(batch, 384, device=device)
    text = TextFeatures(sentence, torch.randn(batch, _WORDS, 384, device=device), mask)
    with autocast(device, precision):
        logits = net(tokens, lengths, text, lengths > width, path)
    return torch.stack([x.float().logsumexp(-1).mean() for x in logits]).sum()


def _step_seconds(loss: Callable[[], Tensor], steps: int = 10) -> float:
    """The last steps' mean, forward and backward; the first ones compile."""
    for _ in range(3):
        loss().backward()
    torch.cuda.synchronize()
    began = time.monotonic()
    for _ in range(steps):
        loss().backward()
    torch.cuda.synchronize()
    return (time.monotonic() - began) / steps


def write_found(path: Path, found: dict[str, object]) -> None:
    """Write what was found whole."""
    with replacing(path) as part:
        part.write_text(json.dumps(found), encoding="utf-8")


def can_capture(folder: Path, wait_seconds: float) -> bool:
    """Whether a step was captured; False where the probe failed or takes longer than that."""
    return bool(_read_found(folder / f"{CAPTURE}.json", wait_seconds))


def can_compile(folder: Path) -> bool:
    """Whether a compiled step was the faster one by now."""
    found = _read_found(folder / f"{COMPILE}.json", 0.0)
    gains = [row["compiled"] < _COMPILE_GAIN * row["eager"] for row in found.values()]
    return bool(gains) and all(gains)


def _read_found(path: Path, wait_seconds: float) -> dict[str, dict[str, float]]:
    ends = time.monotonic() + wait_seconds
    while not path.is_file():
        if time.monotonic() >= ends:
            return {}
        time.sleep(0.5)
    return json.loads(path.read_text(encoding="utf-8"))
