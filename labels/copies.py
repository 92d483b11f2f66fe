"""One message told several times: texts that are copies of each other, and the clusters they make.

Texts are compared by their words and pairs of words, so that a copy is found with words changed, with a part
left out or with its sentences in another order. MinHash proposes pairs; each is then judged by its words.
Whether a cluster is one person in several channels or a crowd with one template is told where place, day and
what counts are known: dbt_project/models/facts/int_appeals_copied.sql.

Everything hangs on pairs: whether two messages are copies depends on the two of them alone, so that clusters
do not depend on the order or the batches in which messages came.
"""

from __future__ import annotations

import hashlib
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from itertools import pairwise

import numpy as np
from datasketch import MinHash

from labels.clean import clean
from labels.words import tokens, word

ALIKE = 0.6  # of all words and pairs that either text has, both have so many
CONTAINED = 0.8  # or of those of the shorter text, the longer one has so many
FEWEST_WORDS = 8  # shorter texts («нет света») are alike without being copies
FEWEST_SHARED = 20  # words and pairs of words that a shortened copy must still share: a sentence or two
# Later, the same words are a new complaint of a person, and a new wave of a crowd.
WINDOW = timedelta(days=7)
_PERMUTATIONS = 96
# MinHash proposes pairs that agree in one of 24 bands of four numbers: of those with three fifths in common
# 96 in a hundred, of those with seven tenths all but two in a thousand, with a sixth two.
_BANDS = 24
_FEW = 16  # so few new texts are judged with all others at once
_MIX, _HALF = np.uint64(0x9E3779B1), np.uint64(0xFFFFFFFF)
_SEED = 1

Words = frozenset[int]  # words and pairs of words, as numbers of 32 bits


@dataclass(frozen=True)
class Message:
    """A message as it was received: its key, its text, and when it was written, naive UTC."""

    key: str
    text: str
    written_at: datetime


class Reader:
    """What texts are compared by, worked out once for each text that `keep` still names.

    Texts of fewer words than `fewest_words` are nobody's copies. The same trouble at another house is another
    trouble, so that numbers are words; `with_numbers` False makes all numbers alike.
    """

    def __init__(self, fewest_words: int = FEWEST_WORDS, *, with_numbers: bool = True) -> None:
        self._fewest, self._with_numbers = fewest_words, with_numbers
        self._words: dict[str, Words | None] = {}
        self._sketches: dict[Words, tuple[bytes, ...]] = {}

    def words(self, text: str) -> Words | None:
        """Words and pairs of words of a text; None where it has too few to be anybody's copy."""
        if text not in self._words:
            forms = tokens(clean(text))
            told: Words | None = None
            if len(forms) >= self._fewest:
                codes = np.array([_code(form, self._with_numbers) for form in forms], dtype=np.uint64)
                pairs = (codes[:-1] * _MIX + codes[1:]) & _HALF
                told = frozenset(codes.tolist()).union(pairs.tolist())
            self._words[text] = told
        return self._words[text]

    def bands(self, words: Words) -> tuple[bytes, ...]:
        """MinHash of words and pairs of words, in bands."""
        if words not in self._sketches:
            # A copy of an empty one: drawing the permutations anew takes ten times as long.
            sketch = _blank().copy()
            sketch.update_batch(list(words))
            numbers = sketch.hashvalues.astype(np.uint32).tobytes()
            width = len(numbers) // _BANDS
            self._sketches[words] = tuple(
                numbers[start : start + width] for start in range(0, len(numbers), width)
            )
        return self._sketches[words]

    def keep(self, texts: Collection[str]) -> None:
        """Forget what is known of all other texts."""
        self._words = {text: self._words[text] for text in texts if text in self._words}
        kept = {words for words in self._words.values() if words}
        self._sketches = {words: sketch for words, sketch in self._sketches.items() if words in kept}


def clusters(messages: Sequence[Message], reader: Reader | None = None) -> list[list[Message]]:
    """Messages that are copies of each other, two or more, each cluster from its first message on.

    A message belongs to a cluster if it is a copy of one that was written at most WINDOW before or after it.
    """
    reader = reader or Reader()
    ordered = sorted(messages, key=_order)
    by_words: dict[Words, list[int]] = defaultdict(list)
    for place, one in enumerate(ordered):
        if words := reader.words(one.text):
            by_words[words].append(place)
    different = list(by_words)
    union = _Union(len(ordered))
    for places in by_words.values():
        _join_in_time(union, ordered, places)
    for first, second in _alike(different, reader):
        both = sorted([*by_words[different[first]], *by_words[different[second]]])
        _join_in_time(union, ordered, both)
    return [[ordered[place] for place in places] for places in union.groups()]


def neighbours(
    new: Set[str], messages: Sequence[Message], reader: Reader | None = None
) -> dict[str, set[str]]:
    """For each key of `new` that has any: keys of `messages` whose words are a copy's, whenever written."""
    reader = reader or Reader()
    by_words: dict[Words, list[str]] = defaultdict(list)
    for one in messages:
        if words := reader.words(one.text):
            by_words[words].append(one.key)
    different = list(by_words)
    fresh = {place for place, words in enumerate(different) if any(key in new for key in by_words[words])}
    alike: dict[int, set[int]] = {place: {place} for place in fresh}
    for first, second in _alike(different, reader, fresh):
        for place, other in ((first, second), (second, first)):
            if place in fresh:
                alike[place].add(other)
    found: dict[str, set[str]] = {}
    for place, others in alike.items():
        keys = {key for other in others for key in by_words[different[other]]}
        for key in by_words[different[place]]:
            if key in new and len(keys) > 1:
                found[key] = keys - {key}
    return found


def name_of(cluster: Sequence[Message], reader: Reader) -> str:
    """What a cluster is called: the UTC day of its first message and a digest of that one's words.

    No person and no message stands in it, so that it survives a new key and an erasure.
    """
    first = cluster[0]
    digest = hashlib.sha256(repr(sorted(reader.words(first.text) or ())).encode()).hexdigest()[:16]
    return f"{first.written_at:%Y%m%d}-{digest}"


def numbers_of(text: str) -> str:
    """A digest of the numbers in a text, in no order: the houses and years by which like troubles differ."""
    found = {form for form in tokens(clean(text)) if form[0].isdigit()}
    return hashlib.sha256(" ".join(sorted(found)).encode()).hexdigest()[:16]


def is_copy(left: Words, right: Words) -> bool:
    """Whether two texts are copies of each other, by their words and pairs of words."""
    shared = len(left & right)
    if shared >= ALIKE * (len(left) + len(right) - shared):
        return True
    return shared >= FEWEST_SHARED and shared >= CONTAINED * min(len(left), len(right))


class _Union:
    """Which of so many places belong together."""

    def __init__(self, count: int) -> None:
        self._head = list(range(count))

    def root(self, place: int) -> int:
        while self._head[place] != place:
            self._head[place] = self._head[self._head[place]]
            place = self._head[place]
        return place

    def join(self, places: Sequence[int]) -> None:
        for one, other in pairwise(places):
            low, high = sorted((self.root(one), self.root(other)))
            self._head[high] = low

    def groups(self) -> list[list[int]]:
        """Those of two or more, in order."""
        members: dict[int, list[int]] = defaultdict(list)
        for place in range(len(self._head)):
            members[self.root(place)].append(place)
        return [places for places in members.values() if len(places) > 1]


def _order(one: Message) -> tuple[datetime, str]:
    return one.written_at, one.key


def _join_in_time(union: _Union, ordered: Sequence[Message], places: Sequence[int]) -> None:
    """Join like messages (in order of time) that lie at most WINDOW apart; a longer silence parts them."""
    for one, other in pairwise(places):
        if ordered[other].written_at - ordered[one].written_at <= WINDOW:
            union.join([one, other])


@lru_cache(maxsize=400_000)
def _code(form: str, with_numbers: bool) -> int:
    return zlib.crc32((form if with_numbers and form[0].isdigit() else word(form).lemma).encode())


def _as_it_is(code: int) -> int:
    return code


@cache
def _blank() -> MinHash:
    return MinHash(num_perm=_PERMUTATIONS, seed=_SEED, hashfunc=_as_it_is)


def _alike(
    texts: Sequence[Words], reader: Reader, fresh: Collection[int] | None = None
) -> Iterator[tuple[int, int]]:
    """Pairs of places of texts that are copies of each other; with `fresh`, those with a place in it."""
    if fresh is not None and len(fresh) <= _FEW:
        yield from _alike_to_few(texts, reader, sorted(fresh))
        return
    # Not datasketch's own index, which takes longer than all the rest together. Most bands have one text: a
    # list for each would keep Python's collector busy.
    index: tuple[dict[bytes, int | list[int]], ...] = tuple({} for _ in range(_BANDS))

    others = () if fresh is None else (number for number in range(len(texts)) if number not in fresh)
    for number in (*(range(len(texts)) if fresh is None else sorted(fresh)), *others):
        is_kept = fresh is None or number in fresh
        candidates: set[int] = set()
        for buckets, band in zip(index, reader.bands(texts[number]), strict=True):
            found = buckets.get(band)
            if isinstance(found, int):
                candidates.add(found)
                if is_kept:
                    buckets[band] = [found, number]
            elif found is not None:
                candidates.update(found)
                if is_kept:
                    found.append(number)
            elif is_kept:
                buckets[band] = number
        for candidate in sorted(candidates):
            if is_copy(texts[number], texts[candidate]):
                yield candidate, number


def _alike_to_few(texts: Sequence[Words], reader: Reader, fresh: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The same pairs in the other order: few are judged to be copies, and of these MinHash is asked."""
    for number, words in enumerate(texts):
        for one in fresh:
            if one == number or (number in fresh and one > number) or not is_copy(words, texts[one]):
                continue
            bands = zip(reader.bands(words), reader.bands(texts[one]), strict=True)
            if any(left == right for left, right in bands):
                yield one, number
