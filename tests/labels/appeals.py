"""Labelled appeals as they come: many rare topics, HTML, typos, templates, words of another topic.

They are invented, and cleaner than life: they tell whether a change makes labels better or worse, never how
good labels are. Topics are those of the seed; a topic's words are its name's and a few nouns of its own,
inflected by pymorphy3, among the sandbox's complaints of the group.
"""

from __future__ import annotations

import csv
import random
from pathlib import Path

from labels.model import Example
from labels.words import analyser
from sandbox.texts import Texts
from sandbox.vocabulary import load_vocabulary

SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"
_LOOK_ALIKES = str.maketrans("асеорху", "aceopxy")
_CASES = ("nomn", "gent", "datv", "accs", "ablt", "loct")


def tree() -> dict[str, list[tuple[str, str]]]:
    """Topic groups and (id, name) of their topics, as seeded."""
    found: dict[str, list[tuple[str, str]]] = {}
    with (SEEDS / "topics.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["topic_group"], []).append((row["topic_id"], row["label_ru"]))
    return found


def appeals(count: int, seed: int) -> list[Example]:
    """`count` appeals. One in ten copies an earlier one, one in twelve tells of something else."""
    draw = random.Random(seed)
    texts, topics = Texts(seed, load_vocabulary()), tree()
    groups = list(topics)
    pool = _nouns(texts, groups)
    flat = [(group, *topic) for group in groups for topic in topics[group]]
    draw.shuffle(flat)
    own = {topic: draw.sample(pool, 5) for _, topic, _ in flat}
    weights = [1 / (place + 3) for place in range(len(flat))]  # Zipf: the last topics come once or never
    found: list[Example] = []
    for number in range(count):
        if found and draw.random() < 0.1:
            earlier = draw.choice(found)
            found.append(Example(_noise(draw, earlier.text), earlier.topic_group, earlier.topic))
            continue
        group, topic, name = draw.choices(flat, weights)[0]
        told = draw.choice(groups) if draw.random() < 1 / 12 else group
        sentence = texts.complaint(number, told, name, "complaint", "Ишим")
        words = [_inflected(draw, word) for word in draw.choices(own[topic], k=2)]
        words += [_inflected(draw, word) for word in draw.choices(pool, k=3)]
        if draw.random() < 0.6:
            words += [_inflected(draw, word) for word in name.lower().split()]
        draw.shuffle(words)
        found.append(Example(_noise(draw, f"{sentence} {' '.join(words)}."), group, topic))
    return found


def _nouns(texts: Texts, groups: list[str]) -> list[str]:
    """Nouns of the sandbox's answers and complaints, in a fixed order."""
    heard = " ".join(
        texts.complaint(n, groups[n % len(groups)], "тема", "complaint", "Ишим") for n in range(900)
    )
    forms = sorted({form.strip(".,!?()«»—:").lower() for form in heard.split()})
    parsed = (analyser().parse(form)[0] for form in forms if form.isalpha() and len(form) > 3)
    return sorted({best.normal_form for best in parsed if best.tag.POS == "NOUN"})


def _inflected(draw: random.Random, word: str) -> str:
    form = analyser().parse(word)[0].inflect({draw.choice(_CASES)})
    return form.word if form else word


def _noise(draw: random.Random, text: str) -> str:
    """What forms, networks and fingers do to a text."""
    words = text.split()
    for place, word in enumerate(words):
        chance = draw.random()
        if chance < 0.03 and len(word) > 4:
            cut = draw.randrange(1, len(word) - 1)
            words[place] = word[:cut] + word[cut + 1 :]
        elif chance < 0.04:
            words[place] = word.translate(_LOOK_ALIKES)
        elif chance < 0.045:
            words[place] = word.upper()
    if draw.random() < 0.5:
        words.insert(draw.randrange(len(words)), draw.choice(["<br>", "<p>", "&nbsp;", "&laquo;", "++"]))
    if draw.random() < 0.3:
        words = [draw.choice(["[id77|Иван],", "Добрый день!", "> цитата поста\n"]), *words]
    return " ".join(words)
