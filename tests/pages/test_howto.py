"""What docs/howto/pages.md tells people to write works as it stands, behind a real nginx, too."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import trustme

from mailfax.config import load
from tests.structure.packages import TOP
from tests.support import documents
from tests.support.pages import PagesSite, Visitor
from tests.support.ports import free_port
from tests.support.site import listens, until

PAGE = (TOP / "docs/howto/pages.md").read_text()
TABLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
[LOCATION] = re.findall(r"```\n(location .*?)```", PAGE, re.DOTALL)
SMALLEST = (TOP / "tests/configs/good-01-smallest.toml").read_text()
NGINX = """
{user} daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; worker_processes 1;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/nginx.crt; ssl_certificate_key {folder}/nginx.key;
        {location}
    }}
}}
"""


@pytest.mark.parametrize("number", range(len(TABLES)))
def test_its_tables_make_a_configuration(tmp_path: Path, number: int) -> None:
    tables = TABLES[number]
    issued = trustme.CA().issue_cert("fax.example.com")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "fax.example.com.crt")
    issued.private_key_pem.write_to_path(tmp_path / "fax.example.com.key")
    first, users = TABLES[0].split("[[page_user]]", 1)
    pages = "" if "[pages]" in tables else first
    more = "" if number == 0 else f"[[page_user]]{users}"
    (tmp_path / "mailfax.toml").write_text(f"{SMALLEST}\n{tables.replace('/etc/mailfax/', '')}\n{pages}\n{more}")
    passwords = {f"MAILFAX_ACCOUNT_{name}_PASSWORD": "x" for name in ("MAIN", "SALES")}
    config = load(tmp_path / "mailfax.toml", passwords)
    assert config.pages and [user.login for user in config.page_users][-2:] == ["olga", "anna"]


@contextmanager
def nginx(site: PagesSite, port: int) -> Iterator[None]:
    """A reverse proxy with the lines of the page."""
    location = LOCATION.replace("127.0.0.1:8026", f"127.0.0.1:{site.pages_port}")
    user = "user root;" if os.geteuid() == 0 else ""
    config = site.folder / "nginx.conf"
    config.write_text(NGINX.format(folder=site.folder, port=port, location=location, user=user))
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    assert program
    running = subprocess.Popen([program, "-c", str(config), "-p", str(site.folder)], stderr=subprocess.DEVNULL)
    try:
        until(lambda: listens(port), "nginx", lambda: site.log("nginx.log"))
        yield
    finally:
        running.terminate()
        running.wait(20)


@pytest.mark.needs("nginx")
def test_behind_nginx_everything_works_over_tls(tmp_path: Path) -> None:
    authority, port = trustme.CA(), free_port()
    issued = authority.issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "nginx.crt")
    issued.private_key_pem.write_to_path(tmp_path / "nginx.key")
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)
    url = f"https://127.0.0.1:{port}"
    site = PagesSite(tmp_path, f'url = "{url}"\nproxies = ["127.0.0.1"]')
    try:
        site.open()
        with nginx(site, port), Visitor(url, verify=trusted) as anna:
            signed_in = anna.sign_in("anna")
            assert signed_in.status_code == 303 and "__Host-mailfax=" in signed_in.headers["set-cookie"]
            large = documents.pdf(2) + b"\n" * 3_000_000
            sent = anna.submit(
                "/send",
                "/send",
                numbers="+1 555 555 0100",
                text="",
                sender="anna@example.com",
                then="send",
                files=[("files", ("large.pdf", large, "application/pdf"))],
            )
            assert sent.status_code == 303 and sent.headers["location"].startswith("/faxes/"), sent.text
            with anna.stream("GET", "/live") as events:
                assert next(events.iter_lines()) == "retry: 3000", "events pass at once"
            forged = anna.post(sent.headers["location"], headers={"Origin": site.url})
            assert forged.status_code in (403, 405)
        assert httpx.get(f"{site.url}/sign-in").status_code == 200
    finally:
        site.close()
