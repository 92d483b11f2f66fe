"""Russian sentences from a small grammar (sandbox/grammar.yaml), fixed by the number of what they belong to.

Texts are made when they are served: the same number gives the same text on every machine.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from sandbox.documents import read_yaml
from sandbox.noise import key, mix
from sandbox.vocabulary import Vocabulary

_SYMBOL = re.compile(r"\{([a-z_.]+)\}")
_FACTS = ("street", "house", "place", "topic", "page", "name", "query", "n", "user", "phone", "cell", "mail")
_MASK = (1 << 64) - 1
_CONTACTS = _FACTS.index("phone")  # from here on: rare, and made only when a text asks for them
_ABOUT = "about"

# A part of an alternative: a literal (as a 1-tuple), the position of a fact, or a rule (a list, so that
# rules may be compiled before the rules they name). Alternatives stand in reverse order, for a stack.
_Part = Any
_Rule = list[tuple[_Part, ...]]


@lru_cache(maxsize=1)
def _grammar() -> dict[str, _Rule]:
    document = read_yaml(Path(__file__).parent / "grammar.yaml")
    rules: dict[str, _Rule] = {name: [] for name in document}

    def part(name: str) -> _Part:
        if name in rules:
            return _ABOUT if name == _ABOUT else rules[name]
        if name in _FACTS:
            return _FACTS.index(name)
        raise ValueError(
            f"grammar.yaml names «{name}», which is neither a rule nor a fact. Correct the name."
        )

    for name, alternatives in document.items():
        for alternative in alternatives:
            pieces = _SYMBOL.split(alternative or "")
            parts = [part(piece) if n % 2 else (piece,) for n, piece in enumerate(pieces) if piece]
            rules[name].append(tuple(reversed(parts)))
    return rules


class Texts:
    """All texts of one scenario; every method is a pure function of its arguments."""

    def __init__(self, seed: int, vocabulary: Vocabulary) -> None:
        self._key = key(seed, "texts")
        self._vocabulary = vocabulary
        self._rules = _grammar()

    def address(self, number: int) -> tuple[str, str]:
        """Street and house of appeal `number`."""
        draw = mix(self._key ^ (number * 2 + 1))
        streets = self._vocabulary.streets
        house = 1 + (draw >> 20) % 120
        return streets[draw % len(streets)], f"{house}{('', '', '', '', 'а', 'б', '/2')[(draw >> 40) % 7]}"

    def complaint(self, number: int, group: str, topic: str, kind: str, place: str) -> str:
        """What a citizen writes in appeal `number`."""
        if group == "thanks":
            kind = "thanks"
        about = self._rules.get(f"about.{group}") or self._rules[_ABOUT]
        return self._say(kind, number, self._facts(number, place=place, topic=topic.lower()), about)

    def answer(self, number: int, final: bool, solved: bool, page: str) -> str:
        """What an official answers to appeal `number`."""
        rule = ("answer_solved" if solved else "answer_explained") if final else "answer_interim"
        return self._say(rule, number * 2 + final, self._facts(number, page=page))

    def post(self, number: int, page: str, place: str) -> str:
        """What a community publishes."""
        return self._say("post", number, self._facts(number, page=page, place=place))

    def reply(self, number: int, from_page: bool = False) -> str:
        """A further line in a branch: a citizen's, or a page's own first comment."""
        return self._say("page_comment" if from_page else "reply", number, self._facts(number))

    def mention(self, number: int, query: str, complaint: str) -> str:
        """A post elsewhere that names one of the region's search words."""
        return f"{self._say('mention', number, self._facts(number, query=query))} {complaint}"

    def _facts(
        self, number: int, place: str = "", topic: str = "", page: str = "", query: str = ""
    ) -> tuple[str, ...]:
        """In the order of _FACTS, without the contacts; n is 5…20, where one plural form fits all."""
        draw = mix(self._key ^ (number * 2))
        street, house = self.address(number)
        names = self._vocabulary.first_names
        return (
            street,
            house,
            place,
            topic,
            page,
            names[draw % len(names)],
            query,
            str(5 + (draw >> 16) % 16),
            str(100_000 + draw % 900_000),
        )

    def _contact(self, number: int, fact: int) -> str:
        """Numbers of the unassigned block 900 000, addresses of a reserved domain: nobody's."""
        tail = f"{mix(self._key ^ (number * 2)) % 10_000:04d}"
        if _FACTS[fact] == "phone":
            return f"+7 900 000-{tail[:2]}-{tail[2:]}"
        return f"8(900)000-{tail[2:]}-{tail[:2]}" if _FACTS[fact] == "cell" else f"zhitel{tail}@example.org"

    def _say(self, root: str, number: int, facts: tuple[str, ...], about: _Rule | None = None) -> str:
        state = left = mix((self._key + number * 0x632BE59BD9B4E019) & _MASK)
        out: list[str] = []
        stack: list[_Part] = [self._rules[root]]
        while stack:
            part = stack.pop()
            kind = type(part)
            if kind is tuple:
                out.append(part[0])
            elif kind is int:
                out.append(facts[part] if part < _CONTACTS else self._contact(number, part))
            else:
                rule = about or self._rules[_ABOUT] if part is _ABOUT else part
                left, choice = divmod(left, len(rule))
                if left < 65_536:
                    left = state = mix(state)
                stack.extend(rule[choice])
        return " ".join("".join(out).split())
