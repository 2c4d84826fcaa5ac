"""Turn a published MMM checkpoint into a bundle.

    python tools/import_checkpoint.py --tokenizer net_last.pth --transformer net_last.pth \\
        --heads 16 --mean t2m-mean.npy --std t2m-std.npy --out weights/mmm

Takes the whole-body pair or the upper-body pair; which of the two it is follows from the files.
Nothing in the files is run. Mean and deviation are those of the authors' own training
(exit/t2m-mean.npy and exit/t2m-std.npy in their repository): others give wrong motion.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mmm_blender.geometry.errors import MMMError  # noqa: E402
from mmm_blender.motion.bundle import save_bundle  # noqa: E402
from mmm_blender.motion.checkpoint import (  # noqa: E402
    TOKENIZER_KEY,
    TRANSFORMER_KEY,
    import_tokenizer,
    import_transformer,
    read_checkpoint,
    read_statistics,
    sampler_config,
)
from mmm_blender.motion.config import BundleConfig  # noqa: E402

FILES = {
    "--tokenizer": "the tokenizer's .pth",
    "--transformer": "the transformer's .pth",
    "--mean": "mean of the features, .npy",
    "--std": "deviation of the features, .npy",
}
LICENCE = "as its authors say"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 1 with one sentence if something is wrong."""
    options = _parser().parse_args(arguments)
    try:
        config = convert(options)
    except MMMError as error:
        print(f"import_checkpoint: {error}", file=sys.stderr)
        return 1
    parts = " and ".join(config.predicted_parts)
    print(
        f"{options.out}: {config.tokenizer.layout}, makes {parts}, up to {config.max_seconds:g} s"
    )
    return 0


def convert(options: argparse.Namespace) -> BundleConfig:
    """Read both files and write the bundle."""
    statistics = read_statistics(options.mean, options.std)
    tokenizer = import_tokenizer(read_checkpoint(options.tokenizer, TOKENIZER_KEY), statistics)
    tensors = read_checkpoint(options.transformer, TRANSFORMER_KEY)
    transformer = import_transformer(tensors, tokenizer, options.heads)
    clip_folder = str(options.clip.resolve()) if options.clip else ""
    config = BundleConfig(
        name=options.name or options.out.name,
        licence=options.licence,
        tokenizer=tokenizer.config,
        transformer=transformer.config,
        sampler=sampler_config(tokenizer.config),
        text={"kind": "clip", "folder": clip_folder},
        description=f"Imported from {options.tokenizer.name} and {options.transformer.name}.",
        storage=options.storage,
    )
    return save_bundle(options.out, config, tokenizer, transformer)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for flag, meaning in FILES.items():
        parser.add_argument(flag, type=Path, required=True, metavar="FILE", help=meaning)
    parser.add_argument("--heads", type=int, required=True, help="attention heads (published: 16)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the new bundle")
    parser.add_argument("--name", help="the bundle's name (default: the folder's)")
    parser.add_argument("--licence", default=LICENCE, help="what the weights may be used for")
    parser.add_argument("--clip", type=Path, metavar="DIR", help="CLIP ViT-B/32 on this machine")
    parser.add_argument("--storage", choices=("float32", "float16"), default="float32")
    return parser


if __name__ == "__main__":
    sys.exit(main())
