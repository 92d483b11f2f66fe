"""A seeded corpus of Russian complaints with personal numbers planted in them, and what `mask` makes of it.

Each text carries up to two planted items, in the shapes people write them, and things that look
alike but name nobody: dates, sums, house numbers, registry numbers, routes, links to communities. For the
table of docs/privacy.md:

    .venv/bin/python -m tests.privacy.corpus
"""

from __future__ import annotations

import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ingestion.privacy import AT, CARD, EMAIL, LINK, MENTION, PASSPORT, PERSON, PHONE, SNILS, mask

Make = Callable[[random.Random], str]
TOKENS = {
    "phone": PHONE,
    "email": EMAIL,
    "card": CARD,
    "passport": PASSPORT,
    "snils": SNILS,
    "mention": MENTION,
    "at_name": AT,
    "link": LINK,
    "id": PERSON,
}
_SENTENCES = (
    "Добрый день! Уже третью неделю не вывозят мусор во дворе, {} примите меры.",
    "Когда наконец починят дорогу на улице Мира? {}",
    "{} прошу разобраться: в подъезде нет света, лифт стоит.",
    "Здравствуйте. Писали в управу, ответа нет. {} Сколько можно ждать",
    "Яма у школы, ребёнок упал!!! {} Кто ответит?",
    "Отопление еле тёплое, в квартире 15 градусов, {} ждём перерасчёта",
    "{}",
    "Спасибо за двор! {} Осталось посадить деревья.",
    "Остановку убрали, а люди мёрзнут ({}), верните.",
)
_NAMES = ("ivan", "petrova", "olga", "s.sidorov", "kot_murka", "anna1985", "dmitriy", "marina-k", "lena_2000")
_DOMAINS = (
    "mail.ru",
    "yandex.ru",
    "gmail.com",
    "bk.ru",
    "inbox.ru",
    "tmn.example.ru",
    "rambler.ru",
    "list.ru",
)
_PEOPLE = ("Иван Петров", "Анна", "Ольга Сидорова", "Дима К.", "Марина 🌸")


def _digits(source: random.Random, count: int) -> str:
    return "".join(source.choice("0123456789") for _ in range(count))


def _space(source: random.Random) -> str:
    return source.choice((" ", " ", " ", "\u00a0"))


def _mobile(source: random.Random) -> str:
    code, rest = "9" + _digits(source, 2), _digits(source, 7)
    a, b, c = rest[:3], rest[3:5], rest[5:]
    prefix, s = source.choice(("+7", "8", "7")), _space(source)
    return source.choice(
        (
            f"{prefix}{code}{rest}",
            f"{prefix} {code} {a}-{b}-{c}",
            f"{prefix}({code}){a}-{b}-{c}",
            f"{prefix} ({code}) {a} {b} {c}",
            f"{prefix}-{code}-{a}-{b}-{c}",
            f"{prefix}{s}{code}{s}{a}{s}{b}{s}{c}",
            f"{prefix}.{code}.{a}.{b}.{c}",
            f"{prefix} {code} {rest}",
            f"{prefix}({code}) {rest}",
            f"{prefix} {code} {a} {b}{c}",
            f"{prefix}\u2011{code}\u2011{a}\u2011{b}\u2011{c}",
            f"{code} {a}-{b}-{c}",
            f"{code}{rest}",
        )
    )


def _landline(source: random.Random) -> str:
    five, short = "3" + _digits(source, 4), _digits(source, 5)
    four, six = "3" + _digits(source, 3), str(source.randint(2, 9)) + _digits(source, 5)
    return source.choice(
        (
            f"8 ({five}) {short[0]}-{short[1:3]}-{short[3:]}",
            f"8({four}){six[:2]}-{six[2:4]}-{six[4:]}",
            f"({four}) {six[:2]}-{six[2:4]}-{six[4:]}",
            f"8-{four}-{six}",
            f"тел. {six[:2]}-{six[2:4]}-{six[4:]}",
            f"телефон: {short[0]}-{short[1:3]}-{short[3:]}",
            f"звоните {six[:2]} {six[2:4]} {six[4:]}",
            f"+7 {four} {six[:2]}-{six[2:4]}-{six[4:]}",
        )
    )


def _foreign(source: random.Random) -> str:
    code, length = source.choice((("998", 9), ("996", 9), ("992", 9), ("375", 9), ("380", 9), ("994", 9)))
    number = str(source.randint(2, 9)) + _digits(source, length - 1)
    return source.choice(
        (f"+{code}{number}", f"+{code} {number[:2]} {number[2:5]}-{number[5:7]}-{number[7:]}")
    )


def _phone(source: random.Random) -> str:
    return source.choices((_mobile, _landline, _foreign), (8, 3, 1))[0](source)


def _email(source: random.Random) -> str:
    name, domain = source.choice(_NAMES), source.choice(_DOMAINS)
    name += source.choice(("", "", str(source.randint(1, 99)), "+home"))
    return source.choice(
        (
            f"{name}@{domain}",
            f"{name}@{domain}",
            f"{name}@{domain}",
            f"{name.upper()}@{domain}",
            f"{name} @ {domain}",
            f"{name}(собака){domain}",
            f"{name} собака {domain}",
            f"{name}[at]{domain}",
            "иван@почта.рф",
        )
    )


def _card(source: random.Random) -> str:
    prefix = source.choice(("4276", "5469", "2202", "2200", "4081"))
    body = prefix + _digits(source, 11)
    number = next(body + last for last in "0123456789" if _luhn(body + last))
    return source.choice((" ", "", "-", "\u00a0")).join(number[n : n + 4] for n in range(0, 16, 4))


def _luhn(number: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _passport(source: random.Random) -> str:
    region, year = f"{source.randint(1, 99):02}", f"{source.choice((*range(97, 100), *range(26))):02}"
    number = _digits(source, 6)
    return source.choice(
        (
            f"паспорт {region} {year} {number}",
            f"паспорт {region}{year} {number}",
            f"{region}{year} № {number}",
            f"{region} {year} №{number}",
            f"паспорт серия {region}{year} номер {number}",
            f"серия {region} {year} № {number}",
            f"{region} {year} {number}",
            f"паспорт: {region}{year}-{number}",
        )
    )


def _snils(source: random.Random) -> str:
    body = str(source.randint(2, 6)) + _digits(source, 8)
    total = sum(int(digit) * (9 - place) for place, digit in enumerate(body)) % 101 % 100
    groups = body[:3], body[3:6], body[6:]
    return source.choice(
        (
            f"{'-'.join(groups)} {total:02}",
            f"СНИЛС {'-'.join(groups)} {total:02}",
            f"{' '.join(groups)} {total:02}",
            f"{'-'.join(groups)}-{total:02}",
            f"снилс {body}{total:02}",
        )
    )


def _mention(source: random.Random) -> str:
    number, name = source.randint(1, 9 * 10**8), source.choice(_PEOPLE)
    return source.choice(
        (
            f"[id{number}|{name}]",
            f"[id{number}|{name}],",
            f"[id{number}:bp-{source.randint(1, 10**8)}_{source.randint(1, 999)}|{name}]",
            f"[https://vk.com/id{number}|{name}]",
        )
    )


def _at_name(source: random.Random) -> str:
    number, name = source.randint(1, 9 * 10**8), source.choice(_NAMES).replace("-", "_")
    return source.choice((f"@{name}", f"@id{number}", f"@id{number} (Анна)", f"*id{number} (Иван Петров)"))


def _link(source: random.Random) -> str:
    number, name = source.randint(10, 9 * 10**8), source.choice(_NAMES).replace("-", "_")
    place = source.choice(
        (
            f"vk.com/id{number}",
            f"m.vk.com/{name}",
            f"vk.ru/{name}",
            f"www.vk.com/id{number}",
            f"vk.com/wall{number}_15",
            f"vk.com/im?sel={number}",
            f"t.me/{name}",
            f"ok.ru/profile/{number}",
            f"m.ok.ru/profile/{number}",
            f"wa.me/7912{number}",
            f"instagram.com/{name}",
            f"www.facebook.com/{name}?id=1",
            f"max.ru/u/{name}{number}",
        )
    )
    return source.choice(("https://", "http://", "")) + place


PLANTED: dict[str, Make] = {
    "phone": _phone,
    "email": _email,
    "card": _card,
    "passport": _passport,
    "snils": _snils,
    "mention": _mention,
    "at_name": _at_name,
    "link": _link,
}


def _ogrn(source: random.Random) -> str:
    body = f"1{source.randint(2, 23):02}72" + _digits(source, 7)
    return body + str(int(body) % 11 % 10)


def _inn(source: random.Random) -> str:
    body = "72" + _digits(source, 7)
    control = sum(int(d) * w for d, w in zip(body, (2, 4, 10, 3, 5, 9, 4, 6, 8), strict=True)) % 11 % 10
    return f"{body}{control}"


def _not_a_card(source: random.Random) -> str:
    while _luhn(number := "7200" + _digits(source, 12)):
        pass
    return number


def _date(source: random.Random) -> str:
    day, month, year = source.randint(1, 28), source.randint(1, 12), source.randint(2015, 2026)
    hour, minute = source.randint(10, 23), source.randint(10, 59)
    return source.choice(
        (
            f"{day:02}.{month:02}.{year}",
            f"{year}-{month:02}-{day:02}",
            f"{source.randint(1, 9)}.{month:02}.{year} {hour}-{minute}",
            f"{day:02}.{month:02}.{year} в {hour}:{minute}",
            f"с 0{source.randint(1, 9)}.{month:02} по {day:02}.{month:02}.{year}",
        )
    )


HARMLESS: dict[str, Make] = {
    "date": _date,
    "sum": lambda s: s.choice(
        (
            f"{s.randint(1, 99)} {_digits(s, 3)} {_digits(s, 3)} рублей",
            f"{s.randint(1000, 99999)},{_digits(s, 2)} руб.",
            f"{s.randint(2019, 2025)} {s.randint(100, 999)}000 рублей",
            f"{s.randint(1, 9)}{_digits(s, 6)} ₽",
        )
    ),
    "house": lambda s: s.choice(
        (
            f"ул. Ленина, {s.randint(1, 200)}, кв. {s.randint(1, 300)}",
            f"Мира {s.randint(1, 99)}/{s.randint(1, 9)} корп. {s.randint(1, 9)}",
            f"кв. {s.randint(1000, 1500)}, {s.randint(625000, 627999)}",
            f"индекс {s.randint(625000, 627999)}",
            f"дома {s.randint(1, 50)}, {s.randint(51, 99)}, {s.randint(100, 150)}",
        )
    ),
    "registry": lambda s: s.choice(
        (
            f"ОГРН {_ogrn(s)}",
            f"ИНН {_inn(s)}",
            _inn(s),
            f"КПП 720{_digits(s, 6)}",
            f"БИК 04{_digits(s, 7)}",
            f"счёт 40702810{_digits(s, 12)}",
            f"УИН 188{_digits(s, 17)}",
            f"лицевой счёт {_not_a_card(s)}",
        )
    ),
    "land": lambda s: f"72:{s.randint(10, 25)}:0{_digits(s, 6)}:{s.randint(1, 9999)}",
    "appeal": lambda s: s.choice(
        (
            f"заявка № {s.randint(10**6, 10**7 - 1)}",
            f"обращение {s.randint(10, 99)}-{s.randint(2020, 2026)}-{_digits(s, 6)}",
            f"ЦУР-{s.randint(2020, 2026)}-{_digits(s, 7)}",
            f"исх. {s.randint(10, 99)}/{s.randint(1000, 9999)}-{s.randint(10, 99)}",
        )
    ),
    "route": lambda s: s.choice(
        (
            f"автобусы {s.randint(1, 9)}, {s.randint(10, 40)}, {s.randint(41, 99)} и {s.randint(100, 150)}",
            f"маршрут № {s.randint(1, 150)}",
            f"маршруты 8 {s.randint(10, 19)} {s.randint(20, 29)} {s.randint(30, 39)} {s.randint(40, 49)} 51",
        )
    ),
    "time": lambda s: s.choice(
        (
            f"с {s.randint(6, 9)}:00 до {s.randint(17, 23)}:30",
            f"в 0{s.randint(6, 9)}-{s.randint(10, 59)}",
            f"{s.randint(10, 23)}:{s.randint(10, 59)}:{s.randint(10, 59)}",
        )
    ),
    "community": lambda s: s.choice(
        (
            f"[club{s.randint(1, 10**8)}|Управа Озёрска]",
            f"@club{s.randint(1, 10**8)}",
            f"[public{s.randint(1, 10**8)}|Мой город]",
            f"vk.com/club{s.randint(1, 10**8)}",
            f"https://vk.com/wall-{s.randint(1, 10**8)}_{s.randint(1, 999)}",
            f"https://ok.ru/group/{s.randint(1, 10**13)}",
            f"https://pos.gosuslugi.ru/form/?opaId={s.randint(1, 10**5)}&utm_campaign={_ogrn(s)}",
            f"vk.com/public{s.randint(1, 10**8)}?w=wall-{s.randint(1, 10**8)}_{s.randint(1, 99)}",
        )
    ),
    "measure": lambda s: s.choice(
        (
            f"ГОСТ Р {s.randint(10000, 59999)}-{s.randint(1995, 2024)}",
            f"{s.randint(10, 60)}.{_digits(s, 6)}, {s.randint(60, 70)}.{_digits(s, 6)}",
            f"показания {_digits(s, 5)},{_digits(s, 3)}",
            f"{s.randint(2, 99)} дней и {s.randint(10, 99)}%",
            f"горячая линия 8 (800) {_digits(s, 3)}-{_digits(s, 2)}-{_digits(s, 2)}",
        )
    ),
}


@dataclass(frozen=True)
class Specimen:
    """A text, the personal items in it as (kind, item), and the harmless ones as (kind, item)."""

    text: str
    planted: tuple[tuple[str, str], ...]
    harmless: tuple[tuple[str, str], ...]


@dataclass
class Score:
    """Counts of one kind. `spoilt` are tokens of this kind where no item of it stood."""

    planted: int = 0
    caught: int = 0
    spoilt: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return self.caught / self.planted if self.planted else 1.0

    @property
    def precision(self) -> float:
        return self.caught / (self.caught + self.spoilt) if self.caught + self.spoilt else 1.0


def specimens(count: int, seed: int = 20261122) -> Iterator[Specimen]:
    """Texts of the corpus; the same for the same seed."""
    source = random.Random(seed)
    for _ in range(count):
        planted = tuple(
            (kind, PLANTED[kind](source))
            for kind in source.sample(sorted(PLANTED), source.choice((0, 1, 1, 2)))
        )
        harmless = tuple(
            (kind, HARMLESS[kind](source))
            for kind in source.sample(sorted(HARMLESS), source.choice((0, 1, 1, 2)))
        )
        items = [item for _, item in (*planted, *harmless)]
        source.shuffle(items)
        words = source.choice((", ", "; ", " — ", "\n")).join(items) + source.choice((", ", ". ", " "))
        yield Specimen(source.choice(_SENTENCES).format(words), planted, harmless)


def score(texts: Iterator[Specimen]) -> dict[str, Score]:
    """Recall and precision of `mask` by kind, and in all."""
    scores = {kind: Score() for kind in (*TOKENS, "all")}
    for one in texts:
        masked = mask(one.text)
        tokens = Counter({kind: masked.count(token) for kind, token in TOKENS.items()})
        caught: Counter[str] = Counter()
        for kind, item in one.planted:
            scores[kind].planted += 1
            if is_gone(item, masked):
                scores[kind].caught += 1
                caught[kind] += 1
            else:
                scores[kind].examples.append(f"left: {item!r} in {masked!r}")
        # A number masked as one of another kind is caught, and is that kind's mistake.
        for kind, found in tokens.items():
            if (more := found - caught[kind]) > 0:
                scores[kind].spoilt += more
                scores[kind].examples.append(f"spoilt: {one.text!r} became {masked!r}")
    for part in list(scores.values())[:-1]:
        scores["all"].planted += part.planted
        scores["all"].caught += part.caught
        scores["all"].spoilt += part.spoilt
    return scores


def is_gone(item: str, masked: str) -> bool:
    """Nothing of the item that tells a person is left: no long run of its digits, no name of it."""
    if item in masked:
        return False
    left = set(re.findall(r"\d{4,}", re.sub(r"[\s().\-\u2011\u00a0]", "", masked)))
    digits = re.sub(r"\D", "", item)
    if len(digits) >= 5 and any(digits[-5:] in run for run in left):
        return False
    names = re.findall(r"[A-Za-zА-Яа-яё_.]{4,}(?=@|\s?@|\(соб| соб|\[at)", item) + [
        name for name in _PEOPLE if name in item
    ]
    return not any(name in masked for name in names)


def main(count: int = 20_000) -> None:
    """Print the table, and up to three mistakes of each kind to stderr."""
    scores = score(specimens(count))
    print("| kind | planted | recall | precision |")
    print("|---|---|---|---|")
    for kind, part in scores.items():
        print(f"| {kind} | {part.planted:,} | {part.recall:.4f} | {part.precision:.4f} |")
        for example in part.examples[:3]:
            print(f"{kind}: {example}", file=sys.stderr)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
