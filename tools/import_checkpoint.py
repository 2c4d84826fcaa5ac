"""Turn a published MMM checkpoint into a bundle.

    python tools/import_checkpoint.py --tokenizer net_last.pth --transformer net_last.pth \\
        --heads 16 --mean t2m-mean.npy --std t2m-std.npy --clip clip-vit-base-patch32 \\
        --out weights/mmm

Takes the whole-body pair or the upper-body pair; which of the two it is follows from the files.
Nothing in the files is run. Mean and deviation are those of the authors' own training
(exit/t2m-mean.npy and exit/t2m-std.npy in their repository): others give wrong motion.
The bundle reads prompts through CLIP in the folder that --clip names; without it the bundle cannot
generate until it is imported again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mmm_blender.common.errors import MMMError  # noqa: E402
from mmm_blender.motion.checkpoint_import import (  # noqa: E402
    LICENCE,
    BundleLabel,
    CheckpointFiles,
    import_checkpoint,
)
from mmm_blender.motion.config import BundleConfig  # noqa: E402
from mmm_blender.motion.text import CLIP_FOLDER  # noqa: E402

FILES = {
    "--tokenizer": "the tokenizer's .pth",
    "--transformer": "the transformer's .pth",
    "--mean": "mean of the features, .npy",
    "--std": "deviation of the features, .npy",
}


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
    if options.clip is None:
        print(
            f"import_checkpoint: {options.out} cannot read prompts yet: import it again with "
            f"--clip FOLDER, {CLIP_FOLDER}.",
            file=sys.stderr,
        )
    return 0


def convert(options: argparse.Namespace) -> BundleConfig:
    """Read both files and write the bundle."""
    files = CheckpointFiles(
        options.tokenizer,
        options.transformer,
        options.mean,
        options.std,
        options.heads,
        options.clip,
    )
    label = BundleLabel(options.name or options.out.name, options.licence, options.storage)
    return import_checkpoint(files, label, options.out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for flag, meaning in FILES.items():
        parser.add_argument(flag, type=Path, required=True, metavar="FILE", help=meaning)
    parser.add_argument("--heads", type=int, required=True, help="attention heads (published: 16)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the new bundle")
    parser.add_argument("--name", help="the bundle's name (default: the folder's)")
    parser.add_argument("--licence", default=LICENCE, help="what the weights may be used for")
    parser.add_argument("--clip", type=Path, metavar="FOLDER", help=CLIP_FOLDER)
    parser.add_argument("--storage", choices=("float32", "float16"), default="float32")
    return parser


if __name__ == "__main__":
    sys.exit(main())
