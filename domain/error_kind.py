"""What a refusal is made of; the tables are domain.errors and domain.errors_of_care."""

from __future__ import annotations

from domain.messages import Message, Text


class ErrorKind(Message):
    """One row of the table. ``status`` is the HTTP status it travels with."""

    status: int
    text: Text


def kind(status: int, zh: str, en: str) -> ErrorKind:
    return ErrorKind(status=status, text=Text(zh=zh, en=en))
