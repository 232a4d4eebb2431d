"""``python -m isa_cli``: the command ``isa``."""

from isa_cli.main import main

if __name__ == "__main__":
    main()
