"""Means over the steps that count."""

from isa_wrappers.moments import masked_mean

__all__ = ["masked_mean"]
