"""Does a prompt give the motion that it names? Plain facts of forward kinematics, by prompt.

Each check looks at the exported rotations alone: where the body went, where it turned, which
wrist rose over its shoulder. Angles in degrees, lengths in metres; left is positive.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...geometry.deeds.facts import Facts

_MIN_TURN = 45.0
_MIN_TRAVEL = 0.5
_MIN_SIDESTEP = 0.3
_MIN_BOW = 30.0
_MIN_RUN_SPEED = 1.6  # m/s; people break into a run at about 2, and stop and start in a clip

Check = Callable[[Facts], bool]

CHECKS: Mapping[str, Check] = {
    "goes forward": lambda f: f.forward > _MIN_TRAVEL,
    "goes backward": lambda f: f.forward < -_MIN_TRAVEL,
    "steps left": lambda f: f.left > _MIN_SIDESTEP,
    "steps right": lambda f: f.left < -_MIN_SIDESTEP,
    "turns left": lambda f: f.turn > _MIN_TURN,
    "turns right": lambda f: f.turn < -_MIN_TURN,
    "runs": lambda f: f.speed > _MIN_RUN_SPEED,
    "left hand up": lambda f: f.raises("left") and not f.raises("right"),
    "right hand up": lambda f: f.raises("right") and not f.raises("left"),
    "both hands up": lambda f: f.raises("left") and f.raises("right"),
    "bows": lambda f: f.bow > _MIN_BOW,
}

PROMPTS: Mapping[str, tuple[str, ...]] = {
    "goes forward": (
        "a person walks forward",
        "a tired person walks forward",
        "someone strolls",
        "a woman is walking straight ahead",
        "he marches forward",
    ),
    "goes backward": (
        "a person walks backward",
        "someone backs away",
        "a man is walking backwards",
        "she steps back",
        "an old man walks backward slowly",
    ),
    "steps left": (
        "a person sidesteps left",
        "a woman walks sideways to the left",
        "someone steps to the left side",
        "he shuffles sideways to his left",
        "a person is moving sideways to the left",
    ),
    "steps right": (
        "a person sidesteps right",
        "a man walks sideways to the right",
        "someone steps to the right side",
        "she shuffles sideways to her right",
        "a person is moving sideways to the right",
    ),
    "turns left": (
        "a person walks and turns left",
        "an old man walks in a curve to the left",
        "someone turns left while walking",
        "she walks and makes a left turn",
        "a person is walking in a circle to the left",
    ),
    "turns right": (
        "a person walks and turns right",
        "a girl turns right while walking",
        "someone walks in a curve to the right",
        "he walks and makes a right turn",
        "a person is walking in a circle to the right",
    ),
    "runs": (
        "a person runs forward",
        "jogging",
        "someone sprints",
        "a man is running fast",
        "she runs ahead",
    ),
    "left hand up": (
        "a person waves with the left hand",
        "he raises his left hand",
        "someone is waving the left hand",
        "a man lifts his left arm up",
        "he greets with his left hand",
    ),
    "right hand up": (
        "a person waves with the right hand",
        "he lifts his right arm",
        "someone raises the right hand",
        "a man is waving his right hand",
        "he greets with his right hand",
    ),
    "both hands up": (
        "a person raises both hands",
        "waving both arms happily",
        "someone lifts both arms up",
        "a man waves with both hands",
        "he puts both hands in the air",
    ),
    "bows": (
        "a person bows",
        "an elderly woman takes a bow",
        "someone bows politely",
        "a man is bowing",
        "he bends forward in a bow",
    ),
}
"""Five wordings to try for each check; some are not among the captions."""
