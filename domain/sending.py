"""What of an application goes out with a call: the fields the definition names, and no others (PIPL art. 6)."""

from __future__ import annotations

from collections.abc import Mapping


def payload(send: Mapping[str, str], form: Mapping[str, object], references: Mapping[str, str]) -> dict[str, str]:
    """The fields by name. Sources: ``form.x``, ``step.y.reference`` or a fixed ``=text``; what is empty is left out."""
    found: dict[str, str] = {}
    for name, source in send.items():
        kind, _, rest = source.partition(".")
        if source.startswith("="):
            found[name] = source[1:]
        elif kind == "form" and form.get(rest) is not None:
            found[name] = str(form[rest])
        elif kind == "step":
            found[name] = references.get(rest.removesuffix(".reference"), "")
    return found
