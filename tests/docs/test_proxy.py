"""deploy/nginx/otklik.conf in a real nginx: who gets through, who does not, and what reaches the programs."""

from __future__ import annotations

import base64
import http.client
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

CONF = Path(__file__).parents[2] / "deploy" / "nginx" / "otklik.conf"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="needs nginx: apt-get install nginx-light")
PASSWORD = "Basic " + base64.b64encode(b"anna:right").decode()


class Program(BaseHTTPRequestHandler):
    """Says what reached it."""

    def do_GET(self) -> None:
        length = int(self.headers.get("content-length", 0))
        self.rfile.read(length)
        said = f"{self.command} {self.path} {self.headers.get('authorization', '-')}".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_POST = do_GET  # noqa: N815 - http.server looks for these names

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """nginx with this configuration; only ports and paths are other than on a server."""
    folder = tmp_path_factory.mktemp("nginx")
    programs = [ThreadingHTTPServer(("127.0.0.1", 0), Program) for _ in range(2)]
    for program in programs:
        threading.Thread(target=program.serve_forever, daemon=True).start()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=otklik.example.org",
         "-keyout", folder / "otklik.key", "-out", folder / "otklik.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    hashed = subprocess.run(
        ["openssl", "passwd", "-apr1", "right"], check=True, capture_output=True, text=True
    ).stdout
    (folder / "otklik.users").write_text(f"anna:{hashed}", "utf-8")
    conf = CONF.read_text("utf-8")
    dagster, inbox = (program.server_address[1] for program in programs)
    for standing, ours in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/nginx/tls", str(folder)),
        ("/etc/nginx/otklik.users", str(folder / "otklik.users")),
        ("127.0.0.1:3000", f"127.0.0.1:{dagster}"),
        ("127.0.0.1:8080", f"127.0.0.1:{inbox}"),
    ):
        assert standing in conf
        conf = conf.replace(standing, ours)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = folder / "nginx.conf"
    main.write_text(
        f"daemon off; user root; pid {folder}/nginx.pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ access_log off; {temporary}\n{conf}\n}}\n",
        "utf-8",
    )
    command = [str(NGINX), "-p", str(folder), "-c", str(main)]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert running.poll() is None, (folder / "error.log").read_text("utf-8")
        yield port
    finally:
        running.terminate()
        running.wait(10)
        for program in programs:
            program.shutdown()
            program.server_close()


def ask(
    port: int, name: str, path: str, method: str = "GET", body: bytes = b"", **headers: str
) -> tuple[int, str]:
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=trusting)
    try:
        connection.request(method, path, body or None, {"Host": name, **headers})
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


def test_dagsters_page_asks_for_a_password_and_keeps_it(proxy: int) -> None:
    pages = "otklik.example.org"
    assert ask(proxy, pages, "/runs")[0] == 401
    wrong = "Basic " + base64.b64encode(b"anna:wrong").decode()
    assert ask(proxy, pages, "/runs", Authorization=wrong)[0] == 401
    assert ask(proxy, pages, "/graphql", "POST", b"{}")[0] == 401
    assert ask(proxy, pages, "/runs", Authorization=PASSWORD) == (200, "GET /runs -")


@pytest.mark.parametrize(
    "path", ["/", "/health", "/runs", "/graphql", "/vk/../health", "/smtp/demo", "/vk/DEMO"]
)
def test_nothing_but_deliveries_reaches_the_inbox(proxy: int, path: str) -> None:
    assert ask(proxy, "hooks.example.org", path, "POST", b"{}")[0] in (400, 404)


def test_deliveries_reach_the_inbox_without_a_password(proxy: int) -> None:
    hooks = "hooks.example.org"
    assert ask(proxy, hooks, "/viber/demo", "POST", b"{}") == (200, "POST /viber/demo -")
    assert ask(proxy, hooks, "/viber/demo")[0] == 403
    assert ask(proxy, hooks, "/viber/demo", "POST", b"x" * (2**20 + 1))[0] == 413
