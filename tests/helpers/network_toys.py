"""Networks of a user's own: one that works, and what is none."""

import torch
from torch import nn

from isa_learners.recurrent.network import Network


class Own(Network):
    """A running sum beside what is seen: two kinds of memory in one tensor."""

    def __init__(self, input_size, hidden, output_size, layers):
        super().__init__()
        self.state_size = hidden
        self.read, self.say = nn.Linear(input_size, hidden), nn.Linear(hidden, output_size)

    def forward(self, inputs, state):
        state = 0.5 * state + torch.tanh(self.read(inputs))
        return self.say(state), state


class Short(Own):
    def forward(self, inputs, state):
        outputs, state = super().forward(inputs, state)
        return outputs[:, 1:], state


class Lossy(Own):
    def forward(self, inputs, state):
        return super().forward(inputs, state)[0]


class Shrinking(Own):
    def forward(self, inputs, state):
        outputs, state = super().forward(inputs, state)
        return outputs, state[:, 1:]


class Wide(Own):
    def forward(self, inputs, state):
        outputs, state = super().forward(inputs, state)
        return outputs.double(), state


class Mixing(Own):
    def unroll(self, inputs, state, sizes, keep, alive=None):
        return super().unroll(inputs, state, sizes, torch.ones_like(keep), alive)


class Restless(Own):
    """Its state does not stand still while an agent is dead."""

    def unroll(self, inputs, state, sizes, keep, alive=None):
        return super().unroll(inputs, state, sizes, keep)


class Uneven(Own):
    def __init__(self, **sizes):
        super().__init__(**sizes)
        self.state_size = 2.5


class Unlearned(Network):
    def __init__(self, input_size, hidden, output_size, layers):
        super().__init__()
        self.outputs = output_size

    def forward(self, inputs, state):
        return inputs.new_zeros(len(inputs), self.outputs), state


class Failing(Own):
    def __init__(self, **sizes):
        super().__init__(**sizes)
        raise RuntimeError("no\nroom")


class Stumbling(Own):
    def forward(self, inputs, state):
        return {}["k"]


class Diverging(Own):
    def forward(self, inputs, state):
        outputs, state = super().forward(inputs, state)
        return outputs / 0.0, state


class Sizeless(Network):
    pass


class Module(nn.Linear):
    pass


a_number = 3


class Dropping(Own):
    """Leaves numbers out at random."""

    def forward(self, inputs, state):
        outputs, after = super().forward(inputs, state)
        return nn.functional.dropout(outputs, 0.5, self.training), after


class Averaging(Own):
    """Brings what is computed together to one scale."""

    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)
        self.norm = nn.BatchNorm1d(sizes[1] if len(sizes) > 1 else options["output_size"])

    def forward(self, inputs, state):
        outputs, after = super().forward(inputs, state)
        return self.norm(outputs) if len(outputs) > 1 else outputs, after
