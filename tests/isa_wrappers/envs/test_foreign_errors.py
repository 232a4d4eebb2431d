"""Errors of others' code: told by whose it was, and where."""

import pytest

from isa_wrappers.blame import ErrorSource
from isa_wrappers.envs.foreign_errors import failure, foreign_place, print_failure


def stumble():
    return {}["k"]


def called(function, *given):
    with pytest.raises(Exception) as caught, ErrorSource("estimator 'mine'"):  # noqa: PT011
        function(*given)
    return caught.value


def test_a_failure_is_one_line(capsys):
    error = called(stumble)
    line = failure(error)
    assert line.startswith("estimator 'mine' failed: KeyError: 'k' (test_foreign_errors.py:")
    assert line.endswith(" in stumble)")
    assert print_failure(error)
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith("Traceback")
    assert told[-1] == f"isa: {line}"


def test_an_error_of_nobody_in_particular_is_told_by_nothing(capsys):
    with pytest.raises(KeyError) as caught:
        stumble()
    assert failure(caught.value) is None
    assert not print_failure(caught.value)
    assert capsys.readouterr().err == ""


def test_what_was_told_without_words_or_in_several_lines():
    def fail(error):
        raise error

    assert " failed: OSError (" in failure(called(fail, OSError()))
    assert " failed: OSError: no room (" in failure(called(fail, OSError("no\nroom")))


def test_a_module_that_is_not_there_has_no_place():
    with pytest.raises(ImportError) as caught:
        __import__("no_such_module_anywhere")
    assert "importlib" not in str(foreign_place(caught.value))
