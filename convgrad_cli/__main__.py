"""``python -m convgrad_cli``."""

from convgrad_cli.cli.console import run

if __name__ == "__main__":
    run()
