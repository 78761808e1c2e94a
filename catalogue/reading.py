"""YAML into a document whose every part knows its line; what is no plain data is refused before it is built."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError, RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent

LARGEST = 256 * 1024
DEEPEST = 20


class DefinitionError(Exception):
    """One complaint about a definition."""

    def __init__(self, file: str, line: int, column: int, code: str, what: str, mend: str) -> None:
        super().__init__(f"{file}:{line}:{column}: {code}: {what}. {mend}")
        self.code, self.line = code, line


class Refused(Exception):
    """All complaints about one definition."""

    def __init__(self, complaints: Sequence[DefinitionError]) -> None:
        super().__init__("\n".join(str(c) for c in complaints))
        self.complaints = complaints


Complaint = tuple[tuple[Any, ...], str, str, str]  # path in the document, code, what, mend


def read_document(source: bytes, name: str) -> Any:
    """The document of a definition's source. Refused for what is too large, too deep, or no plain YAML in UTF-8."""
    if len(source) > LARGEST:
        raise _refused(name, 1, 1, "too_large", f"more than {LARGEST} bytes", "Split it.")
    try:
        text = source.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refused(
            name, source[: error.start].count(b"\n") + 1, 1, "not_utf8", "not UTF-8", "Save it so."
        ) from error
    try:
        _only_plain_data(text, name)
        loader = YAML(typ="rt", pure=True)
        loader.allow_duplicate_keys = False
        loader.Constructor = _Constructor
        document = loader.load(text)
    except DuplicateKeyError as error:
        line, column = _place(error)
        raise _refused(name, line, column, "key_twice", str(error.problem), "Remove one of them.") from error
    except MarkedYAMLError as error:
        line, column = _place(error)
        raise _refused(name, line, column, "not_yaml", str(error.problem), "Mend the YAML.") from error
    except (YAMLError, ValueError) as error:
        raise _refused(name, 1, 1, "not_yaml", type(error).__name__, "Mend the YAML.") from error
    if not isinstance(document, dict):
        raise _refused(name, 1, 1, "not_mapping", "the document is not a mapping", "Start with code:.")
    return document


class _Constructor(RoundTripConstructor):
    """An impossible date stays the text that it is, so that the complaint about it can say where it stands."""

    def construct_yaml_timestamp(self, node: Any, values: Any = None) -> Any:
        try:
            return super().construct_yaml_timestamp(node, values)
        except ValueError:
            return self.construct_scalar(node)


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", _Constructor.construct_yaml_timestamp)


def _only_plain_data(text: str, name: str) -> None:
    """No anchors (a few lines can stand for billions), no tags of a programming language, no endless nesting."""
    depth = 0
    for event in YAML(typ="rt", pure=True).parse(text):
        mark = event.start_mark
        line, column = mark.line + 1, mark.column + 1
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            raise _refused(name, line, column, "anchor", "anchors are not allowed", "Write it out.")
        if getattr(event, "tag", None) is not None:
            raise _refused(name, line, column, "yaml_tag", f"tag {event.tag} is not allowed", "Write plain values.")
        depth += {"MappingStartEvent": 1, "SequenceStartEvent": 1}.get(type(event).__name__, 0)
        depth -= {"MappingEndEvent": 1, "SequenceEndEvent": 1}.get(type(event).__name__, 0)
        if depth > DEEPEST:
            raise _refused(name, line, column, "too_deep", "nested too deeply", "Flatten it.")


def _place(error: MarkedYAMLError) -> tuple[int, int]:
    mark = error.problem_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _refused(name: str, line: int, column: int, code: str, what: str, mend: str) -> Refused:
    return Refused([DefinitionError(name, line, column, code, what, mend)])


def located(document: Any, name: str, path: tuple[Any, ...], code: str, what: str, mend: str) -> DefinitionError:
    """The place of a path in the source: the deepest part of it that exists."""
    line, column, node = 0, 0, document
    for part in path:
        position = getattr(node, "lc", None)
        try:
            if position is not None and isinstance(node, dict):
                line, column = position.key(part)
            elif position is not None:
                line, column = position.item(part)
            node = node[part]
        except (KeyError, IndexError, TypeError):
            break
    where = ".".join(str(p) for p in path)
    return DefinitionError(name, line + 1, column + 1, code, f"{where}: {what}" if where else what, mend)
