"""How environments are reset, and what cannot be."""

import pytest

from isa_wrappers.border.start import reset_env
from isa_wrappers.errors import UnsupportedEnvironmentError


class Seedless:
    def reset(self):
        return {}, {}


class Broken:
    def reset(self, seed=None, options=None):
        raise TypeError("of its own")


def test_a_reset_that_takes_no_seed_is_named():
    with pytest.raises(UnsupportedEnvironmentError, match=r"does not accept seed; define reset\(self, seed=None"):
        reset_env(Seedless(), 0, None)
    with pytest.raises(UnsupportedEnvironmentError, match="does not accept seed and options"):
        reset_env(Seedless(), 0, {"level": 1})


def test_what_a_reset_raises_by_itself_is_its_own():
    with pytest.raises(TypeError, match="of its own"):
        reset_env(Broken(), 0, {})
