"""Reading a file that a user names, whole, with errors that say what is wrong with it."""

from collections.abc import Collection
from pathlib import Path

from simulation.errors import InputError, did_you_mean


def read_text(path: Path, what: str, most: int, endings: Collection[str]) -> str:
    """Return what the file at ``path`` holds as UTF-8, with or without a byte-order mark.

    Args:
        path: of the file.
        what: what errors call such a file, such as "the register".
        most: bytes that it may hold.
        endings: of the names of such files, of which the nearest is offered for a misspelt one.

    Raises:
        InputError: it cannot be read, is too large, or is not UTF-8.
    """
    return decoded(read_bytes(path, what, most, endings), str(path))


def read_bytes(path: Path, what: str, most: int, endings: Collection[str]) -> bytes:
    """Return what the file at ``path`` holds; arguments and errors are those of `read_text`."""
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise OSError("it is not a regular file")
        with path.open("rb") as handle:
            raw = handle.read(most + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        hint = did_you_mean(path.name, _beside(path, endings))
        raise InputError(f"{path}: {what} cannot be read: {reason}{hint}") from None
    if len(raw) > most:
        raise InputError(f"{path}: {what} must be smaller than {most >> 20} MB")
    return raw


def _beside(path: Path, endings: Collection[str]) -> list[str]:
    """Return the names of files beside ``path`` that it might be a misspelling of."""
    try:
        there = sorted(path.parent.iterdir())
    except (OSError, ValueError):
        return []
    return [each.name for each in there if each.suffix in endings and each.name != path.name]


def decoded(raw: bytes, source: str) -> str:
    """Return ``raw`` as text; ``source`` is what errors call the file.

    Raises:
        InputError: it is not UTF-8.
    """
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        byte = f"0x{raw[error.start]:02x}"
        raise InputError(f"{source}, line {line}: byte {byte} is not UTF-8") from None
