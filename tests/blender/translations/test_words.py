"""The words that an animator sees: Blender's style, and nothing that only its makers understand.

The list of all of them: `python -m tests.blender.translations.test_words`.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import mmm_blender
from mmm_blender.blender.edit.chosen_range import Source
from mmm_blender.blender.jobs.session import WorkerSession
from tests.blender.translations.shown_texts import Shown, shown_texts

MAKERS_WORDS = ("token", "bundle", "worker", "codebook", "logit", "embedding", "latent")
"""What nobody should have to know: people read of weights, of the model, of a motion."""
EXPLAINED = {
    "The authors' .pth that turns motion into pieces (tokens) and back": "says what it is",
}
SMALL = re.compile(r"a|an|and|as|at|by|for|from|in|it|its|of|on|onto|or|the|to|with")
"""Words that stay small in a title."""
NO_TITLES = ("what happens", "(deleted)", "a new character", "not for commercial use", "mm")
FILES = ("motion onto character (", "motion of character (")
"""Entries of Blender's own menu File, with endings of files."""
LONGEST_LABEL = 36
SEED = "seed"
MESSAGES = ("blender", "motion/pipeline", "motion/sampling", "motion/bundles", "worker/server")
"""Folders whose errors a person reads in the panel."""
_MAKERS = re.compile(rf"\b({'|'.join(MAKERS_WORDS)})s?\b", re.IGNORECASE)
_SOURCES = tuple(each.value for each in Source)
_ROOT = Path(mmm_blender.__file__).parent


def is_sentence(text: str) -> bool:
    return text.endswith((".", "?")) or "{" in text or ":" in text or text in _SOURCES


def labels() -> list[Shown]:
    """Those that are no sentences."""
    return [e for e in shown_texts() if not e.is_tooltip and not is_sentence(e.text)]


def test_nobody_reads_a_word_of_the_makers(session: WorkerSession) -> None:
    found = {e.text: e.place for e in shown_texts() if _MAKERS.search(e.text)}
    assert {t: place for t, place in found.items() if t not in EXPLAINED} == {}


def test_labels_are_titles(session: WorkerSession) -> None:
    wrong = [
        e
        for e in labels()
        if not e.text.lower().startswith((*NO_TITLES, *FILES))
        and not all(is_title(word, n) for n, word in enumerate(e.text.split()))
    ]
    assert [e.text for e in wrong] == [], "Blender writes Labels Like This"


def is_title(word: str, place: int) -> bool:
    letters = word.strip("(),.'+*")
    return (
        not letters[:1].islower()
        or bool(place and SMALL.fullmatch(letters))
        or word.startswith("(")
    )


def test_labels_are_short(session: WorkerSession) -> None:
    long = {e.text for e in labels() if len(e.text) > LONGEST_LABEL}
    assert {text for text in long if not text.lower().startswith(FILES)} == set()


def test_tooltips_begin_like_blenders_and_end_without_a_full_stop(session: WorkerSession) -> None:
    tips = [e for e in shown_texts() if e.is_tooltip]
    assert [e for e in tips if e.text.endswith(".") or e.text != e.text.strip()] == []
    assert [e for e in tips if e.text[0].islower()] == []
    third = re.compile(r"^(Adds|Makes|Generates|Removes|Opens|Sets|Keeps|Plays|Writes|Shows)\b")
    assert [e for e in tips if third.match(e.text)] == [], "Blender's tooltips are imperative"


def test_every_button_and_field_has_a_tooltip(session: WorkerSession) -> None:
    shown = shown_texts()
    tips = {e.place for e in shown if e.is_tooltip}
    fields = {e.place for e in shown if not e.is_tooltip and e.place.startswith("mmm.")}
    bare = {place for place in fields - tips if place.count(".") == 1}
    assert bare == set()


def test_seeds_are_explained(session: WorkerSession) -> None:
    shown = shown_texts()
    tips = {e.place: e.text for e in shown if e.is_tooltip}
    for each in shown:
        if not each.is_tooltip and each.text in ("Seed", "New Seed"):
            assert re.search(r"motion|seam", tips[each.place]), each


def test_messages_have_none_of_these_words() -> None:
    found = [each for folder in MESSAGES for each in messages(folder) if _MAKERS.search(each)]
    assert not found, "\n".join(found)


def messages(folder: str) -> list[str]:
    """Sentences of the errors that a folder raises."""
    found: list[str] = []
    for path in sorted((_ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "").endswith("Error"):
                found += [sentence(each) for each in node.args[:1]]
    return [each for each in found if " " in each]


def sentence(node: ast.expr) -> str:
    """A string, with {} for each of its values."""
    if isinstance(node, ast.JoinedStr):
        return "".join(sentence(each) for each in node.values)
    if isinstance(node, ast.Constant):
        return str(node.value)
    return "{}"


if __name__ == "__main__":
    mmm_blender.register()
    for each in sorted(set(shown_texts()), key=lambda one: one.place):
        print("tooltip" if each.is_tooltip else "label  ", each.text, f"[{each.place}]")
