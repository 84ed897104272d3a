from configparser import ConfigParser
from configparser import Error as ConfigParserError
from textwrap import dedent

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from oppmigrate.scaffold.ini import IniFile


def values_of(text: str) -> dict[str, dict[str, str]]:
    """What Alembic's parser reads, before interpolation."""
    parser = ConfigParser(interpolation=None)
    parser.read_string(text.replace("\r\n", "\n").replace("\r", "\n"))
    return {name: {key: value.strip() for key, value in section.items()} for name, section in parser.items()}


def changed(text: str, key: str, value: str, **options: str) -> str:
    return IniFile(dedent(text)).set("alembic", key, value, **options).text


def test_value_is_replaced_in_its_line_and_the_rest_is_kept():
    text = "# c\r\n[alembic]\r\n; d\r\nsqlalchemy.url :  old\r\n\r\nx=1"
    assert changed(text, "sqlalchemy.url", "new") == text.replace("old", "new")


def test_value_of_several_lines_is_replaced_and_comments_inside_stay():
    text = "[alembic]\na =\n  one\n  # why\n  two\nb = 1\n"
    assert changed(text, "a", "new") == "[alembic]\na = new\n  # why\nb = 1\n"


def test_empty_value_gets_its_space():
    assert changed("[alembic]\na =\n", "a", "1") == "[alembic]\na = 1\n"


def test_new_key_goes_behind_its_neighbour():
    text = "[alembic]\na = 1\n  2\n\n# about b\nb = 3\n"
    assert changed(text, "new", "x", after="a") == "[alembic]\na = 1\n  2\nnew = x\n\n# about b\nb = 3\n"


def test_new_key_goes_to_the_end_of_its_section():
    assert changed("[alembic]\na = 1\n\n[x]\nb = 2\n", "new", "x") == "[alembic]\na = 1\nnew = x\n\n[x]\nb = 2\n"


def test_new_key_goes_into_an_empty_section_and_keeps_the_missing_final_newline():
    assert changed("[alembic]", "new", "x") == "[alembic]\nnew = x"


def test_new_key_among_indented_ones_is_indented():
    text = "[alembic]\n  a = 1\n  b = 2\n"
    assert changed(text, "new", "\nx\ny", after="a") == "[alembic]\n  a = 1\n  new =\n      x\n      y\n  b = 2\n"


def test_keys_are_found_whatever_their_case_and_in_default():
    ini = IniFile("[DEFAULT]\nb = 2\n[alembic]\nA = 1\n")
    assert (ini.get("alembic", "a"), ini.get("alembic", "b"), ini.get("alembic", "c")) == ("1", "2", None)


def test_byte_order_mark_is_kept():
    assert IniFile("\ufeff[alembic]\na = 1\n").set("alembic", "a", "2").text == "\ufeff[alembic]\na = 2\n"


# ---- any file at all

words = st.text("abcXYZ %é#;:=[]/.\x0b\u2028", max_size=12)
keys = st.text("abcd._-", min_size=1, max_size=6)
indents = st.sampled_from(["", " ", "  ", "\t", "      "])
comments = st.builds(lambda indent, mark, text: f"{indent}{mark}{text}", indents, st.sampled_from("#;"), words)
pairs = st.builds(
    lambda indent, key, mark, value: f"{indent}{key}{mark}{value}",
    indents,
    keys,
    st.sampled_from(["=", " = ", ":", " :\t"]),
    words,
)
blanks = st.sampled_from(["", "  "])
lines = st.one_of(comments, blanks, pairs, pairs, words.map(lambda text: f"        {text}"))
ends = st.sampled_from(["\n", "\r\n", "\r"])


@st.composite
def ini_files(draw):
    parts = ["", *draw(st.lists(comments, max_size=2))]
    for name in draw(st.permutations(["alembic", "post_write_hooks", "DEFAULT"])):
        parts += [f"{draw(st.sampled_from(['', ' ']))}[{name}]", *draw(st.lists(lines, max_size=8))]
    end = draw(ends)
    return end.join(parts)[len(end) :] + draw(st.sampled_from(["", end]))


def readable(text: str) -> bool:
    """Does Alembic take the file, and see its sections? An indented header can be part of a value instead."""
    try:
        return {"alembic", "post_write_hooks"} <= values_of(text).keys()
    except ConfigParserError:
        return False


@given(ini_files(), keys)
def test_any_file_is_read_as_configparser_reads_it(text, key):
    assume(readable(text))
    expected = values_of(text)
    for section in ("alembic", "post_write_hooks"):
        assert IniFile(text).get(section, key) == expected[section].get(key)
        for known, value in expected[section].items():
            assert IniFile(text).get(section, known) == value


@given(ini_files(), keys, st.sampled_from(["new", "a = b", "\none\ntwo"]), st.none() | keys)
def test_in_any_file_one_value_changes_and_nothing_else(text, key, value, after):
    assume(readable(text))
    expected = values_of(text)
    expected["alembic"][key] = value.strip()
    new = IniFile(text).set("alembic", key, value, after=after).text
    assert values_of(new) == expected
    assert IniFile(new).set("alembic", key, value).text == new


@given(ini_files(), keys)
def test_in_any_file_a_new_key_leaves_every_line_as_it_is(text, key):
    assume(readable(text) and IniFile(text).get("alembic", key) is None)
    new = IniFile(text).set("alembic", key, "new").text
    added = f"{key} = new"
    place = new.index(added)
    indent = len(new[:place]) - len(new[:place].rstrip(" \t\x0b\u2028"))
    before, behind = new[: place - indent], new[place + len(added) :]
    ends = ("\r\n", "\n", "\r")
    whole = [before + behind.removeprefix(end) for end in ends] + [before.removesuffix(end) + behind for end in ends]
    assert text in whole


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_new_line_ends_like_the_others(end):
    assert changed(f"[alembic]{end}a = 1{end}", "b", "2") == f"[alembic]{end}a = 1{end}b = 2{end}"
