"""What the array layer adds to NumPy and torch."""

from isa_wrappers.arrays import with_prefix, without_prefix


def test_prefixes_do_not_catch_each_other():
    state = with_prefix("env", {"goal": 1}) | with_prefix("environment", {"goal": 2}) | {"env": 3}
    assert without_prefix("env", state) == {"goal": 1}
    assert without_prefix("environment", state) == {"goal": 2}
    nested = with_prefix("env", with_prefix("env", {"x": 1}))
    assert without_prefix("env", without_prefix("env", nested)) == {"x": 1}
