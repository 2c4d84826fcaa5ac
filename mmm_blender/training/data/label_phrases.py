"""CMU's own labels as verb phrases: "walk, turn around" is "walks and turns around"."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

_WORDS = Path(__file__).with_name("captions.toml")
_MOST_CLAUSES = 3  # of a label that lists many


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads(_WORDS.read_text(encoding="utf-8"))


def lacks_verb(label: str) -> bool:
    """Whether a CMU label says nothing that a caption could tell ("Unknown", "Story")."""
    words, plain = _words(), label.lower()
    known = plain in words["cmu"] or plain in words["cmu_same"]
    return not known and label_phrase(plain)[0].startswith("does ")


def label_phrase(label: str) -> list[str]:
    """Third person and -ing form of a label such as "walk, turn around": "walks, turns around"."""
    text = re.sub(r"^.* - |\(.*?\)", "", label.lower())
    clauses = [part.strip() for part in re.split(r",|;|/|&|\band\b|\bthen\b", text)]
    clauses_said = [forms for clause in clauses if (forms := _conjugated(clause))]
    if not clauses_said:
        plain = re.sub(r"[^a-z0-9]+", " ", text).strip()
        return [f"does {plain}", f"doing {plain}"]
    return [_listed([pair[form] for pair in clauses_said[:_MOST_CLAUSES]]) for form in (0, 1)]


def _conjugated(clause: str) -> tuple[str, str] | None:
    """Both forms of a clause that opens with a verb ("walk", "walking"), or None."""
    forms = _words()["verbs"]
    words = re.findall(r"[a-z0-9'-]+", clause)
    bases = {ing: base for base, ing in forms.items()}
    verb = bases.get(words[0], words[0]) if words else ""
    if verb not in forms:
        return None
    rest = " ".join(["", *words[1:]])
    return third_person(verb) + rest, forms[verb] + rest


def _listed(parts: list[str]) -> str:
    """ "walks, stops and turns"."""
    if len(parts) == 1:
        return parts[0]
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def third_person(verb: str) -> str:
    """ "walks" of "walk", "carries" of "carry"."""
    if verb.endswith(("s", "sh", "ch", "x", "z", "o")):
        return verb + "es"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + "s"
