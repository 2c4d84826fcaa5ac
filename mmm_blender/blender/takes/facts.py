"""What the list says of an answer of the worker."""

from __future__ import annotations

import math

from ...geometry.feet.take_figures import foot_slide, seam_jump
from ...worker.protocol import Generated
from .take_list import TakeFacts

_CM = 100.0


def generated_facts(result: Generated) -> TakeFacts:
    """Of a new motion, of one prompt or several."""
    recipe = result.recipe
    prompts, seeds = recipe.get("prompts"), recipe.get("seeds")
    prompt = ", ".join(prompts) if prompts else str(recipe.get("prompt", ""))
    seed = seeds[0] if seeds else recipe.get("seed", 0)
    seam = recipe.get("seam", math.nan)
    return TakeFacts(prompt, int(seed), foot_slide(result.clip), float(seam))


def edited_facts(result: Generated, first: int, last: int, leads: bool) -> TakeFacts:
    """Of a motion whose frames ``first`` to ``last`` were regenerated. leads: it had somewhere to
    arrive."""
    made, recipe = result.clip, result.recipe
    arrival = recipe.get("arrival_mps")
    return TakeFacts(
        str(recipe["prompt"]),
        int(recipe["seed"]),
        foot_slide(made.slice(first, last + 1)),
        seam_jump(made, first, last),
        _CM * float(arrival) if leads and arrival is not None else math.nan,
    )
