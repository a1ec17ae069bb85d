"""A headless Chromium that is kept warm and prints pages as PDF, driven over its pipe (DevTools protocol)."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any, Self

QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe"),
)


class Chromium:
    """``print`` returns the PDF of a page. Closed at the end of ``with``."""

    def __init__(self, profile: Path) -> None:
        self._profile, self._ids = profile, 0

    def __enter__(self) -> Self:
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        # The protocol speaks on descriptors 3 and 4 of the browser.
        script = f'exec chromium "$@" 3<&{to_browser} 4>&{from_browser}'
        self._browser = subprocess.Popen(
            ["sh", "-c", script, "sh", *QUIET, f"--user-data-dir={self._profile}"],
            pass_fds=(to_browser, from_browser),
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._rest = b""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._call("Page.enable", self._session)
        return self

    def __exit__(self, *_: object) -> None:
        self._browser.kill()
        self._browser.wait()
        os.close(self._write)
        os.close(self._read)

    def print(self, url: str) -> bytes:
        """Load a page, wait until it is loaded, print it."""
        self._call("Page.navigate", self._session, url=url)
        while self._message().get("method") != "Page.loadEventFired":
            pass
        return base64.b64decode(self._call("Page.printToPDF", self._session, printBackground=True)["data"])

    def _call(self, method: str, session: str = "", **params: object) -> dict[str, Any]:
        self._ids += 1
        asked = {"id": self._ids, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(self._write, json.dumps(asked).encode() + b"\0")
        while (told := self._message()).get("id") != self._ids:
            pass
        if "error" in told:
            raise RuntimeError(told["error"])
        return dict(told["result"])

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            block = os.read(self._read, 1 << 20)
            if not block:
                raise RuntimeError("chromium has ended")
            self._rest += block
        line, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(line))
