"""What a cell sees of the file system: code, libraries and fonts, to read; its own folder, where it has one.

In: the modules that are loaded, this machine. Out: the paths (``readable``), and a root made of them (``enter``).
Everything else is not there: no spool, no configuration, no other process. Nothing of it can be written.

LIMITS: a folder is shown whole: what is kept inside the interpreter's own folders or /usr is seen by cells.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterable, Sequence
from pathlib import Path

from mailfax.render import kernel

#: Libraries and fonts, and the little of /etc and /dev that libraries look for.
_SYSTEM = ("/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/usr/local/share", "/usr/share")
_LINKS = ("/lib", "/lib32", "/lib64")
_ETC = ("/etc/ld.so.cache", "/etc/fonts", "/etc/localtime")
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
#: Where a new root is put together: it exists everywhere, and nothing that is shown lies in it.
_SCAFFOLD = "/proc"


def system(*more: str) -> tuple[Path, ...]:
    """The system's libraries and fonts, and ``more``."""
    return _outermost((*_SYSTEM, *_LINKS, *_ETC, *more))


def readable(more: Iterable[Path] = ()) -> tuple[Path, ...]:
    """What cells read: the interpreter's libraries, each package loaded from elsewhere, the system's libraries; and
    ``more``, by the paths that are told: where an environment lies behind a link, they are others than Python's."""
    homes = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    homes += [f"{sys.base_prefix}/lib"] if sys.base_prefix not in ("/", "/usr", "/usr/local") else []
    loaded = {name.partition(".")[0] for name in sys.modules}
    files = [getattr(sys.modules.get(name), "__file__", None) for name in loaded]
    packages = [
        str(Path(file).parent) if Path(file).name.startswith("__init__.") else file
        for file in files
        if file and not file.startswith(tuple(f"{home}/" for home in (*homes, *_SYSTEM)))
    ]
    return _outermost((*_SYSTEM, *_LINKS, *_ETC, *homes, *packages, *map(str, more)))


def _outermost(paths: Iterable[str]) -> tuple[Path, ...]:
    """Those that exist, without what lies inside another of them."""
    kept: list[Path] = []
    for path in sorted({Path(path).absolute() for path in paths if path and Path(path).exists()}):
        if not any(path.is_relative_to(each) for each in kept):
            kept.append(path)
    return tuple(kept)


def enter(shown: Sequence[Path], writable: Sequence[tuple[Path, str]], program: Path | None) -> None:
    """Make a root of ``shown`` and go there, in mount namespaces of our own; raises ``OSError``.

    ``writable`` are folders, each with the place where it is seen; ``program`` is what will run there. All else can
    only be read, and no program can be started from what is written.
    """
    kernel.keep_mounts_to_ourselves()
    kernel.mount("mailfax", _SCAFFOLD, "tmpfs", kernel.NO_SUID | kernel.NO_DEVICES, "mode=755,size=1m")
    flags = []
    for path in (*shown, *map(Path, DEVICES)):
        if not path.exists():
            continue
        target = _SCAFFOLD + str(path)
        if path.is_symlink() and path.parent == Path("/"):
            Path(target).symlink_to(path.readlink())
            continue
        _place(path, target)
        kernel.bind(str(path.resolve()), target)
        flags.append((target, kernel.READ_ONLY | kernel.NO_SUID | (0 if str(path) in DEVICES else kernel.NO_DEVICES)))
    for folder, seen_at in writable:
        target = _SCAFFOLD + seen_at
        _place(folder, target)
        kernel.bind(str(folder), target)
        flags.append((target, kernel.NO_SUID | kernel.NO_DEVICES | kernel.NO_EXEC))
    if program:
        # Without /proc a program does not know where it lies, and its libraries are not found.
        link = Path(f"{_SCAFFOLD}/proc/self/exe")
        link.parent.mkdir(parents=True)
        link.symlink_to(program)
    for target, taken in flags:
        kernel.remount(target, taken)
    kernel.remount(_SCAFFOLD, kernel.READ_ONLY | kernel.NO_SUID | kernel.NO_DEVICES | kernel.NO_EXEC)
    kernel.change_root(_SCAFFOLD)


def _place(path: Path, target: str) -> None:
    """Something to mount on."""
    if path.is_dir():
        Path(target).mkdir(parents=True, exist_ok=True)
    else:
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        Path(target).touch()
