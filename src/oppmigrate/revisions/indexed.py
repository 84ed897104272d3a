"""The index of a project's revision files: what each said of itself, for as long as it stands as it did.

To read 5000 files takes seconds, and to look whether one was changed takes a twentieth of a second for all of them. The
index is never the truth: each file is looked at, and read again where it may have been changed.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from oppmigrate.index import Stamp, Store, is_settled, now_ns, stamp_of
from oppmigrate.revisions.reading import RevisionFile, read_bytes, read_revision_file

STORE = "revisions"
# Stamp, is it settled, SHA-256, then the fields of RevisionFile up to `created`, and the checksum where it is known.
Entry = tuple[Any, ...]
CHECKSUM = -1


def read_indexed(paths: Iterable[Path], project: Path) -> Iterator[RevisionFile]:
    """The files, of which those that changed since the last time are read, and the others taken from the index.

    Raises:
        RevisionFileBroken: see `read_revision_file`; what was read before stays in the index.
    """
    index = _Index(project)
    try:
        for path in paths:
            yield index.read(path)
        index.is_whole = True
    finally:
        index.save()


def known_checksums(project: str) -> Mapping[str, str]:
    """For each SHA-256 of a file's contents, the checksum of its meaning, as far as that was ever asked for."""
    entries: Mapping[str, Entry] = Store(project, STORE).load() or {}
    return {entry[2]: entry[CHECKSUM] for entry in entries.values() if entry[CHECKSUM]}


def remember_checksums(project: Path, checksums: Mapping[str, str]) -> None:
    """Keep what `known_checksums` tells: to work out a checksum takes a file's parsing."""
    store = Store(str(project), STORE)
    entries: Mapping[str, Entry] = store.load() or {}
    if entries:
        store.save({path: (*entry[:-1], checksums.get(entry[2], entry[-1])) for path, entry in entries.items()})


class _Index:
    def __init__(self, project: Path) -> None:
        self._store = Store(str(project), STORE)
        self._known: dict[str, Entry] = self._store.load() or {}
        self._kept: dict[str, Entry] = {}
        self._begun_ns = now_ns()
        self.is_whole = False  # the files were all seen: what is not among them is gone

    def read(self, path: Path) -> RevisionFile:
        name = str(path)
        stamp = _stamp(name)
        entry = self._known.get(name)
        if entry is None or entry[0] != stamp or not entry[1]:
            source = read_bytes(path)
            digest = sha256(source).hexdigest()
            if entry is None or entry[2] != digest:
                file = read_revision_file(path)
                if stamp is None or file.is_computed or file.digest != digest:
                    return file  # its ids may be others at the next run, or somebody is writing to it
                entry = _entry(file)
            entry = (stamp, stamp is not None and is_settled(stamp, self._begun_ns), *entry[2:])
        self._kept[name] = entry
        return _file(path, entry)

    def save(self) -> None:
        entries = self._kept if self.is_whole else {**self._known, **self._kept}
        if entries != self._known:
            self._store.save(entries)


def _stamp(name: str) -> Stamp | None:
    try:
        return stamp_of(name)
    except OSError:
        return None


def _entry(file: RevisionFile) -> Entry:
    return (
        None,
        False,
        file.digest,
        file.revision,
        file.down_revisions,
        file.branch_labels,
        file.depends_on,
        file.message,
        file.docstring,
        file.created and file.created.isoformat(),
        None,
    )


def _file(path: Path, entry: Entry) -> RevisionFile:
    _stamp, _is_settled, digest, revision, down, labels, depends_on, message, docstring, created, checksum = entry
    return RevisionFile(
        revision,
        down,
        labels,
        depends_on,
        message,
        docstring,
        created and datetime.fromisoformat(created),
        path,
        digest,
        known_checksum=checksum,
    )
