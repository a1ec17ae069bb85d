"""A program that is told by webhook, as a site's own would be: it checks every signature."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook as Verifier

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


@contextmanager
def program(*answers: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A program by HTTP: its URL, and what it got; it gives these answers, and then 200."""
    got: list[dict[str, Any]] = []
    left = list(answers)

    class Program(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            got.append(Verifier(SECRET).verify(body, headers) | {"webhook-id": headers["webhook-id"]})
            self.send_response(left.pop(0) if left else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Program) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/fax", got
        server.shutdown()
