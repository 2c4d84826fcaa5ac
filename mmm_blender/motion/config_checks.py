"""What no config of ours goes beyond, and sentences for those that do."""

from __future__ import annotations

from collections.abc import Iterable

from ..common.errors import MMMError
from ..common.schema import GET_AGAIN

MOST = {
    **dict.fromkeys(("width", "code_dim", "text_width", "places"), 2**14),
    **{"codes": 2**20, "stages": 8, "latent_kernel": 255, "output_kernel": 255},
    **{"heads": 2**10, "layers": 64, "cross_layers": 64, "mlp_ratio": 64},
}
"""Far above what any model of this kind has, and small enough to be built to compare shapes."""

MOST_ROUNDS = 1_000
"""Of steps, revisions and candidates."""
MOST_BLOCKS = 64
"""Of residual blocks in a stack, codebooks of a part, levels."""
MOST_DILATION = 2**12
MOST_FILES = 1_000


def listed(values: Iterable[object]) -> str:
    """Values for a sentence."""
    return ", ".join(map(str, values)) or "none"


def check_sizes(config: object, *names: str) -> None:
    """MMMError unless these fields are 1 or more, and no larger than any model needs."""
    for name in names:
        if getattr(config, name) < 1:
            raise MMMError(f"'{name}' must be 1 or more in a config, not {getattr(config, name)}.")
        if getattr(config, name) > (most := MOST.get(name, MOST_ROUNDS)):
            raise MMMError(f"'{name}' is larger than {most} in a config: {GET_AGAIN}.")
