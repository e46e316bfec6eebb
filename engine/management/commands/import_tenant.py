"""`import_tenant FILE`: make a tenant agree with its declaration."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management import BaseCommand

from engine import declaration
from engine.commandline import usage
from tenants.audit import COMMAND

_SHOWN: Final = 40
"""Sentences printed one by one; a first import of thousands of mappings would bury the rest."""


class Command(BaseCommand):
    """Create or change a tenant. Nothing is done when anything in the file is wrong."""

    help = (
        "Make a tenant agree with a declaration (YAML or JSON). A new tenant is off. A file with anything wrong in it "
        "is refused whole (exit status 2). Importing the same file again changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file, and whether to prune."""
        parser.add_argument("file", metavar="FILE", help="path of the declaration, or - for standard input")
        parser.add_argument(
            "--prune", action="store_true", help="void mappings and empty constants that the file does not name"
        )

    def handle(self, *args: Any, file: str, prune: bool, **options: Any) -> None:
        """Read, check, apply, tell."""
        try:
            changes = declaration.apply(declaration.read(_text(file)), COMMAND, prune=prune)
        except declaration.DeclarationRefused as refusal:
            listed = "\n".join(f"  {problem}" for problem in refusal.problems)
            raise usage(f"{file} is refused, nothing was changed:\n{listed}") from refusal
        for sentence in changes.sentences[:_SHOWN]:
            self.stdout.write(sentence)
        if changes.count > _SHOWN:
            self.stdout.write(f"… and {changes.count - _SHOWN} more")
        self.stdout.write(f"{changes.tenant.name}: {changes.count} change{'' if changes.count == 1 else 's'}")


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
    except OSError as failure:
        raise usage(f"{file} cannot be read: {failure.strerror}") from failure
    except UnicodeDecodeError as failure:
        raise usage(f"{file} is not UTF-8 text. Save it as UTF-8.") from failure
