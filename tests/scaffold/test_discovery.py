import pytest

from oppmigrate.errors import ModelsNotFound
from oppmigrate.scaffold import discover_models
from scaffold_projects import settings_of


def assert_found(project, files, *modules, **options):
    """These files lie in the project, and these modules are found."""
    for file in files:
        project.write(file, "")
    assert discover_models(settings_of(project, **options)) == modules


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("models.py", "models"),
        ("models/__init__.py", "models"),
        ("models/user.py", "models"),
        ("app/models.py", "app.models"),
        ("app/models/user.py", "app.models"),
        ("src/shop/models.py", "shop.models"),
        ("src/shop/models/__init__.py", "shop.models"),
    ],
)
def test_usual_places_are_found(project, file, module):
    assert_found(project, [file], module)


def test_all_usual_places_count_so_that_no_table_is_left_out(project):
    files = ["models.py", "app/models.py", "src/shop/models.py", "src/blog/models/post.py"]
    assert_found(project, files, "models", "app.models", "blog.models", "shop.models")


def test_folder_without_code_is_no_models(project):
    project.write("models/weights.bin", "")
    with pytest.raises(ModelsNotFound, match="no models were found"):
        discover_models(settings_of(project))


def test_src_that_is_a_package_stays_in_the_name(project):
    assert_found(project, ["src/__init__.py", "src/shop/models.py"], "src.shop.models")


def test_src_stays_in_the_name_when_the_models_import_each_other_by_it(project):
    project.write("src/shop/models.py", "from src.shared import Base\n")
    assert discover_models(settings_of(project)) == ("src.shop.models",)


@pytest.mark.parametrize(
    ("named", "module"),
    [
        ("shop.tables", "shop.tables"),
        ("shop/tables.py", "shop.tables"),
        ("./shop/tables.py", "shop.tables"),
        ("src/blog/tables/__init__.py", "blog.tables"),
        ("src/blog/tables/", "blog.tables"),
        ("sqlmodel", "sqlmodel"),
    ],
)
def test_named_modules_win_over_the_usual_places(project, named, module):
    assert_found(project, ["models.py", "shop/tables.py", "src/blog/tables/__init__.py"], module, models=[named])


def test_named_module_that_is_missing_lists_what_was_tried(project):
    (project.path / "src").mkdir()
    with pytest.raises(ModelsNotFound) as raised:
        discover_models(settings_of(project, models=["shop.tables"]))
    assert raised.value.facts["tried"] == ["shop/tables.py", "shop/tables/", "src/shop/tables.py", "src/shop/tables/"]
    assert "--models" in raised.value.do


def test_nothing_is_imported(project):
    project.write("models.py", "raise SystemExit")
    assert discover_models(settings_of(project)) == ("models",)
