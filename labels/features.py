"""Texts as sparse rows: lemmas, pairs of lemmas, and the letters inside words.

Letters are taken word by word (as scikit-learn's `char_wb` does), so the columns of a word are looked up once
and kept: labelling costs one addition per word, not one per letter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from labels.words import NAME, NUMBER, Word, tokens, word

Floats = NDArray[np.float32]
SHORTEST, LONGEST = 2, 5  # letters taken together, the blanks around a word included
_WORDS, _LETTERS = 0, 1  # the two blocks of columns; each text's part in either has length 1


def _letters(form: str) -> Iterator[str]:
    """The runs of letters of a word, marked so that they are no lemma's name."""
    padded = f" {form} "
    for length in range(SHORTEST, LONGEST + 1):
        for start in range(max(1, len(padded) - length + 1)):
            yield f"~{padded[start : start + length]}"


def _pair(one: str, other: str) -> str:
    return f"{one} {other}"


def _words(text: str) -> list[Word]:
    return [word(form) for form in tokens(text)]


@dataclass
class Features:
    """The columns that were learnt: `names[i]` is column i, `weights[i]` its rarity (idf).

    Only what stands in at least `fewest` different texts is kept, and no person's name: a column must not
    bring back what one citizen wrote (docs/labels.md).
    """

    names: list[str]
    weights: Floats
    _columns: dict[str, int] = field(init=False, repr=False)
    _by_word: dict[Word, NDArray[np.int32]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._columns = {name: column for column, name in enumerate(self.names)}
        self._by_word = {}

    @classmethod
    def learn(cls, texts: Iterable[str], fewest: int) -> Features:
        """Learn columns from cleaned texts; the same text told twice counts once."""
        counts: Counter[str] = Counter()
        different = dict.fromkeys(texts)
        for text in different:
            words = _words(text)
            seen = {each.lemma for each in words}
            seen.update(_pair(one.lemma, other.lemma) for one, other in pairwise(words))
            for form in {each.form for each in words} - {NAME, NUMBER}:
                seen.update(_letters(form))
            counts.update(seen)
        names = sorted(name for name, count in counts.items() if count >= fewest and NAME not in name)
        rarity = [np.log((1 + len(different)) / (1 + counts[name])) + 1 for name in names]
        return cls(names, np.asarray(rarity, dtype=np.float32))

    def rows(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Cleaned texts as rows of float32: sublinear counts times rarity, either block of length 1."""
        columns: list[NDArray[np.int32]] = []
        ends = [0]
        for text in texts:
            here = ends[-1]
            words = _words(text)
            pairs = []
            before = ""
            for each in words:
                known = self._by_word.get(each)
                if known is None:
                    known = self._keep(each)
                columns.append(known)
                here += len(known)
                if before:
                    pair = self._columns.get(_pair(before, each.lemma))
                    if pair is not None:
                        pairs.append(pair)
                before = each.lemma
            columns.append(np.asarray(pairs, dtype=np.int32))
            ends.append(here + len(pairs))
        every = np.concatenate(columns) if columns else np.zeros(0, dtype=np.int32)
        counted = sparse.csr_matrix(
            (np.ones(len(every), dtype=np.float32), every, ends), shape=(len(texts), len(self.names))
        )
        counted.sum_duplicates()
        counted.data = (1 + np.log(counted.data)) * self.weights[counted.indices]
        return self._of_length_one(counted)

    def _keep(self, each: Word) -> NDArray[np.int32]:
        """The columns of a word, found once."""
        found = [self._columns[each.lemma]] if each.lemma in self._columns else []
        if each.form not in (NAME, NUMBER):
            found += [self._columns[run] for run in _letters(each.form) if run in self._columns]
        if len(self._by_word) > 400_000:
            self._by_word.clear()
        self._by_word[each] = np.asarray(found, dtype=np.int32)
        return self._by_word[each]

    def _of_length_one(self, rows: sparse.csr_matrix) -> sparse.csr_matrix:
        block = self._blocks()[rows.indices]
        row = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
        squares = np.zeros((rows.shape[0], 2), dtype=np.float64)
        np.add.at(squares, (row, block), rows.data.astype(np.float64) ** 2)
        lengths = np.sqrt(squares[row, block])
        rows.data = (rows.data / lengths).astype(np.float32)
        return rows

    def _blocks(self) -> NDArray[np.int8]:
        return np.fromiter((_LETTERS if name[0] == "~" else _WORDS for name in self.names), dtype=np.int8)
