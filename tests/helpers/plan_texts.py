"""Plans as text, for the tests of what reads them."""

PLAN = """\
tasks:
  grid/shooting: {steps: 90000}
  grid/navigation: {kwargs: {num_agents: 3}}
variants:
  isa:
  slow: {like: ungated, set: {ppo.lr: 1e-4, goal: {capacity: 7}}}
  ippo: {algo: ippo}
seeds: 0-2
steps: 120000
set: {ppo.num_envs: 16}
"""

LISTED = """\
tasks: [grid/unlock]
variants:
  - isa
  - slow: {like: isa, set: {ppo.lr: 0.1}}
  - qmix:
"""
