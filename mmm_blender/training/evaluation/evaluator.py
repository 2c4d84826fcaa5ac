"""The judge of motion and text: two encoders into one space, trained by contrast (after TMR).

A motion and a sentence that describes it lie close together on the unit sphere. The judge is
trained once, on training clips alone, and frozen; R-precision, FID and the others are read off
its embeddings. It carries its own copy of the student text encoder, with the words that captions
need, so that no bundle's training moves it.

B batch, T frames, C feature channels, S steps of four frames, W words, D inner width, E embedding.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional

from ...common.arrays import AnyArray, FloatArray
from ...common.atomic_files import make_folder, write_files
from ...common.errors import MMMError
from ...common.schema import from_json, to_json
from ...geometry.clip import MotionClip
from ...motion.features.layout import SMPL_269
from ...motion.features.smpl import encode_clip
from ...motion.networks.text.blocks import Block
from ...motion.networks.text.features import TextFeatures
from ...motion.networks.text.student import StudentTextEncoder, sinusoids
from ...motion.networks.weights import load_weights, read_tensors
from ...motion.text import STUDENT_FOLDER
from ...motion.text.files import read_json

CONFIG_FILE, WEIGHTS_FILE, TAKES_FILE = "evaluator.json", "model.safetensors", "trained_takes.txt"
"""No config.json: the folder lies among bundles and is none."""

MAX_FRAMES = 196  # 9.8 s, the longest motion of any bundle
FRAMES_PER_STEP = 4
_ADVICE = "put the original evaluator folder back."
_BATCH = 64
_FIRST_SCALE = 10.0  # of the similarities: a temperature of 0.1, learnt from there


@dataclass(frozen=True)
class EvaluatorConfig:
    """Sizes of both encoders."""

    channels: int = SMPL_269.channels
    width: int = 256
    layers: int = 2
    heads: int = 4
    mlp_width: int = 512
    text_features: int = 384
    text_width: int = 128
    embedding: int = 128
    dropout: float = 0.1


class MotionEncoder(nn.Module):
    """Two strided convolutions, a small transformer, and the mean over time."""

    mean_C: Tensor
    std_C: Tensor
    places_SD: Tensor

    def __init__(self, config: EvaluatorConfig) -> None:
        super().__init__()
        width = config.width
        self.stem = nn.Sequential(
            nn.Conv1d(config.channels, width, 4, stride=2, padding=1),
            nn.GELU(),
            nn.Conv1d(width, width, 4, stride=2, padding=1),
        )
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            Block(width, config.heads, config.mlp_width, functional.gelu)
            for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(2 * width, config.embedding)
        self.register_buffer("mean_C", torch.zeros(config.channels))
        self.register_buffer("std_C", torch.ones(config.channels))
        places = sinusoids(MAX_FRAMES // FRAMES_PER_STEP + 1, width)
        self.register_buffer("places_SD", places, persistent=False)

    def forward(self, features_BTC: Tensor, frames_B: Tensor) -> Tensor:
        """Normalised features, zero behind each clip's end, to embeddings (B, E)."""
        half_BDS = self.stem[:2](features_BTC.mT)
        # behind its end a clip is zero here too, or it would hear how long its neighbours are
        half_BDS = half_BDS * _before_end(half_BDS.shape[2], frames_B, 2)[:, None]
        x_BSD = self.stem[2](half_BDS).mT
        steps = x_BSD.shape[1]
        used_BS = _before_end(steps, frames_B, FRAMES_PER_STEP)
        x_BSD = self.dropout(x_BSD + self.places_SD[:steps])
        for block in self.blocks:
            x_BSD = self.dropout(block(x_BSD, used_BS[:, None, None, :]))
        x_BSD = self.norm(x_BSD)
        mean_BD = (x_BSD * used_BS[..., None]).sum(1) / used_BS.sum(1, keepdim=True)
        peak_BD = x_BSD.masked_fill(~used_BS[..., None], -math.inf).amax(1)
        return functional.normalize(self.out(torch.cat([mean_BD, peak_BD], dim=-1)).float(), dim=-1)


def _before_end(steps: int, frames_B: Tensor, size: int) -> Tensor:
    """True at the steps of ``size`` frames that hold a frame of the clip. (B, S)."""
    return torch.arange(steps) < frames_B[:, None].div(size).ceil().clamp(min=1)


class TextHead(nn.Module):
    """Word and sentence features of the student to embeddings."""

    places_WD: Tensor

    def __init__(self, config: EvaluatorConfig, max_words: int = 64) -> None:
        super().__init__()
        width = config.text_width
        self.words = nn.Linear(config.text_features, width)
        self.sentence = nn.Linear(config.text_features, width)
        self.dropout = nn.Dropout(config.dropout)
        self.block = Block(width, config.heads, 2 * width, functional.gelu)
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(2 * width, config.embedding)
        self.register_buffer("places_WD", sinusoids(max_words, width), persistent=False)

    def forward(self, text: TextFeatures) -> Tensor:
        """Embeddings (B, E)."""
        mask_BW = text.word_mask_BW
        x_BWD = self.words(text.words_BWC) + self.places_WD[: mask_BW.shape[1]]
        x_BWD = self.block(self.dropout(x_BWD), mask_BW[:, None, None, :])
        x_BWD = self.norm(x_BWD) * mask_BW[..., None]
        mean_BD = x_BWD.sum(1) / mask_BW.sum(1, keepdim=True)
        both = torch.cat([mean_BD, self.sentence(text.sentence_BC)], dim=-1)
        return functional.normalize(self.out(self.dropout(both)).float(), dim=-1)


class EvaluatorModel(nn.Module):
    """Both encoders, and how sharply their similarities are read."""

    def __init__(self, config: EvaluatorConfig) -> None:
        super().__init__()
        self.config = config
        self.motion = MotionEncoder(config)
        self.text = TextHead(config)
        self.log_scale = nn.Parameter(torch.tensor(math.log(_FIRST_SCALE)))

    def set_statistics(self, mean_C: FloatArray, std_C: FloatArray) -> None:
        """What features are normalised with."""
        self.motion.mean_C.copy_(torch.from_numpy(mean_C))
        self.motion.std_C.copy_(torch.from_numpy(std_C))


class Evaluator:
    """The frozen judge: clips and sentences to embeddings (N, E), float64 numpy."""

    def __init__(
        self, model: EvaluatorModel, encoder: StudentTextEncoder, takes: frozenset[str]
    ) -> None:
        self.model = model.eval().float().requires_grad_(False)
        self.encoder = encoder
        self.trained_takes = takes

    @property
    def hash(self) -> str:
        """SHA-256 over all numbers of the judge and of its text encoder."""
        digest = hashlib.sha256()
        for module in (self.model, self.encoder.model):
            for name, value in sorted(module.state_dict().items()):
                digest.update(name.encode() + value.numpy().tobytes())
        return digest.hexdigest()

    def embed_motion(self, motions: Sequence[MotionClip | AnyArray]) -> FloatArray:
        """Clips at 20 fps, or their smpl_269 features (T, C), not normalised."""
        features = [encode_clip(m) if isinstance(m, MotionClip) else m for m in motions]
        order = np.argsort([len(f) for f in features], kind="stable")  # similar lengths together
        rows = np.empty((len(features), self.model.config.embedding))
        for at in range(0, len(order), _BATCH):
            chosen = order[at : at + _BATCH]
            rows[chosen] = self._embed_batch([features[i] for i in chosen])
        return rows

    @torch.inference_mode()
    def _embed_batch(self, features: Sequence[AnyArray]) -> FloatArray:
        motion = self.model.motion
        padded, frames_B = pad_features(features, motion.mean_C.numpy(), motion.std_C.numpy())
        return motion(padded, frames_B).double().numpy()

    @torch.inference_mode()
    def embed_text(self, sentences: Sequence[str]) -> FloatArray:
        """Sentences, each encoded once however often it comes."""
        unique = sorted(set(sentences))
        number = {text: at for at, text in enumerate(unique)}
        pieces = [
            self.model.text(self.encoder.encode(unique[at : at + _BATCH])).double().numpy()
            for at in range(0, len(unique), _BATCH)
        ]
        rows = np.concatenate(pieces) if pieces else np.empty((0, self.model.config.embedding))
        return rows[[number[text] for text in sentences]]


def pad_features(
    features: Sequence[AnyArray], mean_C: AnyArray, std_C: AnyArray
) -> tuple[Tensor, Tensor]:
    """Normalised features (B, T, C), zero behind each end, T whole steps; and frames (B,).

    What is longer than ``MAX_FRAMES`` is cut.
    """
    frames = [min(len(f), MAX_FRAMES) for f in features]
    longest = -(-max(frames) // FRAMES_PER_STEP) * FRAMES_PER_STEP
    padded = np.zeros((len(features), longest, features[0].shape[1]), dtype=np.float32)
    for row, (feature, count) in enumerate(zip(features, frames, strict=True)):
        padded[row, :count] = (feature[:count] - mean_C) / std_C
    return torch.from_numpy(padded), torch.tensor(frames)


def save_evaluator(
    folder: Path, model: EvaluatorModel, takes: Sequence[str], notes: dict[str, Any]
) -> None:
    """Write weights (float16), config and the list of takes that were learnt from, or none.

    The text encoder's folder is written apart, before (see ``tools/train_evaluator.py``).
    """
    parameters = {name for name, _ in model.named_parameters()}
    tensors = {
        name: (value.half() if name in parameters else value).contiguous()
        for name, value in model.state_dict().items()
    }
    config = {"evaluator": to_json(model.config), "notes": notes}
    make_folder(folder)
    write_files(
        {
            folder / WEIGHTS_FILE: safetensors.torch.save(tensors),
            folder / TAKES_FILE: ("\n".join(sorted(takes)) + "\n").encode(),
            folder / CONFIG_FILE: (json.dumps(config, indent=1) + "\n").encode(),
        }
    )


def load_evaluator(folder: Path) -> Evaluator:
    """Read the judge; MMMError says what is wrong with its folder."""
    path = folder / CONFIG_FILE
    values = read_json(path, _ADVICE).get("evaluator")
    config = from_json(EvaluatorConfig, values, str(path), advice=_ADVICE, complete=True)
    model = EvaluatorModel(config)
    path = folder / WEIGHTS_FILE
    load_weights(model, read_tensors(path, _ADVICE), path, _ADVICE)
    try:
        takes = (folder / TAKES_FILE).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise MMMError(f"{folder / TAKES_FILE} is missing: {_ADVICE}") from error
    encoder = StudentTextEncoder.load(folder / STUDENT_FOLDER)
    return Evaluator(model, encoder, frozenset(takes))
