import pytest

from oppmigrate.errors import AlembicShadowed
from oppmigrate.scaffold import check_not_shadowed


def test_folder_alembic_hides_nothing(project):
    project.write("alembic/env.py", "")
    check_not_shadowed(project.path)


@pytest.mark.parametrize("file", ["alembic/__init__.py", "src/alembic/__init__.py"])
def test_package_alembic_is_to_be_deleted(project, file):
    project.write(file, "")
    with pytest.raises(AlembicShadowed) as raised:
        check_not_shadowed(project.path)
    assert raised.value.do.startswith(f"delete {file}")


def test_module_alembic_is_to_be_renamed(project):
    project.write("alembic.py", "")
    with pytest.raises(AlembicShadowed, match="alembic.py hides the alembic package"):
        check_not_shadowed(project.path)
