"""The signed envelope of 320000: XML in GB18030, HMAC-SM3 over a canonical string of head and body.

Read with a parser that is told the encoding, refuses document types before it looks at them, and counts depth and
elements; written by hand, because what is signed has to be exactly what is read at the other end.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from adapters.errors import Ambiguous, ContractBroken

ENCODING = "GB18030"
DEEPEST = 16
MOST_ELEMENTS = 5000
SIGNED_HEAD = ("AppId", "MsgId", "SendTime", "TransCode", "RtnCode", "RtnMsg")  # the last two in answers only
_NO_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass
class Element:
    """One element; ``text`` of leaves only counts."""

    name: str
    text: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: list[Element] = field(default_factory=list)

    def child(self, name: str) -> Element | None:
        """The first child of that name."""
        return next((each for each in self.children if each.name == name), None)

    def value(self, name: str) -> str:
        """The text of the first child of that name, or nothing; Ambiguous if it has elements where text belongs."""
        found = self.child(name)
        if found is not None and found.children:
            _unreadable("element")
        return "" if found is None else found.text


def leaf(tag: str, text: str, **attributes: str) -> Element:
    """An element with text."""
    return Element(tag, text, attributes)


def canonical(head: Mapping[str, str], body: Element) -> bytes:
    """What is signed: the lines of the head that are there, then every leaf of the body in document order."""
    lines = [(name, head[name]) for name in SIGNED_HEAD if name in head]
    lines += [(path, text) for child in body.children for path, text in _leaves(child, "Body/")]
    return "\n".join(f"{name}={_escaped(text)}" for name, text in lines).encode("utf-8", "surrogatepass")


def sign(secret: bytes, head: Mapping[str, str], body: Element) -> str:
    """HMAC-SM3 (RFC 2104) of the canonical string, upper-case hex."""
    mac = HMAC(secret, hashes.SM3())
    mac.update(canonical(head, body))
    return mac.finalize().hex().upper()


def is_signed(secrets: Sequence[bytes], head: Mapping[str, str], body: Element, sent: str) -> bool:
    """Whether one of the secrets has made the signature."""
    made = [sign(secret, head, body).encode() for secret in secrets]
    return any(hmac.compare_digest(each, sent.encode("utf-8", "replace")) for each in made)


def write(head: Mapping[str, str], body: Element) -> bytes:
    """The envelope on the wire; ContractBroken("unsendable_text") for what XML cannot carry."""
    top = Element("Envelope", children=[Element("Head", children=[leaf(n, t) for n, t in head.items()]), body])
    return (f'<?xml version="1.0" encoding="{ENCODING}"?>\n' + _markup(top)).encode(ENCODING)


def read(raw: bytes) -> tuple[dict[str, str], Element]:
    """Head and body of an envelope; Ambiguous("unreadable_answer") for anything else."""
    try:
        text = raw.decode(ENCODING)
    except UnicodeDecodeError:
        _unreadable("charset")
    top = _parse(text)
    head, body = top.child("Head"), top.child("Body")
    if top.name != "Envelope" or head is None or len({each.name for each in head.children}) != len(head.children):
        _unreadable("envelope")
    if any(each.children for each in head.children):
        _unreadable("envelope")
    return {each.name: each.text for each in head.children}, body or Element("Body")


def _parse(text: str) -> Element:
    top = Element("")
    stack = [top]
    count = 0

    def start(name: str, attributes: Mapping[str, str]) -> None:
        nonlocal count
        count += 1
        if len(stack) > DEEPEST or count > MOST_ELEMENTS:
            _unreadable("too_deep")
        element = Element(name, attributes=attributes)
        stack[-1].children.append(element)
        stack.append(element)

    def end(_: str) -> None:
        stack.pop()

    def characters(some: str) -> None:
        stack[-1].text += some

    def refuse(*_: object) -> NoReturn:
        _unreadable("document_type")

    parser = expat.ParserCreate("utf-8")  # whatever the text says of itself
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, characters
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = parser.ExternalEntityRefHandler = refuse
    try:
        parser.Parse(text.encode(), True)
    except (expat.ExpatError, ValueError):
        _unreadable("no_xml")
    return top.children[0]


def _leaves(element: Element, above: str) -> Iterator[tuple[str, str]]:
    others = [f"{name}={value}" for name, value in element.attributes.items() if name != "name"]
    named = [element.attributes["name"]] if "name" in element.attributes else []
    path = above + element.name + (f"[{';'.join(named + others)}]" if element.attributes else "")
    if not element.children:
        yield path, element.text
    for child in element.children:
        yield from _leaves(child, path + "/")


def _markup(element: Element) -> str:
    attributes = "".join(f" {name}={quoteattr(_sendable(value))}" for name, value in element.attributes.items())
    inner = "".join(map(_markup, element.children)) or escape(_sendable(element.text), {"\r": "&#13;"})
    return f"<{element.name}{attributes}>{inner}</{element.name}>"


def _sendable(text: str) -> str:
    if _NO_XML.search(text):
        raise ContractBroken("unsendable_text", "a control character or half a surrogate pair")
    return text


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _unreadable(part: str) -> NoReturn:
    raise Ambiguous("unreadable_answer", part)
