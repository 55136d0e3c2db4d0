from __future__ import annotations

from click.testing import CliRunner

from streaming.kyutai_server.cli import main


def test_a_misspelt_variable_is_warned_of_without_its_value() -> None:
    variables = {
        "ASR_MODLE": "secret value",
        "ASR_TLS_CERT": "none.pem",
        "ASR_MAKE_TEST_CHECKPOINT_FOLDER": "x",
    }
    made = CliRunner().invoke(main, [], env=variables)
    warnings = [line for line in made.stderr.splitlines() if "warning" in line]
    assert warnings == ["asr-server: warning: unknown variable ASR_MODLE: did you mean ASR_MODEL?"]
    assert "secret value" not in made.output
