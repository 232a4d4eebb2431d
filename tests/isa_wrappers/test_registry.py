"""Lists that people add to: lazily imported, fed by packages, clear about what is wrong."""

import sys
from collections.abc import Callable

import pytest

from isa_wrappers.errors import InvalidValueError, UnknownNameError
from isa_wrappers.registry import Registry
from isa_wrappers.scope.estimators import ESTIMATORS


def roots():
    return Registry("root", "isa_tests.roots", {"square": "math:sqrt", "decimal": "decimal:Decimal"})


def test_built_in_entries_are_imported_when_they_are_used(monkeypatch):
    listed = Registry("thing", "isa_tests.things", {"late": "this_module_is_not_there:X", "square": "math:sqrt"})
    assert list(listed) == ["late", "square"]
    assert "late" in listed
    assert listed["square"](9.0) == 3.0
    with pytest.raises(ModuleNotFoundError):
        listed["late"]


def test_an_unknown_name_offers_the_nearest_and_lists_all():
    with pytest.raises(
        UnknownNameError, match=r"^unknown root 'sqare'; did you mean 'square'\? known: square, decimal$"
    ):
        roots()["sqare"]
    with pytest.raises(UnknownNameError, match=r"^unknown root 'zzz'; known: square, decimal$"):
        roots()["zzz"]
    assert issubclass(UnknownNameError, InvalidValueError)


def test_registering_names_both_where_a_name_is_taken():
    listed = roots()
    listed.register("cubic", len, source="a test")
    assert listed["cubic"] is len
    assert listed.source("cubic") == "a test"
    assert listed.source("square") == "isa-marl"
    with pytest.raises(InvalidValueError, match=r"'cubic' in isa_tests.roots: a test and another; rename one"):
        listed.register("cubic", max, source="another")
    with pytest.raises(InvalidValueError, match=r"'square' in isa_tests.roots: isa-marl and registered"):
        listed.register("square", max)
    listed.unregister("cubic")
    assert len(listed) == 2


def test_a_package_brings_an_entry(plugin):
    plugin("root_pkg", "def cubic(x):\n    return x ** (1 / 3)\n", {"isa_tests.roots": {"cubic": "root_pkg:cubic"}})
    listed = roots()
    assert listed["cubic"](8.0) == pytest.approx(2.0)
    assert listed.source("cubic") == "root_pkg"


def test_a_broken_entry_is_warned_of_once_in_a_line_and_left_out(plugin):
    plugin("bad_pkg", "raise ValueError('two\\nlines')\n", {"isa_tests.roots": {"bad": "bad_pkg:x"}})
    listed = roots()
    with pytest.warns(UserWarning, match="root 'bad' of package bad_pkg cannot be imported and is skipped") as warned:
        assert list(listed) == ["square", "decimal"]
    assert [str(w.message).count("\n") for w in warned] == [0]
    assert "bad" not in listed


def test_a_good_entry_holds_over_a_broken_one_of_its_name(plugin):
    plugin("good_pkg", "x = 1\n", {"isa_tests.roots": {"shared": "good_pkg:x"}})
    points = {"isa_tests.roots": {"mine": "bad_three:x", "shared": "bad_three:x"}}
    plugin("bad_three", "raise ValueError\n", points)  # which is found first
    listed = roots()
    with pytest.warns(UserWarning, match="is skipped"):
        listed.register("mine", len)
    assert (listed["mine"], listed.source("mine")) == (len, "registered")
    assert (listed["shared"], listed.source("shared")) == (1, "good_pkg")
    listed.unregister("mine")
    with pytest.raises(UnknownNameError, match="root 'mine' was skipped: package bad_three"):
        listed["mine"]


def test_an_entry_of_another_kind_is_refused_and_left_out(plugin):
    plugin("odd_pkg", "three = 3\n", {"isa_tests.roots": {"three": "odd_pkg:three"}})
    listed = Registry("root", "isa_tests.roots", {"square": "math:sqrt"}, Callable)
    with pytest.warns(UserWarning, match="root 'three' must be callable, got 3; the entry of package odd_pkg is"):
        assert list(listed) == ["square"]
    with pytest.raises(InvalidValueError, match="root 'four' must be callable, got 4"):
        listed.register("four", 4)
    with pytest.raises(InvalidValueError, match="root must be a name"):
        listed.register(3, abs)
    with pytest.raises(InvalidValueError, match="scope estimator 'mine' must be an object of Estimator, got <class"):
        ESTIMATORS.register("mine", type(ESTIMATORS["interval_effect"]))


def test_a_name_that_two_packages_bring_cannot_be_used_and_the_rest_can(plugin):
    for name in ("one_pkg", "two_pkg"):
        plugin(name, "x = 1\n", {"isa_tests.roots": {"mine": f"{name}:x"}})
    listed = roots()
    with pytest.raises(
        InvalidValueError, match=r"several packages provide root 'mine': (one_pkg, two|two_pkg, one)_pkg"
    ):
        listed["mine"]
    assert listed["square"](4.0) == 2.0


def test_a_package_cannot_take_a_built_in_name_in_silence(plugin):
    plugin("greedy_pkg", "x = 1\n", {"isa_tests.roots": {"square": "greedy_pkg:x"}})
    with pytest.raises(InvalidValueError, match="several packages provide root 'square': isa-marl, greedy_pkg"):
        roots()["square"]


def test_nothing_is_imported_for_a_look(plugin):
    sys.modules.pop("decimal_not_used", None)
    listed = Registry("thing", "isa_tests.none", {"a": "decimal_not_used:X"})
    assert len(listed) == 1
    assert "decimal_not_used" not in sys.modules


def test_one_broken_module_is_told_once_with_its_line_and_each_entry_says_so(plugin):
    points = {"isa_tests.roots": {"a": "bad_two:a", "b": "bad_two:b"}, "isa_tests.others": {"c": "bad_two:c"}}
    plugin("bad_two", "x = 1\nraise OSError('gone')\n", points)
    listed, others = roots(), Registry("thing", "isa_tests.others", {})
    with pytest.warns(UserWarning, match="is skipped") as warned:
        assert [*listed, *others] == ["square", "decimal"]
    assert len(warned) == 1
    assert str(warned[0].message).endswith("OSError: gone (bad_two.py:2)")
    for registry, name in ((listed, "b"), (others, "c")):
        says = rf"'{name}' was skipped: package bad_two cannot be imported: OSError: gone \(bad_two.py:2\)"
        with pytest.raises(UnknownNameError, match=says):
            registry[name]


def test_what_the_library_refuses_in_a_module_is_told_with_the_modules_line(plugin):
    code = "from isa_wrappers.rewards import RewardSpec\n\nODD = RewardSpec(None, dict, False, False, 'odd')\n"
    plugin("odd", code, {"isa_tests.roots": {"odd": "odd:ODD"}})
    with pytest.warns(UserWarning, match=r"config of an intrinsic reward must be .*, got <class 'dict'> \(odd.py:3\)$"):
        list(roots())
