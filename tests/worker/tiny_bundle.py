"""A bundle with random weights and a text encoder of its own, as small as they get."""

from __future__ import annotations

from pathlib import Path

import torch

from mmm_blender.motion.config import BundleConfig, TokenizerConfig, TransformerConfig
from mmm_blender.motion.networks.bundle_file import save_bundle
from mmm_blender.motion.networks.text.student import StudentConfig, StudentTextModel, save_student
from mmm_blender.motion.networks.tokenizer import Tokenizer
from mmm_blender.motion.networks.transformer import MaskedTransformer

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "person", "walk", "##s", "run", "."]
NAME = "tiny"


def save_tiny_bundle(folder: Path, seed: int = 0) -> Path:
    """Write the bundle; another seed gives other weights."""
    torch.manual_seed(seed)
    student = StudentConfig(
        vocabulary=len(PIECES), rank=8, inner_width=16, layers=1, heads=2, mlp_width=16, width=24
    )
    save_student(folder / "text", StudentTextModel(student), PIECES)
    tokenizer = Tokenizer(TokenizerConfig(width=16, code_dim=4, codes=24)).train()
    # one step of training: codebooks start out empty
    tokenizer(torch.randn(8, 32, tokenizer.config.feature_layout.channels))
    sizes = TransformerConfig(width=32, heads=4, layers=2, cross_layers=1, text_width=24)
    transformer = MaskedTransformer(sizes, tokenizer.config, tokenizer.codebooks_PKD)
    config = BundleConfig(NAME, "CC0-1.0", tokenizer.config, sizes, text={"kind": "student"})
    save_bundle(folder, config, tokenizer.eval(), transformer.eval())
    return folder
