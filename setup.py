"""Packages are found, not listed: a new folder is in the wheel. The folder ``cli`` is installed as ``isa_cli``."""

from setuptools import find_packages, setup

setup(packages=[*find_packages(include=["isa_wrappers*", "isa_learners*"]), "isa_cli"])
