"""``python -m regress``: the command line, where its script is not on the path."""

from regress.cli import main

if __name__ == "__main__":
    main()
