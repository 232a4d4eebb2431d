"""Annotations for the dtype and axes of arrays, such as ``Float[Array, "*batch agents"]``.

They apply to NumPy arrays and torch tensors. ``*batch`` stands for any leading axes; axes with the same name have the
same size within a call. Type checkers see jaxtyping's names. At run time, each name stands for any array without
overhead; only the tests use jaxtyping itself and check every call.

Example:
    >>> Float[Any, "*batch agents"]
    typing.Any
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int, Real
else:

    class _AnyArray:
        """Any array, regardless of its axes."""

        def __class_getitem__(cls, axes: Any) -> Any:
            return Any

    Bool = Float = Int = Real = _AnyArray

__all__ = ["Bool", "Float", "Int", "Real"]
