"""A standalone Spark cluster of the tests' own: one master, two workers, processes on loopback."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_JAVA_17 = Path("/usr/lib/jvm/java-17-openjdk-amd64")
# Tiny data: compiling each query costs more than it saves.
_DEFAULTS = """
spark.driver.host 127.0.0.1
spark.driver.bindAddress 127.0.0.1
spark.driver.memory 1g
spark.driver.extraJavaOptions -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dderby.stream.error.file={log}
spark.executor.extraJavaOptions -XX:+UseSerialGC -XX:TieredStopAtLevel=1
spark.executor.memory 1g
spark.executor.cores 1
spark.cores.max 2
spark.sql.shuffle.partitions 2
spark.sql.codegen.wholeStage false
spark.ui.showConsoleProgress false
"""
_LOG = """
rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %p %c{1}: %m%n
logger.deploy.name = org.apache.spark.deploy
logger.deploy.level = info
logger.sql.name = org.apache.spark.sql
logger.sql.level = error
"""


@dataclass
class Process:
    """One JVM of the cluster, in a process group with what it starts itself."""

    name: str
    jvm: subprocess.Popen[str]
    work: Path

    def wait_for(self, words: str) -> None:
        """Read its log until it says these words, and go on draining it."""
        assert self.jvm.stderr is not None
        said = []
        for line in self.jvm.stderr:
            said.append(line)
            if words in line:
                threading.Thread(target=self.jvm.stderr.read, daemon=True).start()
                return
        pytest.fail(f"{self.name} ended: {''.join(said)[-2000:]}")

    def kill(self) -> None:
        """As a machine that loses its power: the worker and its executors at once."""
        os.killpg(self.jvm.pid, signal.SIGKILL)
        self.jvm.wait()

    @property
    def is_alive(self) -> bool:
        return self.jvm.poll() is None

    @property
    def executors(self) -> list[Path]:
        """Folders of the executors it has run."""
        return sorted(self.work.glob("app-*/*"))


@dataclass
class Cluster:
    """What a driver has to know of it."""

    master: str
    conf: Path
    java: Path
    workers: list[Process]

    def environment(self) -> dict[str, str]:
        return {
            "JAVA_HOME": str(self.java),
            "SPARK_CONF_DIR": str(self.conf),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "OTKLIK_SPARK_MASTER": self.master,
        }


@contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """A master and two workers of one core each; skipped where Java or pyspark is missing (CI has both)."""
    java = _java()
    spark = pytest.importorskip("pyspark") if not os.environ.get("CI") else __import__("pyspark")
    if java is None:
        if os.environ.get("CI"):
            pytest.fail("CI has to install Java 17: see .ci/run")
        pytest.skip("Java 17 is not installed (apt-get install openjdk-17-jre-headless)")
    conf = folder / "conf"
    conf.mkdir()
    (conf / "spark-defaults.conf").write_text(_DEFAULTS.format(log=folder / "derby.log"))
    (conf / "log4j2.properties").write_text(_LOG)
    port = _free_port()
    cluster = Cluster(f"spark://127.0.0.1:{port}", conf, java, [])
    launcher = Path(spark.__file__).parent / "bin" / "spark-class"
    with ExitStack() as stack:

        def start(name: str, *arguments: str) -> Process:
            work = folder / name
            work.mkdir()
            environment = {**os.environ, **cluster.environment(), "SPARK_LOG_DIR": str(work)}
            environment["SPARK_DAEMON_MEMORY"] = "256m"
            command = [str(launcher), f"org.apache.spark.deploy.{arguments[0]}", "--host", "127.0.0.1"]
            command += ["--webui-port", "0", *arguments[1:]]
            jvm = subprocess.Popen(
                command,
                env=environment,
                stderr=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                text=True,
                start_new_session=True,
            )
            process = Process(name, jvm, work)
            stack.callback(lambda: process.kill() if process.is_alive else None)
            return process

        start("master", "master.Master", "--port", str(port)).wait_for("New state: ALIVE")
        for name in ("worker-1", "worker-2"):
            options = ("--cores", "1", "--memory", "1g", "--work-dir", str(folder / name))
            cluster.workers.append(start(name, "worker.Worker", *options, cluster.master))
        for worker in cluster.workers:
            worker.wait_for("Successfully registered with master")
        yield cluster


def _java() -> Path | None:
    """JAVA_HOME, or where Debian puts it."""
    home = os.environ.get("JAVA_HOME")
    if home:
        return Path(home)
    if (_JAVA_17 / "bin" / "java").exists():
        return _JAVA_17
    on_path = shutil.which("java")
    return Path(on_path).resolve().parents[1] if on_path else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
