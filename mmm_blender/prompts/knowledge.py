"""What a bundle knows, as it says itself: ``text/knowledge.json``, read without torch.

Written from the captions that the bundle was trained with; a bundle without the file is asked
nothing and says nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from .verbs import base_of, words_of

KNOWLEDGE_FILE = "text/knowledge.json"
"""Its place in a bundle's folder."""

FORMAT = 1


@dataclass(frozen=True)
class KnownPrompt:
    """A prompt that is known. verb: its action, "waves with the left hand"; clips: how many clips
    of training showed it."""

    prompt: str
    verb: str
    clips: int


@dataclass(frozen=True)
class KnownGroup:
    """Known prompts of one kind: locomotion, gestures ..."""

    name: str
    prompts: tuple[KnownPrompt, ...]


@dataclass(frozen=True)
class Neighbour:
    """What the text encoder finds nearest to a word. score: cosine, 1 for the same."""

    verbs: tuple[str, ...]
    score: float


@dataclass(frozen=True)
class Knowledge:
    """groups: known prompts. words: how often each word stood in a training caption. near: words
    that never did, with the known actions that they are nearest to. wholes: sentences of several
    actions that were taught as they stand, as lower-case words. most_pieces: pieces of words that
    the text encoder reads (a common word is one)."""

    groups: tuple[KnownGroup, ...] = ()
    words: Mapping[str, int] = field(default_factory=dict[str, int])
    near: Mapping[str, Neighbour] = field(default_factory=dict[str, Neighbour])
    wholes: frozenset[str] = frozenset()
    most_pieces: int = 62

    @property
    def prompts(self) -> tuple[KnownPrompt, ...]:
        """Those of all groups."""
        return tuple(each for group in self.groups for each in group.prompts)

    def has_word(self, word: str) -> bool:
        """Whether a word, in lower case, or another form of the same verb stood in a caption."""
        return word in self.words or base_of(word) in self._bases

    @property
    def _bases(self) -> frozenset[str]:
        return _verb_bases(tuple(self.words))

    def is_whole(self, prompt: str) -> bool:
        """Whether a prompt, but for who does it, was taught as it stands."""
        words = words_of(prompt)
        return any(" ".join(words[start:]) in self.wholes for start in range(min(5, len(words))))

    def search(self, text: str) -> tuple[KnownGroup, ...]:
        """The groups with the prompts that hold all words of ``text``; all for an empty one."""
        wanted = text.lower().split()
        found = (
            KnownGroup(
                group.name,
                tuple(
                    each
                    for each in group.prompts
                    if all(word in f"{group.name} {each.prompt}".lower() for word in wanted)
                ),
            )
            for group in self.groups
        )
        return tuple(group for group in found if group.prompts)


@lru_cache(maxsize=8)
def _verb_bases(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(base_of(word) for word in words) - {""}


def to_bytes(knowledge: Knowledge) -> bytes:
    """The file's content."""
    values = asdict(knowledge) | {"format": FORMAT, "wholes": sorted(knowledge.wholes)}
    return (json.dumps(values, ensure_ascii=False) + "\n").encode()


def read_knowledge(folder: Path) -> Knowledge | None:
    """What the bundle in a folder knows; None where it does not say, or says it in another way.

    Read again whenever the file changed.
    """
    path = folder / KNOWLEDGE_FILE
    try:
        return _read(path, path.stat().st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=8)
def _read(path: Path, _stamp: int) -> Knowledge | None:
    try:
        return from_values(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None  # a file that nobody can read is as good as none


def from_values(values: Mapping[str, Any]) -> Knowledge | None:
    """Of the file's JSON; None for another format."""
    if values["format"] != FORMAT:
        return None
    return Knowledge(
        tuple(_group(row) for row in values["groups"]),
        {str(word): int(count) for word, count in values["words"].items()},
        {
            str(word): Neighbour(tuple(row["verbs"]), float(row["score"]))
            for word, row in values["near"].items()
        },
        frozenset(cast("Iterable[str]", values["wholes"])),
        int(values["most_pieces"]),
    )


def _group(row: Mapping[str, Any]) -> KnownGroup:
    prompts = (KnownPrompt(p["prompt"], p["verb"], int(p["clips"])) for p in row["prompts"])
    return KnownGroup(str(row["name"]), tuple(prompts))
