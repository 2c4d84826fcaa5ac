"""Put the packs of a training run together as a bundle.

    python tools/write_bundle.py --packs build/run --set starter --text build/text/student \\
        --bundle weights/starter --licence CC-BY-NC-4.0 --description "Walking, turning and more"
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from _dev.program import run  # noqa: E402

from mmm_blender.common.errors import MMMError  # noqa: E402
from mmm_blender.common.schema import from_json  # noqa: E402
from mmm_blender.motion.bundles.bundle import files_of  # noqa: E402
from mmm_blender.motion.config import (  # noqa: E402
    BundleConfig,
    SamplerConfig,
    TokenizerConfig,
    TransformerConfig,
)
from mmm_blender.motion.networks.bundle_file import save_bundle  # noqa: E402
from mmm_blender.motion.networks.tokenizer import Tokenizer  # noqa: E402
from mmm_blender.motion.networks.transformer import MaskedTransformer  # noqa: E402
from mmm_blender.motion.text import STUDENT_FOLDER  # noqa: E402
from mmm_blender.training.trainer.weight_pack import read_pack  # noqa: E402

MIN_SECONDS = 1.0  # shorter than any clip that was learnt from


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--packs", type=Path, required=True, help="folder of train_bundles.py")
    parser.add_argument("--set", required=True, help="name of the set")
    parser.add_argument("--text", type=Path, required=True, help="folder of the text encoder")
    parser.add_argument("--bundle", type=Path, required=True, help="bundle folder to write")
    parser.add_argument("--licence", default="CC-BY-NC-4.0", help="of the bundle's weights")
    parser.add_argument("--description", default="", help="what the bundle knows, one line")
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("--confidence-noise", type=float, default=3.0)
    parser.add_argument("--claim-tries", type=int, default=8)
    return parser.parse_args()


def main() -> int:
    options = parse_options()
    pack = read_pack(options.packs, options.set)
    if "transformer" not in pack.states:
        raise MMMError(f"The packs of {options.set} hold no transformer yet: train further.")
    tokenizer = Tokenizer(from_json(TokenizerConfig, pack.notes["tokenizer"], "the pack"))
    tokenizer.load_state_dict(pack.states["tokenizer"])
    sizes = from_json(TransformerConfig, pack.notes["transformer"], "the pack")
    transformer = MaskedTransformer(sizes, tokenizer.config, tokenizer.codebooks_PKD)
    transformer.load_state_dict(pack.states["transformer"])
    config = BundleConfig(
        name=options.bundle.name,
        licence=options.licence,
        description=options.description,
        min_seconds=MIN_SECONDS,
        tokenizer=tokenizer.config,
        transformer=sizes,
        sampler=SamplerConfig(
            guidance=options.guidance,
            confidence_noise=options.confidence_noise,
            claim_tries=options.claim_tries,
        ),
        text={"kind": "student", "folder": STUDENT_FOLDER},
        storage="float16",
    )
    text = files_of(options.text, STUDENT_FOLDER)
    save_bundle(options.bundle, config, tokenizer, transformer, text)
    print(f"wrote {options.bundle} (step {pack.notes.get('step')})")
    return 0


if __name__ == "__main__":
    run(main)
