"""A file system of a megabyte or so, with as much room in it as a test wants."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BLOCK_BYTES = 4096


class SmallDisk:
    """One that is mounted at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def leave(self, bytes_free: int) -> None:
        """Fill it up, all but so many bytes."""
        self.clear()
        room = shutil.disk_usage(self.path).free - bytes_free
        with self._ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(room, 1))

    def clear(self) -> None:
        """Take what fills it away."""
        self._ballast.unlink(missing_ok=True)

    def empty(self, name: str) -> None:
        """Remove a folder in it."""
        shutil.rmtree(self.path / name, ignore_errors=True)

    def remount(self, mode: str) -> None:
        """Mount it anew, `ro` or `rw`."""
        subprocess.run(["mount", "-o", f"remount,{mode}", str(self.path)], check=True)


@contextmanager
def small_disk(path: Path, size_bytes: int) -> Iterator[SmallDisk]:
    """Mount one, where that is allowed; the test is skipped where not."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small file system needs root, and `mount`")
    path.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(path)]
    done = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {done.stderr.strip()}")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", str(path)], check=True)
