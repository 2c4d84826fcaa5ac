"""A prompt's parts: what follows each other ("then", a list of actions) and what happens at once.

"walks forward, then waves" are two parts; "walks forward and waves", "walks while waving", "moves
forward and to the left" are one. A part that lacks its subject gets the first one's, so that it can
be a prompt by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .verbs import ING, PAST, THIRD, verb_form, words_of

_THEN = re.compile(
    r"(?:\s*[,;.]\s*|\s+)"
    r"(?:and\s+then|and\s+finally|and\s+afterwards?|and\s+after\s+that|then|after\s+that"
    r"|after\s+which|afterwards|finally)\b\s*,?\s*",
    re.IGNORECASE,
)
_LEADING_THEN = re.compile(
    r"^(?:and\s+)?(?:then|after\s+that|afterwards|finally|next)\b\s*,?\s*", re.IGNORECASE
)
_STOPS = re.compile(r"\s*(?:;|\.(?=\s|$)|\n)\s*")
_COMMA = re.compile(r"\s*,\s*")
_LAST_AND = re.compile(r"^and\s+", re.IGNORECASE)
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_FIRST = re.compile(r"\bfirst\s+(?=\w)|^first\s*,?\s*", re.IGNORECASE)
_BEFORE = re.compile(r"\s+before\s+(?=\w+ing\b)", re.IGNORECASE)
_AFTER = re.compile(r"^after\s+(\w+ing\b[^,]*),\s*(.+)$", re.IGNORECASE | re.DOTALL)
_JOINS = frozenset({"while", "as", "when", "whilst", "if", "without", "with"})
_PRONOUNS = frozenset({"he", "she", "they", "it"})
_STARTS_A_SUBJECT = frozenset({"a", "an", "the", "someone", "somebody", "one", "we"})
_IS = frozenset({"is", "are"})
_ARTICLES = frozenset({"a", "an", "the", "his", "her", "their"})
_BEFORE_VERBS = frozenset({"first", "just", "only"})
_MOST_LEAD = 8  # words before a verb, and it: more is no subject
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")


@dataclass(frozen=True)
class Head:
    """How a chunk begins. subject: as it is written, "" for none; form: of its first verb, ""
    where it has none; verb_at: where that verb begins in the chunk."""

    subject: str
    form: str
    verb_at: int


def head_of(chunk: str) -> Head:
    """The subject and the first verb of a chunk; adverbs before the verb belong to the verb."""
    words = list(_WORD.finditer(chunk))
    subject_end, adverb_at = 0, -1
    for number, match in enumerate(words[:_MOST_LEAD]):
        word = match[0].lower()
        if number == 0 and word in _JOINS:
            break
        form = verb_form(word)
        if form and not _is_noun(words, number):
            start = match.start() if adverb_at < 0 else adverb_at
            return Head(chunk[:subject_end].strip(), form, start)
        if word.endswith("ly") or word in _BEFORE_VERBS:
            adverb_at = match.start() if adverb_at < 0 else adverb_at
        else:
            subject_end, adverb_at = match.end(), -1
    return Head("", "", 0)


def _is_noun(words: list[re.Match[str]], number: int) -> bool:
    """A base form after an article is a noun: "a walk", "the dance"."""
    before = words[number - 1][0].lower() if number else ""
    return before in _ARTICLES and verb_form(words[number][0].lower()) != ING


def split_prompt(prompt: str) -> tuple[str, ...]:
    """The parts that follow each other, in order, each a prompt by itself; one where it is one."""
    text = " ".join(prompt.split()).strip(" .,;")
    if not text:
        return (prompt,)
    chunks = [chunk for sentence in _STOPS.split(text) for chunk in _sentence_parts(sentence)]
    chunks = [chunk for chunk in chunks if words_of(chunk)]
    if len(chunks) < 2:
        return (prompt,)
    return tuple(_with_subject(chunks))


def _sentence_parts(sentence: str) -> list[str]:
    """A sentence cut at "then" and its kin, then at commas between actions."""
    pieces: list[str] = []
    sentence = _LEADING_THEN.sub("", sentence)
    for piece in _THEN.split(sentence):
        found = _AFTER.match(piece)
        halves = [found[1], found[2]] if found else _BEFORE.split(piece)
        pieces += [part for half in halves for part in _listed(half)]
    return pieces if len(pieces) > 1 else [sentence]


def _listed(piece: str) -> list[str]:
    """The actions of a list with commas; what is no list stays whole."""
    chunks = [chunk for chunk in _COMMA.split(piece) if chunk]
    if len(chunks) < 2:
        return [piece]
    joined = [chunks[0]]
    lead = head_of(chunks[0])
    for chunk in chunks[1:]:
        bare = _LAST_AND.sub("", chunk)
        if _follows(lead, head_of(bare), bare) and not _hangs_open(joined[-1]):
            joined.append(bare)
        else:
            joined[-1] = f"{joined[-1]}, {chunk}"
    if len(joined) > 1 and not _LAST_AND.match(chunks[-1]):
        joined[-1:] = _last_pair(joined[-1], lead)
    return joined


def _follows(lead: Head, head: Head, chunk: str) -> bool:
    """A chunk is the next action where its verb has the form of the first one's: "walks, waves". A
    participle after a verb ("walks, waving") happens at the same time."""
    if not head.form or not lead.form:
        return False
    first = words_of(chunk)[:1]
    if first and first[0] in _JOINS:
        return False
    is_same = head.form == lead.form and not _is_progressive(head.subject)
    has_subject = bool(head.subject) and head.form in (THIRD, PAST)
    return (is_same and head.form != ING) or has_subject


def _is_progressive(subject: str) -> bool:
    return words_of(subject)[-1:] == ["is"]


def _hangs_open(chunk: str) -> bool:
    """ "while walking" waits for its sentence."""
    return (words_of(chunk) or [""])[0] in _JOINS


def _last_pair(chunk: str, lead: Head) -> list[str]:
    """The end of a list, "turns around and walks back", is two actions."""
    halves = _AND.split(chunk)
    last = halves[-1]
    if len(halves) < 2 or not _follows(lead, head_of(last), last):
        return [chunk]
    return [" and ".join(halves[:-1]), last]


def _with_subject(chunks: list[str]) -> list[str]:
    """Every chunk with the first subject that was named, where it lacks one."""
    heads = [head_of(chunk) for chunk in chunks]
    named = next((head.subject for head in heads if _names_someone(head.subject)), "")
    named = " ".join(word for word in named.split() if word.lower() not in (*_IS, "first"))
    made: list[str] = []
    for chunk, head in zip(chunks, heads, strict=True):
        verbless = bool(made) and not head.form
        whole = f"{_up_to_verb(made[-1])} {chunk}" if verbless else _one(chunk, head, named)
        made.append(whole.strip(" ,"))
    return made


def _up_to_verb(chunk: str) -> str:
    """ "a person walks" of "a person walks to the left": what "then to the right" goes on with."""
    head = head_of(chunk)
    verb = re.match(r"(?:\w+ly\s+)*\w+", chunk[head.verb_at :])
    return chunk[: head.verb_at + len(verb[0])] if head.form and verb else ""


def _names_someone(subject: str) -> bool:
    words = words_of(subject)
    return bool(words) and words[0] in _STARTS_A_SUBJECT


def _one(chunk: str, head: Head, named: str) -> str:
    chunk_words = words_of(head.subject)
    if not head.form or _names_someone(head.subject) or not named:
        return _FIRST.sub("", chunk)
    if chunk_words and chunk_words[0] not in _PRONOUNS:
        return _FIRST.sub("", chunk)
    rest = _FIRST.sub("", chunk[head.verb_at :])
    return f"{named} is {rest}" if head.form == ING else f"{named} {rest}"
