"""The commands. `clear` and `bench` need no store; the others use the one of the settings."""

from __future__ import annotations

from tidewaiter.cli.commands import app

__all__ = ["app", "main"]


def main() -> None:
    """Run the command that the words on the command line name."""
    app()
