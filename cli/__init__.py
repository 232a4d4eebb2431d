"""The command line: parses, calls ``isa_learners`` and ``isa_wrappers``, prints. Installed as ``isa_cli``."""
