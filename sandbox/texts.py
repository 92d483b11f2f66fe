"""Russian sentences from a small grammar (sandbox/grammar.yaml), fixed by the number of what they belong to.

Texts are made when they are served: the same number gives the same text on every machine.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from sandbox.documents import read_yaml
from sandbox.noise import key, mix
from sandbox.vocabulary import Vocabulary

_SYMBOL = re.compile(r"\{([a-z_.]+)\}")
_FACTS = ("street", "house", "place", "topic", "page", "name", "query", "n", "phone", "cell", "mail", "user")


@lru_cache(maxsize=1)
def _grammar() -> dict[str, tuple[tuple[str | tuple[str], ...], ...]]:
    """Rules by name; an alternative is a tuple of literal strings and 1-tuples naming a rule or a fact."""
    path = Path(__file__).parent / "grammar.yaml"
    document = read_yaml(path)
    rules: dict[str, tuple[tuple[str | tuple[str], ...], ...]] = {}
    for name, alternatives in document.items():
        compiled = []
        for alternative in alternatives:
            pieces = _SYMBOL.split(alternative or "")
            compiled.append(tuple((piece,) if n % 2 else piece for n, piece in enumerate(pieces) if piece))
        rules[name] = tuple(compiled)
    for name, rule in rules.items():
        for alternative in rule:
            for part in alternative:
                if isinstance(part, tuple) and part[0] not in rules and part[0] not in _FACTS:
                    raise ValueError(
                        f"grammar.yaml: {name} names «{part[0]}», which is neither a rule nor a fact."
                    )
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
        rule = kind if kind != "complaint" else f"about.{group}"
        root = "complaint" if kind == "complaint" else kind
        facts = self._facts(number)
        facts["topic"], facts["place"] = topic.lower(), place
        return self._say(root, number, facts, {"about": rule if rule in self._rules else "about"})

    def answer(self, number: int, final: bool, solved: bool, page: str) -> str:
        """What an official answers to appeal `number`."""
        facts = self._facts(number)
        facts["page"] = page
        rule = ("answer_solved" if solved else "answer_explained") if final else "answer_interim"
        return self._say(rule, number * 2 + final, facts, {})

    def post(self, number: int, page: str, place: str) -> str:
        facts = self._facts(number)
        facts["page"], facts["place"] = page, place
        return self._say("post", number, facts, {})

    def reply(self, number: int, from_page: bool = False) -> str:
        """A further line in a branch: a citizen's, or a page's own first comment."""
        return self._say("page_comment" if from_page else "reply", number, self._facts(number), {})

    def mention(self, number: int, query: str, complaint: str) -> str:
        facts = self._facts(number)
        facts["query"] = query
        return f"{self._say('mention', number, facts, {})} {complaint}"

    def _facts(self, number: int) -> dict[str, str]:
        draw = mix(self._key ^ (number * 2))
        street, house = self.address(number)
        names = self._vocabulary.first_names
        tail = f"{draw % 10_000:04d}"
        return {
            "street": street,
            "house": house,
            "place": "",
            "topic": "",
            "page": "",
            "query": "",
            "name": names[draw % len(names)],
            "n": str(5 + (draw >> 16) % 16),  # 5…20: one plural form fits all
            # Numbers of the unassigned block 900 000 and addresses of a reserved domain: nobody's.
            "phone": f"+7 900 000-{tail[:2]}-{tail[2:]}",
            "cell": f"8(900)000-{tail[2:]}-{tail[:2]}",
            "mail": f"zhitel{tail}@example.org",
            "user": str(100_000 + draw % 900_000),
        }

    def _say(self, root: str, number: int, facts: dict[str, str], renamed: dict[str, str]) -> str:
        rules, state = self._rules, mix(self._key + number * 0x632BE59BD9B4E019 & (1 << 64) - 1)
        left = state
        out: list[str] = []
        stack: list[str | tuple[str]] = [(root,)]
        while stack:
            part = stack.pop()
            if isinstance(part, str):
                out.append(part)
                continue
            name = renamed.get(part[0], part[0])
            rule = rules.get(name)
            if rule is None:
                out.append(facts[name])
                continue
            left, choice = divmod(left, len(rule))
            if left < 1 << 16:
                state = mix(state)
                left = state
            stack.extend(reversed(rule[choice]))
        return " ".join("".join(out).split())
