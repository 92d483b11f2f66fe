"""A small region, a deployment that lags behind it, and copies of that deployment on which faults are tried.

Every trial starts from the same bytes and asks the same questions: was anything lost, doubled or half
published, and is the release in the end the undisturbed one, byte for byte?
"""

from __future__ import annotations

import multiprocessing as mp
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import duckdb

from publishing.parts import sha256_of
from publishing.release import Shelf
from sandbox.kit import Sandbox, launch, read_env
from tests.chaos import victim
from tests.postgres import Server

REGION = Path(__file__).parents[2] / "sandbox" / "scenarios" / "every-channel.yaml"
# The deployment has read up to the first moment; what is disturbed is the run at the second.
BEFORE, NOW = "2026-03-16T06:00:00Z", "2026-03-29T14:00:00Z"
VOLATILE = "marts/loads_daily"  # tells of the loads themselves, and a killed one may have been one more
_APPEALS = "select region_id, appeal_id from facts.fct_appeals"


@dataclass(frozen=True)
class Notice:
    """When a part of a run's work began: seconds since the run started."""

    stage: str
    at: float


@dataclass(frozen=True)
class Lap:
    """One run: its notices, whether it was killed, what it failed with, and how long it took in seconds."""

    notices: list[Notice]
    killed: bool
    failures: list[str]
    seconds: float

    def parts(self) -> dict[str, list[tuple[int, float]]]:
        """Stage → (which of the stage's notices, seconds until the next notice)."""
        found: dict[str, list[tuple[int, float]]] = {}
        ends = [notice.at for notice in self.notices[1:]] + [self.seconds]
        for notice, end in zip(self.notices, ends, strict=True):
            every = found.setdefault(notice.stage, [])
            every.append((len(every), end - notice.at))
        return found


@dataclass(frozen=True)
class State:
    """What a deployment publishes: release id, digest of each file, appeals' keys, PostgreSQL's rows."""

    release_id: str
    files: dict[str, str]
    appeals: list[tuple[str, str]] = field(repr=False)
    postgres: dict[str, str] | None = None


@dataclass(frozen=True)
class Trial:
    """What a fault did. `said`: the sentences it ended with, where it was no death."""

    fault: str
    lost: int
    doubled: int
    half_published: int
    heal_seconds: float
    same_bytes: bool
    said: str = ""

    @property
    def is_well(self) -> bool:
        return self.same_bytes and not (self.lost or self.doubled or self.half_published)


class Laboratory:
    """`base` and `silent` (before Viber's last events came) are kept; `work` is what trials are made on.

    All run at the one path `work`: dbt takes up its parsed project again only where the warehouse's path is
    the same, and parsing costs more than the whole run.
    """

    def __init__(self, root: Path, sandbox: Sandbox, server: Server | None = None) -> None:
        self.root, self.sandbox, self.server = root, sandbox, server
        self._env = read_env(root / "deployment.env") | {"OTKLIK_LANG": "en", "OTKLIK_AS_OF": NOW}
        self.base, self.silent, self.work = root / "base", root / "silent", root / "work"
        self._prepare()
        self.standing = self.state(self.work)
        self.lap = self.run(self.work)
        assert not self.lap.failures, self.lap.failures
        self.undisturbed = self.state(self.work)

    def _prepare(self) -> None:
        self.work.mkdir()
        self.sandbox.set_now(BEFORE)
        if self.server is not None:
            self._make_database(self.server)
        with self.receiver(self.work) as (url, _):
            assert self.deliver(url, again=True)["failed"] == 0
        first = self.run(self.work, OTKLIK_AS_OF=BEFORE)
        if self.server is not None:
            self._prepare_postgres(self.server)
        else:
            assert not first.failures, first.failures
        shutil.copytree(self.work, self.silent, symlinks=True)
        # The release stands; what Viber says until now lies in the inbox of `base`, not in `silent`'s.
        self.sandbox.set_now(NOW)
        with self.receiver(self.work) as (url, _):
            assert self.deliver(url)["failed"] == 0
        shutil.copytree(self.work, self.base, symlinks=True)

    def env(self, folder: Path) -> dict[str, str]:
        database = (
            {} if self.server is None else {"OTKLIK_POSTGRES_URL": self.server.url("centre_load", "work")}
        )
        return self._env | {"OTKLIK_DATA": str(folder)} | database

    def fresh(self, of: Path | None = None) -> Path:
        """The work folder as the base (or `of`) is, and its database as well."""
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(of or self.base, self.work, symlinks=True)
        if self.server is not None:
            self.server.psql("postgres", "drop database work")
            self.server.psql("postgres", "create database work template base")
        for network in ("telegram", "max"):
            self.sandbox.rewind(network)
        return self.work

    def empty(self) -> Path:
        """The work folder as if it never ran; webhooks have come, and dbt has parsed its project."""
        work = self.fresh()
        for path in work.iterdir():
            if path.name not in {"inbox", "dbt"}:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        return work

    def run(
        self,
        folder: Path,
        until: tuple[str, int] | None = None,
        strike: Callable[[ForkServerProcess], None] | None = None,
        work: Callable[..., None] = victim.run,
        **more: str,
    ) -> Lap:
        """One run, or other `work` of victim's, in a process of its own. At the nth notice of a stage
        (`until`) `strike` is called once."""
        hears, says = mp.Pipe(duplex=False)
        begun = time.perf_counter()
        process = victim.start(work, self.env(folder) | more, says)
        says.close()
        notices: list[Notice] = []
        failures = [""]
        with suppress(EOFError):
            while True:
                kind, content = hears.recv()
                if kind == "end":
                    failures = content
                    break
                notices.append(Notice(content, time.perf_counter() - begun))
                heard = [notice.stage for notice in notices]
                if strike and until and heard[-1] == until[0] and heard.count(until[0]) == until[1] + 1:
                    strike(process)
        process.join()
        return Lap(notices, process.exitcode == -signal.SIGKILL, failures, time.perf_counter() - begun)

    def state(self, folder: Path) -> State:
        """What readers of a deployment find. Raises AssertionError for what is only half there."""
        shelf = Shelf(folder / "published")
        manifest = shelf.current_manifest()
        if manifest is None:
            assert not shelf.serving.exists(), "serving.duckdb stands without a release"
            return State("", {}, [])
        for table in manifest["tables"].values():
            for file in table["files"]:
                assert sha256_of(shelf.current / file["path"]) == file["sha256"], file["path"]
        files = {
            file["path"]: file["sha256"]
            for path, table in manifest["tables"].items()
            for file in table["files"]
            if path != VOLATILE
        }
        with _served(folder, shelf) as connection:
            (served,) = connection.execute("select release_id from release.info").fetchall()
            assert served[0] in shelf.release_ids(), "serving.duckdb serves no release that stands"
            appeals = connection.execute(_APPEALS).fetchall()
        return State(manifest["id"], files, appeals, self.postgres_rows())

    def is_whole(self, folder: Path) -> bool:
        """Whether every file is what its manifest says, whichever release it is."""
        try:
            self.state(folder)
        except (AssertionError, duckdb.Error, OSError):
            return False
        return True

    def is_half_published(self, folder: Path) -> bool:
        """Whether readers now find anything but one whole release, the old one or the new one."""
        try:
            now = self.state(folder)
        except (AssertionError, duckdb.Error, OSError):
            return True
        return bool(now.release_id) and now.files not in (self.standing.files, self.undisturbed.files)

    def judge(self, fault: str, folder: Path, said: str = "") -> Trial:
        """What stands after a fault, then after one more run with nothing done by hand."""
        half = int(self.is_half_published(folder))
        begun = time.perf_counter()
        lap = self.run(folder)
        seconds = time.perf_counter() - begun
        said = " ".join([said, *lap.failures]).strip()
        got, wanted = self.state(folder), self.undisturbed
        lost = len(set(wanted.appeals) - set(got.appeals))
        doubled = len(got.appeals) - len(set(got.appeals)) + len(set(got.appeals) - set(wanted.appeals))
        same = (got.files, got.postgres) == (wanted.files, wanted.postgres)
        return Trial(fault, lost, doubled, half, seconds, same, said)

    def deliver(self, url: str, *, again: bool = False) -> dict[str, int]:
        return self.sandbox.deliver_viber(f"{url}/viber/street", again=again)

    @contextmanager
    def receiver(self, folder: Path) -> Iterator[tuple[str, Callable[[], None]]]:
        """The receiver in a process of its own: its address, and how to kill it."""
        ready = folder / ".receiver"
        ready.unlink(missing_ok=True)
        process = victim.start(victim.receive, self.env(folder), ready)

        def kill() -> None:
            if process.pid is not None and process.is_alive():
                os.kill(process.pid, signal.SIGKILL)
            process.join()

        try:
            tick = threading.Event()
            while not (ready.exists() and ready.read_text()):
                assert process.is_alive(), "the receiver did not start"
                tick.wait(0.01)
            yield ready.read_text(), kill
        finally:
            if process.is_alive():
                process.terminate()
            process.join()
            ready.unlink(missing_ok=True)

    def _make_database(self, server: Server) -> None:
        roles = (Path(__file__).parents[2] / "deploy" / "postgres" / "roles.sql").read_text("utf-8")
        server.psql("postgres", "create database work")
        server.psql("work", roles)
        for who, role in (("make", "owner"), ("load", "loader")):
            server.psql("work", f"create role centre_{who} login in role otklik_{role}")

    def _prepare_postgres(self, server: Server) -> None:
        """The owner makes the tables of the base's release, and the loader fills them."""
        from orchestration.dbt_manifest import ensure_manifest
        from publishing.catalogue import published_tables
        from publishing.postgres import prepare, publish

        shelf, tables = Shelf(self.work / "published"), published_tables(ensure_manifest())
        prepare(server.url("centre_make", "work"), shelf, tables, ("marts",))
        publish(server.url("centre_load", "work"), shelf, tables, ("marts",))
        server.psql("postgres", "create database base template work")

    def postgres_rows(self) -> dict[str, str] | None:
        """Table → a digest of its rows, and the release that PostgreSQL states."""
        if self.server is None:
            return None
        from adbc_driver_postgresql import dbapi

        url = self.server.url("centre_make", "work")
        with dbapi.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute("select tablename from pg_tables where schemaname = 'marts' order by 1")
            names = [row[0] for row in cursor.fetchall() if row[0] != VOLATILE.partition("/")[2]]
            found = {}
            # The release's id and moment; the commit it names may be another one by now.
            told = "(select release_id, as_of from otklik.release)"
            for name in [*(f"marts.{name}" for name in names), told]:
                cursor.execute(
                    f"select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {name} t"
                )
                (row,) = cursor.fetchall()
                found[name] = row[0]
        return found


@contextmanager
def _served(folder: Path, shelf: Shelf) -> Iterator[duckdb.DuckDBPyConnection]:
    """The serving file. Its views name the release's files by their full path, which a copy has elsewhere."""
    with duckdb.connect() as connection:
        literal = str(shelf.serving).replace("'", "''")
        connection.execute(f"attach '{literal}' as served (read_only)")
        connection.execute("create schema release")
        connection.execute("create view release.info as select * from served.release.info")
        manifest = shelf.current_manifest()
        assert manifest is not None
        from publishing.release import scan

        connection.execute("create schema facts")
        files = scan(shelf.current, manifest["tables"], "facts/fct_appeals")
        connection.execute(f"create view facts.fct_appeals as select * from {files}")
        yield connection


@contextmanager
def laboratory(root: Path, *, postgres: bool = False) -> Iterator[Laboratory]:
    """The sandbox and the base deployment, about half a minute."""
    from tests.postgres import running_postgres

    with ExitStack() as stack:
        server = stack.enter_context(running_postgres()) if postgres else None
        sandbox = stack.enter_context(launch(REGION, root))
        yield Laboratory(root, sandbox, server)
