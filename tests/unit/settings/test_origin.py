from __future__ import annotations

from pathlib import Path

import pytest

from proxy.core.errors import ConfigError
from proxy.settings.origin import choose_path, digest, read_origin


def test_the_flag_wins_over_the_variable_and_both_over_the_usual_file(tmp_path: Path) -> None:
    usual = tmp_path / "fairlead.toml"
    environ = {"FAIRLEAD_CONFIG": "named.toml"}
    assert choose_path(None, {}, tmp_path) is None
    usual.touch()
    assert choose_path(None, {}, tmp_path) == usual
    assert choose_path(None, {"FAIRLEAD_CONFIG": ""}, tmp_path) == usual
    assert choose_path(None, environ, tmp_path) == Path("named.toml")
    assert choose_path(Path("flag.toml"), environ, tmp_path) == Path("flag.toml")


def test_a_file_is_read_with_its_digest(tmp_path: Path) -> None:
    path = tmp_path / "f.toml"
    path.write_bytes(b"[server]\r\nport = 1\r\n")
    origin = read_origin(path, {}, ollama_answers=False)
    assert (origin.name, origin.source, origin.document) == (str(path), "file", {"server": {"port": 1}})
    assert origin.digest == digest("[server]\r\nport = 1\r\n", {})


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "f.toml"
    path.write_bytes(b"\xef\xbb\xbf[server]\nport = 1\n")
    assert read_origin(path, {}, ollama_answers=False).document == {"server": {"port": 1}}


@pytest.mark.parametrize(
    ("content", "where", "found"),
    [
        pytest.param(
            b"[server]\nport = sk-planted\n",
            ": line 2, column 8",
            "text that is not TOML: a value that is none",
            id="no-toml",
        ),
        pytest.param(
            b'sk = 1\nsk = "sk-planted"\n',
            ": line 2, column 18",
            "text that is not TOML: a key or table that stands above already",
            id="key-twice",
        ),
        pytest.param(b"port: 1", ": line 1, column 5", "text that is not TOML: a key without =", id="as-in-yaml"),
        pytest.param(
            b'{"port": 1}',
            ": line 1, column 1",
            "text that is not TOML: a line that is neither a key nor a table",
            id="as-in-json",
        ),
        pytest.param(
            b"// sk-planted",
            ": line 1, column 1",
            "text that is not TOML: a line that is neither a key nor a table",
            id="comment",
        ),
        pytest.param(
            b"[server\n",
            ": line 1, column 8",
            "text that is not TOML: a table's name that is not closed",
            id="open-table",
        ),
        pytest.param(
            b'a = ["x"\n[b]',
            ": line 2, column 1",
            "text that is not TOML: brackets that are not closed",
            id="open-list",
        ),
        pytest.param(
            b'a = "sk-planted',
            ": end of document",
            "text that is not TOML: a string that is not closed",
            id="open-string",
        ),
        pytest.param(
            b'a = "C:\\Users"', ": line 1, column 10", "text that is not TOML: a backslash in a string", id="backslash"
        ),
        pytest.param(
            b'a = "x" b = 1',
            ": line 1, column 9",
            "text that is not TOML: more than one value on a line",
            id="two-on-a-line",
        ),
        pytest.param(
            b"a = { b = 1,\n c = 2 }",
            ": line 1, column 13",
            "text that is not TOML: a key that cannot be read",
            id="broken-braces",
        ),
        pytest.param(
            b'a = "x\0"',
            ": line 1, column 7",
            "text that is not TOML: a control character or a line's end where none may be",
            id="control",
        ),
        pytest.param(b"a = " + b"9" * 5000, "", "text that is not TOML", id="longer-than-a-number"),
        pytest.param(b"a = " + b"[" * 5000, "", "text that is not TOML", id="nested-too-deeply"),
        pytest.param(b"a = '\xff'", "", "bytes that are not UTF-8", id="no-text"),
        pytest.param(None, "", "no such file", id="missing"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_without_its_text(
    tmp_path: Path, content: bytes | None, where: str, found: str
) -> None:
    path = tmp_path / "f.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_origin(path, {}, ollama_answers=False)
    (problem,) = caught.value.problems
    assert (problem.where, problem.found, problem.fatal) == (f"{path}{where}", found, True)
    assert caught.value.__context__ is None
    assert "sk-planted" not in str(problem)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        pytest.param("", "a folder", id="folder"),
        pytest.param("file/f.toml", "a file that cannot be read (Not a directory)", id="below-a-file"),
    ],
)
def test_what_is_no_file_is_told(tmp_path: Path, name: str, found: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError) as caught:
        read_origin(tmp_path / name, {}, ollama_answers=False)
    assert caught.value.problems[0].found == found


def test_the_digest_changes_with_the_text_and_the_variables_it_names() -> None:
    text = 'a = "${KEY}"\nb_env = "OTHER"'
    seen = [
        digest(text, {}),
        digest(text + " ", {}),
        digest(text, {"KEY": "1"}),
        digest(text, {"KEY": "2"}),
        digest(text, {"OTHER": "1"}),
        digest(text, {"KEY": "\udcff"}),
    ]
    assert len(set(seen)) == len(seen)
    assert digest(text, {"UNRELATED": "1"}) == digest(text, {})
