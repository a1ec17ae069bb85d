"""Every verb from outside, as people type it: exit status, sentences, and JSON for scripts."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from mailfax.cli import VERBS
from tests.support import documents
from tests.support.ports import free_port
from tests.support.site import ROOT, SENDER, Site, until

#: What is promised for --help, in seconds, and what a busy machine is forgiven.
HELP_SECONDS, FORGIVEN = 0.3, 2.0


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_answers_at_once(verb: str) -> None:
    command = [sys.executable, "-m", "mailfax", *([verb] if verb else []), "--help"]
    took = []
    for _ in range(5):
        began = _used_by_children()
        shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        took.append(_used_by_children() - began)
    print(f"mailfax {verb} --help: {min(took):.3f} s")
    assert shown.startswith(f"usage: mailfax {verb}".rstrip())
    assert min(took) < HELP_SECONDS * FORGIVEN


def _used_by_children() -> float:
    """Processor seconds of the programs that have ended: other work on the machine does not count."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_a_verb_that_is_not_there_is_a_wrong_command_line() -> None:
    ran = subprocess.run([sys.executable, "-m", "mailfax", "sned"], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 2
    assert "invalid choice: 'sned'" in ran.stderr


TLS_LISTENERS = "".join(
    f"""
[[listener]]
name = "{name}"
address = "127.0.0.1:0"
tls = "starttls"
certificate = "{name}.pem"
key = "{name}.pem"
"""
    for name in ("gone", "soon", "other")
)


# --- check ---------------------------------------------------------------------------------------------------


def test_check_finds_nothing_wrong_in_a_good_site(office: Site) -> None:
    ran = office.run("check", "--config", str(office.config))
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout + ran.stderr
    assert ran.stdout.splitlines()[-1] == "everything works"
    told = {line.split()[1].rstrip(":") for line in ran.stdout.splitlines()[:-1]}
    assert told == {
        "configuration", "spool", "pages", "files", "programs", "fonts", "relay", "listener", "account", "documents",
    }  # fmt: skip
    for seen in (
        "account main: the sandbox answers (text/xml; charset=utf-8)",
        "account main: lists: ",
        "account main: dates: read as America/Los_Angeles",
        "account main: answers: nothing odd in them",
        "account main: it has no call that cancels",
        "takes 4,194,304: larger ones are noted in the log",
    ):
        assert seen in ran.stdout
    assert re.search("files are opened in a cell: (full|good); missing: ", ran.stdout)
    assert "the sandbox answers" in ran.stdout and "is in use (the service is running?)" in ran.stdout


def test_check_names_everything_that_is_wrong_in_a_bad_site(tmp_path: Path) -> None:
    site = Site(
        tmp_path,
        base_url=f"http://127.0.0.1:{free_port()}/api/",
        relay=f'address = "127.0.0.1:{free_port()}"',
    )
    ran = site.run("check", "--config", str(site.configure()))
    assert ran.returncode == 1
    wrong = [line for line in ran.stdout.splitlines() if line.startswith("WRONG")]
    assert [line.split(":")[0] for line in wrong] == ["WRONG  relay", "WRONG  account main"], ran.stdout
    assert "nothing answered there" in wrong[1]
    assert ran.stdout.splitlines()[-1] == "2 things to fix"
    assert "Traceback" not in ran.stderr


def test_check_tells_of_certificates_passwords_and_rules(tmp_path: Path) -> None:
    site = Site(tmp_path, more=TLS_LISTENERS)
    for name, host, days in (("gone", "fax.example.com", -1), ("soon", "*.example.com", 3), ("other", "x.org", 90)):
        ends = datetime.now(UTC) + timedelta(days=days)
        issued = trustme.CA().issue_cert(host, not_after=ends)
        issued.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / f"{name}.pem"))
    (tmp_path / ".env").write_text("MAILFAX_RELAY_PASSWORD=x\n")
    (tmp_path / ".env").chmod(0o644)
    config = site.configure()
    config.write_text(re.sub(r"\[\[sender\]\].*?(?=\[relay\])", "", config.read_text(), flags=re.DOTALL))
    ran = site.run("check", "--config", str(config))
    told = ran.stdout
    assert ran.returncode == 1, told
    assert re.search(r"WRONG  listener gone: \S+gone.pem: the certificate ended on .*; renew it", told)
    assert re.search(r"weak   listener soon: \S+soon.pem: the certificate ends on .*; renew it", told)
    assert "listener soon: the certificate names" not in told
    assert re.search(r"weak   listener other: \S+: the certificate names x.org, and not fax.example.com", told)
    assert re.search(r"weak   \S+/.env: everybody on this machine can read its passwords \(mode 0644\)", told)
    assert "WRONG  no [[sender]] rule, so nobody may fax: write one" in told
    assert "everything works" not in told


# --- queue and show ------------------------------------------------------------------------------------------


def test_queue_and_show_tell_of_a_fax_that_waits(office: Site) -> None:
    """…0106 stays in FaxCore's queue for ever."""
    number = "15555550106"
    queue_id = office.send(number)
    job_id = f"{queue_id}-1"
    until(lambda: office.rows("SELECT 1 FROM job WHERE state = 'submitted' AND queue_id = ?", job_id), "submission")
    config = ("--config", str(office.config))

    queued = json.loads(office.run("queue", "--json", *config).stdout)
    assert set(queued) == {"faxes", "received", "mails"}
    [fax] = [fax for fax in queued["faxes"] if fax["queue_id"] == job_id]
    assert (fax["state"], fax["number"], fax["attempts"]) == ("submitted", number, 1)
    assert fax["fax_id"] == next(fax["id"] for fax in office.faxes() if fax["number"] == number)
    listed = office.run("queue", *config)
    assert (listed.returncode, listed.stderr) == (0, "")
    assert job_id in listed.stdout and "submitted" in listed.stdout, listed.stdout

    for name in (queue_id, job_id):
        life = json.loads(office.run("show", name, "--json", *config).stdout)
        assert life["message"]["sender"] == SENDER and life["message"]["subject"] == "Invoice 12"
        assert life["document"]["pages"] == 1
        assert [job["queue_id"] for job in life["jobs"]] == [job_id]
        assert life["letters"] == []
    states = [line["state"] for line in life["history"] if line["state"]]
    assert states == ["accepted", "ready", "submitting", "submitted"]
    shown = office.run("show", job_id, *config)
    assert (shown.returncode, shown.stderr) == (0, "")
    for word in (job_id, number, "Invoice 12", "submitted", "History"):
        assert word in shown.stdout, shown.stdout


def test_show_of_an_id_that_is_not_there_is_a_sentence(office: Site) -> None:
    ran = office.run("show", "NOSUCHID42", "--config", str(office.config))
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "mailfax show: NOSUCHID42: no message, fax or notification has this queue ID\n"


def test_what_ended_is_in_the_queue_only_when_asked_for(office: Site) -> None:
    queue_id = office.send("15555550100")
    until(lambda: [mail for mail in office.mails() if mail["X-Fax-Queue-ID"] == f"{queue_id}-1"], "the answer")
    until(lambda: not office.rows("SELECT 1 FROM letter WHERE state != 'handed-over'"), "the letters to be settled")

    def queued(*options: str) -> dict[str, dict[str, object]]:
        listing = json.loads(office.run("queue", "--json", *options, "--config", str(office.config)).stdout)
        return {fax["queue_id"]: fax for fax in listing["faxes"]}

    assert f"{queue_id}-1" not in queued()
    assert queued("--all")[f"{queue_id}-1"]["state"] == "delivered"
    life = json.loads(office.run("show", queue_id, "--json", "--config", str(office.config)).stdout)
    [answer] = life["letters"]
    assert (answer["outcome"], answer["state"], answer["to"]) == ("delivered", "handed-over", [SENDER])


# --- send ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "status", "told"), [("15557650001", 0, "delivered"), ("15555550101", 1, "failed")]
)
def test_send_follows_the_fax_to_its_end(office: Site, tmp_path: Path, number: str, status: int, told: str) -> None:
    files = {"offer.pdf": documents.pdf(2), "plan.tif": documents.tiff(1)}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    ran = office.run(
        *("send", *(str(tmp_path / name) for name in files), "--to", number, "--from", SENDER),
        *("--subject", "Two files", "--text", "As agreed.", "--config", str(office.config)),
    )
    assert ran.returncode == status, ran.stdout + ran.stderr
    queue_id = re.match(r"queued as (\S+)", ran.stdout)[1]
    assert told in ran.stdout
    assert office.rows("SELECT state FROM job WHERE queue_id = ?", f"{queue_id}-1") == [(told,)]
    [fax] = [fax for fax in office.faxes() if fax["number"] == number]
    assert office.control(f"faxes/{fax['id']}")["pages"] == 3 + 1, "two files and the cover page"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--to", "15551234567"], "nothing to fax: name a FILE, or give --text"),
        (
            ["no-such-file.pdf", "--to", "15551234567", "--from", SENDER],
            "no-such-file.pdf: No such file or directory",
        ),
        (["--text", "Hello", "--to", "15551234567"], "no rule names a whole address to send as: give --from ADDRESS"),
        (["--text", "Hello", "--to", "12", "--from", SENDER], "--to 12: this is no fax number: it is too short"),
        (
            ["--text", "Hello", "--to", "15551234567", "--from", "mallory@example.net"],
            "refused: 550 5.7.1 Sender mallory@example.net may not send faxes",
        ),
        (
            ["--text", "Hello", "--to", "15551234567", "--from", SENDER, "--listener", "x"],
            "--listener x: there is none",
        ),
    ],
    ids=["nothing", "no file", "no sender", "no number", "stranger", "no listener"],
)
def test_what_cant_be_sent_is_told_in_a_sentence(office: Site, options: list[str], sentence: str) -> None:
    ran = office.run("send", *options, "--config", str(office.config))
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"mailfax send: {sentence}"), ran.stderr
    assert ran.stderr.count("\n") == 1


# --- what does not start -------------------------------------------------------------------------------------


def test_serve_does_not_start_with_a_bad_configuration(tmp_path: Path) -> None:
    site = Site(tmp_path)
    config = site.configure()
    config.write_text(config.read_text().replace('networks = ["127.0.0.0/8"]', 'networks = ["0.0.0.0/0"]'))
    ran = site.run("serve", "--config", str(config))
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"mailfax serve: {config}: ") and "networks" in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert not (tmp_path / "spool.db").exists()


def test_serve_does_not_start_where_its_address_is_taken(office: Site, tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.smtp_port = office.smtp_port
    ran = site.run("serve", "--config", str(site.configure()))
    assert ran.returncode == 1
    assert f"127.0.0.1:{office.smtp_port} can't be opened" in ran.stderr.splitlines()[-1]
    assert "Traceback" not in ran.stderr


def test_without_a_configuration_it_says_where_it_looked(tmp_path: Path) -> None:
    ran = Site(tmp_path).run("queue")
    assert ran.returncode == 1
    assert ran.stderr.startswith("mailfax queue: no configuration was found at mailfax.toml or /etc/mailfax/")


def test_the_sandbox_says_what_is_wrong_with_an_account(tmp_path: Path) -> None:
    ran = Site(tmp_path).run("sandbox", "--account", "5557152222")
    assert ran.returncode == 1
    assert "write NUMBER:PASSWORD" in ran.stderr


def test_a_shell_completes_verbs_options_and_files(tmp_path: Path) -> None:
    script = tmp_path / "completion"
    command = [sys.executable, "-m", "mailfax", "completion", "bash"]
    script.write_text(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    (tmp_path / "office.toml").touch()

    def completed(*words: str) -> list[str]:
        line = " ".join(words)
        asked = f"""source {script}; COMP_WORDS=({line} ''); COMP_CWORD={len(words)}; COMP_LINE='{line} '
            COMP_POINT=${{#COMP_LINE}}; $(complete -p mailfax | sed -E 's/.*-F ([^ ]+) .*/\\1/')
            printf '%s\\n' "${{COMPREPLY[@]}}" """
        done = subprocess.run(["bash", "-c", asked], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.split()

    assert {"serve", "queue", "find"} <= set(completed("mailfax"))
    assert "office.toml" in completed("mailfax", "queue", "--config")


@pytest.mark.needs("groff")
def test_the_manual_page_is_one() -> None:
    """groff, which every ``man`` uses, finds nothing wrong with it."""
    shown = subprocess.run(
        ["groff", "-k", "-man", "-Tutf8", "-ww", "-z", "docs/mailfax.1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stderr == ""
