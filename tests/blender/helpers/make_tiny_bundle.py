"""Write a bundle with tiny random weights: python make_tiny_bundle.py FOLDER.

tests/data/tiny is what it writes, so that the tests that generate with it need no torch.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TEXT_WIDTH = 16
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "person", "walk", "##s", "wave", "."]
SEED = 7


def main(folder: Path) -> None:
    """Write config.json, the two networks and a student text encoder."""
    sys.path.insert(0, str(ROOT))
    import torch

    from mmm_blender.motion.config import BundleConfig, TokenizerConfig, TransformerConfig
    from mmm_blender.motion.networks.bundle_file import save_bundle
    from mmm_blender.motion.networks.text.student import (
        StudentConfig,
        StudentTextModel,
        save_student,
    )
    from mmm_blender.motion.networks.tokenizer import Tokenizer
    from mmm_blender.motion.networks.transformer import MaskedTransformer

    torch.manual_seed(SEED)
    student = StudentConfig(
        vocabulary=len(PIECES), rank=8, inner_width=16, layers=1, heads=2, mlp_width=32,
        width=TEXT_WIDTH, max_tokens=16,
    )  # fmt: skip
    save_student(folder / "text", StudentTextModel(student), PIECES)
    config = BundleConfig(
        name=folder.name,
        licence="CC-BY-NC-4.0",
        tokenizer=TokenizerConfig(width=16, code_dim=8, codes=16),
        transformer=TransformerConfig(
            width=16, heads=2, layers=1, cross_layers=1, text_width=TEXT_WIDTH
        ),
        text={"kind": "student"},
    )
    tokenizer = Tokenizer(config.tokenizer)
    for name, values in tokenizer.named_buffers():
        if name.endswith("codebook_KD"):
            values.normal_()  # zeros until training: every token would look the same
    transformer = MaskedTransformer(config.transformer, config.tokenizer, tokenizer.codebooks_PKD)
    save_bundle(folder, config, tokenizer, transformer)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
