"""Writes OLE2 files, as Outlook and old Office do: storages with streams in them (MS-CFB, version 3)."""

from __future__ import annotations

import struct

FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
SECTOR, MINI, CUTOFF = 512, 64, 4096


def compound(streams: dict[str, bytes]) -> bytes:
    """A file with these streams; "/" in a name is a storage."""
    names: list[str] = [""]
    for path in streams:
        parts = path.split("/")
        names += [prefix for at in range(len(parts)) if (prefix := "/".join(parts[: at + 1])) not in names]
    mini, sectors, fat, minifat = bytearray(), bytearray(), [], []
    starts: dict[str, int] = {}

    def put(content: bytes) -> int:
        count, first = -(-len(content) // SECTOR), len(fat)
        sectors.extend(content.ljust(count * SECTOR, b"\0"))
        fat.extend([*range(first + 1, first + count), END])
        return first

    for path, content in streams.items():
        if len(content) >= CUTOFF:
            starts[path] = put(content)
        elif content:
            count, first = -(-len(content) // MINI), len(minifat)
            mini.extend(content.ljust(count * MINI, b"\0"))
            minifat.extend([*range(first + 1, first + count), END])
            starts[path] = first
        else:
            starts[path] = END
    mini_start = put(bytes(mini)) if mini else END
    minifat_start = put(struct.pack(f"<{len(minifat)}I", *minifat).ljust(SECTOR, b"\xff")) if minifat else END
    directory = b""
    for at, name in enumerate(names):
        parent = name.rpartition("/")[0] if at else None
        inside = [n for n, each in enumerate(names) if n and each.rpartition("/")[0] == name and n != at]
        later = [n for n, each in enumerate(names) if n > at and at and each.rpartition("/")[0] == parent]
        label = ("Root Entry" if not at else name.rpartition("/")[2]).encode("utf-16-le") + b"\0\0"
        kind = 5 if not at else 2 if name in streams else 1
        start = mini_start if not at else starts.get(name, 0)
        size = len(mini) if not at else len(streams.get(name, b""))
        directory += label.ljust(64, b"\0") + struct.pack(
            "<HBBIII36sIQ", len(label), kind, 1, FREE, later[0] if later else FREE, inside[0] if inside else FREE,
            b"", start, size,
        )  # fmt: skip
    directory += bytes(-len(directory) % SECTOR)
    directory_start = put(directory)
    fat_at = len(fat)
    fat.append(FAT)
    table = struct.pack(f"<{len(fat)}I", *fat).ljust(SECTOR, b"\xff")
    assert len(table) == SECTOR, "one sector of FAT is enough for tests"
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(24, b"\0") + struct.pack(
        "<HHHHH6xIIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, directory_start, 0, CUTOFF, minifat_start,
        1 if minifat else 0, END, 0, fat_at,
    )  # fmt: skip
    return header.ljust(SECTOR, b"\xff") + bytes(sectors) + table
