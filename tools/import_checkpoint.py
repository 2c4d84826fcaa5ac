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
from mmm_blender.motion.bundles.published_checkpoint import (  # noqa: E402
    TOKENIZER_KEY,
    TRANSFORMER_KEY,
    import_tokenizer,
    import_transformer,
    read_checkpoint,
    read_statistics,
    sampler_config,
)
from mmm_blender.motion.config import BundleConfig  # noqa: E402
from mmm_blender.motion.networks.bundle_file import save_bundle  # noqa: E402
from mmm_blender.motion.runtime.opening import open_text_encoder  # noqa: E402
from mmm_blender.motion.text import CLIP_FOLDER  # noqa: E402

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
    if options.clip is None:
        print(
            f"import_checkpoint: {options.out} cannot read prompts yet: import it again with "
            f"--clip FOLDER, {CLIP_FOLDER}.",
            file=sys.stderr,
        )
    return 0


def convert(options: argparse.Namespace) -> BundleConfig:
    """Read both files and write the bundle."""
    statistics = read_statistics(options.mean, options.std)
    tokenizer = import_tokenizer(read_checkpoint(options.tokenizer, TOKENIZER_KEY), statistics)
    tensors = read_checkpoint(options.transformer, TRANSFORMER_KEY)
    transformer = import_transformer(tensors, tokenizer, options.heads)
    config = BundleConfig(
        name=options.name or options.out.name,
        licence=options.licence,
        tokenizer=tokenizer.config,
        transformer=transformer.config,
        sampler=sampler_config(tokenizer.config),
        text=_text_section(options.clip, transformer.config.text_width),
        description=f"Imported from {options.tokenizer.name} and {options.transformer.name}.",
        storage=options.storage,
    )
    return save_bundle(options.out, config, tokenizer, transformer)


def _text_section(clip: Path | None, width: int) -> dict[str, str]:
    """What the config says of CLIP, which is tried here so that a wrong folder is not baked in."""
    if clip is None:
        return {"kind": "clip", "folder": ""}
    folder = clip.expanduser().resolve()
    section = {"kind": "clip", "folder": str(folder)}
    encoder = open_text_encoder(folder, section)
    if encoder.width != width:
        raise MMMError(
            f"The transformer wants text features of {width} numbers and the CLIP in {folder} "
            f"gives {encoder.width}: give the folder of CLIP ViT-B/32."
        )
    return section


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
