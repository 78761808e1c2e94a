"""Conditions over form fields: rule-engine expressions, typed at load, without clock or random.

A condition sees only the fields its definition declares; an unknown name or a clash of types is found when the
definition is loaded, never when a citizen submits.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import rule_engine
from pydantic import JsonValue
from rule_engine.errors import EngineError

LONGEST = 500
_TYPES = {
    "string": rule_engine.DataType.STRING,
    "integer": rule_engine.DataType.FLOAT,
    "number": rule_engine.DataType.FLOAT,
    "boolean": rule_engine.DataType.BOOLEAN,
}


class ConditionError(ValueError):
    """The expression cannot be used; the message says why."""


def field_types(fields: Mapping[str, Mapping[str, JsonValue]]) -> dict[str, str]:
    """Field name -> JSON type, for the simple fields a condition may use."""
    return {name: str(schema["type"]) for name, schema in fields.items() if schema.get("type") in _TYPES}


def compile_condition(expression: str, types: Mapping[str, str]) -> None:
    """Raises ConditionError unless the expression is well formed and typed over these fields."""
    if len(expression) > LONGEST:
        raise ConditionError(f"longer than {LONGEST} characters")
    rule = _rule(expression, tuple(sorted(types.items())))
    builtin = [str(symbol) for symbol in rule.context.symbols if str(symbol) not in types]
    if "=~" in expression or "!~" in expression:
        raise ConditionError("patterns are not allowed: one can take for ever")
    if builtin or "$" in expression:
        raise ConditionError("built-in symbols ($now, $today, $random …) are not allowed: a case must replay alike")


def holds(expression: str, form: Mapping[str, JsonValue], types: Mapping[str, str]) -> bool:
    """Whether the condition is met by a form that has passed its schema. A field left out is null."""
    values = {name: form.get(name) for name in types}
    return bool(_rule(expression, tuple(sorted(types.items()))).matches(values))


@lru_cache(maxsize=512)
def _rule(expression: str, types: tuple[tuple[str, str], ...]) -> rule_engine.Rule:
    resolver = rule_engine.type_resolver_from_dict({name: _TYPES[kind] for name, kind in types})
    try:
        return rule_engine.Rule(expression, context=rule_engine.Context(type_resolver=resolver))
    except EngineError as error:
        raise ConditionError(getattr(error, "message", str(error))) from error
