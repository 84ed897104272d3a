import sys
import textwrap

import pytest
from sqlmodel import SQLModel

from oppmigrate.errors import ModelsBroken, ModelsEmpty, ModelsNotFound
from oppmigrate.scaffold import discover_models, load_models
from scaffold_projects import BASE, USER, settings_of


def load(project, **options):
    settings = settings_of(project, **options)
    return load_models(settings, discover_models(settings))


def assert_loaded(project, *references, **options):
    """The models are these MetaData, as env.py calls them."""
    assert tuple(found.reference for found in load(project, **options)) == references


def broken(project) -> ModelsBroken:
    with pytest.raises(ModelsBroken) as raised:
        load(project)
    return raised.value


def test_sqlmodel_is_called_as_the_models_call_it(project):
    project.write("models.py", USER)
    (found,) = load(project)
    assert (found.module, found.expression, found.tables) == ("models", "SQLModel.metadata", ("users",))


def test_sqlmodel_that_the_models_do_not_name_is_called_by_its_package(project):
    text = USER.replace("from sqlmodel import Field, SQLModel", "import sqlmodel")
    project.write("models.py", text.replace("(SQLModel", "(sqlmodel.SQLModel").replace(" Field", " sqlmodel.Field"))
    assert_loaded(project, "sqlmodel.SQLModel.metadata")


def test_declarative_base_is_called_by_its_own_name(project):
    project.write("models.py", BASE)
    assert_loaded(project, "models.Base.metadata")


def test_abstract_class_is_not_taken_for_the_base(project):
    project.write(
        "models.py",
        BASE.replace("class Author", "class Abstract(Base):\n        __abstract__ = True\n\n\n    class Author"),
    )
    assert_loaded(project, "models.Base.metadata")


def test_declarative_base_of_the_older_kind_is_found(project):
    text = """
        from sqlalchemy import Column, Integer
        from sqlalchemy.orm import declarative_base

        Model = declarative_base()


        class Author(Model):
            __tablename__ = "authors"
            id = Column(Integer, primary_key=True)
    """
    project.write("models.py", text)
    assert_loaded(project, "models.Model.metadata")


def test_bare_metadata_is_found(project):
    project.write(
        "models.py", "from sqlalchemy import *\n\ntables = MetaData()\nt = Table('t', tables, Column('id', Integer))\n"
    )
    assert_loaded(project, "models.tables")


def test_metadata_behind_a_table_alone_is_found(project):
    project.write("models.py", "from sqlalchemy import *\n\nt = Table('t', MetaData(), Column('id', Integer))\n")
    assert_loaded(project, "models.t.metadata")


def test_metadata_without_tables_is_passed_over(project):
    project.write("models.py", "from sqlalchemy import MetaData\n\nunused = MetaData()\n" + _dedented(USER))
    assert_loaded(project, "models.SQLModel.metadata")


def test_metadata_under_several_names_counts_once(project):
    project.write("models.py", _dedented(BASE) + "\n\nmetadata = Base.metadata\nalso = metadata\n")
    assert_loaded(project, "models.Base.metadata")


def test_several_metadata_are_all_found(project):
    project.write("models.py", USER)
    project.write("src/blog/models.py", BASE)
    assert_loaded(project, "models.SQLModel.metadata", "blog.models.Base.metadata")


def test_submodules_of_a_package_are_imported(project):
    project.write("models/__init__.py", "")
    project.write("models/people/__init__.py", "")
    project.write("models/people/user.py", USER)
    (found,) = load(project)
    assert found.reference == "sqlmodel.SQLModel.metadata"
    assert found.tables == ("users",)


def test_base_of_a_package_is_called_where_it_is_defined(project):
    project.write(
        "models/base.py", "from sqlalchemy.orm import DeclarativeBase\n\n\nclass Base(DeclarativeBase):\n    pass\n"
    )
    author = BASE.split("pass\n")[1]
    head = "from sqlalchemy.orm import Mapped, mapped_column\n\nfrom models.base import Base\n"
    project.write("models/author.py", head + _dedented(author))
    assert_loaded(project, "models.base.Base.metadata")


def test_base_outside_of_the_named_modules_is_called_where_it_is_defined(project):
    project.write("shared/base.py", BASE)
    project.write("models.py", "from shared.base import Author\n")
    assert_loaded(project, "shared.base.Base.metadata")


def test_what_the_models_print_goes_to_stderr(project, capsys):
    project.write("models.py", _dedented(USER) + "\nprint('hello')\n")
    load(project)
    assert capsys.readouterr() == ("", "hello\n")


def test_models_are_imported_in_the_project_folder_and_sys_path_is_left_as_it_was(project):
    project.write("secret.txt", "42")
    project.write("models.py", _dedented(USER) + "\nimport pathlib\nassert pathlib.Path('secret.txt').is_file()\n")
    before = list(sys.path)
    load(project)
    assert sys.path == before


# ---- what goes wrong


def test_syntax_error_names_file_line_and_source(project):
    project.write("models.py", "x = 1\ny = = 2\n")
    error = broken(project)
    assert error.what.startswith("models.py cannot be imported: SyntaxError: ")
    assert error.why == "models.py:2: y = = 2"
    assert (error.facts["line"], error.facts["exception"]) == (2, "SyntaxError")


def test_exception_names_the_line_of_the_project_rather_than_of_a_library(project):
    project.write("models.py", "from sqlmodel import Field\n\nimport app.fields\n")
    project.write("app/fields.py", "import json\n\nDATA = json.loads('{')\n")
    error = broken(project)
    assert error.why == "app/fields.py:3: DATA = json.loads('{')"
    assert "JSONDecodeError" in error.what


def test_missing_library_is_to_be_installed(project):
    project.write("models.py", "import no_such_library.inside\n")
    error = broken(project)
    assert error.what == "models.py cannot be imported: ModuleNotFoundError: No module named 'no_such_library'"
    assert error.do.startswith("install `no_such_library`")


def test_module_that_exits_is_broken(project):
    project.write("models.py", "import sys\nsys.exit('bye')\n")
    assert broken(project).what == "models.py cannot be imported: SystemExit: bye"


def test_broken_submodule_is_not_passed_over(project):
    project.write("models/__init__.py", _dedented(USER))
    project.write("models/later/__init__.py", "import no_such_library\n")
    assert broken(project).facts["file"].endswith("models/later/__init__.py")


def test_password_in_the_source_is_not_shown(project):
    project.write("models.py", "raise ValueError('postgresql://me:hunter2@host/db')\n")
    error = broken(project)
    assert "hunter2" not in f"{error} {error.facts}"


def test_failed_import_leaves_nothing_behind(project):
    project.write("app/__init__.py", "")
    project.write("app/user.py", USER)
    project.write("models.py", "import app.user\n1 / 0\n")
    broken(project)
    assert not {"models", "app", "app.user"} & set(sys.modules)
    assert not SQLModel.metadata.tables


def test_failed_import_below_folders_without_init_leaves_nothing_behind(project):
    project.write("app/models/user.py", USER)
    project.write("app/models/zebra.py", "1 / 0")
    assert broken(project).why == "app/models/zebra.py:1: 1 / 0"
    assert not [name for name in sys.modules if name.split(".")[0] == "app"]


def test_file_that_is_not_utf_8_is_named(project):
    (project.path / "models.py").write_bytes(b"x = '\xff'\n")
    error = broken(project)
    assert error.what.startswith("models.py cannot be imported: SyntaxError: (unicode error)")


def test_attempt_after_a_failed_one_starts_afresh(project):
    project.write("models.py", _dedented(BASE) + "\n1 / 0\n")
    broken(project)
    project.write("models.py", _dedented(BASE) + "\nlonger = 1\n")
    assert_loaded(project, "models.Base.metadata")


def test_models_of_another_project_in_this_process_are_not_taken_for_ours(project, tmp_path):
    project.write("models.py", USER)
    load(project)
    other = type(project)(tmp_path / "other")
    other.write("models.py", BASE)
    error = broken(other)
    assert error.what == f"the module `models` is loaded already, from {project.path / 'models.py'}"


def test_submodule_missing_from_an_installed_package_is_not_found(project):
    with pytest.raises(ModelsNotFound, match="there is no module `sqlmodel.tables`"):
        load(project, models=["sqlmodel.tables"])


def test_no_table_names_what_was_imported_and_the_class_without_table_true(project):
    project.write("models/user.py", USER.replace(", table=True", ""))
    with pytest.raises(ModelsEmpty) as raised:
        load(project)
    assert raised.value.facts["modules"] == ["models", "models.user"]
    assert "models.user.User has no `table=True`" in raised.value.why
    assert "table=True" in raised.value.do


def _dedented(text: str) -> str:
    return textwrap.dedent(text).removeprefix("\n")
