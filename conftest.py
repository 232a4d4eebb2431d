"""Modules that import what is not installed everywhere are left out where it is not."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("triton") else ["isa_learners/recurrent/kernels.py"]
