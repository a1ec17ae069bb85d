"""A whole site with pages: sandbox, bridge, users with passwords, and a visitor without a browser.

``Visitor`` keeps cookies and finds the token of a form, as a browser does; it speaks plain HTTP.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import httpx

from mailfax.config import User
from mailfax.config.users import write_user
from mailfax.passwords import hash_password
from tests.support.ports import free_port
from tests.support.site import Site, listens, until

PASSWORD = "a good password"
#: login -> role and addresses.
USERS = {
    "olga": ("operator", ["alice@example.com"]),
    "oskar": ("operator-without-content", []),
    "anna": ("user", ["anna@example.com"]),
    "bob": ("user", ["bob@example.com"]),
}
_HASH = hash_password(PASSWORD)


class PagesSite(Site):
    """A site whose bridge has pages."""

    def __init__(self, folder: Path, more: str = "", **settings: Any) -> None:
        super().__init__(folder, **settings)
        self.pages_port = free_port()
        self._clients: list[httpx.Client] = []
        self._tokens = 0
        self.url = f"http://127.0.0.1:{self.pages_port}"
        users = "".join(
            f'[[page_user]]\nlogin = "{login}"\nrole = "{role}"\nfrom = {senders}\n'.replace("'", '"')
            for login, (role, senders) in USERS.items()
        )
        pages = f'\n[pages]\naddress = "127.0.0.1:{self.pages_port}"\n{more}\n{users}'
        self.settings["more"] += pages
        for login in USERS:
            write_user(folder / "passwords", login, User(login, _HASH))

    def open(self) -> None:
        """Start sandbox and bridge, and wait for the pages."""
        self.start_sandbox()
        self.start()
        until(lambda: listens(self.pages_port), "the pages", self.log)

    @property
    def processes(self) -> list[subprocess.Popen[bytes]]:
        return self._processes

    def visitor(self, login: str = "") -> Visitor:
        """Somebody new, who signs in where a login is given."""
        visitor = Visitor(self.url)
        self._clients.append(visitor)
        if login:
            answer = visitor.sign_in(login)
            assert answer.status_code == 303, answer.text
        return visitor

    def program(self, login: str) -> httpx.Client:
        """One that asks the API with a token of that user."""
        self._tokens += 1
        ran = self.run("token", "add", f"token {self._tokens}", "--user", login, "--config", str(self.config))
        assert ran.returncode == 0, ran.stderr
        headers = {"Authorization": f"Bearer {ran.stdout.strip()}"}
        client = httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=30)
        self._clients.append(client)
        return client

    def close(self) -> None:
        for client in self._clients:
            client.close()
        super().close()


class Visitor(httpx.Client):
    """A browser without eyes."""

    def __init__(self, url: str, **more: Any) -> None:
        super().__init__(base_url=url, timeout=30, **more)
        self.origin = url

    def sign_in(self, login: str, password: str = PASSWORD, **more: str) -> httpx.Response:
        return self.submit("/sign-in", "/sign-in", login=login, password=password, **more)

    def submit(self, page: str, action: str, files: Any = None, **fields: str) -> httpx.Response:
        """Send the form of a page that goes to ``action``."""
        html = self.get(page).text
        assert f'action="{action}"' in html, html
        hidden = dict(re.findall(r'<input type="hidden" name="(csrf|key|next)" value="([^"]*)"', html))
        return self.post(action, data=hidden | fields, files=files, headers={"Origin": self.origin})
