"""Which keys of an existing alembic.ini `setup` adds or changes, and which it leaves alone."""

import os
import re
from collections.abc import Sequence

from oppmigrate.config import PLACEHOLDER_URL, Settings
from oppmigrate.scaffold.address import url_for_ini
from oppmigrate.scaffold.ini import IniFile
from oppmigrate.scaffold.init import DEFAULT_FOLDER, ini_path, search_path

SEPARATORS = {"os": os.pathsep, ":": ":", ";": ";"}


def edit_ini(text: str, settings: Settings, modules: Sequence[str], *, takes_url: bool) -> tuple[str, tuple[str, ...]]:
    """The file with what it lacks, and notes on what is better done by hand.

    Args:
        takes_url: env.py connects to `sqlalchemy.url`, so one has to be there.
    """
    assert settings.config_file is not None
    ini, section, name = IniFile(text), settings.section, settings.shown(settings.config_file)
    if section not in ini.sections:
        return text, (() if settings.toml_file else (f"{name} has no section [{section}]: nothing was set there",))
    folder = settings.config_file.parent
    notes: list[str] = []
    if settings.toml_file is None:
        if ini.get(section, "script_location") is None:
            location = settings.script_location or settings.project / DEFAULT_FOLDER
            ini = ini.set(section, "script_location", ini_path(location, folder))
        wanted = search_path(folder, settings.project, modules)
        ini, path_notes = _with_search_path(ini, section, wanted, name)
        notes += path_notes
    ini, url_notes = _with_url(ini, settings, name, takes_url)
    return ini.text, (*notes, *url_notes)


def _with_search_path(ini: IniFile, section: str, wanted: Sequence[str], name: str) -> tuple[IniFile, list[str]]:
    """`prepend_sys_path`, where it is absent or Alembic's own `.`, and the separator that it is read by.

    A separator is never added where it would part paths elsewhere than before.
    """
    paths, separator = ini.get(section, "prepend_sys_path"), ini.get(section, "path_separator")
    locations = ini.get(section, "version_locations")
    is_default = paths is None or paths in (".", wanted[0])
    if separator is None and _has_several(locations, *(() if is_default else (paths,))):
        return ini, [f"{name} has no path_separator: say which of os, newline, space, : or ; stands between its paths"]
    if not is_default or separator == "space":
        ini = ini if separator else ini.set(section, "path_separator", "os", after="prepend_sys_path")
        return ini, []
    if separator is None or (len(wanted) > 1 and locations is None):
        separator = "os" if len(wanted) == 1 else "newline"
    value = SEPARATORS.get(separator, "\n").join(wanted)
    if separator == "newline" and len(wanted) > 1:
        value = "\n" + value
    ini = _changed(ini, section, "prepend_sys_path", value, after="script_location")
    return _changed(ini, section, "path_separator", separator, after="prepend_sys_path"), []


def _with_url(ini: IniFile, settings: Settings, name: str, takes_url: bool) -> tuple[IniFile, list[str]]:
    section, current = settings.section, ini.get(settings.section, "sqlalchemy.url")
    if current == PLACEHOLDER_URL or (current is None and takes_url):
        url, note = url_for_ini(settings)
        return ini.set(section, "sqlalchemy.url", url.replace("%", "%%")), [note] if note else []
    if settings.database_url_source == "--database-url" and current is not None:
        return ini, [f"{name} keeps its sqlalchemy.url: change it there, or set DATABASE_URL"]
    others = [each for each in ini.sections if (ini.get(each, "sqlalchemy.url") or "").startswith(PLACEHOLDER_URL)]
    return ini, [f"{name}: sqlalchemy.url in [{each}] is still Alembic's example" for each in others]


def _changed(ini: IniFile, section: str, key: str, value: str, *, after: str) -> IniFile:
    return ini if ini.get(section, key) == value.strip() else ini.set(section, key, value, after=after)


def _has_several(*values: str | None) -> bool:
    """May a value hold more than one path, by whatever separator?"""
    return any(re.search(r"[\s,:;]", value) for value in values if value)
