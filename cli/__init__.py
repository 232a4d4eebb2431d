"""The command line on top of ``isa_learners`` and ``isa_wrappers``, installed as ``isa_cli``."""
