"""The exception tree: its drawing, its exit codes and its one-line messages."""

from __future__ import annotations

import inspect

import pytest

from tagger import errors


def _classes() -> list[type]:
    return [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, errors.TaggerError)]


def test_the_drawing_in_the_docstring_is_the_tree():
    drawn = {}
    above = {}
    for line in errors.__doc__.splitlines():
        name = next((word for word in line.split() if word.endswith("Error")), None)
        if name:
            depth = line.index(name)
            above[depth] = name
            drawn[name] = next((above[d] for d in sorted(above, reverse=True) if d < depth), "Exception")
    assert drawn == {c.__name__: c.__base__.__name__ for c in _classes()}


def test_only_wrong_use_has_exit_code_2():
    codes = {c.__name__: c.exit_code for c in _classes()}
    assert {name for name, code in codes.items() if code == 2} == {"UsageError", "MissingExtraError"}
    assert set(codes.values()) == {1, 2}


def test_a_message_says_where_what_and_what_next():
    error = errors.InputError("no such file", where="a.txt", hint="Check the name.")
    assert str(error) == "a.txt: no such file. Check the name."
    assert (error.where, error.message, error.hint) == ("a.txt", "no such file", "Check the name.")


@pytest.mark.parametrize("end", list(".!?。"))
def test_a_message_that_ends_gets_no_second_full_stop(end):
    assert str(errors.InputError(f"broken{end}")) == f"broken{end}"


def test_a_message_is_one_line_whatever_is_in_it():
    error = errors.InputError("first\nsecond\r\n\tthird", where="a\nb.txt", hint="Do\nthis.")
    assert str(error).splitlines() == ["a b.txt: first second third. Do this."]


def test_a_missing_extra_names_the_library_and_the_command_that_installs_it():
    error = errors.MissingExtraError("torch", "bert", "training BERT")
    assert (
        str(error) == "training BERT needs torch, which is not installed. Install it with: pip install 'tagger[bert]'"
    )
