from __future__ import annotations

from pathlib import Path

import pytest

from streaming.kyutai.protocol import PUBLIC_KEY
from streaming.kyutai_server.api_keys import Keys, read_keys


def test_a_key_is_known_by_its_number() -> None:
    keys = Keys(("one", "two"))
    assert [keys.number(given) for given in ("one", "two", "three", "", None)] == [
        0, 1, None, None, None,
    ]  # fmt: skip


def test_keys_are_shown_to_nobody() -> None:
    assert "secret" not in repr(Keys(("secret",)))


def test_the_default_key_is_public() -> None:
    assert Keys().is_public
    assert Keys(("own", PUBLIC_KEY)).is_public
    assert not Keys(("own",)).is_public


def test_a_file_of_keys_has_one_a_line(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("# for the ministry\n one \n\ntwo\n")
    assert read_keys(tmp_path / "keys") == Keys(("one", "two"))


def test_a_file_without_keys_is_no_file_of_keys(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("# none\n")
    with pytest.raises(ValueError, match="holds no key"):
        read_keys(tmp_path / "keys")
