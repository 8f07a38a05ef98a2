"""An update channel's server on loopback: real TLS with a throw-away CA, and each way to serve badly."""

from __future__ import annotations

import hashlib
import json
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.update.cards import run


class Server(ThreadingHTTPServer):
    """files: by path. cut: bytes after which the next answers end. way: how it serves a file, or empty."""

    daemon_threads = True

    def __init__(self, certificate: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.cut: list[int] = []
        self.way = ""
        self.asked: list[tuple[str, str | None]] = []
        self.closing = threading.Event()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server_port}/updates/index"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what these tests are about."""

    def offer(self, number: int, *releases: dict[str, Any]) -> None:
        """Serve an index, as RAUC prints a signed one."""
        text = json.dumps({"format": 1, "number": number, "releases": releases})
        self.files["/updates/index"] = (
            f"RAUC_MF_COMPATIBLE='tt-appliance-index'\nRAUC_META_INDEX_JSON='{text}'\n".encode()
        )

    def bundle(self, version: str, content: bytes, **other: Any) -> dict[str, Any]:
        """Serve a bundle; its entry in an index."""
        self.files[f"/updates/{version}.raucb"] = content
        entry: dict[str, Any] = {"version": version, "url": f"{version}.raucb", "size": len(content), "percent": 100}
        entry |= {"sha256": hashlib.sha256(content).hexdigest(), "minimum": "0.1.0"}
        entry["system"] = hashlib.sha256(content[::-1]).hexdigest()
        return entry | other


class Handler(BaseHTTPRequestHandler):
    """Serves the files, with ranges and ETags."""

    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *args: object) -> None:
        """Log nothing."""

    def do_GET(self) -> None:
        self.close_connection = True
        server, content = self.server, self.server.files.get(self.path)
        asked = self.headers.get("Range")
        server.asked.append((self.path, asked))
        if content is None:
            self.send_error(404)
            return
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        begin, match = 0, re.fullmatch(r"bytes=(\d+)-", asked or "")
        if match and server.way != "no ranges" and self.headers.get("If-Range", etag) == etag:
            begin = int(match[1])
        if server.way == "silent":
            server.closing.wait(10)
            return
        self.send_response(206 if begin else 200)
        self.send_header("ETag", etag)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        if server.way == "endless":
            self.end_headers()
            while not server.closing.is_set():
                self.wfile.write(b"x" * 65536)
        if server.way != "no length":
            self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        end = begin + server.cut.pop(0) if server.cut and self.path.endswith(".raucb") else len(content)
        if server.way == "dripping":
            for byte in content:
                self.wfile.write(bytes([byte]))
                if server.closing.wait(0.05):
                    return
        self.wfile.write(content[begin:end])


def make_authority(folder: Path, name: str) -> Path:
    """A throw-away CA, and a server's certificate for 127.0.0.1 in `server.pem`; the folder."""
    folder.mkdir()
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    run(
        "openssl",
        "req",
        "-x509",
        *key,
        "-subj",
        f"/CN={name}",
        "-keyout",
        folder / "key.pem",
        "-out",
        folder / "ca.pem",
    )
    make_certificate(folder, "server.pem", "IP:127.0.0.1")
    return folder


def make_certificate(authority: Path, name: str, subject: str, *more: str) -> Path:
    """A server's key and certificate in one file. subject: as in subjectAltName."""
    key, to = authority / f"{name}.key", authority / name
    request = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=server")
    run("openssl", "req", "-new", *request, "-keyout", key, "-out", authority / "request.pem")
    extensions = authority / "extensions"
    extensions.write_text(f"subjectAltName={subject}\n")
    signer = ("-CA", authority / "ca.pem", "-CAkey", authority / "key.pem", "-CAcreateserial", "-extfile", extensions)
    days = more or ("-days", "2")
    run("openssl", "x509", "-req", "-in", authority / "request.pem", *signer, *days, "-out", to)
    to.write_text(to.read_text() + key.read_text())
    return to


@contextmanager
def serving(certificate: Path) -> Iterator[Server]:
    server = Server(certificate)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
