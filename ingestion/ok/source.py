"""Reads OK: groups once a day, their discussions by last activity, comments where their number changed."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from ingestion.clock import from_unix, to_unix
from ingestion.config import OkSource
from ingestion.errors import ContractBroken
from ingestion.network_rows import ImpossibleDateError, listed, page_row, wanted_pages
from ingestion.ok.client import PAGE, MethodStopped, OkClient, Skipped
from ingestion.ok.rows import (
    COMMENT,
    DISCUSSION,
    GROUP,
    SAFE_FIELDS,
    TOPIC,
    comment_row,
    group_row,
    moment,
    topic_row,
)
from ingestion.run import Batch, Run
from ingestion.shape import page_items
from ingestion.tables import Row

_UNREAD = -1  # comments of a post that are still to be read
_IMPOSSIBLE = "The date is before OK existed or in the future."

# A topic as the cursor remembers it: [comments read, day it landed, unix of its last activity]
Memory = list[int]
# A topic that OK did not show as a whole: [comments promised, unix of its last activity, day it was first so]
Owed = list[int]


def read(run: Run) -> Iterator[Batch]:
    """Groups, posts and comments; a window lands what was written in it and moves nothing."""
    source = run.region.sources.ok
    assert source is not None, "pipeline checks that the source is connected"  # noqa: S101
    reader = _Reader(run, source)
    groups: dict[str, str] = {}
    local_day = run.fetched_at.replace(tzinfo=UTC).astimezone(run.region.zone).date().isoformat()
    try:
        groups = reader.groups()
        if run.live and run.state.get("day") != local_day:
            yield from reader.pages(groups)
            run.state["day"] = local_day
    except MethodStopped as stopped:
        reader.limit("pages", stopped)
    for group in groups.values():
        yield from reader.group(group)
    reader.remember()


@dataclass(frozen=True)
class _Discussion:
    topic: str
    comments: int
    active: int  # unix


class _Reader:
    """Live, it keeps `state['topics']` up to date: what was read of each topic of the look-back.

    `state['owed']` holds by group the topics that OK listed but did not show as a whole. They are read again
    for a look-back's days from then on, however old they are: a list of discussions goes back no further.
    """

    def __init__(self, run: Run, source: OkSource) -> None:
        self._run = run
        self._source = source
        self._client = OkClient(source, run.region, run.settings)
        self._today = run.fetched_at.toordinal()
        self._since = to_unix(self._lookback_from())
        kept = run.state.get("topics", {}) if run.live else {}
        self._memory: dict[str, Memory] = {key: one for key, one in kept.items() if one[2] >= self._since}
        self._known = set(run.state.get("complete", [])) if run.live else set()
        self._owed: dict[str, dict[str, Owed]] = dict(run.state.get("owed", {})) if run.live else {}
        self._set_aside: set[str] = set()
        self._stopped: set[str] = set()

    def _lookback_from(self) -> datetime:
        """Counted from the poll before this one, so that days without a poll lose nothing."""
        if self._run.window is not None:
            return self._run.window.since
        polled = self._run.state.get("polled")
        start = self._run.fetched_at if polled is None else min(self._run.fetched_at, from_unix(polled))
        return start - timedelta(days=self._source.lookback_days)

    def groups(self) -> dict[str, str]:
        """Name or id as wanted → id of the group. Names are looked up once and then remembered."""
        tally = self._run.tallies["pages"]
        known: dict[str, str] = dict(self._run.state.get("groups", {}))
        found: dict[str, str] = {}
        for name in wanted_pages(self._run.region, self._source, "ok"):
            if name.isdigit():
                found[name] = name
            elif name in known:
                found[name] = known[name]
            else:
                url = {"url": f"https://ok.ru/{name}"}
                answer = self._call("url.getInfo", url, f"the page {name}", "pages")
                number = answer.get("objectIdStr") if isinstance(answer, dict) else None
                if isinstance(number, str) and answer["type"] == "GROUP":
                    found[name] = number
                else:
                    tally.note(f"OK knows no group called {name}.")
        if self._run.live:
            self._run.state["groups"] = {name: one for name, one in found.items() if name != one}
        return found

    def pages(self, groups: Mapping[str, str]) -> Iterator[Batch]:
        """What groups say of themselves, once a local day."""
        tally = self._run.tallies["pages"]
        names = {number: name for name, number in groups.items()}
        asked = sorted(names)
        for start in range(0, len(asked), PAGE):
            batch = asked[start : start + PAGE]
            fields = "uid,name,shortname,description,members_count,pic_avatar,status,private"
            params = {"uids": ",".join(batch), "fields": fields}
            answer = self._call("group.getInfo", params, f"{len(batch)} groups", "pages")
            if answer == []:  # all of them gone at once is hardly true
                answer = self._call("group.getInfo", params, f"{len(batch)} groups", "pages")
            if isinstance(answer, Skipped):
                tally.note(f"{len(batch)} groups were skipped: {answer.reason}.")
                continue
            infos = page_items("ok.pages", {"groups": answer}, "groups")
            tally.unknown_fields |= GROUP.check("ok.pages", infos)
            tally.received += len(infos)
            rows = [group_row(info) for info in infos]
            if lost := set(batch) - {info["uid"] for info in infos}:
                tally.received += len(lost)
                rows += [
                    page_row(one, kind="page", name=None, link_name=names[one], deactivated="not found")
                    for one in sorted(lost)
                ]
                tally.note(f"OK no longer knows {listed(names[one] for one in lost)}.")
            yield from self._run.land("pages", rows)

    def group(self, group: str) -> Iterator[Batch]:
        """Posts of one group that are news, then the comments of those whose number changed."""
        try:
            listed_now = {one.topic: one for one in self._discussions(group)}
            owed = {topic: _Discussion(topic, one[0], one[1]) for topic, one in self._owing(group).items()}
            discussions = list((owed | listed_now).values())
            targets = yield from self._posts(group, discussions)
        except MethodStopped as stopped:
            self.limit("posts", stopped)
            return
        for target in targets:
            try:
                yield from self._comments(group, target)
            except MethodStopped as stopped:
                self.limit("messages", stopped)
                return
        if self._run.live:
            self._owe(group, discussions)
            if listed_now:
                self._known.add(group)

    def _owing(self, group: str) -> dict[str, Owed]:
        oldest = self._today - self._source.lookback_days
        return {topic: one for topic, one in self._owed.get(group, {}).items() if one[2] >= oldest}

    def _owe(self, group: str, discussions: list[_Discussion]) -> None:
        """Note what of a group was listed and not shown as a whole; what was shown by now is forgotten."""
        before, owed = self._owing(group), {}
        for one in discussions:
            known = self._memory.get(one.topic)
            if one.topic not in self._set_aside and (known is None or known[0] != one.comments):
                since = before.get(one.topic, [0, 0, self._today])[2]
                owed[one.topic] = [one.comments, one.active, since]
        self._owed[group] = owed

    def remember(self) -> None:
        """Put the memory into dlt's state; it is committed together with the rows."""
        if self._run.live:
            self._run.state["topics"] = self._memory
            self._run.state["owed"] = {group: one for group, one in self._owed.items() if one}
            self._run.state["complete"] = sorted(self._known)
            self._run.state["polled"] = to_unix(self._run.fetched_at)

    def limit(self, resource: str, stopped: MethodStopped) -> None:
        self._run.tallies[resource].note(
            f"OK's limit of {stopped.method} is reached, what was not read waits for the next run."
        )
        self._stopped.add(stopped.method)

    def _call(self, method: str, params: Mapping[str, Any], subject: str, resource: str) -> Any:
        if method in self._stopped:
            raise MethodStopped(method)
        return self._client.call(method, params, subject, self._run.tallies[resource])

    def _discussions(self, group: str) -> Iterator[_Discussion]:
        """Discussions by their last activity back to the look-back, or of a new group back to the start."""
        tally, seen = self._run.tallies["posts"], set()
        since = self._since if group in self._known or not self._run.live else self._history()
        params = {"gid": group, "category": "GROUP", "types": "GROUP_TOPIC", "count": PAGE}
        for page in self._paged("discussions.getList", params, f"group {group}", "discussions", "posts"):
            tally.unknown_fields |= DISCUSSION.check("ok.posts", page)
            oldest = None
            for record in page:
                active = self._active(record)
                oldest = active if oldest is None else min(oldest, active)
                if record["object_id"] in seen or record["object_type"] != "GROUP_TOPIC" or active < since:
                    continue  # a list that moved on while we were paging shows a discussion twice
                seen.add(record["object_id"])
                yield _Discussion(record["object_id"], record["total_comments_count"], active)
            if oldest is not None and oldest < since:
                return

    def _history(self) -> int:
        opened = self._run.region.opened_on
        if opened is None:
            return 0
        return to_unix(
            datetime.combine(opened, time(), self._run.region.zone).astimezone(UTC).replace(tzinfo=None)
        )

    def _active(self, record: Mapping[str, Any]) -> int:
        try:
            return to_unix(moment(record["last_activity_date"], self._run.latest))
        except ImpossibleDateError:
            return to_unix(self._run.fetched_at)  # as if it were new: then nothing is missed

    def _posts(self, group: str, discussions: list[_Discussion]) -> Generator[Batch, None, list[_Discussion]]:
        """Lands the news among the posts; returns those whose comments are to be read."""
        run, tally = self._run, self._run.tallies["posts"]
        window = run.window
        targets = [one for one in discussions if self._comments_changed(one)]
        asked = [one for one in discussions if window is not None or self._is_news(one)]
        if window is None:
            tally.received += len(discussions) - len(asked)
            tally.skipped_unchanged += len(discussions) - len(asked)
        for start in range(0, len(asked), PAGE):
            batch = {one.topic: one for one in asked[start : start + PAGE]}
            params = {"topic_ids": ",".join(batch), "media_limit": 10}
            answer = self._call("mediatopic.getByIds", params, f"posts of group {group}", "posts")
            if isinstance(answer, Skipped):
                tally.note(f"Posts of group {group} were skipped: {answer.reason}.")
                continue
            topics = page_items("ok.posts", answer, "media_topics")
            tally.unknown_fields |= TOPIC.check("ok.posts", topics)
            yield from run.land("posts", self._post_rows(group, topics, batch))
            if lost := set(batch) - {topic["id"] for topic in topics}:
                tally.note(f"OK lists {len(lost)} posts of group {group} but does not show them.")
        return targets

    def _comments_changed(self, one: _Discussion) -> bool:
        known = self._memory.get(one.topic)
        if self._run.window is not None or known is None:
            return one.comments > 0
        return known[0] != one.comments

    def _is_news(self, one: _Discussion) -> bool:
        """New, changed, or not landed today: views and likes alone let a post land once a day."""
        known = self._memory.get(one.topic)
        return known is None or known[0] != one.comments or known[1] != self._today

    def _post_rows(self, group: str, topics: list[Any], asked: dict[str, _Discussion]) -> list[Row]:
        run, tally, rows = self._run, self._run.tallies["posts"], []
        for record in topics:
            one = asked.pop(record["id"], None)
            if one is None:
                continue  # not asked for, or shown twice
            try:
                row = topic_row(group, record, one.comments, run.latest)
            except ImpossibleDateError:
                tally.received += 1
                self._set_aside.add(one.topic)
                run.quarantine("posts", record["id"], "impossible date", _IMPOSSIBLE, record, SAFE_FIELDS)
                continue
            if run.window is not None and row["created_at"] not in run.window:
                continue
            tally.received += 1
            rows.append(row)
            known = self._memory.get(one.topic)
            read = known[0] if known else _UNREAD if one.comments else 0
            self._memory[one.topic] = [read, self._today, one.active]
        return rows

    def _comments(self, group: str, target: _Discussion) -> Iterator[Batch]:
        run, tally, seen = self._run, self._run.tallies["messages"], set()
        subject = f"topic {target.topic} of group {group}"
        params = {
            "discussionId": target.topic,
            "discussionType": "GROUP_TOPIC",
            "count": PAGE,
            "direction": "FORWARD",
        }
        for page in self._paged("discussions.getComments", params, subject, "comments", "messages"):
            tally.unknown_fields |= COMMENT.check("ok.messages", page)
            rows: list[Row] = []
            for record in page:
                if record["id"] in seen:
                    continue
                seen.add(record["id"])
                try:
                    created_at = moment(record["date"], run.latest)
                except ImpossibleDateError:
                    tally.received += 1
                    reference = f"{target.topic}:{record['id']}"
                    run.quarantine("messages", reference, "impossible date", _IMPOSSIBLE, record, SAFE_FIELDS)
                    continue
                if run.window is not None and created_at not in run.window:
                    continue
                tally.received += 1
                rows.append(comment_row(group, target.topic, record, created_at, run.pseudonyms))
            yield from run.land("messages", rows)
        memory = self._memory.get(target.topic)
        if len(seen) < target.comments:
            tally.note(
                f"OK showed {len(seen)} of the {target.comments} comments of {subject}, "
                "which is read again next time."
            )
        elif memory is not None:
            memory[0] = target.comments

    def _paged(
        self, method: str, params: Mapping[str, Any], subject: str, key: str, resource: str
    ) -> Iterator[list[Any]]:
        """Pages of a list by anchor. An empty page that was promised to hold something is asked for again."""
        anchor, anchors, again, attempts = "", set(), 0, self._run.settings.patience.attempts
        while True:
            answer = self._call(
                method, {**params, **({"anchor": anchor} if anchor else {})}, subject, resource
            )
            if isinstance(answer, Skipped):
                self._run.tallies[resource].note(f"OK does not show {subject}: {answer.reason}.")
                return
            items = page_items(f"ok.{resource}", answer, key)
            more, following = answer.get("has_more"), answer.get("anchor")
            if not items and (more or anchor) and again < attempts:
                again += 1
                self._run.tallies[resource].retries += 1
                continue
            yield items
            if not more:
                return
            again += following in anchors  # the same page once more
            if not isinstance(following, str) or not following or again > attempts:
                raise ContractBroken(
                    f"ok.{resource}: {method} promises more of {subject} but its anchor leads nowhere",
                    "report it to OK's support; nothing of this load was kept",
                )
            anchors.add(following)
            anchor = following
