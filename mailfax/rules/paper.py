"""Which paper the other side has."""

from __future__ import annotations

#: Where Letter is the usual paper (Unicode CLDR, measurement data: paper size US-Letter).
LETTER_COUNTRIES = frozenset(["BZ", "CA", "CL", "CO", "CR", "GT", "MX", "NI", "PA", "PH", "PR", "SV", "US", "VE"])


def paper_for(country: str) -> str:
    """The paper that fax machines of a country have: Letter in North America and where it is used besides."""
    return "letter" if country in LETTER_COUNTRIES else "a4"
