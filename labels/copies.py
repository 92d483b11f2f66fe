"""One message told several times: by one person in several channels, or by a crowd that posts one template.

Texts are compared by their words and pairs of words, so that a copy is found with words changed, with a part
left out or with its sentences in another order. MinHash proposes pairs; each is then judged by its words.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from datasketch import MinHash, MinHashLSH

from labels.clean import clean
from labels.words import lemmas

ALIKE = 0.5  # of all words and pairs that either text has, both have so many
CONTAINED = 0.8  # or of those of the shorter text, the longer one has so many
FEWEST_WORDS = 6  # shorter texts («нет света») are alike without being copies
FEWEST_SHARED = 12  # what a shortened copy must still share
CROWD = 5  # so many people make a campaign
SAME_PERSON = timedelta(days=7)  # later, the same words are a new complaint
_PERMUTATIONS = 128
_CANDIDATE = 0.3  # MinHash proposes what is alike to this degree
_SEED = 1


@dataclass(frozen=True)
class Message:
    """A message as it was received. `author_key` differs between channels; None where it is not known.

    `written_at` is naive UTC, `local_date` the region's day, `place` the territory or None.
    """

    key: str
    channel: str
    text: str
    written_at: datetime
    local_date: date
    author_key: str | None = None
    place: str | None = None


@dataclass(frozen=True)
class Copy:
    """What a message repeats: the key of the first one of the same person, and of a campaign's first one."""

    duplicate_of: str | None = None
    campaign_id: str | None = None


def find_copies(messages: Sequence[Message]) -> dict[str, Copy]:
    """The messages that are copies or belong to a campaign, by key. The order given does not matter."""
    ordered = sorted(messages, key=lambda one: (one.written_at, one.key))
    found: dict[str, Copy] = {}
    for cluster in _clusters(ordered):
        people = {one.author_key or one.key for one in cluster}
        campaign = cluster[0].key if len(people) >= CROWD else None
        persons: list[list[Message]] = []
        for one in cluster:
            same = next((each for each in persons if _is_same_person(one, each, campaign is None)), None)
            if same:
                same.append(one)
            else:
                persons.append([one])
            if same or campaign:
                found[one.key] = Copy(same[0].key if same else None, campaign)
    return found


def _is_same_person(one: Message, told: Sequence[Message], by_text: bool) -> bool:
    """Whether a text is one more of somebody's like texts: by the same author, or of that place and day.

    The latter only from a channel where that person has not been seen: two authors of one channel are two
    people. And never for a crowd's texts, which are alike because they were copied.
    """
    first = told[0]
    if any(one.author_key is not None and one.author_key == each.author_key for each in told):
        return one.written_at - first.written_at <= SAME_PERSON
    return (
        by_text
        and one.channel not in {each.channel for each in told}
        and one.place is not None
        and one.place == first.place
        and one.local_date == first.local_date
    )


def _clusters(ordered: Sequence[Message]) -> Iterator[list[Message]]:
    """Groups of two or more messages whose texts are alike, each in the order given."""
    for places in like_texts([one.text for one in ordered]):
        yield [ordered[place] for place in places]


def like_texts(texts: Sequence[str], fewest_words: int = FEWEST_WORDS) -> Iterator[list[int]]:
    """Groups of two or more places of texts that are copies of each other, each in order."""
    by_words: dict[frozenset[str], list[int]] = defaultdict(list)
    for place, text in enumerate(texts):
        words = lemmas(clean(text))
        if len(words) >= fewest_words:
            by_words[frozenset([*words, *(f"{a} {b}" for a, b in pairwise(words))])].append(place)
    different = list(by_words)
    head = list(range(len(different)))

    def root(number: int) -> int:
        while head[number] != number:
            head[number] = head[head[number]]
            number = head[number]
        return number

    for earlier, later in _alike(different):
        low, high = sorted((root(earlier), root(later)))
        head[high] = low
    members: dict[int, list[int]] = defaultdict(list)
    for number, words_of in enumerate(different):
        members[root(number)] += by_words[words_of]
    for places in members.values():
        if len(places) > 1:
            yield sorted(places)


def _alike(texts: Sequence[frozenset[str]]) -> Iterator[tuple[int, int]]:
    """Pairs of texts that are copies of each other."""
    index = MinHashLSH(threshold=_CANDIDATE, num_perm=_PERMUTATIONS)
    for number, words in enumerate(texts):
        sketch = MinHash(num_perm=_PERMUTATIONS, seed=_SEED, hashfunc=zlib.crc32)
        sketch.update_batch([word.encode() for word in sorted(words)])
        for candidate in sorted(index.query(sketch)):
            if _is_copy(words, texts[candidate]):
                yield candidate, number
        index.insert(number, sketch)


def _is_copy(one: Iterable[str], other: Iterable[str]) -> bool:
    left, right = frozenset(one), frozenset(other)
    shared = len(left & right)
    if shared >= ALIKE * len(left | right):
        return True
    return shared >= FEWEST_SHARED and shared >= CONTAINED * min(len(left), len(right))
