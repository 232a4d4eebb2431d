"""Names for an array's kind and axes in annotations, such as ``Float[Array, "*batch agents"]``.

They are for NumPy arrays and torch tensors alike. ``*batch`` are any leading axes; an axis of one name has one size
within a call. Type checkers see jaxtyping's names. At run time each stands for any array and costs nothing; the tests
alone put jaxtyping's own in their place and check every call.

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
        """Any array, whatever is said of its axes."""

        def __class_getitem__(cls, axes: Any) -> Any:
            return Any

    Bool = Float = Int = Real = _AnyArray

__all__ = ["Bool", "Float", "Int", "Real"]
