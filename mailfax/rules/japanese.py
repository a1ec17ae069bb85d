"""The charsets of mail from the Far East that Python's codecs read less of than mail programs write.

In: octets. Out: text, U+FFFD where they are no character.

STANDARDS: RFC 1468 (iso-2022-jp), JIS X 0208 with the rows of NEC and IBM (as windows-932 has them), JIS X 0212,
JIS X 0201 (half-width kana); WHATWG Encoding (gbk: the octet 80 is the euro sign).
"""

from __future__ import annotations

import re
from collections.abc import Callable

_SWITCH = re.compile(rb"\x1b(?:\$[@B]|\$\([@BD]|\([BJIH])|[\x0e\x0f]")


def is_iso_2022_jp(content: bytes) -> bool:
    """Whether octets switch to Japanese as iso-2022-jp does."""
    return b"\x1b$" in content and _SWITCH.search(content) is not None


def iso_2022_jp(content: bytes) -> str:
    """All that mail programs write under this label: JIS X 0208 with the NEC and IBM rows, 0212, half-width kana."""
    text: list[str] = []
    state, at = b"\x1b(B", 0
    for switch in [*_SWITCH.finditer(content), None]:
        run = content[at : switch.start() if switch else len(content)]
        if state in (b"\x1b(B", b"\x1b(J", b"\x1b(H", b"\x0f"):
            text.append(run.decode("ascii" if run.isascii() else "cp932", "replace"))
        elif state in (b"\x1b(I", b"\x0e"):
            text.append(bytes(octet | 0x80 if octet > 0x20 else octet for octet in run).decode("cp932", "replace"))
        elif state == b"\x1b$(D":
            text.append(re.sub(rb"[!-~]{2}", _in_euc_0212, run).decode("euc_jp", "replace"))
        else:
            # A line end ends the mode (RFC 1468), also where its escape is missing.
            coded, end, plain = run.partition(b"\n")
            text.append(re.sub(rb"[!-~]{2}", _in_shift_jis, coded).decode("cp932", "replace"))
            text.append((end + plain).decode("cp932", "replace"))
        if switch:
            state, at = switch.group(), switch.end()
    return "".join(text)


def euc_jp(content: bytes) -> str:
    """EUC-JP with the NEC and IBM rows, which Python's codec lacks: read as Shift_JIS of the same characters."""
    try:
        return content.decode("euc_jp")
    except ValueError:
        pairs = re.sub(rb"\x8e([\xa1-\xdf])", rb"\1", content) if b"\x8f" not in content else content
        if pairs != content or b"\x8f" in content:
            return content.decode("euc_jp", "replace")
        flat = re.sub(rb"[\xa1-\xfe]{2}", lambda two: _in_shift_jis(two, 0x80), content)
        return flat.decode("cp932", "replace")


def _in_shift_jis(pair: re.Match[bytes], high: int = 0) -> bytes:
    first, second = pair.group()[0] - high, pair.group()[1] - high
    row = (first + 1) // 2 + (0x70 if first < 0x5F else 0xB0)
    return bytes([row, second + (0x7E if first % 2 == 0 else 0x1F + (second > 0x5F))])


def _in_euc_0212(pair: re.Match[bytes]) -> bytes:
    return bytes([0x8F, pair.group()[0] | 0x80, pair.group()[1] | 0x80])


_CHINESE = re.compile(rb"[\x81-\xfe](?:[0-9][\x81-\xfe][0-9]|[\x40-\x7e\x80-\xfe])|\x80")


def gb18030(content: bytes) -> str:
    """GB 18030, U+FFFD for what is none; with the euro sign of windows-936."""
    if b"\x80" in content:
        euro = "€".encode("gb18030")
        content = _CHINESE.sub(lambda sign: euro if sign[0] == b"\x80" else sign[0], content)
    return content.decode("gb18030", "replace")


def replaced(content: bytes, codec: str) -> str:
    """The text of octets in a charset, U+FFFD for those that are no character of it."""
    own = OWN.get(codec)
    return own(content) if own else content.decode(codec, "replace")


#: The codecs of this module, by the names that ``charset`` has for them.
OWN: dict[str, Callable[[bytes], str]] = {"iso-2022-jp": iso_2022_jp, "euc-jp": euc_jp, "gb18030": gb18030}
