"""VK's discussion boards: topics of the pages and what citizens and pages write into them.

A board has no branches. A page answers by naming the comment: `[id77:bp-101_5|Имя], …`. Comment numbers are
one sequence per board in order of time; a topic's first comment is the page's own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.noise import mix
from sandbox.population import BOARD, NEVER, VK
from sandbox.walls import user_id

if TYPE_CHECKING:
    from sandbox.world import World

TITLES = ("Задать вопрос", "Благоустройство и дороги", "Предложения жителей")
_FIRST_TOPIC = 48_000_001


@dataclass(slots=True, eq=False)
class BoardComment:
    """`author` < 0: the page. `appeal` is a row of the population, -1 for the topic's first comment."""

    author: int
    date: int
    appeal: int
    role: str  # opening, appeal, interim, final
    reply_to: BoardComment | None = None
    id: int = 0


@dataclass(slots=True, eq=False)
class BoardTopic:
    """One topic of a page's board; comments in order of time."""

    page: int
    id: int
    title: str
    comments: list[BoardComment] = field(default_factory=list)


def build_boards(world: World) -> dict[int, list[BoardTopic]]:
    """Topics by page id, for the pages that citizens wrote to on a board."""
    people, scenario = world.population, world.scenario
    boards: dict[int, list[BoardTopic]] = {}
    opened = scenario.day_starts()[0] - 30 * 86_400
    for row in map(int, people.rows(VK)):
        if int(people.form[row]) != BOARD:
            continue
        page = scenario.pages[int(people.page[row])]
        topics = boards.setdefault(page.id, _topics(page.id, opened))
        topic = topics[mix(row * 11 + 5) % len(topics)]
        asked = BoardComment(user_id(int(people.author[row])), int(people.registered[row]), row, "appeal")
        topic.comments.append(asked)
        first, final = int(people.first_answer[row]), int(people.final_answer[row])
        moments = (
            {}
            if first >= NEVER
            else {final: "final"}
            if first == final
            else {first: "interim", final: "final"}
        )
        topic.comments += [BoardComment(-page.id, at, row, role, asked) for at, role in moments.items()]
    for topics in boards.values():
        every = sorted((one.date, n, one) for n, topic in enumerate(topics) for one in topic.comments)
        for number, (_, _, comment) in enumerate(sorted(every, key=lambda item: item[:2]), 2):
            comment.id = number
        for topic in topics:
            topic.comments.sort(key=lambda comment: comment.id)
    return boards


def _topics(page: int, opened: int) -> list[BoardTopic]:
    return [
        BoardTopic(page, _FIRST_TOPIC + n, title, [BoardComment(-page, opened + n, -1, "opening")])
        for n, title in enumerate(TITLES)
    ]


def board_text(world: World, topic: BoardTopic, comment: BoardComment) -> str:
    """What the comment says; an answer names the comment it answers, as VK's reply button writes it."""
    if comment.role == "opening":
        return f"{topic.title}. Пишите сюда, мы ответим."
    if comment.role == "appeal":
        return world.complaint(comment.appeal)
    asked = comment.reply_to
    assert asked is not None, "answers name what they answer"  # noqa: S101
    names = world.scenario.vocabulary.first_names
    called = f"[id{asked.author}:bp-{topic.page}_{asked.id}|{names[mix(asked.author) % len(names)]}]"
    solved = bool(mix(comment.appeal) & 1)
    name = world.pages_by_owner[-topic.page].name
    return f"{called}, {world.texts.answer(comment.appeal, comment.role == 'final', solved, name)}"
