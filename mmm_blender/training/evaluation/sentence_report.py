"""The report's part about sentences: its tables and goals, each beside today's figure.

"Before" is what the weights of version 0.1.0 reach by the same command.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .goals import NOT_MEASURED, Goal, markdown
from .sentence_suite import ALL
from .sentences import STEPS, STEPS_OWN, STILL, THEN, WHILE

Report = Mapping[str, Any]

SENTENCES, UPPER, WAVES, JUDGES = (
    "sentences",
    "waves over walks",
    "speed of waving hands",
    "judges on captured motion",
)
"""Parts of the report."""

ONCE, UPPER_ONCE, PROMPTS_ONCE = (f"{name}, one try" for name in (SENTENCES, UPPER, "prompts"))
"""The same where the first motion is taken as it is."""

_LEAST: Mapping[str, float] = {WHILE: 0.9, THEN: 0.9, STILL: 0.95, STEPS: 0.8, STEPS_OWN: 0.8}
_LEAST_UPPER, _LEAST_WAVE = 0.9, 0.8
_LEAST_SIDESTEP, _LEAST_DIRECTIONS, _LEAST_DIRECTION = 0.9, 0.98, 0.95
_SIDESTEPS = ("steps left", "steps right")


def sentence_goals(report: Report) -> list[Goal]:
    """Goals of what is obeyed; what was not measured says so."""
    shares, rates = report.get(SENTENCES, {}), report.get(JUDGES, {})
    once = report.get(ONCE, {})
    goals = [
        Goal(
            f"obeyed: {name}",
            shares.get(name, {}).get(ALL, NOT_MEASURED),
            least=least,
            beside=_beside(once.get(name, {}).get(ALL), _captured(rates, name)),
        )
        for name, least in _LEAST.items()
    ]
    upper, upper_once = report.get(UPPER, {}), report.get(UPPER_ONCE, {})
    goals += [
        Goal(
            f"obeyed: UPPER waves over a walk, {hands}",
            share,
            least=_LEAST_UPPER,
            beside=_beside(upper_once.get(hands)),
        )
        for hands, share in upper.items()
    ]
    directions = _direction_goals(report.get("prompts", {}), report.get(PROMPTS_ONCE, {}), rates)
    return [*goals, _wave_goal(report.get(WAVES, {})), *directions]


def _beside(once: float | None, more: str = "") -> str:
    """What the first try alone reaches, and more."""
    return ", ".join(part for part in ("" if once is None else f"one try {once:.2f}", more) if part)


def _captured(rates: Mapping[str, float], name: str) -> str:
    return f"captured motion {rates[name]:.2f}" if name in rates else ""


def _wave_goal(waves: Mapping[str, float]) -> Goal:
    beside = f"captured {waves['captured']:.2f} m/s" if waves else ""
    value = waves.get("ratio", NOT_MEASURED)
    return Goal("speed of waving hands, generated / captured", value, _LEAST_WAVE, beside=beside)


def _direction_goals(
    shares: Mapping[str, float], once: Mapping[str, float], rates: Mapping[str, float]
) -> list[Goal]:
    """Of tools/check_prompts.py's eleven kinds: sidesteps by themselves, all, and the worst."""
    worst = min(shares, key=lambda name: shares[name], default="")
    first = _beside(once.get(worst), _captured(rates, worst))
    return [
        *(
            Goal(
                f"obeyed: {name}",
                shares.get(name, NOT_MEASURED),
                least=_LEAST_SIDESTEP,
                beside=_beside(once.get(name), _captured(rates, name)),
            )
            for name in _SIDESTEPS
        ),
        Goal(
            "obeyed: all eleven directions",
            _mean(shares) if shares else NOT_MEASURED,
            least=_LEAST_DIRECTIONS,
            beside=_beside(_mean(once) if once else None, _captured_of(rates, shares)),
        ),
        Goal(
            "obeyed: the worst direction",
            shares.get(worst, NOT_MEASURED),
            least=_LEAST_DIRECTION,
            beside=", ".join(part for part in (worst, first) if part),
        ),
    ]


def _mean(shares: Mapping[str, float]) -> float:
    return sum(shares.values()) / len(shares)


def _captured_of(rates: Mapping[str, float], shares: Mapping[str, float]) -> str:
    """Captured motion of the same kinds, where there is some of each."""
    known = {name: rates[name] for name in shares if name in rates}
    return f"captured motion {_mean(known):.2f}" if known and len(known) == len(shares) else ""


def sentence_tables(report: Report) -> list[str]:
    """Headings and tables of what was measured."""
    parts: list[str] = []
    for name, rows in report.get(SENTENCES, {}).items():
        once = report.get(ONCE, {}).get(name, {})
        lines = [
            [prompt, f"{share:.0%}", f"{once[prompt]:.0%}" if prompt in once else ""]
            for prompt, share in rows.items()
        ]
        parts += [f"### Obeyed: {name}", markdown(["prompt", "obeyed", "with one try"], lines)]
    for name in (UPPER, UPPER_ONCE, WAVES, JUDGES):
        if report.get(name):
            rows = [[key, f"{value:.3g}"] for key, value in report[name].items()]
            parts += [f"### {name.capitalize()}", markdown(["", ""], rows)]
    return parts
