"""Conversations of the networks other than VK: under pages' posts, and in the private chats of a bot.

They carry the population's appeals of one network. Under a post an appeal is a citizen's top-level comment;
in a chat it is a citizen's message after a day of silence, and what follows within the session belongs to
it, thanks within a day included. Everything on a post happens within 14 days of it.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Literal

from sandbox.noise import key, mix
from sandbox.population import BOT, NEVER, Population
from sandbox.scenario import SOURCES, Scenario

_DAY = 86_400
_SESSION = _DAY + 3_600  # silence that certainly ends a session
_POST_MAX_AGE = 8 * _DAY
_ANSWERS_FROM_ANOTHER_PAGE = 6  # per cent

Speaker = Literal["citizen", "page", "operator", "service"]


@dataclass(slots=True, eq=False)
class Said:
    """One message. `role`: appeal, interim, final, reply, page, deleted, thanks, start, posted.

    `author` is a citizen's number, else -1; `page` the place of the page that speaks, else -1.
    """

    speaker: Speaker
    author: int
    date: int
    role: str
    number: int  # what its text is made from
    appeal: int = -1
    page: int = -1
    parent: Said | None = None
    edited: int = NEVER
    deleted: int = NEVER
    id: int = 0  # in order of time, unique within the page's network or the chat
    text: str | None = None


@dataclass(slots=True, eq=False)
class Topic:
    """A page's post and what was said under it, in order of `id`; posts and comments share one sequence."""

    page: int
    date: int
    number: int
    id: int = 0
    said: list[Said] = field(default_factory=list)
    text: str | None = None


@dataclass(slots=True, eq=False)
class Chat:
    """A citizen's private chat with the bot; in a one-sided one the bot never sees an answer."""

    citizen: int
    two_sided: bool
    said: list[Said] = field(default_factory=list)
    free_at: int = 0


@dataclass(slots=True)
class Conversations:
    """`topics` by place of the page, in order of time; `last_id` by place, and by citizen below -1."""

    topics: dict[int, list[Topic]]
    chats: dict[int, Chat]
    last_id: dict[int, int]

    def comment(self, topic: Topic, speaker: Speaker, text: str, date: int, parent: Said | None) -> Said:
        """One more comment, said now."""
        self.last_id[topic.page] += 1
        page = topic.page if speaker == "page" else -1
        said = Said(
            speaker, 900_001 if page < 0 else -1, date, "posted", 0, page=page, parent=parent, text=text
        )
        said.id = self.last_id[topic.page]
        topic.said.append(said)
        return said

    def chat_message(self, citizen: int, speaker: Speaker, text: str, date: int) -> tuple[Chat, Said]:
        """One more message in a chat, said now; the chat is opened where there is none."""
        chat = self.chats.setdefault(citizen, Chat(citizen, two_sided=True))
        said = Said(
            speaker, citizen if speaker in {"citizen", "service"} else -1, date, "posted", 0, text=text
        )
        said.id = max((one.id for one in chat.said), default=0) + 1
        chat.said.append(said)
        return chat, said


def converse(scenario: Scenario, population: Population, network: str) -> Conversations:
    """Everything that is ever said in one network of the scenario."""
    return _Builder(scenario, population, network).build()


class _Builder:
    def __init__(self, scenario: Scenario, population: Population, network: str) -> None:
        self.scenario, self.population, self.network = scenario, population, network
        self.rules = scenario.talk_rules(network)
        self.key = key(scenario.seed, f"conversations {network}")
        self.as_of = scenario.as_of_seconds
        self.drawn = 0
        self.topics: dict[int, list[Topic]] = {}
        self.chats: dict[int, Chat] = {}

    def build(self) -> Conversations:
        for place in self.scenario.page_places(self.network):
            deleted = self.scenario.pages[place].state == "deleted"
            self.topics[place] = [] if deleted else self._posts(place)
        times = {place: [topic.date for topic in topics] for place, topics in self.topics.items()}
        for row in map(int, self.population.rows(SOURCES.index(self.network))):
            if int(self.population.form[row]) == BOT:
                self._session(row)
            else:
                place = int(self.population.page[row])
                self._branch(self._pick(self.topics[place], times[place], row), row)
        self._extras()
        return self._numbered()

    def _draw(self) -> int:
        self.drawn += 1
        return mix(self.key + self.drawn)

    def _posts(self, place: int) -> list[Topic]:
        """One just after the period's first midnight, then in the page's rhythm, by day."""
        page, zone, start = self.scenario.pages[place], self.scenario.zone, self.scenario.day_starts()[0]
        topics = [Topic(place, start + 60 * (place % 50 + 1), self._draw() >> 24)]
        gap, moment = min(7 / page.posts_per_week, 6.0) * _DAY, start
        while True:
            draw = self._draw()
            moment += int(gap * (70 + draw % 61) / 100)
            local = dt.datetime.fromtimestamp(moment, zone).replace(
                hour=8 + (draw >> 8) % 11, minute=(draw >> 16) % 60
            )
            date = int(local.timestamp()) + (draw >> 24) % 60
            if date >= self.as_of:
                return sorted(topics, key=lambda topic: topic.date)
            topics.append(Topic(place, date, self._draw() >> 24))

    def _pick(self, topics: list[Topic], times: list[int], row: int) -> Topic:
        """Mostly the newest post before the comment, sometimes one or two before it."""
        moment, draw = int(self.population.registered[row]), self._draw() % 100
        newest = bisect_right(times, moment - 30) - 1
        back = 0 if draw < 70 else 1 if draw < 90 else 2
        while back and (newest - back < 0 or moment - times[newest - back] > _POST_MAX_AGE):
            back -= 1
        return topics[newest - back]

    def _branch(self, topic: Topic, row: int) -> None:
        """The appeal, its answers, and citizens' words between them; replies go several levels deep."""
        root = self._appeal(row)
        branch = [root]
        for role, date in self._answers(row):
            page = self._answering_page(topic.page)
            branch.append(Said("page", -1, date, role, row, row, page=page))
        for _ in range(self._words()):
            draw = self._draw()
            date = min(root.date + 60 + draw % _DAY, self.as_of - 1)
            if date > root.date:
                author = root.author if draw >> 20 & 1 else draw % 1_000_003
                branch.append(Said("citizen", author, date, "reply", draw >> 24))
        self._tie(branch)
        topic.said += branch

    def _tie(self, branch: list[Said]) -> None:
        """Each message answers the first one or, half of the time, another one before it."""
        branch.sort(key=lambda said: said.date)
        for place, said in enumerate(branch[1:], 1):
            draw = self._draw()
            said.parent = branch[(draw >> 8) % place] if draw & 1 else branch[0]

    def _appeal(self, row: int) -> Said:
        author, date = int(self.population.author[row]), int(self.population.registered[row])
        root = Said("citizen", author, date, "appeal", row, row)
        draw = self._draw()
        edited = date + 60 + (draw >> 20) % 7200
        # Only these two tell of an edit.
        tells = self.network in {"telegram", "max"}
        if tells and draw % 10_000 < self.rules.edited_share * 10_000 and edited < self.as_of - 60:
            root.edited = edited
        return root

    def _words(self) -> int:
        """How many further words citizens have; a few branches grow long."""
        share, draw = self.rules.reply_share, self._draw()
        whole, part = int(share), share - int(share)
        count = whole + (draw % 1000 < part * 1000)
        return count + (draw >> 12) % 9 if share and draw >> 40 & 31 == 0 else count

    def _answers(self, row: int) -> list[tuple[str, int]]:
        first, final = int(self.population.first_answer[row]), int(self.population.final_answer[row])
        if first >= NEVER:
            return []
        return [("final", final)] if first == final else [("interim", first), ("final", final)]

    def _answering_page(self, place: int) -> int:
        """Mostly the page itself, sometimes another official page of the network."""
        draw, places = self._draw(), self.scenario.open_pages(self.network)
        return places[(draw >> 8) % len(places)] if draw % 100 < _ANSWERS_FROM_ANOTHER_PAGE else place

    def _session(self, row: int) -> None:
        """A session in the chat of its author, or of somebody new where that chat is still in use."""
        root = self._appeal(row)
        answers = self._answers(row)
        chat = self._free_chat(root, bool(answers))
        root.author = chat.citizen
        session = [root]
        if not chat.said and not (chat.two_sided and self.network == "telegram"):
            session.insert(0, Said("service", chat.citizen, root.date - 20, "start", row, text="/start"))
        session += [Said("operator", -1, date, role, row, row) for role, date in answers]
        for _ in range(min(self._words(), 5)):
            draw = self._draw()
            date = root.date + 30 + draw % (20 * 3600)
            session.append(Said("citizen", chat.citizen, date, "reply", draw >> 24))
        draw = self._draw()
        if answers and draw & 1:
            date = answers[-1][1] + 60 + (draw >> 8) % (20 * 3600)
            session.append(
                Said("citizen", chat.citizen, date, "thanks", row, text=_THANKS[(draw >> 30) % len(_THANKS)])
            )
        chat.said += sorted(session, key=lambda said: said.date)
        chat.free_at = chat.said[-1].date + _SESSION

    def _free_chat(self, root: Said, answered: bool) -> Chat:
        for citizen in (root.author, 2_000_003 + root.appeal):
            chat = self.chats.get(citizen)
            if chat is None:
                two_sided = answered or self.network != "telegram" or bool(self._draw() & 1)
                chat = self.chats[citizen] = Chat(citizen, two_sided)
            if root.date >= chat.free_at and (chat.two_sided or not answered):
                return chat
        raise AssertionError("a chat made for this appeal alone is always free")

    def _extras(self) -> None:
        """What is no appeal: pages' own first comments, and words that are deleted again."""
        open_topics = [
            topic
            for place in self.scenario.open_pages(self.network)
            for topic in self.topics[place]
            if topic.date < self.as_of - _DAY
        ]
        for n in range(self.rules.page_comments + self.rules.deleted_messages):
            draw = self._draw()
            if n >= self.rules.page_comments and (self.network in {"telegram", "viber"} or not open_topics):
                self._deleted_in_chat(draw)
            elif open_topics:
                topic = open_topics[draw % len(open_topics)]
                date = topic.date + 300 + (draw >> 32) % (_DAY // 2)
                said = Said("page", -1, date, "page", draw >> 24, page=topic.page)
                if n >= self.rules.page_comments:
                    author = draw % 1_000_003
                    said = Said("citizen", author, date, "deleted", draw >> 24, deleted=date + 30)
                reply = Said("citizen", draw % 999_983, date + 90, "reply", draw >> 30, parent=said)
                topic.said += [said, reply]

    def _deleted_in_chat(self, draw: int) -> None:
        """Only in two-sided chats does a bot hear that words were deleted."""
        chats = [chat for chat in self.chats.values() if chat.two_sided]
        if chats:
            chat = chats[draw % len(chats)]
            root = next(said for said in chat.said if said.role == "appeal")
            words = Said(
                "citizen", chat.citizen, root.date + 20, "deleted", draw >> 24, deleted=root.date + 600
            )
            chat.said.append(words)

    def _numbered(self) -> Conversations:
        last_id: dict[int, int] = {}
        for place, topics in self.topics.items():
            things: list[Topic | Said] = [*topics, *(said for topic in topics for said in topic.said)]
            # A reply never stands before what it answers, be they of one second.
            things.sort(key=lambda thing: (thing.date, isinstance(thing, Said) and thing.parent is not None))
            for number, thing in enumerate(things, 1):
                thing.id = number
            for topic in topics:
                topic.said.sort(key=lambda said: said.id)
            last_id[place] = len(things)
        for chat in self.chats.values():
            chat.said.sort(key=lambda said: said.date)
            for number, said in enumerate(chat.said, 1):
                said.id = number
        return Conversations(self.topics, self.chats, last_id)


_THANKS = (
    "Спасибо большое!",
    "Спасибо, всё починили 👍",
    "Благодарю за ответ.",
    "Ок, спасибо",
    "Спасибо, будем ждать.",
)
