"""Counts and measures of a clip in words, where they are sure: "four steps", "two meters"."""

from __future__ import annotations

import random

from .measured import Measured

_NUMBERS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve",
)  # fmt: skip
_TIMES = ("once", "twice")
_DIGITS = 0.25  # odds of "4" for "four"
_ABOUT = 0.3  # odds of "about two meters"
_METER_SLACK, _SECOND_SLACK = 0.2, 0.3  # of a whole number, and from which on it is named
_LEAST_METERS = 0.8
_ALONG = 0.9  # share of the way that goes in the named direction
_TURNS = {"quarter": (90.0, 22.0), "half": (180.0, 30.0), "full": (360.0, 45.0)}  # degrees, slack


def turn_name(degrees: float) -> str:
    """ "quarter", "half" or "full" where a turn is near enough to one; else empty."""
    for name, (size, slack) in _TURNS.items():
        if abs(abs(degrees) - size) <= slack:
            return name
    return ""


def count_words(measured: Measured, rng: random.Random) -> dict[str, str]:
    """Words for the places of a phrase, of what is known of the clip."""
    words: dict[str, str] = {}
    if 1 <= measured.steps <= len(_NUMBERS):
        words["steps"] = _amount(measured.steps, "step", rng)
    meters = round(measured.distance)
    if measured.distance > _LEAST_METERS and abs(measured.distance - meters) < _METER_SLACK:
        words["meters"] = _told_meters(meters, rng)
    seconds = round(measured.seconds)
    if seconds >= 1 and abs(measured.seconds - seconds) < _SECOND_SLACK:
        words["seconds"] = _amount(seconds, "second", rng)
    if way := _way(measured):
        words["way"] = way
    if turn := turn_name(measured.turn):
        words[turn] = "left" if measured.turn > 0 else "right"
    waves = max(measured.left_waves, measured.right_waves)
    if 1 <= waves <= len(_NUMBERS):
        words["times"] = _TIMES[waves - 1] if waves <= 2 else f"{_number(waves, rng)} times"
    return words


def _told_meters(meters: int, rng: random.Random) -> str:
    amount = _amount(meters, rng.choice(["meter", "meter", "metre"]), rng)
    return f"about {amount}" if rng.random() < _ABOUT else amount


def _amount(count: int, unit: str, rng: random.Random) -> str:
    return f"{_number(count, rng)} {unit}" + ("" if count == 1 else "s")


def _number(count: int, rng: random.Random) -> str:
    as_digits = count > len(_NUMBERS) or rng.random() < _DIGITS
    return str(count) if as_digits else _NUMBERS[count - 1]


def _way(measured: Measured) -> str:
    least = _ALONG * max(measured.distance, _LEAST_METERS)
    ways = {
        "forward": measured.forward > least,
        "backward": measured.forward < -least,
        "to the left": measured.left > least,
        "to the right": measured.left < -least,
    }
    return next((way for way, shown in ways.items() if shown), "")
