"""What copiers write into every mail they send: an advertisement or a notice, and never what somebody wants to say.

In: the text of a mail. Out: whose it is, or "". Only a text that is this and nothing more counts: one word of a
person's more, and it is theirs. Owners of these devices have quoted the texts in public; where a device writes
another one, ``body = "ignore"`` in its sender's rule does the same.
"""

from __future__ import annotations

import re

#: A model, a name, an address or a date.
_ONE = r"[\w .,:;/@()\[\]#&*+'-]{1,80}?"
#: (who writes it, the whole text: lower case, white space joined).
_TEXTS: tuple[tuple[str, str], ...] = (
    (
        "a Xerox device",
        r"please open the attached document\.?"
        rf"( (this document|it) was ((digitally|scanned and) )?sent to you using an? (xerox|fuji) ?{_ONE}\.?)"
        r"( (attachment file type|number of images|sent by|device name|multifunction (printer|device) location)"
        rf": ?{_ONE})*( for more information on xerox products and solutions,? please visit ?{_ONE})?",
    ),
    (
        "an HP device",
        r"please open the attached (document|file)\.? (it|this (document|file)) was ((digitally|scanned and) )?sent"
        rf" to you using an? hp {_ONE}\.?",
    ),
    (
        "a Ricoh device",
        rf'this e-?mail was sent from "{_ONE}" \({_ONE}\)\. scan date: ?{_ONE} queries to: ?<?{_ONE}>?',
    ),
    (
        "a Sharp device",
        rf"(reply to: ?({_ONE} )?(<{_ONE}> )?)?device name: ?{_ONE} device model: ?{_ONE} location: ?{_ONE}"
        rf" file format: ?{_ONE} resolution: ?{_ONE} attached file is scanned image in {_ONE} format\."
        r"( use acrobat.{0,600})?",
    ),
    (
        "a Toshiba device",
        rf"scanned from {_ONE} date: ?{_ONE} pages: ?\d+ resolution: ?\d+ ?x ?\d+ ?dpi[ -]*",
    ),
)
_KNOWN = tuple((device, re.compile(pattern)) for device, pattern in _TEXTS)
#: No text of a device is longer; what is, is not looked at.
LONGEST = 1500


def written_by_device(text: str) -> str:
    """Which device wrote this text, with its article; "" where a person may have."""
    if len(text) > LONGEST:
        return ""
    flat = " ".join(text.casefold().replace("(r)", "").replace("®", "").split())
    return next((device for device, pattern in _KNOWN if pattern.fullmatch(flat)), "")
