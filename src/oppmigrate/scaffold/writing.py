"""Writing what was planned: each file whole or not at all, and never over work that the plan has not seen."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from oppmigrate.errors import FileNotWritten
from oppmigrate.scaffold import textfile
from oppmigrate.scaffold.plans import InitPlan, PlannedFile, SetupPlan, WrittenFile


def write_files(plan: InitPlan | SetupPlan) -> tuple[WrittenFile, ...]:
    """Write the plan's files, each changed one with a `.bak` of what it was beside it.

    Everything is written under temporary names first, so that a full disk or a missing right changes nothing.

    Raises:
        FileNotWritten: a file cannot be written, or is not any more what the plan was made for.
    """
    made: list[Path] = []
    staged: list[tuple[PlannedFile, Path]] = []
    with _explained(plan, made, staged):
        for file in plan.files:
            _check_unchanged(file)
            made += _make_folders(file.path.parent)
            staged.append((file, _stage(file)))
        return tuple(_put_in_place(file, temporary) for file, temporary in staged)


@contextlib.contextmanager
def _explained(plan: InitPlan | SetupPlan, made: list[Path], staged: list[tuple[PlannedFile, Path]]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        path = Path(os.fsdecode(error.filename)) if error.filename else plan.project
        raise FileNotWritten(
            f"{path} cannot be written",
            why=error.strerror or str(error),
            do="see to the rights and the free space there, then run the command again: it goes on where it stopped",
            file=str(path),
        ) from error
    finally:
        for _file, temporary in staged:
            temporary.unlink(missing_ok=True)
        for folder in reversed(made):
            with contextlib.suppress(OSError):  # not empty: the file is in place
                folder.rmdir()


def _check_unchanged(file: PlannedFile) -> None:
    if file.old is None and not os.path.lexists(file.path):
        return
    if file.old is not None and file.path.is_file() and textfile.read(file.path) == file.old:
        return
    raise FileNotWritten(
        f"{file.name} was changed meanwhile",
        why="it is not what it was when the plan was made, and nothing is overwritten unseen",
        do="run the command again",
        file=str(file.path),
    )


def _make_folders(folder: Path) -> list[Path]:
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing[::-1]


def _stage(file: PlannedFile) -> Path:
    # a link is followed: the file it names is changed, and it stays a link
    target = file.path.resolve()
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        _write_new(temporary, file.new, private=file.old is not None)
        if file.old is not None:
            shutil.copymode(target, temporary)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _put_in_place(file: PlannedFile, temporary: Path) -> WrittenFile:
    if file.old is None:
        _put_new(temporary, file.path)
        return WrittenFile(file.path)
    backup = _back_up(file)
    temporary.replace(file.path.resolve())
    return WrittenFile(file.path, backup)


def _put_new(temporary: Path, path: Path) -> None:
    """Give the file its name, unless somebody has taken that meanwhile."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if path.exists():
            raise
        temporary.replace(path)


def _back_up(file: PlannedFile) -> Path:
    """Copy what stands there to `.bak`, or to the first of `.bak1`, `.bak2`, … that is free."""
    number = 0
    while True:
        backup = file.path.with_name(f"{file.path.name}.bak{number or ''}")
        try:
            _write_new(backup, file.old or "", private=True)
        except FileExistsError:
            number += 1
            continue
        shutil.copystat(file.path, backup)
        return backup


def _write_new(path: Path, text: str, *, private: bool) -> None:
    """Write a file that must not be there yet, down to the disk.

    Args:
        private: for our eyes only until it gets the rights of the file that it stands for: alembic.ini may hold a
            password.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
    with open(descriptor, "wb") as stream:  # noqa: PTH123 - Path.open takes no descriptor
        stream.write(textfile.encode(text))
        stream.flush()
        os.fsync(stream.fileno())
