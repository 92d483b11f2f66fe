"""Watched folders: which files are new, told by their bytes, so that a renamed file is not read again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.config import Region, Settings
from ingestion.errors import UnreadableFile
from ingestion.run import Run
from ingestion.spreadsheet import MAX_FILE_BYTES

if TYPE_CHECKING:
    from ingestion.check import Probe

_DIGITS = 32
# Excel puts ~$name.xlsx beside an open file; copiers and browsers use such endings until they are done.
_DRAFT_STARTS = (".", "~$")
_DRAFT_ENDS = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".filepart", ".draft")


class NewFiles:
    """Files that no earlier load has read. `salt` stands for what else decides what a file means, such as
    its mapping: with another salt, known bytes are read again."""

    def __init__(self, run: Run, resource: str, title: str, setting: str) -> None:
        self._run, self._title, self._setting = run, title, setting
        self._tally = run.tallies[resource]
        self._known: dict[str, str] = dict(run.state.get("files", {}))
        self._again = 0

    def of(
        self, folder: Path, patterns: Sequence[str], salt: str = "", most_bytes: int = MAX_FILE_BYTES
    ) -> Iterator[Path]:
        """New files of the folder in the order of their names; a window gets all of them.

        One with more than `most_bytes` is refused before a byte of it is read.
        """
        for path in self._listed(folder, patterns):
            before = _stamp(path)
            if before[0] > most_bytes:
                raise UnreadableFile(
                    f"The file {path} has {before[0] // 2**20} MB, more than the limit of "
                    f"{most_bytes // 2**20} MB",
                    "export it in smaller periods, or raise max_bytes where a mapping sets it",
                )
            digest = salt + _digest(path)
            if _stamp(path) != before:
                self._tally.note(f"{path.name} is still being written and was left for the next run.")
                continue
            if self._run.live and digest in self._known:
                self._again += 1
                continue
            self._tally.requests += 1
            yield path
            if _stamp(path) != before:
                raise UnreadableFile(
                    f"The file {path} changed while it was read",
                    "wait until whoever writes it is done, then run again; nothing of this load was kept",
                )
            self._known[digest] = path.name

    def remember(self) -> None:
        """Put what was read into the state, which lands with the rows."""
        if self._again:
            self._tally.note(f"{self._again} files were read by an earlier load and are unchanged.")
        if self._run.live:
            self._run.state["files"] = self._known

    def _listed(self, folder: Path, patterns: Sequence[str]) -> list[Path]:
        if not folder.is_dir():
            raise UnreadableFile(
                f"The folder {folder} of {self._title} does not exist",
                f"create it or correct {self._setting} in the region's file",
            )
        found = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
        inside = folder.resolve()
        for path in sorted(found):
            # Whoever may put files there may not have us read others.
            if not path.resolve().is_relative_to(inside):
                raise UnreadableFile(
                    f"The file {path} of {self._title} leads out of its folder",
                    "put the file itself there in place of the link",
                )
        return sorted(path for path in found if not is_draft(path))


def is_draft(path: Path) -> bool:
    """Whether the name says that somebody is still at work on the file."""
    return path.name.startswith(_DRAFT_STARTS) or path.name.lower().endswith(_DRAFT_ENDS)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:_DIGITS]


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise UnreadableFile(f"The file {path} is gone", "put it back or run again") from error
    return status.st_size, status.st_mtime_ns


def prober_of(source: str) -> Callable[[Region, Settings], Probe]:
    """What `otklik sources check` asks of a source that is delivered as files."""

    def probe(region: Region, settings: Settings) -> Probe:
        from ingestion.check import Probe

        found = getattr(region.sources, source)
        folders = found if isinstance(found, tuple) else (found,)
        probes = [probe_folder(one.folder, source) for one in folders]
        return Probe("; ".join(one.seen for one in probes))

    return probe


def probe_folder(folder: Path, title: str) -> Probe:
    """How many files lie there and of when the newest is; UnreadableFile where the folder cannot be read."""
    from ingestion.check import Probe

    try:
        stamps = [path.stat().st_mtime for path in folder.iterdir() if path.is_file() and not is_draft(path)]
    except OSError as error:
        raise UnreadableFile(
            f"The folder {folder} of {title} cannot be read ({error.strerror})",
            "create it, or correct the folder in the region's file",
        ) from None
    if not stamps:
        return Probe(f"{folder} is empty")
    newest = datetime.fromtimestamp(max(stamps), UTC)
    return Probe(f"{len(stamps)} files in {folder}, the newest of {newest:%Y-%m-%d %H:%M} UTC")
