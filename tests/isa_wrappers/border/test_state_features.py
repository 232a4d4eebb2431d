"""The list of state features, and how one is chosen."""

import pytest
from map_toys import Board

from isa_wrappers.border import STATE_FEATURES
from isa_wrappers.border.map_features import MapState
from isa_wrappers.border.state_features import choose_features
from isa_wrappers.errors import InvalidValueError, UnknownNameError


def test_a_name_with_options_wraps():
    assert choose_features(None) is None
    assert choose_features("map") is MapState
    assert choose_features(MapState) is MapState
    env = choose_features("map", {"values": [1], "channels": ["a", "b"]})(Board())
    assert env.things == ("a=1", "b=1")


def test_a_package_brings_its_own(plugin):
    code = "from isa_wrappers import MapState\nFIRST = lambda env, last=False: MapState(env, first=not last)"
    plugin("chw_pkg", code, {"isa_marl.state_features": {"channels_first": "chw_pkg:FIRST"}})
    assert STATE_FEATURES.source("channels_first") == "chw_pkg"
    assert choose_features("channels_first")(Board(first=True)).things == ("channel_0", "channel_1")
    assert choose_features("channels_first", {"last": True})(Board()).things == ("channel_0", "channel_1")


@pytest.mark.parametrize(
    ("arguments", "kind", "says"),
    [
        (["mpa"], UnknownNameError, "unknown state features 'mpa'; did you mean 'map'\\?"),
        ([3], InvalidValueError, "state features must be a name, got 3"),
        (["map", {"env": 1}], InvalidValueError, "do not accept these options: multiple values for argument 'env'"),
        (["map", [1]], InvalidValueError, "state_features_kwargs must be"),
        ([None, {"values": [1]}], InvalidValueError, "state_features_kwargs need a name in state_features, got"),
        (["map", {}, "observations"], InvalidValueError, "'observations' replaces it; leave out one of them"),
        ([MapState, {}, len], InvalidValueError, "replaces it; leave out one of them"),
    ],
)
def test_bad_input(arguments, kind, says):
    with pytest.raises(kind, match=says) as caught:
        choose_features(*arguments)
    assert "\n" not in str(caught.value)
