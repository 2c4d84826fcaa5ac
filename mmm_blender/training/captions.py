"""Sentences for labelled clips: what an animator might have typed to get this motion.

A label is a content ("walk-turn-left") and a style ("elderly"). A caption draws a subject or a
manner from the style and a verb phrase from the content, in one of a few sentence shapes. Left
and right change places in the caption of a mirrored clip.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from .motion_file import ClipRecord


@dataclass(frozen=True)
class Style:
    """Words of a manner. subjects: "a tired person"; adverbs: "wearily"; ends: "like ..."."""

    adjectives: tuple[str, ...] = ()
    adverbs: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()


_ANYONE = ("a person", "someone", "a man", "a woman", "the character", "the person", "a figure")

# verb phrases: third person, then the -ing form
_CONTENTS: dict[str, tuple[tuple[str, str], ...]] = {
    "bow": (("bows", "bowing"), ("takes a bow", "taking a bow"), ("bows politely", "bowing politely"), ("bends forward in a bow", "bending forward in a bow")),
    "bye": (("waves goodbye", "waving goodbye"), ("waves bye with one hand", "waving bye with one hand"), ("says goodbye with a wave", "saying goodbye with a wave")),
    "byebye": (("waves bye-bye", "waving bye-bye"), ("waves goodbye with both hands", "waving goodbye with both hands"), ("waves bye bye", "waving bye bye")),
    "call": (("calls someone over", "calling someone over"), ("beckons", "beckoning"), ("calls out to someone", "calling out to someone")),
    "dance-long": (("dances", "dancing"), ("performs a dance", "performing a dance"), ("dances to music", "dancing to music")),
    "dance-short": (("dances", "dancing"), ("does a short dance", "doing a short dance"), ("does a dance move", "doing a dance move")),
    "dash": (("dashes forward", "dashing forward"), ("sprints", "sprinting"), ("dashes", "dashing"), ("sprints ahead", "sprinting ahead"), ("runs fast", "running fast")),
    "guide": (("shows the way", "showing the way"), ("guides someone with a hand", "guiding someone with a hand"), ("points the way for a guest", "pointing the way for a guest"), ("gestures to come this way", "gesturing to come this way")),
    "kick": (("kicks", "kicking"), ("does a kick", "doing a kick"), ("kicks with a leg", "kicking with a leg")),
    "punch": (("punches", "punching"), ("throws a punch", "throwing a punch"), ("throws punches", "throwing punches")),
    "respond": (("responds", "responding"), ("answers with a gesture", "answering with a gesture"), ("reacts to someone", "reacting to someone")),
    "run": (("runs forward", "running forward"), ("runs", "running"), ("jogs", "jogging"), ("runs ahead", "running ahead"), ("jogs forward", "jogging forward"), ("runs straight ahead", "running straight ahead")),
    "slash": (("slashes with a sword", "slashing with a sword"), ("swings a sword", "swinging a sword"), ("slashes", "slashing"), ("strikes with a blade", "striking with a blade")),
    "walk": (("walks forward", "walking forward"), ("walks", "walking"), ("walks ahead", "walking ahead"), ("walks straight ahead", "walking straight ahead"), ("takes a walk", "taking a walk"), ("steps forward", "stepping forward")),
    "walk-back": (("walks backward", "walking backward"), ("walks backwards", "walking backwards"), ("steps back", "stepping back"), ("backs away", "backing away"), ("backs up", "backing up")),
    "walk-left": (("walks sideways to the left", "walking sideways to the left"), ("sidesteps left", "sidestepping left"), ("steps to the left", "stepping to the left"), ("side steps to the left", "side stepping to the left")),
    "walk-right": (("walks sideways to the right", "walking sideways to the right"), ("sidesteps right", "sidestepping right"), ("steps to the right", "stepping to the right"), ("side steps to the right", "side stepping to the right")),
    "raise-up-both-hands": (("raises both hands", "raising both hands"), ("raises both arms", "raising both arms"), ("lifts both hands up", "lifting both hands up"), ("puts both hands up", "putting both hands up"), ("raises their hands above the head", "raising their hands above the head")),
    "raise-up-left-hand": (("raises the left hand", "raising the left hand"), ("raises the left arm", "raising the left arm"), ("lifts the left hand", "lifting the left hand"), ("puts the left hand up", "putting the left hand up"), ("holds up a left hand", "holding up a left hand")),
    "raise-up-right-hand": (("raises the right hand", "raising the right hand"), ("raises the right arm", "raising the right arm"), ("lifts the right hand", "lifting the right hand"), ("puts the right hand up", "putting the right hand up"), ("holds up a right hand", "holding up a right hand")),
    "walk-turn-left": (("walks and turns left", "walking and turning left"), ("walks in a curve to the left", "walking in a curve to the left"), ("turns left while walking", "turning left while walking"), ("walks forward, then turns left", "walking forward, then turning left")),
    "walk-turn-right": (("walks and turns right", "walking and turning right"), ("walks in a curve to the right", "walking in a curve to the right"), ("turns right while walking", "turning right while walking"), ("walks forward, then turns right", "walking forward, then turning right")),
    "wave-both-hands": (("waves both hands", "waving both hands"), ("waves with both hands", "waving with both hands"), ("waves both arms", "waving both arms"), ("greets with both hands", "greeting with both hands")),
    "wave-left-hand": (("waves the left hand", "waving the left hand"), ("waves with the left hand", "waving with the left hand"), ("waves the left arm", "waving the left arm"), ("says hello with the left hand", "saying hello with the left hand")),
    "wave-right-hand": (("waves the right hand", "waving the right hand"), ("waves with the right hand", "waving with the right hand"), ("waves the right arm", "waving the right arm"), ("says hello with the right hand", "saying hello with the right hand")),
}  # fmt: skip

_STYLES: dict[str, Style] = {
    "normal": Style(("normal", "ordinary"), ("normally", "casually"), _ANYONE),
    "active": Style(("energetic", "lively", "active"), ("energetically", "briskly", "actively"), (), ("with energy", "full of energy")),
    "angry": Style(("angry", "furious"), ("angrily", "furiously"), (), ("in anger",)),
    "childish": Style(("childish", "playful"), ("playfully", "childishly"), ("a child", "a kid", "a little boy"), ("like a child",)),
    "chimpira": Style(("swaggering", "cocky"), ("with a swagger", "aggressively"), ("a thug", "a gangster"), ("like a thug", "like a gangster")),
    "elderly": Style(("elderly", "old", "aged"), ("slowly and carefully", "with a stoop"), ("an old person", "an old man", "an old woman", "an elderly person"), ("like an old person",)),
    "exhausted": Style(("tired", "exhausted", "weary"), ("wearily", "tiredly"), ("a tired person", "an exhausted person"), ("in exhaustion", "barely standing")),
    "feminine": Style(("feminine", "graceful", "elegant"), ("gracefully", "elegantly", "in a feminine way"), ("a woman", "a lady", "a girl"), ("like a model",)),
    "giant": Style(("giant", "heavy", "huge"), ("heavily", "with heavy steps"), ("a giant",), ("like a giant",)),
    "happy": Style(("happy", "cheerful", "joyful"), ("happily", "cheerfully"), (), ("with joy",)),
    "masculine": Style(("masculine", "manly", "strong"), ("in a masculine way", "firmly"), ("a man", "a strong man", "a macho man"), ("like a tough guy",)),
    "musical": Style(("musical", "dancing"), ("rhythmically", "theatrically"), (), ("like in a musical",)),
    "not-confident": Style(("shy", "timid", "insecure"), ("shyly", "timidly", "nervously"), (), ("without confidence",)),
    "proud": Style(("proud", "confident"), ("proudly", "confidently"), (), ("with pride",)),
    "sad": Style(("sad", "depressed"), ("sadly",), (), ("in sorrow", "with a hanging head")),
    "youthful": Style(("young", "youthful"), ("youthfully", "lightly"), ("a young person", "a teenager", "a young man"), ()),
}  # fmt: skip
# the two sets name some manners differently
_STYLES |= {
    "old": _STYLES["elderly"],
    "tired": _STYLES["exhausted"],
    "masculinity": _STYLES["masculine"],
}

_NEUTRAL = _STYLES["normal"]

# CMU's index labels, lower case, to verb phrases; what is not here is told by its own label
_CMU_PHRASES: dict[str, tuple[tuple[str, str], ...]] = {
    "walk": _CONTENTS["walk"],
    "run": _CONTENTS["run"],
    "run/jog": _CONTENTS["run"],
    "slow walk": (("walks slowly", "walking slowly"), ("strolls", "strolling")),
    "brisk walk": (("walks briskly", "walking briskly"), ("walks fast", "walking fast")),
    "salsa dance": (("dances salsa", "dancing salsa"), ("dances the salsa", "dancing the salsa")),
    "indian dance": (("performs an Indian dance", "performing an Indian dance"),),
    "martial arts": (("does martial arts", "doing martial arts"), ("practices kung fu", "practicing kung fu"), ("fights with martial arts moves", "fighting with martial arts moves")),
    "climb 3 steps": (("climbs three steps", "climbing three steps"), ("goes up stairs", "going up stairs")),
    "climb ladder": (("climbs a ladder", "climbing a ladder"),),
    "soccer - kick ball": (("kicks a ball", "kicking a ball"), ("kicks a soccer ball", "kicking a soccer ball")),
    "laugh": (("laughs", "laughing"), ("laughs out loud", "laughing out loud")),
    "forward jump": (("jumps forward", "jumping forward"), ("leaps forward", "leaping forward")),
    "jump": (("jumps", "jumping"), ("jumps up", "jumping up"), ("hops", "hopping")),
    "run duck underneath": (("runs and ducks under something", "running and ducking under something"),),
    "run jump over": (("runs and jumps over something", "running and jumping over something"), ("takes a running jump", "taking a running jump")),
    "boxing": (("boxes", "boxing"), ("throws boxing punches", "throwing boxing punches")),
    "swordplay": (("fights with a sword", "fighting with a sword"), ("swings a sword", "swinging a sword")),
    "punch/strike": (("punches and strikes", "punching and striking"),),
    "cartwheel": (("does a cartwheel", "doing a cartwheel"),),
    "cartwheels": (("does cartwheels", "doing cartwheels"),),
    "get up from ground": (("gets up from the ground", "getting up from the ground"), ("stands up from the floor", "standing up from the floor")),
    "get up face down": (("gets up from lying face down", "getting up from lying face down"),),
    "sit on stepstool, stand up": (("sits down and stands up", "sitting down and standing up"),),
    "sit on high stool, stand up": (("sits on a stool and stands up", "sitting on a stool and standing up"),),
    "drink soda": (("drinks", "drinking"), ("drinks from a bottle", "drinking from a bottle")),
    "wash windows": (("washes a window", "washing a window"), ("wipes a window", "wiping a window")),
    "direct traffic, wave": (("directs traffic", "directing traffic"),),
    "jump kick": (("does a jump kick", "doing a jump kick"),),
}  # fmt: skip

_SIDES = re.compile(r"\b(left|right)\b")


def mirror_text(text: str) -> str:
    """The sentence with left and right changed over."""
    return _SIDES.sub(lambda word: "right" if word[0] == "left" else "left", text)


def _cmu_phrases(label: str) -> tuple[tuple[str, str], ...]:
    words = label.lower()
    plain = words.split(" - ", 1)[-1]
    return _CMU_PHRASES.get(words, ((f"does {plain}", plain),))


def _article(noun: str) -> str:
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def _subject(style: Style, rng: random.Random) -> tuple[str, bool]:
    """A subject, and whether it tells the style already."""
    if style is _NEUTRAL:
        return rng.choice(_ANYONE), True
    telling = [
        _article(f"{word} {noun}")
        for word in style.adjectives
        for noun in ("person", "man", "woman")
    ]
    telling += list(style.subjects) * 2
    return (rng.choice(telling), True) if rng.random() < 0.5 else (rng.choice(_ANYONE), False)  # noqa: PLR2004  # a coin


def _manner(style: Style, told: bool, rng: random.Random) -> str:
    if style is _NEUTRAL:
        return rng.choice(("", "", "", *style.adverbs))
    return "" if told and rng.random() < 0.6 else rng.choice(style.adverbs + style.ends)  # noqa: PLR2004  # odds


def caption(record: ClipRecord, rng: random.Random, mirrored: bool = False) -> str:
    """One sentence for a clip; another draw of ``rng`` gives another wording."""
    cmu = record.source == "cmu"
    phrases = _cmu_phrases(record.label) if cmu else _CONTENTS[record.content]
    style = _NEUTRAL if cmu else _STYLES[record.style]
    verb, ing = rng.choice(phrases)
    subject, told = _subject(style, rng)
    manner = _manner(style, told, rng)
    shapes = [f"{subject} {verb}"] * 4 + [f"{subject} is {ing}"]
    if not told or style is _NEUTRAL:
        shapes += [ing, ing]
    sentence = f"{rng.choice(shapes)} {manner}".strip()
    return mirror_text(sentence) if mirrored else sentence
