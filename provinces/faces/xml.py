"""XML as Jiangsu speaks it: GB18030 decoded here, no document types, no entities but the five, leaves in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

DEEPEST = 16
MOST_ELEMENTS = 5000
_ESCAPES = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord("\r"): "&#13;", ord('"'): "&quot;"}


class BadXml(Exception):
    """Nothing this house reads."""


@dataclass
class Element:
    """One element: its text if it is a leaf, its children if not."""

    tag: str
    text: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element] = field(default_factory=list)

    def find(self, path: str) -> Element | None:
        """The first element under that path, or None."""
        found: Element | None = self
        for tag in path.split("/"):
            found = next((child for child in found.children if child.tag == tag), None) if found else None
        return found

    def value(self, path: str) -> str:
        """The text of the first element under that path, or nothing."""
        found = self.find(path)
        return found.text if found else ""

    def add(self, tag: str, text: str = "", **attributes: str) -> Element:
        """A new child."""
        child = Element(tag, text, attributes)
        self.children.append(child)
        return child


class _Reader:
    """Builds the tree while the parser runs; refuses what has no business here."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []
        self._count = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) >= DEEPEST or self._count > MOST_ELEMENTS:
            raise BadXml("too deep or too many")
        element = Element(tag, "", attributes)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def end(self, _tag: str) -> None:
        self._open.pop()

    def text(self, text: str) -> None:
        self._open[-1].text += text

    def refuse(self, *_: object) -> None:
        raise BadXml("document types and entities are refused")


def read(body: bytes) -> Element:
    """The tree of a body in GB18030; raises BadXml. The encoding of the declaration is not asked."""
    reader, parser = _Reader(), expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = reader.refuse
    parser.ProcessingInstructionHandler = reader.refuse
    try:
        parser.Parse(body.decode("gb18030"), True)
    except (UnicodeDecodeError, expat.ExpatError) as error:
        raise BadXml(str(error)) from None
    if reader.root is None:
        raise BadXml("empty")
    return reader.root


def write(root: Element) -> bytes:
    """The document in GB18030."""
    return f'<?xml version="1.0" encoding="GB18030"?>\n{_written(root)}'.encode("gb18030")


def leaves(element: Element, path: str) -> Iterator[tuple[str, str]]:
    """(path, text) of every leaf below an element in document order, names and other attributes in brackets."""
    for child in element.children:
        said = [child.attributes.get("name", ""), *(f"{k}={v}" for k, v in child.attributes.items() if k != "name")]
        brackets = ";".join(each for each in said if each)
        here = f"{path}/{child.tag}" + (f"[{brackets}]" if brackets else "")
        if child.children:
            yield from leaves(child, here)
        else:
            yield here, child.text


def _written(element: Element) -> str:
    attributes = "".join(f' {name}="{value.translate(_ESCAPES)}"' for name, value in element.attributes.items())
    inner = "".join(map(_written, element.children)) or element.text.translate(_ESCAPES)
    return f"<{element.tag}{attributes}>{inner}</{element.tag}>"
