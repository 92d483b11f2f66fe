"""VK (API 5.199) over the pretend region: paths, limits and error bodies as VK's.

Where SOURCES.md is silent, the live API decided: `wall.getComments` answers `count` with every comment of
the post and `current_level_count` with those of the level asked for; a deleted comment stays as a
placeholder while it has replies (`deleted`, empty text, from_id 0); a pinned post comes first;
`newsfeed.search` looks 24 hours back unless told, gives at most 1000 posts per query and finds own pages'
posts too; `stats.get` lists local days of the region, the newest first.
VK gives some methods to some kinds of token only; here every token may call every method.
Tokens: one administers the pages (`vk`), one is a service token (`vk-service`, 3 requests/s, no statistics).
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response

from sandbox.faults import REFUSALS, Faults, FaultyResponse
from sandbox.noise import mix
from sandbox.scenario import Page
from sandbox.servers.limits import RateLimit
from sandbox.servers.vk_boards import comments_answer, poll_answer, topics_answer
from sandbox.servers.vk_execute import CodeError, parse_code
from sandbox.servers.vk_objects import comment_object, group_object, post_object, statistics
from sandbox.walls import Comment, Post
from sandbox.world import World

Params = dict[str, Any]
_PAGING = {"offset", "start_from", "start_comment_id"}
_PER_SECOND = {"user": 3, "service": 3, "community": 20}
_MESSAGES = {
    3: "Unknown method passed",
    5: "User authorization failed",
    6: "Too many requests per second",
    8: "Invalid request",
    9: "Flood control",
    10: "Internal server error",
    12: "Unable to compile code",
    13: "Runtime error occurred during code invocation",
    14: "Captcha needed",
    15: "Access denied",
    18: "User was deleted or banned",
    29: "Rate limit reached",
    30: "This profile is private",
    100: "One of the parameters specified was missing or invalid",
    125: "Invalid group id",
    203: "Access to group denied",
    212: "Access to post comments denied",
    250: "Access to poll denied",
}


class VkError(Exception):
    """An answer in VK's way: HTTP 200 with an error inside."""

    def __init__(self, code: int, detail: str = "") -> None:
        message = _MESSAGES.get(code, "Unknown error occurred")
        super().__init__(f"{message}: {detail}" if detail else message)
        self.code = code


class VkServer:
    def __init__(
        self, world: World, faults: Faults, log: Counter[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.world, self.faults, self.log = world, faults, log
        self._limit = RateLimit(clock)
        self._tokens = {
            world.token("vk"): world.scenario.vk.token_kind,
            world.token("vk-service"): "service",
            world.token("vk-user"): "user",
        }
        self._admins = {world.token("vk"), world.token("vk-user")}
        self._methods: dict[str, Callable[[Params, str], Any]] = {
            "groups.getById": self._groups_get_by_id,
            "wall.get": self._wall_get,
            "wall.getComments": self._wall_get_comments,
            "newsfeed.search": self._newsfeed_search,
            "stats.get": self._stats_get,
            "board.getTopics": self._board_get_topics,
            "board.getComments": self._board_get_comments,
            "polls.getById": self._polls_get_by_id,
        }
        self._pages = [world.scenario.pages[place] for place in world.scenario.page_places("vk")]
        self._names = {page.screen_name: page for page in self._pages}
        self._by_id = {page.id: page for page in self._pages}

    async def endpoint(self, request: Request) -> Response:
        method: str = request.path_params["name"]
        query = dict(parse_qsl(request.url.query, keep_blank_values=True))
        body = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
        params: Params = {**query, **body}
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            token = body.get("access_token", "")
        params.pop("access_token", None)
        path, inner = request.url.path, self._inner_methods(method, params)
        self.log[f"vk {method}"] += 1
        fault = self.faults.take_http(path, {method, *inner})
        if fault and fault.kind in REFUSALS:
            return FaultyResponse(fault, b"")
        try:
            self._check(query, params, token)
            answer = (
                self._execute(params, token, path)
                if method == "execute"
                else self._call(method, params, token, path)
            )
        except VkError as error:
            answer = {"error": _error_body(error, method, params)}
        body_bytes = orjson.dumps(answer)
        return (
            FaultyResponse(fault, body_bytes)
            if fault
            else Response(body_bytes, media_type="application/json")
        )

    def _inner_methods(self, method: str, params: Params) -> set[str]:
        if method != "execute":
            return set()
        try:
            return {name for name, _ in parse_code(str(params.get("code", "")))}
        except CodeError:
            return set()

    def _check(self, query: Params, params: Params, token: str) -> None:
        if "access_token" in query:
            raise VkError(5, "access_token must travel in the Authorization header, not in the query string.")
        kind = self._tokens.get(token)
        if kind is None:
            raise VkError(5, "no access_token passed." if not token else "invalid access_token (4).")
        if not str(params.get("v", "")).startswith("5."):
            raise VkError(8, "v (version) is required")
        if not self._limit.allows(token, _PER_SECOND[kind]):
            raise VkError(6)

    def _call(self, method: str, params: Params, token: str, path: str) -> Params:
        """One method's answer, {"response": …}; data faults named for it strike here."""
        handler = self._methods.get(method)
        if handler is None:
            raise VkError(3)
        if fault := self.faults.take_error(path, {method}):
            raise VkError(fault.code)
        listing = {name: value for name, value in params.items() if name not in _PAGING}
        answer: Params = self.faults.told(
            path,
            method,
            {"response": handler(params, token)},
            orjson.dumps(listing).decode(),
            begins=all(params.get(name) in {None, "", "0", 0} for name in _PAGING),
        )
        return answer

    def _execute(self, params: Params, token: str, path: str) -> Params:
        """Up to 25 calls; a failed one gives false at its place and an entry in execute_errors."""
        if not params.get("code"):
            raise VkError(100, "code is undefined")
        if fault := self.faults.take_error(path, {"execute"}):
            raise VkError(fault.code)
        try:
            calls = parse_code(str(params["code"]))
        except CodeError as error:
            raise VkError(12, str(error)) from None
        if len(calls) > 25:
            raise VkError(13, "too many API calls")
        results: list[Any] = []
        errors = []
        for method, arguments in calls:
            self.log[f"vk execute/{method}"] += 1
            try:
                results.append(self._call(method, {"v": params["v"], **arguments}, token, path)["response"])
            except VkError as error:
                results.append(False)
                errors.append({"method": method, "error_code": error.code, "error_msg": str(error)})
        answer: Params = {"response": results}
        if errors:
            answer["execute_errors"] = errors
        told: Params = self.faults.told(path, "execute", answer)
        return told

    def _wall_get(self, params: Params, token: str) -> Params:
        page = self._page_of(params)
        count, offset = _integer(params, "count", 20, 0, 100), _integer(params, "offset", 0, 0)
        chosen = str(params.get("filter") or "all")
        if chosen not in {"all", "owner", "others"}:
            raise VkError(100, "filter should be one of: all, owner, others")
        posts = self.visible_posts(-page.id)
        if chosen != "all":
            posts = [post for post in posts if (post.author == post.owner) == (chosen == "owner")]
        pinned = [post for post in posts if post.pinned]
        ordered = pinned + [post for post in reversed(posts) if not post.pinned]
        chunk = ordered[offset : offset + count]
        answer = {"count": len(ordered), "items": [post_object(self.world, post) for post in chunk]}
        return self._extended(params, answer, {post.author for post in chunk} | {-page.id})

    def visible_posts(self, owner: int) -> list[Post]:
        """Posts of a wall up to now, in order of time."""
        posts = self.world.walls.posts[owner]
        return posts[: bisect_right(posts, self.world.now, key=lambda post: post.date)]

    def _wall_get_comments(self, params: Params, token: str) -> Params:
        owner = _integer(params, "owner_id")
        post_id = _integer(params, "post_id", minimum=1)
        page = self._by_id.get(-owner)
        if page:
            self._open(page)
        count, offset = _integer(params, "count", 10, 0, 100), _integer(params, "offset", 0, 0)
        preview = _integer(params, "preview_length", 90, 0)
        in_thread = _integer(params, "thread_items_count", 0, 0, 10)
        likes = str(params.get("need_likes", "0")) in {"1", "true", "True"}
        if (sort := str(params.get("sort") or "asc")) not in {"asc", "desc", "smart"}:
            raise VkError(100, "sort should be one of: asc, desc, smart")
        now = self.world.now
        post = self.world.walls.by_key.get((owner, post_id))
        if post is None or post.date > now:
            raise VkError(15, "post was not found")
        level = post.roots
        root_id = _integer(params, "comment_id", 0, 0)
        if root_id:
            root = next((root for root in post.roots if root.id == root_id and root.date <= now), None)
            if root is None:
                raise VkError(100, "comment_id is invalid")
            level = root.thread
        visible = [comment for comment in level if comment.date <= now]
        if sort == "desc":
            visible.reverse()
        start = _integer(params, "start_comment_id", 0, 0)
        if start:
            places = [n for n, comment in enumerate(visible) if comment.id == start]
            if not places:
                raise VkError(100, "start_comment_id is invalid")
            offset += places[0]
        chunk = visible[max(offset, 0) : max(offset, 0) + count]
        answer = {
            "count": len(visible) if root_id else bisect_right(post.dates, now),
            "items": [
                comment_object(self.world, comment, preview, likes, None if root_id else in_thread)
                for comment in chunk
            ],
            "current_level_count": len(visible),
            "can_post": True,
            "show_reply_button": True,
            "groups_can_post": True,
        }
        return self._extended(params, answer, {comment.author for comment in chunk})

    def _groups_get_by_id(self, params: Params, token: str) -> Any:
        asked = params.get("group_ids") or params.get("group_id")
        if not asked:
            raise VkError(100, "group_ids is undefined")
        names = asked if isinstance(asked, list) else str(asked).split(",")
        if len(names) > 500:
            raise VkError(100, "group_ids should contain at most 500 items")
        fields = params.get("fields") or ""
        wanted = set(fields if isinstance(fields, list) else str(fields).split(","))
        groups = []
        for name in names:
            page = self._find_page(str(name).strip())
            if page:
                groups.append(group_object(self.world, page, {field.strip() for field in wanted}))
        if not groups:
            raise VkError(100, "group_ids is invalid")
        # Versions before 5.139 answered with a bare list.
        minor = int(str(params.get("v", "5.199")).split(".")[1] or 0)
        return groups if minor < 139 else {"groups": groups, "profiles": []}

    def _newsfeed_search(self, params: Params, token: str) -> Params:
        words = str(params.get("q") or "").casefold().split()
        if not words:
            raise VkError(100, "q is undefined")
        count = _integer(params, "count", 30, 0, 200)
        end = min(_integer(params, "end_time", self.world.now, 0), self.world.now)
        start = _integer(params, "start_time", self.world.now - 86_400, 0)
        begin = str(params.get("start_from") or "0").partition("/")[0]
        if not begin.isdigit():
            raise VkError(100, "start_from is invalid")
        skip = int(begin)
        found = [
            post
            for post in self._searchable()
            if start <= post.date <= end
            and all(word in self.world.post_text(post).casefold() for word in words)
        ]
        found.sort(key=lambda post: (-post.date, post.owner, post.id))
        reachable = found[:1000]
        chunk = reachable[skip : skip + count]
        answer: Params = {
            "items": [post_object(self.world, post) for post in chunk],
            "count": len(reachable),
            "total_count": len(found),
        }
        if skip + count < len(reachable) and chunk:
            answer["next_from"] = f"{skip + count}/{chunk[-1].owner}_{chunk[-1].id}"
        return self._extended(params, answer, {post.author for post in chunk})

    def _searchable(self) -> list[Post]:
        posts = list(self.world.walls.mentions)
        for page in self._pages:
            if page.state == "open":
                posts.extend(self.world.walls.posts[-page.id])
        return posts

    def _stats_get(self, params: Params, token: str) -> list[Params]:
        page = self._by_id.get(_integer(params, "group_id", minimum=1))
        if page is None:
            raise VkError(125)
        if token not in self._admins or not page.stats or page.state != "open":
            raise VkError(15, "you should be group admin")
        if str(params.get("interval") or "day") != "day":
            raise VkError(100, "the sandbox keeps daily statistics only: interval should be day")
        since = _integer(params, "timestamp_from", self.world.now - 7 * 86_400, 0)
        until = min(_integer(params, "timestamp_to", self.world.now, 0), self.world.now)
        return statistics(self.world, page, since, until)

    def _board_get_topics(self, params: Params, token: str) -> Params:
        page = self._board_of(params)
        count, offset = _integer(params, "count", 40, 0, 100), _integer(params, "offset", 0, 0)
        order = _integer(params, "order", 1, -2, 2)
        if order == 0:
            raise VkError(100, "order should be one of: 1, 2, -1, -2")
        return topics_answer(self.world, page, order, offset, count)

    def _board_get_comments(self, params: Params, token: str) -> Params:
        page = self._board_of(params)
        topic = _integer(params, "topic_id", minimum=1)
        count, offset = _integer(params, "count", 20, 0, 100), _integer(params, "offset", 0, 0)
        if (sort := str(params.get("sort") or "asc")) not in {"asc", "desc"}:
            raise VkError(100, "sort should be one of: asc, desc")
        start = _integer(params, "start_comment_id", 0, 0)
        likes = str(params.get("need_likes", "0")) in {"1", "true", "True"}
        answer = comments_answer(self.world, page, topic, start, offset, count, sort == "desc", likes)
        if answer is None:
            raise VkError(100, "topic_id is invalid")
        return answer

    def _board_of(self, params: Params) -> Page:
        page = self._by_id.get(_integer(params, "group_id", minimum=1))
        if page is None:
            raise VkError(125)
        self._open(page)
        return page

    def _polls_get_by_id(self, params: Params, token: str) -> Params:
        poll_id, owner = _integer(params, "poll_id", minimum=1), _integer(params, "owner_id", 0)
        poll = poll_answer(self.world, owner, poll_id)
        if poll is None:
            raise VkError(250)
        return poll

    def _page_of(self, params: Params) -> Page:
        if params.get("domain") and not params.get("owner_id"):
            page = self._find_page(str(params["domain"]))
        else:
            page = self._by_id.get(-_integer(params, "owner_id"))
        if page is None:
            raise VkError(15, "wall is disabled")
        self._open(page)
        return page

    def _open(self, page: Page) -> None:
        if page.state == "deleted":
            raise VkError(18)
        if page.state == "closed":
            raise VkError(15, "this wall available only for community members")

    def _find_page(self, name: str) -> Page | None:
        bare = name.removeprefix("club").removeprefix("public")
        return self._by_id.get(int(bare)) if bare.isdigit() else self._names.get(name)

    def _extended(self, params: Params, answer: Params, authors: set[int]) -> Params:
        if str(params.get("extended", "0")) in {"1", "true", "True"}:
            users = sorted(author for author in authors if author > 0)
            names = self.world.scenario.vocabulary.first_names
            answer["profiles"] = [
                {"id": user, "first_name": names[mix(user) % len(names)], "last_name": "Озёрная"}
                for user in users
            ]
            pages = [self._by_id[-author] for author in sorted(authors) if -author in self._by_id]
            answer["groups"] = [group_object(self.world, page, set()) for page in pages]
        return answer

    def add_comment(self, owner: int, post_id: int, text: str, author: int, reply_to: int = 0) -> Comment:
        """A comment written now; control endpoint only. Raises KeyError when post or branch is absent."""
        post = self.world.walls.by_key[owner, post_id]
        root = None
        if reply_to:
            root = {
                comment.id: (comment.root or comment) for top in post.roots for comment in [top, *top.thread]
            }[reply_to]
        self.world.walls.last_id[owner] += 1
        comment = Comment(owner, author, self.world.now, "posted", 0, root=root, text=text)
        comment.id, comment.post_id = self.world.walls.last_id[owner], post_id
        (root.thread if root else post.roots).append(comment)
        post.dates.insert(bisect_right(post.dates, comment.date), comment.date)
        return comment


def _integer(
    params: Params,
    name: str,
    default: int | None = None,
    minimum: int | None = None,
    maximum: int | None = None,
) -> int:
    value = params.get(name)
    if value is None or value == "":
        if default is None:
            raise VkError(100, f"{name} is undefined")
        return default
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise VkError(100, f"{name} should be integer") from None
    if minimum is not None and number < minimum:
        raise VkError(100, f"{name} should be greater or equal to {minimum}")
    if maximum is not None and number > maximum:
        raise VkError(100, f"{name} should be less or equal to {maximum}")
    return number


def _error_body(error: VkError, method: str, params: Params) -> Params:
    shown = {"method": method, "oauth": "1", **params}
    return {
        "error_code": error.code,
        "error_msg": str(error),
        "request_params": [{"key": name, "value": str(value)} for name, value in shown.items()],
    }
