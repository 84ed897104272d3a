"""The layout of revision files: always the same program, the way that ruff would write it."""

import ast
import subprocess
import sys
import textwrap

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oppmigrate.autogenerate.layout import WIDTH, lay_out

HEAD = '''"""first

Revision ID: a1
Revises: base

"""

from alembic import op
import sqlalchemy as sa

revision = "a1"
down_revision = None
'''


def revision_file(upgrade, downgrade="pass"):
    """A revision file with these statements, each at column 0."""
    bodies = (textwrap.indent(textwrap.dedent(each).strip("\n"), "    ") for each in (upgrade, downgrade))
    up, down = bodies
    return f"{HEAD}\n\ndef upgrade() -> None:\n{up}\n\n\ndef downgrade() -> None:\n{down}\n"


def body_of(source):
    """The statements of `upgrade`, at column 0."""
    body = source.split("def upgrade() -> None:\n")[1].split("\n\n\ndef downgrade")[0]
    return textwrap.dedent(body)


def assert_laid_out(before, after):
    assert body_of(lay_out(revision_file(before))) == textwrap.dedent(after).strip("\n")


def assert_left(statements):
    assert_laid_out(statements, statements)


def assert_same_program(source):
    laid_out = lay_out(source)
    assert ast.dump(ast.parse(laid_out)) == ast.dump(ast.parse(source))
    assert lay_out(laid_out) == laid_out


# ---- one call a line, or one argument a line


def test_call_that_fits_stands_on_one_line():
    assert_laid_out(
        "op.add_column('users',\n  sa.Column('age', sa.Integer()))",
        'op.add_column("users", sa.Column("age", sa.Integer()))',
    )


def test_call_that_does_not_fit_has_one_argument_a_line():
    assert_laid_out(
        """
        op.create_table('users', sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('email', sa.String(length=255)), sa.PrimaryKeyConstraint('id', name=op.f('pk_users')))
        """,
        """
        op.create_table(
            "users",
            sa.Column("id", sa.Integer(), nullable=False),
            sa.Column("email", sa.String(length=255)),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        )
        """,
    )


def test_argument_that_does_not_fit_is_broken_in_turn():
    long = "a_value_of_an_enum_that_is_rather_long"
    assert_laid_out(
        f"op.add_column('users', sa.Column('kind', sa.Enum('one_{long}', 'two_{long}', name='kind')))",
        f"""
        op.add_column(
            "users",
            sa.Column(
                "kind",
                sa.Enum(
                    "one_{long}",
                    "two_{long}",
                    name="kind",
                ),
            ),
        )
        """,
    )


@pytest.mark.parametrize("length", range(25, 82))
def test_no_line_is_wider_than_the_page(length):
    source = revision_file(
        f"with op.batch_alter_table('users') as b:\n    b.create_index('ix', ['{'x' * length}'], unique=False)"
    )
    assert max(map(len, lay_out(source).splitlines())) <= WIDTH
    assert_same_program(source)


def test_text_that_is_longer_than_a_line_stays_whole():
    text = "x" * 200
    assert_laid_out(f"op.execute('{text}')", f'op.execute(\n    "{text}",\n)')


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("'plain'", '"plain"'),
        ("'say \"x\"'", "'say \"x\"'"),
        ('"it\'s"', '"it\'s"'),
        ("'it\\'s \"x\"'", "'it\\'s \"x\"'"),
        ("'it\\'s n\\'t \"x\"'", '"it\'s n\'t \\"x\\""'),
        ("'a\\\\b'", '"a\\\\b"'),
        ("'a\\nb'", '"a\\nb"'),
        ("'ü “x” 漢'", '"ü “x” 漢"'),
        ("'{a}'", '"{a}"'),
        ("b'x'", 'b"x"'),
        ("1e309", "1e309"),
        ("...", "..."),
        ("{'a': 1}", '{"a": 1}'),
        ("{**a, 'b': {}}", "{**a, 'b': {}}"),
        ("('a',)", '("a",)'),
        ("()", "()"),
        ("-1", "-1"),
        ("not x", "not x"),
        ("*args", "*args"),
        ("**options", "**options"),
        ("(a + b).c", "(a + b).c"),
        ("(lambda: 'x')()", "(lambda: 'x')()"),
        ("(1).real", "1 .real"),
        ("'{}'.format(1)", '"{}".format(1)'),
        ("x['a']", "x['a']"),
        ("**{'a': 1}", '**{"a": 1}'),
    ],
)
def test_value_is_written_in_the_usual_way(text, written):
    assert_laid_out(f"f(   {text})", f"f({written})")


# ---- what is left as it stands


@pytest.mark.parametrize(
    "statements",
    [
        "op.execute(  # why\n    'x'\n)",
        "op.create_table(\n    'x',\n    # what for\n    sa.Column('y'),\n)",
        'op.execute("""\n    UPDATE users\n       SET a = 1\n""")',
        "op.execute('''one\n''' 'two')",
        "op.execute(   f'{a}')",
        "op.execute('x'); op.execute('y')",
        "a = 1; op.execute('y')",
        "with op.batch_alter_table('x') as b: b.drop_column('y')",
        "with op.batch_alter_table('x') as b:  # why\n    pass",
        "if a:\n    op.execute('x')",
        "for a in b:\n    op.execute('x')",
        "x = f('y')",
        "return None",
        "pass",
    ],
)
def test_statement_is_left_as_it_stands(statements):
    assert_left(statements)


def test_number_sign_in_a_text_is_no_comment():
    assert_laid_out("op.execute(   '# not a comment')", 'op.execute("# not a comment")')


def test_comments_between_statements_stay():
    assert_laid_out("# first\nf(  1)\n# second\n\n# third\nf(2  )", "# first\nf(1)\n# second\n\n# third\nf(2)")


def test_alembic_s_own_comments_go():
    assert_laid_out(
        "# ### commands auto generated by Alembic - please adjust! ###\nf(1)\n# ### end Alembic commands ###", "f(1)"
    )


def test_alembic_s_own_comments_stay_in_a_text():
    assert_left('op.execute("""\n# ### end Alembic commands ###\n""")')


def test_module_without_functions_keeps_its_statements():
    assert lay_out("import  os\n\nx = [1,\n 2]\n") == "import  os\n\nx = [1,\n 2]\n"


# ---- `with` blocks


def test_blank_lines_at_the_head_of_a_batch_go_and_those_between_stay():
    assert_laid_out(
        """
        with op.batch_alter_table('users', schema=None) as batch_op:

            batch_op.drop_column('a')

            batch_op.drop_column('b')
        """,
        """
        with op.batch_alter_table("users") as batch_op:
            batch_op.drop_column("a")

            batch_op.drop_column("b")
        """,
    )


def test_long_head_of_a_batch_is_broken():
    naming = "naming_convention={'fk': 'fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s'}"
    laid_out = body_of(
        lay_out(revision_file(f"with op.batch_alter_table('users', recreate='always', {naming}) as b:\n    f(1)"))
    )
    assert laid_out.splitlines()[0] == "with op.batch_alter_table("
    assert laid_out.splitlines()[-2] == ") as b:"


def test_schema_is_dropped_only_where_it_says_nothing():
    assert_laid_out(
        "with op.batch_alter_table('x', schema='s') as b:\n    pass",
        'with op.batch_alter_table("x", schema="s") as b:\n    pass',
    )
    assert_laid_out("with other('x', schema=None):\n    pass", 'with other("x", schema=None):\n    pass')


def test_several_contexts_are_left():
    assert_left("with a('x') as b, c('y') as d:\n    f('z')".replace("'z'", '"z"'))


def test_decorated_function_in_a_with_block_keeps_its_decorator():
    assert_same_program(revision_file("with a('x'):\n    @decorated\n    def f():\n        pass"))


# ---- the gaps


def test_functions_have_two_empty_lines_around_them():
    way_back = "# about the way back\n@decorated\ndef downgrade():\n    pass\n"
    source = f"import a\ndef upgrade():\n    pass\n\n\n\n{way_back}x = 1\n"
    assert lay_out(source) == f"import a\n\n\ndef upgrade():\n    pass\n\n\n{way_back}\n\nx = 1\n"


def test_many_empty_lines_become_one():
    assert (
        lay_out('"""doc\n\n\n\ntext\n"""\n\n\n\nimport a\n\n\n\n\nb = 1\n')
        == '"""doc\n\n\n\ntext\n"""\n\nimport a\n\nb = 1\n'
    )


def test_import_that_stands_there_already_goes():
    """As of the template and of Alembic, which does not know the template's."""
    imports = "import sqlmodel  # noqa: F401\nfrom a import b\nimport a.c\n"
    assert lay_out(f"{imports}import sqlmodel\nfrom a import b\nfrom a import c\nimport a\n") == (
        f"{imports}from a import c\nimport a\n"
    )


@pytest.mark.parametrize("ends", ["\r\n", "\r"])
def test_foreign_line_ends_become_ours(ends):
    source = revision_file("f(  1)\nf('''a\nb''')")
    assert lay_out(source.replace("\n", ends)) == lay_out(source)


@pytest.mark.parametrize("character", ["\x0c", "\x0b", "\x1c", "\x85", "\u2028", "\u2029"])
def test_character_that_only_some_take_for_a_line_end_is_kept(character):
    assert_same_program(
        HEAD.replace("first", f"a{character}b") + f"\n\ndef upgrade():\n    f('''{character}''')\n    f(  2)\n"
    )


# ---- for every program


names = st.sampled_from(["op", "sa", "users", "x"])
texts = st.one_of(
    st.text(max_size=15),
    st.text(alphabet="'\"\\\n{}#%ü\u2028 a", max_size=12),
    st.just("a long text that fills its line rather well, and needs it whole"),
)
constants = st.one_of(
    texts.map(ast.Constant),
    st.one_of(st.integers(0), st.floats(0, allow_nan=False), st.booleans(), st.none(), st.binary(max_size=4)).map(
        ast.Constant
    ),
)
leaves = st.one_of(constants, names.map(lambda name: ast.Name(name, ast.Load())))


def calls(values):
    keywords = st.builds(ast.keyword, st.sampled_from(["nullable", "length", "schema", None]), values)
    functions = st.one_of(
        names.map(lambda name: ast.Attribute(ast.Name(name, ast.Load()), "Column", ast.Load())),
        st.builds(lambda value: ast.Attribute(value, "f", ast.Load()), values),
    )
    arguments = st.lists(st.one_of(values, st.builds(lambda value: ast.Starred(value, ast.Load()), values)), max_size=4)
    return st.builds(
        lambda function, args, named: ast.Call(function, args, list({each.arg: each for each in named}.values())),
        functions,
        arguments,
        st.lists(keywords, max_size=3),
    )


def larger(values):
    return st.one_of(
        calls(values),
        st.builds(lambda elements: ast.Tuple(elements, ast.Load()), st.lists(values, max_size=3)),
        st.builds(lambda elements: ast.List(elements, ast.Load()), st.lists(values, max_size=3)),
        st.builds(
            lambda keys, value: ast.Dict(keys, [value] * len(keys)),
            st.lists(st.one_of(leaves, st.none()), max_size=2),
            values,
        ),
        st.builds(lambda left, right: ast.BinOp(left, ast.Add(), right), values, values),
        st.builds(lambda value: ast.UnaryOp(ast.Not(), value), values),
        st.builds(lambda value: ast.Lambda(NO_ARGUMENTS, value), values),
        st.builds(
            lambda value: ast.JoinedStr([ast.Constant("a"), ast.FormattedValue(value, -1, None)]),
            names.map(lambda name: ast.Name(name, ast.Load())),
        ),
    )


NO_ARGUMENTS = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
expressions = st.recursive(leaves, larger, max_leaves=12)
statements = st.one_of(
    calls(expressions).map(lambda call: ast.unparse(ast.fix_missing_locations(call))),
    st.just("# a comment"),
    st.just(""),
    st.just('op.execute("""\n  SELECT \'x\'\n""")'),
    st.just("pass"),
)
blocks = st.one_of(
    statements,
    st.builds(
        lambda call, inner: (
            f"with {ast.unparse(call)} as batch_op:\n" + textwrap.indent("\n".join([*inner, "pass"]), "    ")
        ),
        calls(expressions),
        st.lists(statements, max_size=3),
    ),
)


def indented(lines):
    return "".join(f"    {line}\n" if line else "\n" for line in lines.split("\n"))


@settings(suppress_health_check=[HealthCheck.too_slow])  # which depends on what else the machine does
@given(texts, st.lists(blocks, min_size=1, max_size=4))
def test_program_stays_the_same(message, bodies):
    docstring = ast.unparse(ast.Constant(message))
    body = "\n".join(bodies) + "\npass"
    assert_same_program(
        f"{docstring}\n\nimport x\n\n\ndef upgrade():\n{indented(body)}\n\ndef downgrade():\n    pass\n"
    )


# ---- as ruff would write it

RENDERED = {
    "nothing": "pass",
    "an index": "op.create_index(op.f('ix_users_email'), 'users', ['email'], unique=True)",
    "a table": """
        op.create_table('users',
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('settings', sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_users')),
        sa.UniqueConstraint('email', name=op.f('uq_users_email'))
        )
        """,
    "a column": """
        op.add_column('users', sa.Column('kind', sa.Enum('one', 'two', name='kind'),
            server_default=sa.text("'one'"), nullable=False))
        """,
    "a batch": """
        with op.batch_alter_table('users', schema=None) as batch_op:
            batch_op.add_column(sa.Column('a', sa.Integer(), nullable=True))
            batch_op.alter_column('quite_a_long_name_of_a_column',
                   existing_type=sa.VARCHAR(length=255),
                   type_=sa.Text(),
                   existing_nullable=False)

            batch_op.drop_column('b')
        """,
    "texts with quotes": r"""
        op.create_check_constraint('ck', 'users', 'name <> "x"')
        op.create_check_constraint('ck', 'users', 'name <> \'it\\\'s\' AND "x" > 0')
        op.create_check_constraint('ck', 'users', 'name <> "x" AND "y" > 0 AND \'z\' > 1 ')
        """,
    "rows": "op.bulk_insert(x, [{'id': 1, 'name': 'a'}, {'id': 2, 'name': 'b'}])",
    "long rows": f"""
        op.bulk_insert(x, [{{'id': 1, 'name': '{"a" * 40}'}}, {{'id': 2, 'name': '{"b" * 70}', 'more': None}}])
        """,
    "options of a server": """
        op.create_index('ix', 'users', [sa.literal_column('lower(email)')],
            postgresql_with={'fillfactor': 50}, postgresql_where=sa.text('deleted_at IS NULL'))
        """,
    "a foreign key": """
        op.create_foreign_key(op.f('fk_audit_logs_user_id_users'), 'audit_logs', 'users', ['user_id'], ['id'],
            ondelete='CASCADE')
        """,
    "long SQL": f"op.execute(sa.text('{'x' * 120}'))",
    "comments": "# first\nop.drop_table('a')\n\n\n\n# second\nop.drop_table('b')",
}


@pytest.mark.parametrize("name", RENDERED)
def test_file_is_as_ruff_formats_it(name):
    laid_out = lay_out(revision_file(RENDERED[name], RENDERED[name]))
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", str(WIDTH), "--diff", "-"]
    assert subprocess.run(command, input=laid_out, capture_output=True, text=True, check=False).stdout == ""
