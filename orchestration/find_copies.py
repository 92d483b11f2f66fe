"""Copies among messages: what is new in raw is compared with what was written around it; clusters land there.

A message is compared when it came or changed, with those written at most labels.copies.WINDOW before or after
it; a cluster that it joins, joins to another or leaves is told anew as a whole. So the clusters are those of
all messages compared with all others, in whatever batches they came. They land when they are other than the
standing ones. Without new messages nothing of weight is imported.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ingestion.config import Region, Settings
from ingestion.erasures import written_at
from ingestion.pipeline import LoadReport, land_made
from ingestion.sources import COPIES
from ingestion.tables import Row
from ingestion.traces import state_of
from labels.in_force import copies_version
from orchestration.label_messages import FINISHED, Messages, newest_load, tables_of_messages, was_loaded

if TYPE_CHECKING:
    import duckdb

    from ingestion.run import Batch, Run
    from labels.copies import Message, Reader

_CHUNK = 20_000  # messages compared at once,
_SPAN = timedelta(days=14)  # written within so much time
_SHORTEST = 15  # characters; eight words have more
# Staff of the centre enter messages of networks there; int_duplicates pairs those by their wording.
_NOT_COMPARED = ("incident",)
_VERSIONS = """
WITH {finished}, named AS (
    SELECT DISTINCT {ref} AS object_ref
    FROM raw.{table} AS received INNER JOIN loads USING (_dlt_load_id)
    WHERE received.region_id = $region AND {which}
), versions AS (
    SELECT
        {ref} AS object_ref, {text} AS text, {written} AS written_at, {said} AS said,
        row_number() OVER (PARTITION BY {ref} ORDER BY loads.load_seq DESC, {newest_first}) AS place
    FROM raw.{table} AS received INNER JOIN loads USING (_dlt_load_id)
    WHERE received.region_id = $region AND {ref} IN (SELECT object_ref FROM named)
)
SELECT
    object_ref, coalesce(written_at, TIMESTAMP '1970-01-01'),
    coalesce(said AND length(text) >= {shortest} AND written_at IS NOT NULL, false) AS is_compared,
    {wanted}
FROM versions
WHERE place = 1
"""
_STANDING = """
WITH {finished}, told AS (
    SELECT copies.*, row_number() OVER (PARTITION BY object_ref ORDER BY loads.load_seq DESC) AS place
    FROM raw.copies AS copies INNER JOIN loads USING (_dlt_load_id)
    WHERE copies.region_id = $region
)
SELECT object_ref, source, cluster_id, numbers_key FROM told WHERE place = 1 AND cluster_id IS NOT NULL
"""


@dataclass
class Clusters:
    """Which messages stand in which cluster, and with which numbers; a message in none stands nowhere."""

    of: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add(self, name: str, members: Iterable[tuple[str, str]]) -> None:
        """Put messages into a cluster: keys and digests of numbers."""
        for key, numbers in members:
            self.of[key], self.numbers[key] = name, numbers
            self.members[name].add(key)

    def remove(self, name: str) -> None:
        """Part a cluster."""
        for key in self.members.pop(name):
            del self.of[key], self.numbers[key]

    def copy(self) -> Clusters:
        """One of its own."""
        other = Clusters()
        for name, keys in self.members.items():
            other.add(name, ((key, self.numbers[key]) for key in keys))
        return other

    def changed_since(self, before: Clusters) -> list[str]:
        """Messages of another cluster than before, and those whose cluster somebody has left; in order.

        Who stays beside a newcomer is told by the newcomer.
        """
        keys = self.of.keys() | before.of.keys()
        return sorted(
            key
            for key in keys
            if self.of.get(key) != before.of.get(key)
            or self.numbers[key] != before.numbers[key]
            or not before.members[before.of[key]] <= self.members[self.of[key]]
        )


def find_copies_of_region(settings: Settings, region: Region, run_id: str = "") -> LoadReport | None:
    """Find the copies among what came since the last time; None where nothing did.

    The caller holds the warehouse lock. Raises IngestionError and LabelsError; what failed leaves no row
    behind, and the next run begins anew.
    """
    import duckdb

    assert region.labels is not None, "asked for by the region's file only"  # noqa: S101
    if not settings.warehouse.exists():
        return None
    version = copies_version()
    sources = sorted({one.source for one in compared_tables()})
    with duckdb.connect(str(settings.warehouse)) as connection:
        if not was_loaded(connection):
            return None
        known = state_of(connection, COPIES.name, region.region_id)
        newest = newest_load(connection, region, sources)
    if newest <= _read_to(known, version):
        return None

    def read(run: Run) -> Iterator[Batch]:
        yield from _compare(run, version, newest)

    return land_made(replace(COPIES, made_by=read), region, settings, run_id=run_id)


def compared_tables() -> list[Messages]:
    """Every table of messages that citizens wrote themselves."""
    return [one for one in tables_of_messages() if one.source not in _NOT_COMPARED]


def _read_to(state: Any, version: str) -> int:
    """The load up to which messages were compared by this version; -1 where none were."""
    return int(state["read_to"]) if state.get("copies_version") == version else -1


def _compare(run: Run, version: str, newest: int) -> Iterator[Batch]:
    """All that is new, a fortnight at a time."""
    from labels.copies import Reader

    assert run.bulk is not None, "the pipeline gives it to every load"  # noqa: S101
    read_to = _read_to(run.state, version)
    with run.bulk.connection.cursor() as connection:
        texts = _Texts(connection, run.region.region_id)
        before = texts.standing()
        # Another version may find other pairs: nothing that stands can be relied on.
        after = before.copy() if read_to >= 0 else Clusters()
        came = texts.came(read_to)
        reader = Reader()
        for chunk in _chunks(came):
            _tell_anew(texts, reader, chunk, after)
    changed = after.changed_since(before)
    tally = run.tallies["copies"]
    looked_at = len({one.key for one in came}.union(changed))
    tally.received += looked_at
    tally.skipped_unchanged += looked_at - len(changed)
    rows: list[Row] = [
        {
            "object_ref": key,
            "source": texts.source_of[key],
            "cluster_id": after.of.get(key),
            "numbers_key": after.numbers.get(key),
            "copies_version": version,
        }
        for key in changed
    ]
    yield from run.land("copies", rows)
    run.state["copies_version"], run.state["read_to"] = version, newest


@dataclass(frozen=True)
class _Came:
    """A message that came or changed. `is_compared`: it still stands, and has words enough."""

    key: str
    written_at: datetime
    is_compared: bool


@dataclass(frozen=True)
class _Texts:
    """The messages of a region, each in its newest version of finished loads."""

    connection: duckdb.DuckDBPyConnection
    region_id: str
    source_of: dict[str, str] = field(default_factory=dict)

    def standing(self) -> Clusters:
        """The clusters as they landed last."""
        clusters = Clusters()
        found = self.connection.execute(_STANDING.format(finished=FINISHED), {"region": self.region_id})
        for key, source, name, numbers in found.fetchall():
            clusters.add(name, [(key, numbers)])
            self.source_of[key] = source
        return clusters

    def came(self, read_to: int) -> list[_Came]:
        """What came after a load, in the order in which it was written."""
        found = [
            _Came(key, written, is_compared)
            for messages in compared_tables()
            for key, written, is_compared, _ in self._ask(
                messages, "loads.load_seq > $given", read_to, "NULL"
            )
        ]
        return sorted(found, key=lambda one: (one.written_at, one.key))

    def between(self, since: datetime, until: datetime) -> dict[str, Message]:
        """What can be compared and was written in that time, both ends included."""
        return self._comparable("{written} BETWEEN $given[1] AND $given[2]", [since, until])

    def named(self, keys: Sequence[str]) -> dict[str, Message]:
        """Of these messages those that can be compared."""
        return self._comparable("{ref} IN (SELECT unnest($given))", list(keys)) if keys else {}

    def _comparable(self, which: str, given: list[Any]) -> dict[str, Message]:
        from labels.copies import Message

        return {
            key: Message(key, text, written)
            for messages in compared_tables()
            for key, written, is_compared, text in self._ask(messages, which, given, "text")
            if is_compared
        }

    def _ask(self, messages: Messages, which: str, given: Any, wanted: str) -> list[tuple[Any, ...]]:
        # Open311 knows only when it was asked.
        written = f"coalesce({', '.join(written_at(messages.table) or ('requested_at',))})"
        query = _VERSIONS.format(
            finished=FINISHED,
            ref=messages.ref,
            table=messages.table.name,
            which=which.format(written=written, ref=messages.ref),
            text=messages.text,
            written=written,
            said=messages.said or messages.lacks,
            newest_first=messages.newest_first,
            shortest=_SHORTEST,
            wanted=wanted,
        )
        found = self.connection.execute(query, {"region": self.region_id, "given": given}).fetchall()
        self.source_of.update((key, messages.source) for key, *_ in found)
        return found


def _chunks(came: Sequence[_Came]) -> Iterator[list[_Came]]:
    """What was written within _SPAN of each other, _CHUNK messages at most."""
    chunk: list[_Came] = []
    for one in came:
        if chunk and (len(chunk) == _CHUNK or one.written_at - chunk[0].written_at > _SPAN):
            yield chunk
            chunk = []
        chunk.append(one)
    if chunk:
        yield chunk


def _tell_anew(texts: _Texts, reader: Reader, chunk: Sequence[_Came], clusters: Clusters) -> None:
    """Bring `clusters` to what they are with the messages of `chunk` as they are now.

    Told anew are these messages, those they are copies of, and the whole cluster of each of all these: no
    message outside is a copy of one inside.
    """
    from labels.copies import WINDOW, name_of, neighbours, numbers_of
    from labels.copies import clusters as told_by_words

    compared = [one for one in chunk if one.is_compared]
    around: dict[str, Message] = {}
    if compared:
        around = texts.between(compared[0].written_at - WINDOW, compared[-1].written_at + WINDOW)
    reader.keep({one.text for one in around.values()})
    near = neighbours({one.key for one in compared}, list(around.values()), reader)
    involved = {one.key for one in chunk}.union(near, *near.values())
    names = {clusters.of[key] for key in involved if key in clusters.of}
    told = set(near).union(*near.values(), *(clusters.members[name] for name in names))
    for name in names:
        clusters.remove(name)
    around |= texts.named(sorted(told - around.keys()))
    for cluster in told_by_words([around[key] for key in sorted(told) if key in around], reader):
        clusters.add(name_of(cluster, reader), ((one.key, numbers_of(one.text)) for one in cluster))
