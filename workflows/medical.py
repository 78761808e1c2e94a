"""The workflows of medical matters, as a core worker registers them."""

from __future__ import annotations

MATTER_WORKFLOWS: tuple[type, ...] = ()
