"""A bundle's knowledge, made from the clips that it was trained with and their captions."""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from ...common.arrays import FloatArray
from ...motion.text import TextEncoder
from ...prompts.knowledge import Knowledge, KnownGroup, KnownPrompt, Neighbour
from ...prompts.splitting import split_prompt
from ...prompts.verbs import words_of
from ..data.captions import caption, style_words, wording_of
from ..data.labels import label_of
from ..data.motion_file import ClipRecord
from .lexicon import (
    ACTIONS,
    ADJECTIVES,
    ADVERBS,
    OBJECTS,
    PEOPLE,
    VERBS,
    gerund,
    past,
    third_person,
)

_DRAWS = 12  # captions of each clip whose words are counted
_NEIGHBOURS = 2
_BATCH = 256
_MANNER_PROMPT = "{who} walks forward"

_GROUPS: Mapping[str, str] = {
    "Locomotion": r"\b(walk|run|jog|dash|sprint|sneak|tiptoe|circle|step|stride|navigate)",
    "Gestures": r"\b(wave|waves|raise|raises|bow|bows|goodbye|bye|point|shows the way|calls|laugh"
    r"|signal|traffic|answer)",
    "Standing": r"\b(stand|stands|waits|idle)",
    "Dance": r"\b(danc|salsa|ballet)",
    "Fighting": r"\b(punch|kick|box|sword|slash|martial|fight|strike)",
    "Sports": r"\b(ball|basketball|soccer|exercis|jump|hop|squat|cartwheel|flip|handstand|leap|roll"
    r"|layup|arm circles|circles|crunch|elbow|dive)",
}
"""Names of groups and the words that they are known by, the first that fits first."""

_OTHER, _MANNERS, _TWO = "Everyday", "Manners", "Two at once, or in a row"


def bundle_knowledge(
    records: Sequence[ClipRecord],
    encoder: TextEncoder | None = None,
    composites: bool = False,
    seed: int = 0,
) -> Knowledge:
    """What somebody knows who learnt from these clips (of the training set alone).

    encoder: finds known actions for the words of the lexicon; without it there are none.
    """
    prompts = known_prompts(records)
    groups = [*_grouped(prompts), *_manners(records)]
    if composites:
        groups.append(KnownGroup(_TWO, _pairs(prompts)))
    words = caption_words(records, seed)
    near = {}
    if encoder:
        near = manner_neighbours(encoder, records, words) | neighbours(encoder, prompts, words)
    return Knowledge(tuple(groups), words, near, _wholes(records), _most_pieces(encoder))


def _most_pieces(encoder: TextEncoder | None) -> int:
    """Pieces between [CLS] and [SEP]."""
    config = getattr(encoder, "config", None)
    return int(getattr(config, "max_tokens", 64)) - 2


def known_prompts(records: Sequence[ClipRecord]) -> list[KnownPrompt]:
    """One prompt for each content, the most frequent first."""
    clips: dict[str, list[ClipRecord]] = defaultdict(list)
    for record in records:
        clips[label_of(record)[0]].append(record)
    rows = [
        KnownPrompt(f"a person {verb}", verb, len(found))
        for found in clips.values()
        for verb in [_verb(found[0])]
    ]
    unique: dict[str, KnownPrompt] = {}
    for row in sorted(rows, key=lambda each: -each.clips):
        unique.setdefault(row.verb, row)
    return list(unique.values())


def _verb(record: ClipRecord) -> str:
    """The content's most telling phrase: one that names a direction before one that names none."""
    wording = wording_of(record)
    longest = [row[0] for row in wording.phrases if len(row) > 2]
    return longest[0] if longest and record.content.startswith("walk-") else wording.phrases[0][0]


def _grouped(prompts: Sequence[KnownPrompt]) -> list[KnownGroup]:
    found: dict[str, list[KnownPrompt]] = {name: [] for name in (*_GROUPS, _OTHER)}
    for prompt in prompts:
        found[group_of(prompt.verb)].append(prompt)
    return [KnownGroup(name, tuple(rows)) for name, rows in found.items() if rows]


def group_of(verb: str) -> str:
    """The group that a phrase belongs to."""
    return next((name for name, like in _GROUPS.items() if re.search(like, verb)), _OTHER)


def _manners(records: Sequence[ClipRecord]) -> list[KnownGroup]:
    """A walk in every manner that was seen."""
    counts = Counter(label_of(record)[1] for record in records)
    rows = [
        KnownPrompt(_MANNER_PROMPT.format(who=who), who, count)
        for style, count in counts.most_common()
        if style != "normal" and (who := _somebody(style))
    ]
    return [KnownGroup(_MANNERS, tuple(rows))] if rows else []


def _somebody(style: str) -> str:
    """ "a tired person" for a style's name; "" where it has no adjective."""
    adjective = next(iter(style_words(style).adjectives), "")
    return f"{'an' if adjective[:1] in 'aeiou' else 'a'} {adjective} person" if adjective else ""


def _pairs(prompts: Sequence[KnownPrompt]) -> tuple[KnownPrompt, ...]:
    """Examples of two deeds of what is known best."""
    moves = [row for row in prompts if group_of(row.verb) == "Locomotion"][:3]
    gestures = [row for row in prompts if group_of(row.verb) == "Gestures"][:4]
    return tuple(
        KnownPrompt(f"{move.prompt}{join}{gesture.verb}", f"{move.verb}{join}{gesture.verb}",
                    min(move.clips, gesture.clips))
        for join in (" and ", ", then ")
        for move in moves
        for gesture in gestures
    )  # fmt: skip


def caption_words(records: Sequence[ClipRecord], seed: int) -> dict[str, int]:
    """How often each word stood in drawn captions, the most frequent first."""
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    for record in records:
        for draw in range(_DRAWS):
            counts.update(words_of(caption(record, rng, mirrored=bool(draw % 2))))
    return dict(counts.most_common())


def _wholes(records: Sequence[ClipRecord]) -> frozenset[str]:
    """Phrases of several actions that stand in captions."""
    found: set[str] = set()
    for record in {label_of(record)[0]: record for record in records}.values():
        for row in wording_of(record).phrases:
            found |= {" ".join(words_of(each)) for each in row[:2] if len(split_prompt(each)) > 1}
    return frozenset(found)


def neighbours(
    encoder: TextEncoder, prompts: Sequence[KnownPrompt], words: Mapping[str, int]
) -> dict[str, Neighbour]:
    """The known actions nearest to each word of the lexicon that stood in no caption."""
    asked = {verb: f"a person {third_person(verb)}" for verb in VERBS}
    asked |= {action.split()[-1]: f"a person {action}" for action in ACTIONS}
    asked = {thing: f"a person plays with a {thing}" for thing in OBJECTS} | asked
    forms = {word: text for base, text in asked.items() for word in _forms(base)}
    unseen = {word: text for word, text in forms.items() if word not in words}
    known = embedded(encoder, [row.prompt for row in prompts])
    scores = embedded(encoder, list(unseen.values())) @ known.T
    return {word: nearest_of(row, prompts) for word, row in zip(unseen, scores, strict=True)}


def manner_neighbours(
    encoder: TextEncoder, records: Sequence[ClipRecord], words: Mapping[str, int]
) -> dict[str, Neighbour]:
    """The known manners nearest to each adjective, adverb or kind of person of the lexicon that
    stood in no caption; adverbs as their adjectives."""
    styles = {label_of(record)[1] for record in records}
    known = sorted({each for style in styles for each in style_words(style).adjectives})
    if not known:
        return {}
    asked = {word: f"a person is {_adjective(word)}" for word in (*ADJECTIVES, *ADVERBS)}
    asked = {word: f"a person is a {word}" for word in PEOPLE} | asked
    unseen = {word: text for word, text in asked.items() if word not in words}
    rows = embedded(encoder, [f"a person is {each}" for each in known])
    manners = [KnownPrompt("", each, 0) for each in known]
    scores = embedded(encoder, list(unseen.values())) @ rows.T
    return {word: nearest_of(row, manners) for word, row in zip(unseen, scores, strict=True)}


def _adjective(word: str) -> str:
    """ "furious" of "furiously", "happy" of "happily"."""
    if word.endswith("ily"):
        return word[:-3] + "y"
    return word.removesuffix("ly")


def _forms(base: str) -> tuple[str, ...]:
    if base not in VERBS:
        return (base,)
    return (base, third_person(base), gerund(base), past(base))


def nearest_of(scores_N: FloatArray, prompts: Sequence[KnownPrompt]) -> Neighbour:
    """The best of the known prompts by their cosines."""
    best = np.argsort(-scores_N)[:_NEIGHBOURS]
    return Neighbour(tuple(prompts[at].verb for at in best), round(float(scores_N[best[0]]), 2))


def embedded(encoder: TextEncoder, prompts: Sequence[str]) -> FloatArray:
    """Sentence vectors of length 1. (N, C)."""
    batches = [prompts[at : at + _BATCH] for at in range(0, len(prompts), _BATCH)]
    rows = np.concatenate([encoder.encode(b).sentence_BC for b in batches])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
