"""``python -m isa_cli`` runs the command ``isa``."""

from .main import main

if __name__ == "__main__":
    main()
