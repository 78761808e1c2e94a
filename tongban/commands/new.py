"""``new adapter``: a package of its own that passes its tests at once."""

from __future__ import annotations

import re
import shutil
import tempfile
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Annotated, NoReturn

import typer

app = typer.Typer(no_args_is_help=True, help="Start something of your own: an adapter.")
UNUSABLE = 2
NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "profile.json": "profile.json",
    "src/{module}/__init__.py": "init.py",
    "src/{module}/adapter.py": "adapter.py",
    "tests/conftest.py": "conftest.py",
    "tests/province.py": "province.py",
    "tests/test_conformance.py": "test_conformance.py",
}


@app.command()
def adapter(
    name: Annotated[str, typer.Argument(help="Its name in the provinces file: small letters, digits, - and _.")],
    into: Annotated[Path, typer.Option("--into", help="The folder in which a folder NAME is made.")] = Path("."),
) -> None:
    """Make a package with a small adapter, a province to try it against, and the conformance kit as its tests."""
    from adapters.registry import installed

    if not NAME.fullmatch(name):
        _refuse(
            f"{name!r} 不能作名称：小写字母开头，后接小写字母、数字、- 或 _，最多 40 个字符。",
            f"{name!r} cannot be a name: a small letter, then small letters, digits, - or _, 40 characters at most.",
        )
    if name in installed() or name.replace("-", "_") in installed():
        _refuse(f"已有名为 {name!r} 的适配器。", f"There is an adapter {name!r} already.")
    if not into.is_dir():
        _refuse(f"{into}：没有这个文件夹。", f"{into}: there is no such folder.")
    target = into / name
    if target.exists() or target.is_symlink():
        _refuse(f"{target} 已存在。", f"{target} exists already.")
    try:
        write(name, target)
    except OSError as failed:
        _refuse(f"{target}：无法写入。", f"{target}: cannot be written ({failed.strerror or type(failed).__name__}).")
    typer.echo(f"已生成 {target}。进入该文件夹运行：python -m pytest")
    typer.echo(f"Made {target}. In that folder, run: python -m pytest")


def write(name: str, target: Path) -> None:
    """Writes all of it or nothing: into a folder beside the target first, which then takes its name."""
    module = "tongban_" + name.replace("-", "_")
    class_name = "".join(part.title() for part in re.split("[-_]", name)) + "Adapter"
    templates = files("tongban") / "scaffold" / "adapter"
    draft = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=target.parent))
    try:
        draft.chmod(0o755)
        for where, template in _FILES.items():
            file = draft / where.format(module=module)
            file.parent.mkdir(parents=True, exist_ok=True)
            text = Template((templates / f"{template}.tmpl").read_text("utf-8"))
            file.write_text(text.substitute(name=name, module=module, class_name=class_name), "utf-8")
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _refuse(zh: str, en: str) -> NoReturn:
    typer.echo(f"{zh}\n{en}", err=True)
    raise typer.Exit(UNUSABLE)
