"""The texts of new files, from the templates that the package carries."""

from collections.abc import Sequence
from importlib.resources import files
from string import Template

from oppmigrate.scaffold.metadata import LoadedMetadata

LINE_LENGTH = 88
WALKING_IMPORTS = ["import importlib", "import pkgutil"]


def read_template(name: str) -> str:
    """A template as it is shipped."""
    return (files("oppmigrate") / "templates" / name).read_text(encoding="utf-8")


def render_ini(*, script_location: str, search_path: Sequence[str], database_url: str) -> str:
    """alembic.ini.

    Args:
        search_path: what goes to the front of sys.path, in the ini's own terms (`%(here)s/src`).
        database_url: unescaped.
    """
    return Template(read_template("alembic.ini.template")).substitute(
        script_location=script_location,
        prepend_sys_path=lay_out_paths(search_path),
        path_separator="os" if len(search_path) == 1 else "newline",
        database_url=database_url.replace("%", "%%"),
    )


def lay_out_paths(paths: Sequence[str]) -> str:
    """Several paths go on lines of their own: between them `:` would do on one system and `;` on the other."""
    return f" {paths[0]}" if len(paths) == 1 else "".join(f"\n    {path}" for path in paths)


def render_env(
    modules: Sequence[str],
    models: Sequence[LoadedMetadata],
    packages: Sequence[str],
    comments: Sequence[str] = (),
) -> str:
    """env.py for these models.

    Args:
        comments: lines to keep from the env.py that it replaces.
        packages: those of `modules` whose submodules are to be imported, too.
    """
    imports = _import_lines(modules, models, packages)
    tops = {name.split(".")[0] for name in modules}
    foreign = [line for line in imports if line.split()[1].split(".")[0] not in tops]
    own = [line for line in imports if line not in foreign]
    blocks = [
        WALKING_IMPORTS if packages else [],
        [*foreign, "from oppmigrate.environment import name_constraints, run_migrations"],
        # last: the folder `alembic` makes tools that sort imports take the package for the project's own
        [*own, "from alembic import context"],
        *map(_walk, packages),
    ]
    head = "\n\n".join("\n".join(block) for block in blocks if block)
    above = [*comments, "# the tables that `create` and `check` compare with the database"]
    return render_env_around(head, "\n".join([*above, _target(models, "name_constraints")]))


def render_env_around(imports: str, target_metadata: str) -> str:
    """env.py around given imports and a given `target_metadata` statement."""
    return Template(read_template("env.py.template")).substitute(imports=imports, target_metadata=target_metadata)


def render_imports(modules: Sequence[str], models: Sequence[LoadedMetadata], packages: Sequence[str]) -> str:
    """Import statements for the models, to be put into an env.py that somebody wrote by hand."""
    lines = _import_lines(modules, models, packages)
    blocks = [[*WALKING_IMPORTS, "", *lines] if packages else lines, *map(_walk, packages)]
    return "\n\n".join("\n".join(block) for block in blocks)


def _import_lines(modules: Sequence[str], models: Sequence[LoadedMetadata], packages: Sequence[str]) -> list[str]:
    walked = {model.module for model in models if any(model.module.startswith(f"{name}.") for name in packages)}
    used = {name.split(".")[0] for name in (*packages, *(model.module for model in models))}
    names = sorted({*modules, *(model.module for model in models)} - walked)
    # a module that is imported for its tables alone looks unused
    return [f"import {name}" + ("" if name.split(".")[0] in used else "  # noqa: F401") for name in names]


def _walk(package: str) -> list[str]:
    """Lines that import every module of a package: a list of them would be wrong from the next one on."""
    return [
        f"# every module of {package}, those added later as well",
        f'for module in pkgutil.walk_packages({package}.__path__, "{package}."):',
        "    importlib.import_module(module.name)",
    ]


def render_plain_target(models: Sequence[LoadedMetadata]) -> str:
    """`target_metadata = …` without a name of ours in it, for an env.py that somebody wrote by hand."""
    if len(models) == 1:
        return f"target_metadata = {models[0].reference}"
    return _target(models, "")


def _target(models: Sequence[LoadedMetadata], function: str) -> str:
    references = [model.reference for model in models]
    start, end = ("(", ")") if function else ("[", "]")
    line = f"target_metadata = {function}{start}{', '.join(references)}{end}"
    if len(line) <= LINE_LENGTH:
        return line
    inside = "".join(f"    {reference},\n" for reference in references)
    return f"target_metadata = {function}{start}\n{inside}{end}"
