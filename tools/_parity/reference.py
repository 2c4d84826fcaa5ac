"""The reference outputs, and how results are compared with them."""

from __future__ import annotations

import json
import zipfile
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from mmm_blender.common.arrays import AnyArray
from mmm_blender.common.errors import MMMError
from mmm_blender.motion.bundles.published_checkpoint import (
    TOKENIZER_KEY,
    TRANSFORMER_KEY,
    Statistics,
    import_tokenizer,
    import_transformer,
    read_checkpoint,
)
from mmm_blender.motion.features.layout import HUMANML3D_263
from mmm_blender.motion.motion_model import MotionModel
from mmm_blender.motion.networks.bundle_file import stored_arrays
from mmm_blender.motion.runtime.cores import physical_cores
from mmm_blender.motion.runtime.onnx.networks import OnnxNetworks
from mmm_blender.motion.runtime.opening import TORCH
from mmm_blender.motion.runtime.torch_networks import TorchNetworks
from mmm_blender.motion.text import TextFeatures

LARGEST_ERROR = 1e-3


CONFIG_FILE, GOLDEN_FILE = "config.json", "golden.npz"


@dataclass(frozen=True)
class Outcome:
    """One comparison: how many tokens (or sizes) differ of how many, or the largest error."""

    wrong: int = 0
    tokens: int = 0
    error: float = 0.0

    @property
    def passed(self) -> bool:
        """Equal tokens, and no error over the limit (a NaN is over it)."""
        return self.wrong == 0 and self.error <= LARGEST_ERROR

    def __str__(self) -> str:
        if self.tokens:
            equal = f"all {self.tokens} equal"
            return f"{self.wrong} of {self.tokens} differ" if self.wrong else equal
        return f"largest error {self.error:.1e}"


class Reference:
    """The folder: its golden arrays and the models built from its checkpoints."""

    def __init__(self, folder: Path, statistics: Statistics | None, library: str = TORCH) -> None:
        """library: that runs the networks (see ``runtime.opening``)."""
        self.folder = folder
        self.library = library
        self._statistics = statistics
        try:
            self._sizes: object = json.loads((folder / CONFIG_FILE).read_text("utf-8"))
            with np.load(folder / GOLDEN_FILE, allow_pickle=False) as golden:
                self.golden = {name: golden[name] for name in golden.files}
        except (OSError, EOFError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise MMMError(
                f"{folder} has no readable {CONFIG_FILE} and {GOLDEN_FILE}: give a reference "
                "folder."
            ) from error

    def __getitem__(self, name: str) -> AnyArray:
        """A golden array."""
        if name not in self.golden:
            raise self._lacks(GOLDEN_FILE, name)
        return self.golden[name]

    def size(self, name: str) -> int:
        """A number of config.json."""
        given = self._sizes.get(name) if isinstance(self._sizes, dict) else None
        if type(given) is not int:
            raise self._lacks(CONFIG_FILE, name)
        return given

    @cached_property
    def full(self) -> MotionModel:
        """The whole-body model."""
        return self._model("full")

    @cached_property
    def upper(self) -> MotionModel:
        """The upper-body model."""
        return self._model("upper")

    def text(self, stop: int, first: int = 0) -> TextFeatures:
        """Features of prompts first..stop-1; the published models attend to all words."""
        words_BWC = self["text/words"][first:stop]
        everything = np.ones(words_BWC.shape[:2], dtype=np.bool_)
        return TextFeatures(self["text/sentence"][first:stop], words_BWC, everything)

    def _model(self, kind: str) -> MotionModel:
        tensors = read_checkpoint(self.folder / f"{kind}_vq.pth", TOKENIZER_KEY)
        tokenizer = import_tokenizer(tensors, self._statistics or _neutral())
        tensors = read_checkpoint(self.folder / f"{kind}_trans.pth", TRANSFORMER_KEY)
        transformer = import_transformer(tensors, tokenizer, self.size("n_head"))
        if self.library == TORCH:
            return MotionModel(TorchNetworks(tokenizer, transformer))
        weights = stored_arrays(tokenizer), stored_arrays(transformer)
        threads = physical_cores()
        return MotionModel(OnnxNetworks(tokenizer.config, transformer.config, *weights, threads))

    def _lacks(self, file: str, name: str) -> MMMError:
        return MMMError(
            f"{file} in {self.folder} has no usable entry '{name}': give a reference folder that "
            "is whole."
        )


def _neutral() -> Statistics:
    """For models whose tokenizer does not look at the statistics."""
    channels = HUMANML3D_263.channels
    return Statistics(torch.zeros(channels), torch.ones(channels))


def compare_tokens(ours: AnyArray, expected: AnyArray) -> Outcome:
    """How many tokens differ."""
    if ours.shape != expected.shape:
        return Outcome(wrong=expected.size, tokens=expected.size)
    return Outcome(wrong=int((ours != expected).sum()), tokens=expected.size)


def compare_values(ours: AnyArray, expected: AnyArray) -> Outcome:
    """The largest difference of logits or features."""
    if ours.shape != expected.shape:
        return Outcome(error=float("inf"))
    return Outcome(error=float(np.abs(ours - expected).max()))
