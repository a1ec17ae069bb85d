"""The cover page of our own, as HTML: a template and the pictures beside it become the page of one fax.

In: the folder of an account, or none; what the page says. Out: ``Front``, which a cell draws. The template is the
administrator's, what it shows is a stranger's: it is filled in a sandbox, and every value is escaped.

LIMITS: ``PICTURE_BYTES`` for all pictures of a folder.
"""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mailfax.config import ConfigError
from mailfax.render.direction import direction
from mailfax.render.language import language_of
from mailfax.render.terms import PAGES, PICTURES, Front

OURS = Path(__file__).with_name("templates")
TEMPLATE = "cover.html"
PICTURE_BYTES = 500_000


@dataclass(frozen=True, slots=True)
class CoverText:
    """What a cover page says; "" where there is nothing to say. ``date`` is as it is to stand there."""

    to: str = ""
    number: str = ""
    sender: str = ""
    company: str = ""
    sender_number: str = ""
    date: str = ""
    subject: str = ""
    reference: str = ""
    text: str = ""


class Fronts:
    """Makes the cover pages of one account. Raises ``ConfigError`` where its folder can't be used."""

    def __init__(self, folder: Path | None) -> None:
        self._pictures = _pictures(folder) if folder else {}
        self._logo = next((name for name in self._pictures if name.startswith("logo.")), "")
        environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader([folder, OURS] if folder else [OURS]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {"direction": direction, "language": language_of}
        try:
            self._template = environment.get_template(TEMPLATE)
            self.front(CoverText(text="A text"))
        except (TemplateError, OSError, ValueError, TypeError) as wrong:
            raise ConfigError(f"{folder or OURS}/{TEMPLATE}: {wrong}; mend the template, or remove it") from None

    def front(self, said: CoverText) -> Front:
        """The cover page that says so."""
        return Front(self._template.render(asdict(said) | {"pages": PAGES, "logo": self._logo}), self._pictures)


def _pictures(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
    pictures = {path.name: path.read_bytes() for path in files}
    if sum(map(len, pictures.values())) > PICTURE_BYTES:
        raise ConfigError(f"{folder}: its pictures have more than {PICTURE_BYTES} bytes together; make them smaller")
    return {name: base64.b64encode(content).decode() for name, content in pictures.items()}
