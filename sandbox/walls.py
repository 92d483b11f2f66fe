"""VK's walls: posts, comments and branches that carry the population's VK appeals.

Everything on a post happens within 13 days of it, so that a poll of the last 14 days misses nothing.
Ids are one sequence per wall in order of time, shared by posts and comments, as VK's are.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from dataclasses import dataclass, field

from sandbox.noise import key, mix
from sandbox.population import COMMENT, INCIDENT, MENTION, NEVER, VK, WALL_POST, Population
from sandbox.scenario import Scenario, VkPoll

_DAY = 86_400
_POST_MAX_AGE = 8 * _DAY


@dataclass(slots=True, eq=False)
class Comment:
    """`author` < 0: a community. `role`: appeal, interim, final, reply, page, deleted, posted, copy."""

    owner: int
    author: int
    date: int
    role: str
    number: int  # what its text is made from
    appeal: int = -1
    id: int = 0
    post_id: int = 0
    root: Comment | None = None
    thread: list[Comment] = field(default_factory=list)
    text: str | None = None


@dataclass(slots=True, eq=False)
class Post:
    """`role`: page (by the community), citizen (on its wall), mention (elsewhere)."""

    owner: int
    author: int
    date: int
    role: str
    number: int
    appeal: int = -1
    id: int = 0
    pinned: bool = False
    page: int = -1
    roots: list[Comment] = field(default_factory=list)
    dates: list[int] = field(default_factory=list)  # of every comment, replies included, sorted
    text: str | None = None
    poll: VkPoll | None = None

    def adopt(self, comment: Comment) -> Comment:
        self.roots.append(comment)
        return comment


@dataclass(slots=True)
class Walls:
    posts: dict[int, list[Post]]  # by owner, in order of time
    mentions: list[Post]
    by_key: dict[tuple[int, int], Post]
    last_id: dict[int, int]


def user_id(author: int) -> int:
    return 10_000_019 + author * 3


def build_walls(scenario: Scenario, population: Population) -> Walls:
    return _Builder(scenario, population).build()


class _Builder:
    def __init__(self, scenario: Scenario, population: Population) -> None:
        self.scenario, self.population = scenario, population
        self.key = key(scenario.seed, "walls")
        self.as_of = scenario.as_of_seconds
        self.count = 0
        self.posts: dict[int, list[Post]] = {}
        self.mentions: list[Post] = []

    def build(self) -> Walls:
        for number in self.scenario.page_places("vk"):
            page = self.scenario.pages[number]
            self.posts[-page.id] = [] if page.state == "deleted" else self._page_posts(number)
        own = {owner: list(posts) for owner, posts in self.posts.items()}
        self._attach_polls(own)
        times = {owner: [post.date for post in posts] for owner, posts in own.items()}
        branches: list[Comment] = []
        for row in map(int, self.population.rows(VK)):
            form = int(self.population.form[row])
            if form == COMMENT:
                owner = -self.scenario.pages[int(self.population.page[row])].id
                branches.append(self._appeal_comment(row, self._pick_post(own[owner], times[owner], row)))
            elif form == WALL_POST:
                self._wall_post(row)
            elif form == MENTION:
                self._mention(row)
        self._copies(own, times)
        self._lengthen(branches)
        self._extras(own)
        return self._numbered()

    def _draw(self) -> int:
        self.count += 1
        return mix(self.key + self.count)

    def _page_posts(self, number: int) -> list[Post]:
        """A pinned old post, one just after the period's first midnight, then the page's rhythm."""
        page, zone = self.scenario.pages[number], self.scenario.zone
        start = self.scenario.day_starts()[0]
        posts = [self._page_post(number, start - 40 * _DAY + number, pinned=True)]
        posts.append(self._page_post(number, start + 60 * (number % 50 + 1)))
        # Where citizens write, a post must never be too old to be looked back at.
        gap = (min(7 / page.posts_per_week, 6.0) if page.weight else 7 / page.posts_per_week) * _DAY
        moment = start
        while True:
            draw = self._draw()
            moment += int(gap * (70 + draw % 61) / 100)
            local = dt.datetime.fromtimestamp(moment, zone).replace(
                hour=8 + (draw >> 8) % 11, minute=(draw >> 16) % 60
            )
            date = int(local.timestamp()) + (draw >> 24) % 60
            if date >= self.as_of:
                return sorted(posts, key=lambda post: post.date)
            posts.append(self._page_post(number, date))

    def _page_post(self, number: int, date: int, pinned: bool = False) -> Post:
        owner = -self.scenario.pages[number].id
        return Post(owner, owner, date, "page", self._draw() >> 24, pinned=pinned, page=number)

    def _attach_polls(self, own: dict[int, list[Post]]) -> None:
        for poll in self.scenario.vk.polls:
            noon = dt.datetime.combine(poll.date, dt.time(12), self.scenario.zone).timestamp()
            posts = [post for post in own[-poll.page] if post.poll is None and not post.pinned]
            earlier = [post for post in posts if post.date <= noon]
            (earlier or posts)[-1 if earlier else 0].poll = poll

    def _pick_post(self, posts: list[Post], times: list[int], row: int) -> Post:
        """Mostly the newest post before the comment, sometimes one or two before it."""
        moment, draw = int(self.population.registered[row]), self._draw() % 100
        newest = bisect_right(times, moment - 30) - 1
        back = 0 if draw < 70 else 1 if draw < 90 else 2
        while back and (newest - back < 1 or moment - times[newest - back] > _POST_MAX_AGE):
            back -= 1
        return posts[newest - back]

    def _appeal_comment(self, row: int, post: Post) -> Comment:
        author = user_id(int(self.population.author[row]))
        root = post.adopt(
            Comment(post.owner, author, int(self.population.registered[row]), "appeal", row, row)
        )
        for role, date in self._answers(row):
            root.thread.append(
                Comment(post.owner, self._answerer(post.owner), date, role, row, row, root=root)
            )
        share = self.scenario.vk.reply_share
        whole, part = int(share), share - int(share)
        draw = self._draw()
        for _ in range(whole + (draw % 1000 < part * 1000)):
            self._reply(root)
        return root

    def _answers(self, row: int) -> list[tuple[str, int]]:
        first, final = int(self.population.first_answer[row]), int(self.population.final_answer[row])
        if first >= NEVER:
            return []
        return [("final", final)] if first == final else [("interim", first), ("final", final)]

    def _answerer(self, owner: int) -> int:
        """Mostly the page itself, sometimes another official page."""
        draw, places = self._draw(), self.scenario.open_pages()
        return (
            -self.scenario.pages[places[(draw >> 8) % len(places)]].id
            if draw % 100 < 6 or owner == 0
            else owner
        )

    def _reply(self, root: Comment) -> None:
        draw = self._draw()
        date = min(root.date + 60 + draw % _DAY, self.as_of - 1)
        if date > root.date:
            author = root.author if draw >> 20 & 1 and root.author > 0 else user_id(draw % 1_000_003)
            root.thread.append(Comment(root.owner, author, date, "reply", draw >> 24, root=root))

    def _copies(self, own: dict[int, list[Post]], times: dict[int, list[int]]) -> None:
        """Messages that somebody has entered into «Инцидент» an hour later: no appeals of VK's own."""
        rows = [int(row) for row in self.population.rows(INCIDENT)]
        count, places = min(self.scenario.incident.seen_in_vk, len(rows)), self.scenario.open_pages()
        for n in range(count if places else 0):
            row = rows[(2 * n + 1) * len(rows) // (2 * count)]
            owner = -self.scenario.pages[places[row % len(places)]].id
            date = int(self.population.registered[row]) - 3600
            newest = bisect_right(times[owner], date - 30) - 1
            if newest >= 1:
                post, author = own[owner][newest], user_id(int(self.population.author[row]))
                post.adopt(Comment(owner, author, date, "copy", row, row))

    def _lengthen(self, branches: list[Comment]) -> None:
        """Some branches pass ten replies, so that they need a request of their own."""
        room = [root for root in branches if root.date < self.as_of - 2 * _DAY]
        for n in range(min(self.scenario.vk.long_branches, len(room))):
            root = room[(n * 2 + 1) * len(room) // (2 * self.scenario.vk.long_branches)]
            for _ in range(11 + n % 5):
                self._reply(root)

    def _wall_post(self, row: int) -> None:
        page = int(self.population.page[row])
        owner = -self.scenario.pages[page].id
        author, date = user_id(int(self.population.author[row])), int(self.population.registered[row])
        post = Post(owner, author, date, "citizen", row, row, page=page)
        for role, moment in self._answers(row):
            post.adopt(Comment(owner, owner, moment, role, row, row))
        self.posts[owner].append(post)

    def _mention(self, row: int) -> None:
        """On the citizen's own wall, or in a community that is nobody's office."""
        draw, author = self._draw(), user_id(int(self.population.author[row]))
        owner = author if draw & 1 else -(180_000_000 + draw % 23)
        post = Post(owner, author, int(self.population.registered[row]), "mention", row, row)
        for role, moment in self._answers(row):
            post.adopt(Comment(owner, self._answerer(0), moment, role, row, row))
        self.mentions.append(post)

    def _extras(self, own: dict[int, list[Post]]) -> None:
        """What a wall holds besides appeals: placeholders of deleted comments, the page's own first words."""
        places = self.scenario.open_pages()
        if not places:
            return
        for n in range(self.scenario.vk.deleted_comments + self.scenario.vk.page_comments):
            draw = self._draw()
            posts = own[-self.scenario.pages[places[draw % len(places)]].id]
            post = posts[1 + (draw >> 16) % (len(posts) - 1)]
            date = min(post.date + 300 + (draw >> 32) % _DAY, self.as_of - 60)
            if date <= post.date:
                continue
            deleted = n < self.scenario.vk.deleted_comments
            author = user_id(draw % 1_000_003) if deleted else post.owner
            root = post.adopt(Comment(post.owner, author, date, "deleted" if deleted else "page", draw >> 24))
            self._reply(root)  # VK keeps a deleted comment visible only because of its replies

    def _numbered(self) -> Walls:
        by_owner: dict[int, list[Post | Comment]] = {owner: [] for owner in self.posts}
        everything = [post for posts in self.posts.values() for post in posts] + self.mentions
        for post in everything:
            things = by_owner.setdefault(post.owner, [])
            things.append(post)
            for root in post.roots:
                things.append(root)
                things.extend(root.thread)
        for things in by_owner.values():
            things.sort(key=lambda thing: thing.date)
            for number, thing in enumerate(things, 1):
                thing.id = number
        for post in everything:
            post.roots.sort(key=lambda comment: comment.id)
            for root in post.roots:
                root.post_id = post.id
                root.thread.sort(key=lambda comment: comment.id)
                for reply in root.thread:
                    reply.post_id = post.id
            post.dates = sorted(
                [root.date for root in post.roots]
                + [reply.date for root in post.roots for reply in root.thread]
            )
        for posts in self.posts.values():
            posts.sort(key=lambda post: post.id)
        self.mentions.sort(key=lambda post: (post.date, post.owner, post.id))
        return Walls(
            posts=self.posts,
            mentions=self.mentions,
            by_key={(post.owner, post.id): post for post in everything},
            last_id={owner: len(things) for owner, things in by_owner.items()},
        )
