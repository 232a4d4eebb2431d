"""Rows copied into memory that is kept."""

import pytest
import torch

from isa_learners.recurrent.rows import RowCopies


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rows_are_those_of_indexing(dtype):
    values, copies = torch.randn(50, 7, dtype=dtype), RowCopies()
    for count in (3, 40, 1, 0, 50, 60):
        rows = torch.randint(50, (count,))
        assert torch.equal(copies(values, rows), values[rows])


def test_memory_is_kept_and_grows_with_what_is_asked_for():
    values, copies = torch.randn(50, 7), RowCopies()
    few, others = copies(values, torch.tensor([3, 1])), copies(values, torch.tensor([4, 2]))
    assert few.data_ptr() == others.data_ptr()
    assert torch.equal(few, values[[4, 2]]), "written over"
    assert torch.equal(copies(values.double(), torch.tensor([5])), values[[5]].double())
    assert torch.equal(copies(values, torch.arange(49, -1, -1)), values.flip(0))


def test_all_rows_in_order_are_not_copied():
    values, copies = torch.randn(5, 2), RowCopies()
    assert copies(values, torch.arange(5)).data_ptr() == values.data_ptr()
    assert copies(values, torch.tensor([0, 1, 2, 4, 3])).data_ptr() != values.data_ptr()


def test_gradients_are_those_of_indexing():
    """A layer keeps its input for the way back; by the time the next rows are asked for it has been used."""
    values, copies, layer = torch.randn(30, 4), RowCopies(), torch.nn.Linear(4, 3)
    for rows in (torch.randperm(30)[:12], torch.randperm(30)[:20]):
        grads = []
        for inputs in (copies(values, rows), values[rows]):
            layer.zero_grad()
            layer(inputs).square().sum().backward()
            grads.append(layer.weight.grad.clone())
        assert torch.equal(*grads)
