"""Whole files by name: uploaded files, and the lines of jobs on their way out.

Rule 1. A file is written as a draft that only its writer has, and then kept: durable, and there for every gateway.
Rule 2. What is kept never changes, so a copy of it is as good as itself.
"""

import os
from pathlib import Path
from typing import BinaryIO, Protocol

from asbru.store.blobs import sync_folder


class Depot(Protocol):
    """Files of one kind. Everything here blocks: not for the event loop."""

    def draft(self, name: str) -> BinaryIO:
        """A new file to write to."""

    def keep(self, name: str, file: BinaryIO) -> None:
        """The draft is complete: close it and make it durable."""

    def open(self, name: str) -> BinaryIO:
        """A kept file, to be read from the start. Raises FileNotFoundError."""

    def path(self, name: str) -> Path:
        """Where a kept file can be mapped from the disk. Raises FileNotFoundError."""

    def remove(self, name: str) -> None:
        """Remove a file or a draft; an absent one is fine."""

    def entries(self) -> list[tuple[str, float]]:
        """All names, each with the time it was last written (Unix seconds)."""


class Folder:
    """A Depot in a directory of this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def draft(self, name: str) -> BinaryIO:
        """A new file to write to."""
        return (self._folder / name).open("xb")

    def keep(self, name: str, file: BinaryIO) -> None:
        """The draft is complete: close it and make it durable."""
        file.flush()
        os.fdatasync(file.fileno())
        file.close()
        sync_folder(self._folder)

    def open(self, name: str) -> BinaryIO:
        """A kept file, to be read from the start. Raises FileNotFoundError."""
        return (self._folder / name).open("rb")

    def path(self, name: str) -> Path:
        """Where a kept file can be mapped from the disk."""
        return self._folder / name

    def remove(self, name: str) -> None:
        """Remove a file or a draft; an absent one is fine."""
        (self._folder / name).unlink(missing_ok=True)

    def entries(self) -> list[tuple[str, float]]:
        """All names, each with the time it was last written (Unix seconds)."""
        return [(entry.name, entry.stat().st_mtime) for entry in os.scandir(self._folder) if entry.is_file()]
