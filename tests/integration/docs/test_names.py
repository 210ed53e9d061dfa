"""Names that pages use exist, and names that a reader may meet are on a page: modules, headers, log fields, kinds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from typer.main import get_command

from proxy.api import endpointspec
from proxy.api.endpointspec import DEPLOYMENTS, ENDPOINTS, OTHERS, PREFIXES, RESOURCES, TUNNELS
from proxy.cli.main import app
from proxy.core.call import EndpointSpec, Operation
from proxy.core.plan import OmitReason
from proxy.core.snapshot import Rotation
from proxy.providers.kinds import KINDS, Kind
from proxy.routing.health import BROKEN, RULES
from proxy.settings.environment import Process
from proxy.settings.reference import tables
from proxy.telemetry.access import _Line
from proxy.upstream.process_family import MARK

ROOT = Path(__file__).parents[3]
PROXY = ROOT / "proxy"
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [ROOT / "README.md", *DOCS, *sorted((ROOT / "docs/how-to").glob("*.md"))]
FOLDERS = sorted(folder.name for folder in PROXY.iterdir() if (folder / "__init__.py").exists())

each_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


def page(name: str) -> str:
    return (ROOT / name).read_text()


def code() -> str:
    """All of the program but the simulator, whose names are not the gateway's."""
    return "\n".join(path.read_text() for path in PROXY.rglob("*.py") if "simulator" not in path.parts)


def test_every_code_that_a_client_may_be_told_is_documented() -> None:
    text = page("docs/errors.md")
    for told in sorted(set(re.findall(r'\bcode="(\w+)"', code()))):
        assert f"`{told}`" in text, told


def test_every_header_of_our_own_is_documented_and_no_other() -> None:
    ours = set(re.findall(r'(?:b"|f"|})(x-fairlead-[a-z-]+)[":]', code()))
    documented = set(re.findall(r"`(x-fairlead-[a-z-]+)", page("docs/errors.md") + page("docs/api.md")))
    assert len(ours) > 9
    assert documented == ours


def test_every_log_field_is_documented_and_no_other() -> None:
    text = page("docs/operations.md")
    fields = set(_Line.__struct_encode_fields__)
    fields |= set(re.findall(r'"((?:fairlead|gen_ai)\.[a-z_.]+)":', code()))
    fields |= set(re.findall(r'__dict__\["(fairlead\.\w+)"\]', code()))
    documented = set(re.findall(r"`((?:fairlead|gen_ai|http|error)\.[a-z_.]+)`", text))
    for name in fields:
        assert f"`{name}`" in text, name
    assert documented <= fields


MODULE = re.compile(rf"(?<![\w/.])({'|'.join(FOLDERS)})[./](\w+)(?:\.(\w+))?")


def named_modules() -> Iterator[tuple[str, str, str]]:
    text = re.sub(r"\]\([^)]*\)", "]", page("docs/architecture.md"))  # without where links lead
    for found in MODULE.finditer(text):
        folder, module, inner = found.groups(default="")
        yield folder, module, "" if inner == "py" else inner


@pytest.mark.parametrize("named", sorted(set(named_modules())), ids=".".join)
def test_module_that_the_architecture_names_exists(named: tuple[str, str, str]) -> None:
    folder, module, inner = named
    path = PROXY / folder / f"{module}.py"
    assert path.exists() or (PROXY / folder / module).is_dir() or defines(PROXY / folder, module)
    if inner:
        assert re.search(
            rf"^\s*(?:class|(?:async )?def) {inner}\b|^\s*{inner}\b.* = |^    {inner}: ", path.read_text(), re.M
        )


def defines(folder: Path, name: str) -> bool:
    """Whether some module of the folder defines this: how a port's method is spoken of, as in `state.claim`."""
    return any(re.search(rf"^\s*(?:async )?def {name}\b", path.read_text(), re.M) for path in folder.glob("*.py"))


def settings() -> set[str]:
    return {key.name for table in tables() for key in table.keys}


@each_page
def test_setting_that_a_page_names_exists(path: Path) -> None:
    """Those with a unit at their end: no other word looks like them."""
    known = settings() | set(_Line.__struct_encode_fields__)
    for name in re.findall(r"`([a-z]+(?:_[a-z]+)*_(?:s|bytes|port|dir|origins))\b[^`(]*`", path.read_text()):
        assert name in known, name


@each_page
def test_variable_of_our_own_that_a_page_names_is_read(path: Path) -> None:
    text = path.read_text()
    ours = {str(field.alias) for field in Process.model_fields.values()} | {"FAIRLEAD_URL", "FAIRLEAD_KEY", MARK}
    examples = set(re.findall(r"\$\{(FAIRLEAD_\w+)", text))  # of a configuration file, where any name will do
    for name in re.findall(r"\bFAIRLEAD_[A-Z_]+\b", text):
        assert name in ours | examples, name


def commands_of(path: Path) -> Iterator[str]:
    for block in re.findall(r"```(?:console|sh)?\n(.*?)```", path.read_text(), re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            yield from re.findall(r"(?:^|\$ |/)fairlead ([a-z].*)", re.sub(r"\s#.*", "", line))


def test_commands_are_found_in_pages() -> None:
    assert sum(len(list(commands_of(path))) for path in PAGES) > 15


@each_page
def test_command_line_of_a_page_can_be_parsed(path: Path) -> None:
    root = get_command(app)
    for line in commands_of(path):
        words = [word.strip("`|;()") for word in line.split()]
        command = root
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]  # type: ignore[attr-defined] # a group has them
        assert not hasattr(command, "commands"), line
        known = {option for parameter in command.params for option in parameter.opts}
        for option in re.findall(r"--[a-z-]+", " ".join(words).partition("|")[0]):
            assert option in known, line


def test_every_reason_and_rotation_is_documented() -> None:
    text = page("docs/routing.md")
    for name in (*OmitReason, *Rotation):
        assert f"| `{name}` |" in text, name


def test_every_kind_that_sets_something_aside_is_in_the_table() -> None:
    table = page("docs/routing.md").partition("| kind | what is set aside |")[2].partition("\n\n")[0]
    for kind in RULES.keys() | BROKEN:
        assert f"`{kind}`" in table or (kind.startswith("timeout_") and "`timeout_*`" in table), kind


def test_every_endpoint_is_documented() -> None:
    text = page("docs/api.md")
    for path in ENDPOINTS:
        assert f"`POST /v1{path}`" in text
    for path in OTHERS:
        assert f"`POST {path}`" in text
    for path, endpoint in {**RESOURCES, **TUNNELS}.items():
        for method in endpoint.methods:
            assert f"`{method.decode()} /v1{path}`" in text
    for prefix in PREFIXES:
        assert f"`{prefix or '/'}`" in text or f" {prefix}/" in text, prefix
    assert f"`{DEPLOYMENTS}{{model}}" in text


def test_every_endpoint_has_its_name_in_metrics_and_log_documented_and_no_other() -> None:
    section = page("docs/metrics.md").partition("\n## Endpoints\n")[2].partition("\n## ")[0]
    written = {name for row in re.findall(r"^\| (`.*?) \|", section, re.M) for name in re.findall(r"`(\w+)`", row)}
    assert written - {"endpoint"} == {
        spec.name for spec in vars(endpointspec).values() if isinstance(spec, EndpointSpec)
    }


WRITTEN_KIND = re.compile(
    r"^\| `(?P<name>\w+)` \| (?P<key>.*?) \| (?P<url>.*?) \| (?P<endpoints>.*?) \|$", re.MULTILINE
)


def test_every_kind_is_documented_with_its_variables_address_and_endpoints() -> None:
    text = page("docs/providers.md")
    written = {row["name"]: row for row in WRITTEN_KIND.finditer(text)}
    served = {name: kind for name, kind in KINDS.items() if kind.dialect is not None}
    assert written.keys() == served.keys()
    for name, kind in served.items():
        assert_row(written[name].groupdict(), kind)
    for name in KINDS.keys() - served.keys():
        assert f"`{name}`" in text, name


def assert_row(row: Mapping[str, str], kind: Kind) -> None:
    assert tuple(re.findall(r"`(\w+)`", row["key"])) == kind.env, kind.name
    assert ("none needed" in row["key"]) == (not kind.credentials_required), kind.name
    keys = {"base_url", "location", "region"}
    addresses = {name for name in re.findall(r"`([^`]+)`", row["url"]) if name not in keys}
    assert addresses == {*filter(None, [kind.base_url]), *kind.base_url_env}, kind.name
    assert row["endpoints"].split(", ") == [str(operation) for operation in Operation if operation in kind.operations]
