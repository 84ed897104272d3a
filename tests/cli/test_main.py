"""From arguments to an exit code."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from oppmigrate.cli import main
from projects import clean_environment


def begin(project):
    """A project with models, not set up yet. In a metadata of its own, since the tests share one process."""
    project.write(
        "models.py",
        """
        import sqlalchemy as sa

        metadata = sa.MetaData()
        sa.Table("users", metadata, sa.Column("id", sa.Integer, primary_key=True))
        """,
    )


@pytest.fixture
def command(project):
    """A command of the application's own, with this body."""

    def write(body):
        project.write("pyproject.toml", '[tool.oppman]\ncommands = ["own_command"]\n')
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        project.write(
            "own_command.py",
            f'"""One."""\n\n\ndef add_arguments(parser):\n    pass\n\n\ndef run(arguments, settings):\n{lines}',
        )

    return write


# ---- exit codes


@pytest.mark.parametrize(
    ("arguments", "what", "do"),
    [
        (["migrat"], "no command `oppman migrat`", "did you mean `oppman migrate`?"),
        (["upgrade"], "no command `oppman upgrade`", "did you mean `oppman migrate upgrade`?"),
        (["migrate", "upgrad"], "no command `oppman migrate upgrad`", "did you mean `oppman migrate upgrade`?"),
        (["migrate", "backup"], "no command `oppman migrate backup`", "did you mean `oppman backup`?"),
        (["help", "upgrad"], "no command `oppman upgrad`", "did you mean `oppman migrate upgrade`?"),
        (["zzzzzz"], "no command `oppman zzzzzz`", "oppman help lists the commands"),
        (["--jsn"], "`oppman` has no option --jsn", "did you mean --json?"),
        (["--sql", "migrate", "upgrade"], "`oppman` has no option --sql", "oppman --help"),
        (["migrate", "--plan", "upgrade"], "`oppman migrate` has no option --plan", "oppman migrate --help"),
        (["migrate", "upgrade", "--pln"], "has no option --pln", "did you mean --plan?"),
        (["--project"], "expected one argument", "oppman --help"),
        (["--project", "nowhere", "migrate", "current"], "there is no such folder", "name the folder"),
        (["postgresql://user:secret@host/db"], "user:***@host", "oppman help"),
    ],
)
def test_wrong_usage_exits_2_and_names_the_nearest(oppman, arguments, what, do):
    answer = oppman(*arguments)
    assert (answer.code, answer.out) == (2, "")
    assert what in answer.err
    assert do in answer.err
    assert "secret" not in answer.err


def test_command_of_the_application_is_the_nearest_too(oppman, command):
    command("return 0")
    assert "did you mean `oppman own_command`?" in oppman("own_comand").err


@pytest.mark.parametrize("code", [0, 1, 3])
def test_code_of_the_command_is_the_exit_code(oppman, command, code):
    command(f"return {code}")
    assert oppman("own_command").code == code


def test_outside_of_a_project_exits_1_and_says_what_to_do(oppman):
    answer = oppman("migrate", "current")
    assert answer.code == 1
    assert "no project in" in answer.err
    assert "--project DIR" in answer.err


def test_nothing_is_imported_from_a_project_that_hides_alembic(oppman, project):
    begin(project)
    project.write("alembic/__init__.py", "1 / 0")
    answer = oppman("migrate", "init")
    assert answer.code == 1
    assert "hides the alembic package" in answer.err


def test_folder_that_is_gone_is_said(project):
    gone = project.path / "gone"
    code = f"import os; os.makedirs({str(gone)!r}); os.chdir({str(gone)!r}); os.rmdir({str(gone)!r})\n"
    code += "from oppmigrate.cli import main; raise SystemExit(main(['migrate', 'current']))"
    result = project.call([sys.executable, "-c", code])
    assert result.returncode == 1
    assert "does not exist any more" in result.stderr
    assert "Traceback" not in result.stderr


# ---- the project's folder


def test_project_is_named_by_flag_environment_or_caller(project, tmp_path, monkeypatch, capsys):
    """`--project` before OPPMAN_PROJECT before the folder that an oppman.py passes."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    folders = {}
    for name in ("flag", "environment", "caller"):
        folders[name] = tmp_path / name
        folders[name].mkdir()

    def shown(*arguments):
        main([*arguments, "help"], project=folders["caller"])
        return capsys.readouterr().out

    assert f"No migrations in {folders['caller']} yet" in shown()
    monkeypatch.setenv("OPPMAN_PROJECT", str(folders["environment"]))
    assert f"No migrations in {folders['environment']} yet" in shown()
    assert f"No migrations in {folders['flag']} yet" in shown("--project", "flag")


def test_command_works_from_a_nested_folder(oppman, project, monkeypatch):
    begin(project)
    assert oppman("migrate", "init").code == 0
    nested = project.path / "a" / "b"
    nested.mkdir(parents=True)
    monkeypatch.chdir(nested)
    answer = oppman("migrate", "current")
    assert (answer.code, answer.out) == (0, "base (there are no revisions yet)\n")
    assert not (nested / "test.db").exists()


# ---- JSON


@pytest.mark.parametrize(
    ("arguments", "kind", "code"),
    [
        (["migrate", "current"], "no-project", 1),
        (["migrate", "upgrad"], "wrong-usage", 2),
        (["migrate", "upgrade", "--pln"], "wrong-usage", 2),
        (["migrate", "create"], "no-project", 1),
        (["--project"], "wrong-usage", 2),
        (["--project", "nowhere", "migrate", "current"], "wrong-usage", 2),
        (["migrate", "downgrade"], "wrong-usage", 2),
        (["migrate", "init"], "models-not-found", 1),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_error_is_one_json_document_wherever_the_flag_stands(oppman, arguments, kind, code, first):
    answer = oppman("--json", *arguments) if first else oppman(*arguments[:1], "--json", *arguments[1:])
    assert answer.code == code
    assert json.loads(answer.out)["error"]["kind"] == kind
    assert "Traceback" not in answer.err


def test_help_and_version_as_json(oppman):
    assert set(json.loads(oppman("--json", "--version").out)) == {"version"}
    assert "oppman migrate COMMAND" in json.loads(oppman("help", "--json").out)["help"]
    assert "Apply the pending revisions" in json.loads(oppman("migrate", "upgrade", "-h", "--json").out)["help"]


def test_story_never_mixes_with_json(oppman, project):
    begin(project)
    answer = oppman("migrate", "init", "--json")
    assert json.loads(answer.out)["adopted"] is False
    assert "next" in answer.err


# ---- verbose


def test_traceback_only_with_verbose(oppman):
    assert "Traceback" not in oppman("migrate", "current").err
    assert "NoProject" in oppman("migrate", "current", "-v").err


def test_no_input_asks_nothing(oppman, project):
    begin(project)
    oppman("migrate", "init")
    answer = oppman("migrate", "create", "--no-input")
    assert answer.code == 2
    assert "create needs a message" in answer.err


# ---- streams and signals


def test_message_that_the_terminal_cannot_write_is_no_error(oppman, project):
    begin(project)
    oppman("migrate", "init")
    oppman("migrate", "create", "Größe – 漢", "--empty")
    result = project.run("migrate", "history", env={"PYTHONIOENCODING": "ascii"})
    assert result.returncode == 0
    assert r"Gr\xf6\xdfe" in result.stdout
    assert "Traceback" not in result.stderr


PRINTS = "for n in range(20000):\n    arguments.terminal.data(f'line {n}')\nreturn 0"
FEW = "arguments.terminal.data('line 0')\nreturn 0"


@pytest.mark.parametrize("body", [PRINTS, FEW])
@pytest.mark.parametrize("both", [False, True], ids=["stdout", "stdout and stderr"])
def test_reader_that_has_enough_gets_no_traceback(project, command, body, both):
    """`oppman … | head -1`, where the reader is gone before the last line, or before the first."""
    command(body)
    read, write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "oppmigrate", "own_command"],
        stdout=write,
        stderr=write if both else subprocess.PIPE,
        cwd=project.path,
        env=clean_environment(),
    )
    os.close(write)
    if body is PRINTS:
        assert os.read(read, 6) == b"line 0"
    os.close(read)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert (err or b"") == b""


def test_error_into_a_closed_pipe_gets_no_traceback(project):
    shell = f"{sys.executable} -m oppmigrate --json migrate nosuch 2>&1 | true; exit ${{PIPESTATUS[0]}}"
    result = project.call(["bash", "-c", shell])
    assert result.returncode in (1, 2)
    assert "Traceback" not in result.stderr
    assert "Exception ignored" not in result.stderr


def test_closed_streams_are_no_error(project):
    for closed in (">&-", "2>&-", "<&-", ">&- 2>&-"):
        result = project.call(["bash", "-c", f"{sys.executable} -m oppmigrate help {closed}"])
        assert result.returncode == 0, closed
        assert "Traceback" not in result.stderr


def test_interruption_exits_130_with_one_word(oppman, command):
    command("raise KeyboardInterrupt")
    answer = oppman("own_command")
    assert (answer.code, answer.out, answer.err) == (130, "", "interrupted\n")


def test_ctrl_c_exits_130_without_a_traceback(project, command):
    command("import time\narguments.terminal.data('ready')\nimport sys; sys.stdout.flush()\ntime.sleep(60)")
    process = subprocess.Popen(
        [sys.executable, "-m", "oppmigrate", "own_command"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=project.path,
        env=clean_environment(),
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == "interrupted\n"


@pytest.mark.parametrize("start", [["-m", "oppmigrate"], ["oppman.py"]])
def test_every_way_to_start_it_is_the_same(oppman, project, start):
    begin(project)
    oppman("migrate", "init")
    answer = project.call([sys.executable, *start, "migrate", "current"])
    assert (answer.returncode, answer.stdout) == (0, "base (there are no revisions yet)\n")
