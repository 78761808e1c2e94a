"""``services draw``: a definition as a picture, on standard output."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Language(StrEnum):
    """What ``--lang`` takes; the title stands in both."""

    ZH = "zh"
    EN = "en"


def run(
    service: Annotated[str, typer.Argument(metavar="FILE|CODE", help="A definition file, CODE or CODE@VERSION.")],
    lang: Annotated[Language, typer.Option(help="The language of the boxes.")] = Language.ZH,
) -> None:
    """Draw a service as an SVG: lanes by place, steps, limits, fees, what cannot be undone."""
    from catalogue.drawing import Lang, draw
    from tongban.commands.services import find_plan, open_library

    plan = find_plan(service, open_library())
    typer.echo(draw(plan, Lang(lang)).encode("utf-8"), nl=False)
