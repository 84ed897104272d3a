"""The pages tell the truth: their sessions run, their commands, options, settings and links exist."""

import argparse
import json
import re
import subprocess
import sys
import tomllib
from dataclasses import fields
from importlib import metadata
from pathlib import Path

import pytest

import autogenerate_page
import json_page
import reliability_page
from changes.groups import EVERY
from fault_counts import NAMES, RESULTS
from faults.cases import KINDS
from oppmigrate.cli.arguments import GLOBAL_OPTIONS
from oppmigrate.cli.registry import GROUPS, ROOT, Command, CommandGroup, application_command
from oppmigrate.config import Policy
from oppmigrate.errors import AlembicTooOld
from oppmigrate.installation import check_installation

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
GUIDE = PROJECT / "scripts" / "migrate" / "README.md"
README = PROJECT / "README.md"
CONFIGURATION = PROJECT / "docs" / "configuration.md"
PAGES = [README, GUIDE, PROJECT / "CONTRIBUTING.md", PROJECT / "CHANGELOG.md", *sorted((PROJECT / "docs").glob("*.md"))]
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
# named to show what a mistake looks like, and what a command of one's own may be
NO_COMMANDS = {"migrate upgarde", "migrate census", "census", "help", "migrate help", *GROUPS}


def own_commands() -> list[Command]:
    return [group.command(name) for group in (ROOT, CommandGroup("migrate")) for name in group.command_names()]


def application_commands(monkeypatch: pytest.MonkeyPatch) -> list[Command]:
    monkeypatch.syspath_prepend(str(PROJECT))
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["oppman"]
    return [application_command(name) for name in settings["commands"]]


def options_of(command: Command) -> set[str]:
    parser = argparse.ArgumentParser(add_help=False)
    command.add_arguments(parser)
    return {option for action in parser._actions for option in action.option_strings}


def global_options() -> set[str]:
    return {*re.findall(r"--?[a-z][a-z-]*", GLOBAL_OPTIONS), "-h", "--help"}


def section_of(page: Path, title: str) -> str:
    """The text below the heading that names the command."""
    found = re.search(rf"^### [^\n]*\b{title}\b.*?(?=^##)", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert found, f"{page.name} has no section for `{title}`"
    return found[0]


def told_in(name: str) -> tuple[str, ...]:
    """The sections that tell a command's options: downgrade's are said to be those of upgrade, and its own."""
    return (name, "migrate upgrade") if name == "migrate downgrade" else (name,)


def mentions(option: str, text: str) -> bool:
    return re.search(rf"(?<![\w-]){option}(?![\w-])", text) is not None


@pytest.mark.parametrize("page", ["README.md", "scripts/migrate/README.md"])
def test_page_shows_what_its_commands_say(page):
    """Where it does not: `make pages`, and read the difference."""
    command = [sys.executable, str(HERE / "pages.py"), page]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_guide_has_every_command_and_option(monkeypatch):
    commands = [*own_commands(), *application_commands(monkeypatch)]
    missing = [
        f"{command.name} {option}"
        for command in commands
        for option in sorted(options_of(command))
        if not any(mentions(option, section_of(GUIDE, name)) for name in told_in(command.name))
    ]
    assert missing == []


def test_guide_and_configuration_have_every_global_option():
    for page in (GUIDE, CONFIGURATION):
        text = page.read_text(encoding="utf-8")
        wanted = global_options() if page == GUIDE else {"--project", "--database-url", "--config", "--name", "-x"}
        assert [option for option in sorted(wanted) if not mentions(option, text)] == []


def test_readme_has_a_line_for_every_command(monkeypatch):
    lines = README.read_text(encoding="utf-8").splitlines()
    named = {line.split("`")[1] for line in lines if line.startswith("| `oppman ")}
    wanted = {f"oppman {command.name}" for command in [*own_commands(), *application_commands(monkeypatch)]}
    assert named == wanted


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_that_a_page_names_exist(page, monkeypatch):
    commands = {command.name: command for command in [*own_commands(), *application_commands(monkeypatch)]}
    for code in CODE.findall(page.read_text(encoding="utf-8")):
        for line in code.strip("`").splitlines():
            for name, rest in re.findall(r"\boppman(?:\.py)? ((?:migrate )?[a-z]+)\b([^|&;]*)", line):
                if name in NO_COMMANDS or line.startswith(("oppman help", '"""')):
                    continue
                assert name in commands, f"`{line}`: there is no command `{name}`"
                allowed = options_of(commands[name]) | global_options()
                unknown = {option for option in re.findall(r"(?<=\s)--?[a-z][a-z-]*", rest) if option not in allowed}
                assert unknown == set(), f"`{line}`: {name} takes no {unknown}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_of_a_page_resolve(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in anchors(file), f"{page.name}: {target}"


def anchors(page: Path) -> set[str]:
    """The headings as GitHub makes anchors of them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_json_page_is_what_the_results_are():
    """`make pages` writes it."""
    assert json_page.PAGE.read_text(encoding="utf-8") == json_page.page()


def test_reliability_page_has_the_numbers_of_the_last_run_of_all_faults():
    """`make faults` writes them, at the end of a run in which every fault was survived."""
    assert reliability_page.PAGE.read_text(encoding="utf-8") == reliability_page.page()
    if RESULTS.exists():
        survived = json.loads(RESULTS.read_text(encoding="utf-8"))["survived"]
        assert set(survived) == set(NAMES)
        assert sum(survived.values()) > 2000, "thousands, not dozens"


def test_autogenerate_page_is_what_the_changes_are():
    """`make pages` writes it."""
    assert autogenerate_page.PAGE.read_text(encoding="utf-8") == autogenerate_page.page()


def test_stock_alembic_was_measured_with_the_changes_as_they_are():
    """`make stock` measures again, and needs the servers."""
    measured = json.loads(autogenerate_page.RESULTS.read_text(encoding="utf-8"))["changes"]
    assert {name: each["fingerprint"] for name, each in measured.items()} == {
        change.name: change.fingerprint for change in EVERY
    }


def test_reliability_page_explains_every_kind_of_fault():
    page = reliability_page.PAGE.read_text(encoding="utf-8")
    kinds = {kind for kinds in KINDS.values() for kind, _ in kinds}
    assert {kind for kind in kinds if not re.search(rf"^\|[^|]*`{kind}`", page, re.MULTILINE)} == set()


def test_json_page_has_every_command_and_shape():
    assert {f"oppman {command.name}" for command in own_commands()} <= set(json_page.COMMANDS)
    shapes = {shape.__name__ for shape in json_page.shapes()}
    assert {name.strip("[], …") for name in json_page.COMMANDS.values()} <= shapes


def test_configuration_names_every_variable_and_key():
    page = CONFIGURATION.read_text(encoding="utf-8")
    sources = [path.read_text(encoding="utf-8") for path in (PROJECT / "src").rglob("*.py")]
    sources += [path.read_text(encoding="utf-8") for path in (PROJECT / "application").rglob("*.py")]
    variables = {name for source in sources for name in re.findall(r"\bOPPMAN_[A-Z_]+\b", source)}
    config = (PROJECT / "src" / "oppmigrate" / "config" / "settings.py").read_text(encoding="utf-8")
    keys = {key for pair in re.findall(r'_text\(own, "(\w+)"\)|own\.get\("(\w+)"\)', config) for key in pair if key}
    policy = {each.name.removesuffix(each.metadata["unit"]) for each in fields(Policy)}
    variables |= {f"OPPMAN_{name.upper()}" for name in policy} - {"OPPMAN_"}
    assert {name for name in variables if name not in page} == set()
    assert {key for key in keys | policy if f"`{key}`" not in page} == set()


def test_guide_shows_error_of_missing_alembic(monkeypatch, tmp_path):
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    with pytest.raises(AlembicTooOld) as caught:
        check_installation(tmp_path)
    assert f"```text\n{caught.value}\n```" in GUIDE.read_text(encoding="utf-8")
