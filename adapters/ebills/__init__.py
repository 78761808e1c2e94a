"""The way to the public service platform for fiscal e-bills."""

from adapters.ebills.client import Ebills
from adapters.ebills.entry import open_ebills

__all__ = ["Ebills", "open_ebills"]
