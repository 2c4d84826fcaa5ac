"""The prepared set in figures, as Markdown tables for a card."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

from ...geometry.conventions import MODEL_FPS
from .dataset import TRAIN, UNSEEN_STYLES, UNSEEN_TAKES, draw_odds, kind_of, split_of
from .labels import label_of
from .motion_file import ClipRecord

_FEW = 10  # clips: kinds with fewer share a row
_SOURCES = {
    "bandai": "Bandai Namco Research",
    "cmu": "CMU",
    "skillmimic": "SkillMimic",
    "reactidle": "ReActIdle",
    "hdm05": "HDM05",
    "100style": "100STYLE",
}


def set_tables(records: Sequence[ClipRecord], rejected: Mapping[str, str] | None = None) -> str:
    """Sources, splits, kinds of motion with their share of the draws, styles; and, where they are
    known, the files that were left out."""
    styled = [record for record in records if record.style]
    tables = [
        _counted("source", records, lambda r: _SOURCES.get(r.source, r.source)),
        _counted("split", records, split_of, (TRAIN, UNSEEN_TAKES, UNSEEN_STYLES)),
        _kinds([r for r in records if split_of(r) == TRAIN]),
    ]
    if styled:
        tables.append(_styles(styled))
    if rejected:
        reasons = Counter(_plain(name, reason) for name, reason in rejected.items())
        tables.append(_table(["left out", "files"], [[r, n] for r, n in reasons.most_common()]))
    return "\n\n".join(tables)


def _plain(name: str, reason: str) -> str:
    """A reason that files can share."""
    return reason.replace(f"{name}.bvh ", "").replace(f"{name}.txt ", "").rstrip(".")


def _minutes(records: Sequence[ClipRecord]) -> str:
    return f"{sum(record.frames for record in records) / MODEL_FPS / 60:.1f}"


def _figures(records: Sequence[ClipRecord]) -> list[object]:
    kinds = {kind_of(record) for record in records}
    styles = {label_of(record)[1] for record in records}
    takes = {record.take for record in records}
    return [len(records), len(takes), _minutes(records), len(kinds), len(styles)]


def _counted(
    what: str,
    records: Sequence[ClipRecord],
    key: Callable[[ClipRecord], str],
    order: Sequence[str] = (),
) -> str:
    """A row for each value of ``key`` (by number of clips, or in the given order) and for all."""
    counts = Counter(key(record) for record in records)
    names = order or [name for name, _ in counts.most_common()]
    groups = {name: [r for r in records if key(r) == name] for name in names}
    rows = [[name, *_figures(group)] for name, group in groups.items()]
    heads = [what, "clips", "takes", "minutes", "contents", "styles"]
    return _table(heads, [*rows, ["all", *_figures(records)]])


def _styles(records: Sequence[ClipRecord]) -> str:
    names = Counter(label_of(record)[1] for record in records)
    groups = {
        name: [r for r in records if label_of(r)[1] == name] for name, _ in names.most_common()
    }
    rows = [[name, *_figures(group)[:-1]] for name, group in groups.items()]
    return _table(["style", "clips", "takes", "minutes", "contents"], rows)


def _kinds(records: Sequence[ClipRecord]) -> str:
    """Contents of the training set and how often training draws them; rare ones together."""
    kinds = [kind_of(record) for record in records]
    counts, shares = Counter(kinds), defaultdict[str, float](float)
    for kind, odds in zip(kinds, draw_odds(kinds), strict=True):
        shares[kind] += float(odds)
    rows: list[list[object]] = []
    few = {kind for kind, count in counts.items() if count < _FEW}
    for kind, count in counts.most_common():
        if kind not in few:
            clips = [record for record, own in zip(records, kinds, strict=True) if own == kind]
            rows.append([kind, count, _minutes(clips), f"{shares[kind]:.1%}"])
    if few:
        clips = [record for record, own in zip(records, kinds, strict=True) if own in few]
        share = sum(shares[kind] for kind in few)
        rows.append([f"{len(few)} rarer ones", len(clips), _minutes(clips), f"{share:.1%}"])
    return _table(["content, training", "clips", "minutes", "share of the draws"], rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [f"| {' | '.join(heads)} |", "| --- |" + " ---: |" * (len(heads) - 1)]
    lines += [f"| {' | '.join(map(str, row))} |" for row in rows]
    return "\n".join(lines)
