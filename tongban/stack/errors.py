"""What can go wrong while the parts are started; the text is shown to the user as it is."""

from __future__ import annotations


class StackError(Exception):
    """The stack cannot run. The message says why and what to do, in one or two sentences."""


class StackInUse(StackError):
    """Another stack holds the data folder."""


class PartFailed(StackError):
    """A part did not become ready. The message ends with the last lines of its log."""


class Interrupted(StackError):
    """Somebody asked to stop while the parts were still starting."""
