"""One played scenario: its population, walls and texts, and the moment that counts as now."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from sandbox.boards import BoardTopic, build_boards
from sandbox.conversations import Conversations, Said, Topic, converse
from sandbox.noise import key, mix
from sandbox.population import Population, populate
from sandbox.scenario import KINDS, Page, Scenario
from sandbox.texts import Texts
from sandbox.walls import Comment, Post, Walls, build_walls


@dataclass
class World:
    """`now` is in seconds since 1970 UTC; servers hide everything later."""

    scenario: Scenario
    population: Population
    now: int
    _talks: dict[str, Conversations] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, scenario: Scenario, now: int | None = None) -> World:
        return cls(scenario, populate(scenario), scenario.as_of_seconds if now is None else now)

    @cached_property
    def walls(self) -> Walls:
        return build_walls(self.scenario, self.population)

    def talks(self, network: str) -> Conversations:
        """Conversations of a network other than VK."""
        if network not in self._talks:
            self._talks[network] = converse(self.scenario, self.population, network)
        return self._talks[network]

    @cached_property
    def boards(self) -> dict[int, list[BoardTopic]]:
        return build_boards(self)

    @cached_property
    def texts(self) -> Texts:
        return Texts(self.scenario.seed, self.scenario.vocabulary)

    def prepare(self) -> None:
        """Build now what the first request would wait for."""
        _ = self.walls, self.boards, self.texts
        for network in ("ok", "telegram", "max", "viber"):
            if self.scenario.plays(network):
                self.talks(network)

    def group_id(self, row: int) -> str:
        return self.scenario.vocabulary.group_ids[int(self.population.group[row])]

    def topic(self, row: int) -> tuple[str, str]:
        """Topic group and topic of an appeal, as the sources spell them (some groups have two spellings)."""
        group = self.scenario.vocabulary.groups[self.group_id(row)]
        return group.names[mix(row) % len(group.names)], group.topics[int(self.population.topic[row])]

    def municipality(self, row: int) -> str:
        """The name or an alias of the appeal's territory; empty where the source does not know it."""
        place = int(self.population.territory[row])
        if place < 0:
            return ""
        territory = self.scenario.territories[place]
        spellings = (territory.name, *territory.aliases)
        return spellings[mix(row * 5 + 2) % len(spellings)]

    def settlement(self, row: int) -> str:
        """The town itself in a городской округ, a village elsewhere; empty with the municipality."""
        place = int(self.population.territory[row])
        if place < 0:
            return ""
        territory = self.scenario.territories[place]
        names = self.scenario.vocabulary.settlements
        return territory.name if territory.kind == "городской округ" else names[mix(row * 7 + 3) % len(names)]

    def complaint(self, row: int) -> str:
        kind = KINDS[int(self.population.kind[row])]
        group = self.group_id(row)
        topic = self.scenario.vocabulary.groups[group].topics[int(self.population.topic[row])]
        return self.texts.complaint(row, group, topic, kind, self.municipality(row))

    def post_text(self, post: Post) -> str:
        if post.text is None:
            if post.role == "page":
                page = self.scenario.pages[post.page]
                post.text = self.texts.post(post.number, page.screen_name, page.name)
            elif post.role == "citizen":
                post.text = self.complaint(post.appeal)
            else:
                queries = self.scenario.vk.search_queries
                query = queries[mix(post.number * 3 + 1) % len(queries)]
                post.text = self.texts.mention(post.number, query, self.complaint(post.appeal))
        return post.text

    def comment_text(self, comment: Comment) -> str:
        if comment.text is None:
            if comment.role in ("appeal", "copy"):
                comment.text = self.complaint(comment.appeal)
            elif comment.role in ("interim", "final"):
                solved = bool(mix(comment.appeal) & 1)
                comment.text = self.texts.answer(
                    comment.number, comment.role == "final", solved, self._page_name(comment.author)
                )
            elif comment.role == "deleted":
                comment.text = ""
            else:
                comment.text = self.texts.reply(comment.number, from_page=comment.role == "page")
        return comment.text

    def topic_text(self, topic: Topic) -> str:
        """What a page published outside VK."""
        if topic.text is None:
            page = self.scenario.pages[topic.page]
            topic.text = self.texts.post(topic.number, page.screen_name, page.name)
        return topic.text

    def said_text(self, said: Said, at: int | None = None) -> str:
        """A message outside VK as it read at a moment, or as it reads now."""
        if said.text is None:
            if said.role == "appeal":
                said.text = self.complaint(said.appeal)
            elif said.role in ("interim", "final"):
                page = self.scenario.pages[said.page].name if said.page >= 0 else self.scenario.region.name
                solved = bool(mix(said.appeal) & 1)
                said.text = self.texts.answer(said.number, said.role == "final", solved, page)
            else:
                said.text = self.texts.reply(said.number, from_page=said.speaker == "page")
        if said.role != "posted" and said.edited <= (self.now if at is None else at):
            return f"{said.text} {self.texts.reply(said.number + 1, from_page=False)}"
        return said.text

    def _page_name(self, owner: int) -> str:
        page = self.pages_by_owner.get(owner)
        return page.name if page else ""

    @property
    def bot_id(self) -> int:
        """The region's bot, in every messenger the same number."""
        return 6_100_000_000 + int(self.scenario.region.code)

    @cached_property
    def pages_by_owner(self) -> dict[int, Page]:
        return {-page.id: page for page in self.scenario.pages if page.network == "vk"}

    @cached_property
    def ogrns(self) -> dict[str, str]:
        """ОГРН (13 digits with a right check digit) of each authority."""
        result = {}
        for number, authority in enumerate(self.scenario.authorities, 1):
            digits = f"1{2 + number % 18:02d}{self.scenario.region.code}{number:07d}"
            result[authority.id] = authority.ogrn or f"{digits}{int(digits) % 11 % 10}"
        return result

    def opa_ids(self) -> dict[str, int]:
        """The organisation's number in ПОС, given or invented."""
        return {
            authority.id: authority.opa_id or 300_000 + number
            for number, authority in enumerate(self.scenario.authorities, 1)
        }

    def token(self, purpose: str) -> str:
        """A token or key fixed by the seed: `vk`, `vk-service`, `vk-user`, `pos`, `ok`, `telegram`, …"""
        if purpose == "telegram":
            secret = f"{key(self.scenario.seed, 'token telegram'):016x}" * 3
            return f"{self.bot_id}:{secret[:35]}"
        return f"sandbox-{purpose}-{key(self.scenario.seed, 'token ' + purpose):016x}"
