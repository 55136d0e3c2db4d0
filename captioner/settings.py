"""What can be set from the environment, read once, in cli.py."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from captioner.bot.output_settings import OutputSettings
from captioner.contract import ConsentRule
from captioner.controls.decisions import HostRule, Policy, Want
from captioner.errors import ConfigurationError
from captioner.publishing.livekit_segments import Legacy
from captioner.transcript.folder import NAME, TranscriptPolicy
from streaming.kyutai.protocol import PUBLIC_KEY


class Settings(BaseSettings):
    """LiveKit's own names for LiveKit's things, CAPTIONER_* for ours."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    livekit_url: str = Field(default="ws://127.0.0.1:7880", validation_alias="LIVEKIT_URL")
    livekit_api_key: str = Field(default="", validation_alias="LIVEKIT_API_KEY")
    livekit_api_secret: SecretStr = Field(
        default=SecretStr(""), validation_alias="LIVEKIT_API_SECRET"
    )
    livekit_token: SecretStr = Field(default=SecretStr(""), validation_alias="LIVEKIT_TOKEN")

    language: str = Field(default="en", validation_alias="CAPTIONER_LANGUAGE")
    engine: str = Field(
        default="", validation_alias="CAPTIONER_ENGINE", pattern="^(|embedded|kyutai)$"
    )
    asr: str = Field(default="", validation_alias="CAPTIONER_ASR")
    asr_key: SecretStr = Field(default=SecretStr(PUBLIC_KEY), validation_alias="CAPTIONER_ASR_KEY")
    asr_languages: str = Field(default="en,fr", validation_alias="CAPTIONER_ASR_LANGUAGES")
    asr_delay_ms: int = Field(
        default=480, validation_alias="CAPTIONER_ASR_DELAY_MS", ge=0, le=10_000
    )
    fallback: str = Field(
        default="embedded", validation_alias="CAPTIONER_FALLBACK", pattern="^(embedded|none)$"
    )
    threads: int | None = Field(default=None, validation_alias="CAPTIONER_THREADS", ge=1, le=64)
    slots: int | None = Field(default=None, validation_alias="CAPTIONER_SLOTS", ge=1, le=10_000)
    gate: str = Field(default="voice", validation_alias="CAPTIONER_GATE", pattern="^(voice|sound)$")
    want: Want | None = Field(default=None, validation_alias="CAPTIONER_WANT")
    enabled: bool = Field(default=True, validation_alias="CAPTIONER_ENABLED")
    hosts: str = Field(default="room_role=owner,administrator", validation_alias="CAPTIONER_HOSTS")
    name_hosts: bool = Field(default=True, validation_alias="CAPTIONER_NAME_HOSTS")
    consent: ConsentRule = Field(
        default=ConsentRule.UNLESS_REFUSED, validation_alias="CAPTIONER_CONSENT"
    )
    state: Path | None = Field(default=None, validation_alias="CAPTIONER_STATE")
    metrics_port: int | None = Field(
        default=None, validation_alias="CAPTIONER_METRICS_PORT", ge=1, le=65_535
    )
    log_format: str = Field(
        default="console", validation_alias="CAPTIONER_LOG", pattern="^(console|json)$"
    )

    transcripts: Path | None = Field(default=None, validation_alias="CAPTIONER_TRANSCRIPTS")
    transcript_name: str = Field(default=NAME, validation_alias="CAPTIONER_TRANSCRIPT_NAME")
    keep_days: int | None = Field(
        default=None, validation_alias="CAPTIONER_KEEP_DAYS", ge=0, le=36_500
    )

    transcribe_encrypted: bool = Field(
        default=False, validation_alias="CAPTIONER_TRANSCRIBE_ENCRYPTED"
    )
    recording: str = Field(default="", validation_alias="CAPTIONER_RECORDING", max_length=200)
    text_streams: bool = Field(default=False, validation_alias="CAPTIONER_TEXT_STREAMS")
    legacy: Legacy = Field(default=Legacy.OFF, validation_alias="CAPTIONER_LEGACY")
    e2ee_key: SecretStr = Field(default=SecretStr(""), validation_alias="CAPTIONER_E2EE_KEY")

    @property
    def extras(self) -> OutputSettings:
        """What goes elsewhere than to our pages."""
        return OutputSettings(
            transcripts=self.transcript_policy,
            legacy=self.legacy,
            text_streams=self.text_streams,
            encrypted=bool(self.e2ee_key.get_secret_value()),
            transcribe_encrypted=self.transcribe_encrypted,
            recording=self.recording,
        )

    @property
    def transcript_policy(self) -> TranscriptPolicy | None:
        """Where transcripts go; None where none may be kept."""
        if self.transcripts is None:
            return None
        return TranscriptPolicy(self.transcripts, self.transcript_name, self.keep_days)

    @property
    def state_folder(self) -> Path:
        """Where decisions are kept over a restart: the XDG state folder by default."""
        base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        return self.state or Path(base) / "live-captions"

    def policy(self, engines: Mapping[str, tuple[str, ...]]) -> Policy:
        """Who decides what. Raises ConfigurationError."""
        return Policy(
            engines,
            hosts=HostRule.parse(self.hosts),
            consent=self.consent,
            want=self.want or self._want,
            transcripts=self.transcripts is not None,
            name_hosts=self.name_hosts,
        )

    @property
    def _want(self) -> Want:
        """Who reads by clients that say no hello is not known: then everybody counts."""
        others = self.text_streams or self.legacy is not Legacy.OFF
        return Want.ALWAYS if others else Want.HELLO

    @property
    def engine_name(self) -> str:
        """The engine named, else kyutai where a server is named, else embedded."""
        return self.engine or ("kyutai" if self.asr else "embedded")


def read_settings(**overrides: str | None) -> Settings:
    """The settings of this process. Raises ConfigurationError that names what is wrong.

    overrides: values by field name that take precedence over the environment, unless None.
    """
    try:
        return Settings(**_by_alias(overrides))
    except ValidationError as exc:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {_advice(e)}" for e in exc.errors())
        raise ConfigurationError(f"a setting in the environment is wrong: {faults}") from None


def _advice(error: ErrorDetails) -> str:
    """All our patterns list words: ``^(voice|sound)$``."""
    pattern: str = error.get("ctx", {}).get("pattern", "")
    choices = [word for word in pattern.strip("^$()").split("|") if word]
    return f"must be {' or '.join(choices)}" if choices else error["msg"]


def _by_alias(values: Mapping[str, str | None]) -> dict[str, Any]:
    """As the environment names them: of two names for one setting that one would win."""
    return {
        str(Settings.model_fields[name].validation_alias): value
        for name, value in values.items()
        if value is not None
    }
