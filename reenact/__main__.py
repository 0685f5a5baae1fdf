"""`python -m reenact`."""

from reenact.cli import program

program()
