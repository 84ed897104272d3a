"""Is the Alembic that will be imported the right one?"""

from importlib import metadata

import pytest

from oppmigrate.errors import AlembicShadowed, AlembicTooOld
from oppmigrate.installation import check_installation, check_not_shadowed


def install(monkeypatch, version):
    monkeypatch.setattr(metadata, "version", lambda _name: version)


def test_installed_alembic_is_accepted(project):
    project.write("alembic/env.py", "")
    check_installation(project.path)


@pytest.mark.parametrize("name", ["alembic/__init__.py", "alembic.py"])
def test_file_that_hides_the_package_is_named(project, name):
    path = project.write(name, "")
    with pytest.raises(AlembicShadowed) as caught:
        check_installation(project.path)
    assert name in caught.value.what
    assert str(path) in caught.value.do


def test_folder_alembic_hides_nothing(project):
    project.write("alembic/env.py", "")
    project.write("src/alembic/env.py", "")
    check_not_shadowed(project.path, (project.path, project.path / "src"))


@pytest.mark.parametrize("name", ["alembic/__init__.py", "src/alembic/__init__.py"])
def test_package_alembic_is_to_be_deleted(project, name):
    path = project.write(name, "")
    with pytest.raises(AlembicShadowed) as caught:
        check_not_shadowed(project.path, (project.path, project.path / "src"))
    assert name in caught.value.what
    assert caught.value.do.startswith(f"delete {path}")


def test_package_below_src_hides_nothing_where_src_is_not_imported_from(project):
    project.write("src/alembic/__init__.py", "")
    check_installation(project.path)


def test_module_alembic_is_to_be_renamed(project):
    path = project.write("alembic.py", "")
    with pytest.raises(AlembicShadowed, match="alembic.py hides the alembic package") as caught:
        check_not_shadowed(project.path)
    assert caught.value.do == f"give {path} another name"


@pytest.mark.parametrize("version", ["1.18", "1.18.0", "1.18.0rc1", "1.20.1", "1.100", "2.0", "2"])
def test_new_enough_version_is_accepted(project, monkeypatch, version):
    install(monkeypatch, version)
    check_installation(project.path)


@pytest.mark.parametrize("version", ["1.17.9", "1.9", "1", "0.9.9", "1.2.18"])
def test_too_old_version_is_refused_with_what_to_type(project, monkeypatch, version):
    install(monkeypatch, version)
    with pytest.raises(AlembicTooOld, match=f"Alembic {version} is too old") as caught:
        check_installation(project.path)
    assert "pip install -U 'alembic>=1.18'" in caught.value.do


def test_missing_alembic_is_said(project, monkeypatch):
    def version(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)
    with pytest.raises(AlembicTooOld, match="Alembic not found"):
        check_installation(project.path)
