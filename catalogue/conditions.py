"""Conditions over form fields: rule-engine expressions, typed at load, without clock or random.

A condition sees only the fields its definition declares; an unknown name or a clash of types is found when the
definition is loaded, never when a citizen submits. Only plain comparisons are allowed: whatever could take for ever
or reach out of the form is refused by what it is, not by how it is spelled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any

import rule_engine
from pydantic import JsonValue
from rule_engine.errors import EngineError

LONGEST = 500
MOST_NODES = 60
MOST_FORMS = 4096
_TYPES = {
    "string": rule_engine.DataType.STRING,
    "integer": rule_engine.DataType.FLOAT,
    "number": rule_engine.DataType.FLOAT,
    "boolean": rule_engine.DataType.BOOLEAN,
}
_ALLOWED = {
    "AddExpression",
    "ArithmeticComparisonExpression",
    "ArithmeticExpression",
    "ArrayExpression",
    "BooleanExpression",
    "ComparisonExpression",
    "ContainsExpression",
    "FloatExpression",
    "FunctionCallExpression",
    "GetAttributeExpression",
    "GetSliceExpression",
    "LogicExpression",
    "NullExpression",
    "StringExpression",
    "SubtractExpression",
    "SymbolExpression",
    "UnaryExpression",
}
_ATTRIBUTES = {"starts_with", "ends_with", "length"}
_OPAQUE = {"GetAttributeExpression", "GetSliceExpression", "FunctionCallExpression", "ArithmeticExpression"}
_ABSENT = object()


class ConditionError(ValueError):
    """The expression cannot be used; ``code`` is ``condition`` or, for what is no plain comparison, hostile."""

    def __init__(self, message: str, code: str = "condition") -> None:
        super().__init__(message)
        self.code = code


class Verdict(StrEnum):
    """What can be said of a condition without any form."""

    SOMETIMES = "sometimes"
    NEVER = "never"
    ALWAYS = "always"
    UNKNOWN = "unknown"


def field_types(fields: Mapping[str, Mapping[str, JsonValue]]) -> dict[str, str]:
    """Field name -> JSON type, for the simple fields a condition may use."""
    return {name: str(schema["type"]) for name, schema in fields.items() if schema.get("type") in _TYPES}


def compile_condition(expression: str, types: Mapping[str, str]) -> None:
    """Raises ConditionError unless the expression is well formed, typed over these fields, and plain."""
    if len(expression) > LONGEST:
        raise ConditionError(f"longer than {LONGEST} characters", "condition_hostile")
    if "$" in expression:
        raise ConditionError(
            "built-in symbols ($now, $random …) are not allowed: a case must replay alike", "condition_hostile"
        )
    if "**" in expression or "for " in expression or "=~" in expression or "!~" in expression:
        raise ConditionError("powers, comprehensions and patterns are not allowed", "condition_hostile")
    if expression.count("(") > 12 or expression.count("[") > 12:
        raise ConditionError("nested too deeply", "condition_hostile")
    rule = _rule(expression, tuple(sorted(types.items())))
    nodes = list(_walk(rule.statement.expression))
    if len(nodes) > MOST_NODES:
        raise ConditionError(f"more than {MOST_NODES} parts", "condition_hostile")
    for node in nodes:
        kind = type(node).__name__
        odd = kind not in _ALLOWED or (kind == "GetAttributeExpression" and node.name not in _ATTRIBUTES)
        if odd or (kind == "ArithmeticExpression" and node.type not in {"mul", "tdiv"}):
            raise ConditionError("only plain comparisons of fields are allowed", "condition_hostile")
    if not any(type(node).__name__ == "SymbolExpression" for node in nodes):
        raise ConditionError("no field of the form is used", "condition_constant")


def holds(expression: str, form: Mapping[str, JsonValue], types: Mapping[str, str]) -> bool:
    """Whether the condition is met by a form that has passed its schema. A field left out is null.

    What cannot be reckoned - a comparison with nothing, a division by nothing - does not hold.
    """
    values = {name: form.get(name) for name in types}
    try:
        return bool(_rule(expression, tuple(sorted(types.items()))).matches(values))
    except EngineError:
        return False


def verdict(expression: str, fields: Mapping[str, Mapping[str, JsonValue]], required: set[str]) -> Verdict:
    """Whether some form meets a compiled condition, and some does not, found by trying what can make a difference.

    UNKNOWN where values cannot be told by their boundaries (parts of texts, arithmetic), or there are too many.
    """
    types = field_types(fields)
    rule = _rule(expression, tuple(sorted(types.items())))
    nodes = list(_walk(rule.statement.expression))
    if any(type(node).__name__ in _OPAQUE for node in nodes):
        return Verdict.UNKNOWN
    used = sorted({node.name for node in nodes if type(node).__name__ == "SymbolExpression"})
    literals = {node.value for node in nodes if type(node).__name__ in {"StringExpression", "FloatExpression"}}
    for node in nodes:
        if type(node).__name__ == "ArrayExpression":
            literals |= {item.value for item in node.value if hasattr(item, "value")}
    values = [_values(fields[name], literals, name in required) for name in used]
    if prod(len(v) for v in values) > MOST_FORMS:
        return Verdict.UNKNOWN
    met: set[bool] = set()
    for choice in product(*values):
        form = {name: value for name, value in zip(used, choice, strict=True) if value is not _ABSENT}
        met.add(holds(expression, form, types))
        if len(met) == 2:
            return Verdict.SOMETIMES
    return Verdict.ALWAYS if met == {True} else Verdict.NEVER


def _values(field: Mapping[str, JsonValue], literals: set[Any], required: bool) -> list[Any]:
    """Values of a field that can make a difference to comparisons with these literals."""
    choices = field.get("enum")
    found: list[Any]
    if isinstance(choices, list):
        found = list(choices)
    elif "const" in field:
        found = [field["const"]]
    elif field.get("type") == "boolean":
        found = [True, False]
    elif field.get("type") in {"integer", "number"}:
        low, high = field.get("minimum"), field.get("maximum")
        numbers = {float(x) + d for x in literals if not isinstance(x, str) for d in (-1, 0, 1)} | {0.0}
        numbers |= {float(x) for x in (low, high) if isinstance(x, int | float)}
        found = sorted(
            n
            for n in numbers
            if (not isinstance(low, int | float) or n >= low) and (not isinstance(high, int | float) or n <= high)
        )
    else:
        found = [*sorted({x for x in literals if isinstance(x, str)}), "\ue000", "\ue001"]
    return found if required else [*found, _ABSENT]


def _walk(node: Any) -> Iterator[Any]:
    """A node and everything below it."""
    yield node
    names = {name for cls in type(node).__mro__ for name in getattr(cls, "__slots__", ()) or ()}
    names |= set(getattr(node, "__dict__", ()))
    for name in sorted(names - {"context"}):
        child = getattr(node, name, None)
        for item in child if isinstance(child, tuple | list) else (child,):
            if type(item).__module__.startswith("rule_engine.ast") and type(item).__name__.endswith("Expression"):
                yield from _walk(item)


@lru_cache(maxsize=2048)
def _rule(expression: str, types: tuple[tuple[str, str], ...]) -> rule_engine.Rule:
    resolver = rule_engine.type_resolver_from_dict({name: _TYPES[kind] for name, kind in types})
    try:
        return rule_engine.Rule(expression, context=rule_engine.Context(type_resolver=resolver))
    except EngineError as error:
        raise ConditionError(getattr(error, "message", str(error))) from error
    except RecursionError as error:
        raise ConditionError("nested too deeply", "condition_hostile") from error
