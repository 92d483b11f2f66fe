"""What the inbox holds of VK's Callback API, brought together with what polling reads in the same load."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ingestion.inbox.drain import ROWS_PER_BATCH, taken, typed
from ingestion.run import Batch, Run
from ingestion.tables import Row

_COMMENTS, _REMOVALS = "comments", "comment_removals"


class Pushed:
    """The last that was pushed of each comment: a load lands one version, since nothing orders two of one."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._rows: dict[str, dict[tuple[int, int], Row]] = {_COMMENTS: {}, _REMOVALS: {}}

    def take(self) -> None:
        """All that no committed load has carried. The position lands with the rows or not at all."""
        for content in taken(self._run, "vk"):
            for resource, row in content["rows"]:
                self._run.tallies[resource].received += 1
                key = (row["owner_id"], row["comment_id"])
                if resource == _COMMENTS:
                    self._drop(_REMOVALS, key)  # it is there again
                self._drop(resource, key)
                self._rows[resource][key] = typed(self._run.spec.resources[resource], row)

    def outdated_by(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """The batches, unchanged: of a comment in them nothing that was pushed before them lands."""
        for table, page in batches:
            if table.name == "vk_comments" and any(self._rows.values()):
                walls, comments = (page[name].to_pylist() for name in ("owner_id", "comment_id"))
                for key in zip(walls, comments, strict=True):
                    self._drop(_COMMENTS, key)
                    self._drop(_REMOVALS, key)
            yield table, page

    def land(self) -> Iterator[Batch]:
        """What is left."""
        for resource, rows in self._rows.items():
            waiting = list(rows.values())
            for start in range(0, len(waiting), ROWS_PER_BATCH):
                yield from self._run.land(resource, waiting[start : start + ROWS_PER_BATCH])

    def _drop(self, resource: str, key: tuple[int, int]) -> None:
        if self._rows[resource].pop(key, None) is not None:
            self._run.tallies[resource].skipped_unchanged += 1
