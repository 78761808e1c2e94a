"""What a message brings, read field by field; whatever is missing or misshapen is X100 with its name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

from provinces.insurance.letters import Fields
from provinces.insurance.refusals import Code, Refused

LONGEST = 2000
MOST_LINES = 2000
_LARGEST = Decimal(10) ** 14
CENT = Decimal("0.01")


class Given:
    """An ``input``, or a row of one."""

    def __init__(self, fields: Fields) -> None:
        self.fields = fields

    def text(self, name: str, default: str | None = None) -> str:
        """A text; with a default it may be missing or empty."""
        value = self.fields.get(name, default)
        if not isinstance(value, str) or len(value) > LONGEST or (not value and default is None):
            raise Refused(Code.BAD_MESSAGE, name)
        return value

    def one_of(self, name: str, *words: str, default: str | None = None) -> str:
        """One of a list."""
        value = self.text(name, default)
        if value not in words and value != default:
            raise Refused(Code.BAD_MESSAGE, name)
        return value

    def money(self, name: str) -> Decimal:
        """Yuan with at most two decimals, not below nothing."""
        value = self.number(name)
        if value != value.quantize(CENT):
            raise Refused(Code.BAD_MESSAGE, name)
        return value.quantize(CENT)

    def number(self, name: str) -> Decimal:
        """A number that is not below nothing."""
        value = self.fields.get(name)
        if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value < _LARGEST:
            raise Refused(Code.BAD_MESSAGE, name)
        return Decimal(value)

    def whole(self, name: str, default: int) -> int:
        """A count from 1."""
        value = self.fields.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 1_000_000_000:
            raise Refused(Code.BAD_MESSAGE, name)
        return value

    def day(self, name: str, default: str | None = None) -> str:
        """yyyy-MM-dd; with a default it may be empty."""
        text = self.text(name, default)
        if text == default:
            return text
        try:
            if date.fromisoformat(text).isoformat() == text:
                return text
        except ValueError:
            pass
        raise Refused(Code.BAD_MESSAGE, name)

    def moment(self, name: str) -> str:
        """yyyy-MM-dd HH:mm:ss"""
        text = self.text(name)
        try:
            if datetime.strptime(text, "%Y-%m-%d %H:%M:%S").strftime("%Y-%m-%d %H:%M:%S") == text:  # noqa: DTZ007
                return text
        except ValueError:
            pass
        raise Refused(Code.BAD_MESSAGE, name)

    def place(self, name: str) -> str:
        """Six digits."""
        text = self.text(name)
        if len(text) != 6 or not (text.isascii() and text.isdigit()):
            raise Refused(Code.BAD_MESSAGE, name)
        return text

    def texts(self, name: str) -> list[str]:
        """A list of texts."""
        value = self.fields.get(name)
        if not isinstance(value, list) or len(value) > MOST_LINES or not all(isinstance(each, str) for each in value):
            raise Refused(Code.BAD_MESSAGE, name)
        return value

    def rows(self, name: str) -> Iterator[Given]:
        """A list of objects."""
        value = self.fields.get(name)
        if not isinstance(value, list) or len(value) > MOST_LINES:
            raise Refused(Code.BAD_MESSAGE, name)
        for each in value:
            if not isinstance(each, dict):
                raise Refused(Code.BAD_MESSAGE, name)
            yield Given(each)
