"""Settings that come from environment variables. `docs/settings.md` is made from this class."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from captioner.bot.output_settings import OutputSettings
from captioner.contract import ConsentRule
from captioner.controls.decisions import HostRule, Policy, Want
from captioner.controls.open_store import is_redis
from captioner.errors import ConfigurationError
from captioner.publishing.livekit_segments import Legacy
from captioner.transcript.folder import NAME, TranscriptPolicy, must_be_template
from streaming.kyutai.protocol import PUBLIC_KEY
from streaming.languages import Languages
from streaming.realtime_client.session import MODEL as VOXTRAL

OTHER_NAMES = {"CAPTIONER_ASR": "KYUTAI_STT_BASE_URL", "CAPTIONER_ASR_KEY": "KYUTAI_API_KEY"}
"""What La Suite Meet's subtitle agent calls the same, of Kyutai's servers; ours take precedence."""


class Settings(BaseSettings):
    """LiveKit's own names for LiveKit's things, CAPTIONER_* for ours."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    livekit_url: str = Field(
        default="ws://127.0.0.1:7880",
        validation_alias="LIVEKIT_URL",
        description="Address of the LiveKit server.",
    )
    livekit_api_key: str = Field(
        default="",
        validation_alias="LIVEKIT_API_KEY",
        description="API key of the LiveKit server. The bot signs its own tokens with it.",
    )
    livekit_api_secret: SecretStr = Field(
        default=SecretStr(""),
        validation_alias="LIVEKIT_API_SECRET",
        description="Secret that belongs to the API key.",
    )
    livekit_token: SecretStr = Field(
        default=SecretStr(""),
        validation_alias="LIVEKIT_TOKEN",
        description="A token for one room, in place of key and secret.",
    )

    language: str = Field(
        default="en",
        validation_alias="CAPTIONER_LANGUAGE",
        description="Language that is spoken in the room, as a BCP 47 tag; also `--language`. With"
        " `auto:fr,en` each speaker's is found by voice among those (at most 8), and is the first"
        " until then; with `auto` among all.",
    )
    engine: str = Field(
        default="",
        validation_alias="CAPTIONER_ENGINE",
        pattern="^(|embedded|kyutai|realtime)$",
        description="Speech recogniser; also `--engine`. `kyutai` and `realtime` are servers that"
        " CAPTIONER_ASR names. Unset: `kyutai` if it names one, else `embedded`.",
    )
    asr: str = Field(
        default="",
        validation_alias="CAPTIONER_ASR",
        description="Speech servers: `ws://HOST:PORT[,ws://…]`; also `--asr`. A host name with"
        " several addresses counts as several servers. `realtime` adds `/v1/realtime`. Unset:"
        " `KYUTAI_STT_BASE_URL`, as La Suite Meet's agent, unless CAPTIONER_ENGINE is another.",
    )
    asr_key: SecretStr = Field(
        default=SecretStr(""),
        validation_alias="CAPTIONER_ASR_KEY",
        description="API key of the speech servers. Unset: none for `realtime`, and for `kyutai`"
        f" `KYUTAI_API_KEY`, or the public default key, `{PUBLIC_KEY}`.",
    )
    asr_languages: str = Field(
        default="",
        validation_alias="CAPTIONER_ASR_LANGUAGES",
        description="Languages that the servers' model knows. Unset: `en,fr` for `kyutai` (use `en`"
        " for the 2.6B model), Voxtral's 13 for `realtime`.",
    )
    asr_model: str = Field(
        default=VOXTRAL,
        validation_alias="CAPTIONER_ASR_MODEL",
        min_length=1,
        max_length=200,
        description="Name of the model on servers of `realtime`, as vLLM serves it.",
    )
    asr_delay_ms: int = Field(
        default=480,
        validation_alias="CAPTIONER_ASR_DELAY_MS",
        ge=0,
        le=10_000,
        description="Delay of the servers' words behind the sound, in milliseconds. Use `2560`"
        " for Kyutai's 2.6B model; for `realtime`, what the model is served with.",
    )
    fallback: str = Field(
        default="embedded",
        validation_alias="CAPTIONER_FALLBACK",
        pattern="^(embedded|none)$",
        description="What captions while no speech server answers; also `--fallback`.",
    )
    model: str = Field(
        default="auto",
        validation_alias="CAPTIONER_MODEL",
        description="Model of the embedded engine: `tiny-en`, `base`, the folder of a Whisper model"
        " in CTranslate2's format, or `auto`: tiny-en for English, base for every other language,"
        " and for an English voice in noise or echo while the machine has room for it."
        " `captioner models` lists what is there.",
    )
    device: str = Field(
        default="cpu",
        validation_alias="CAPTIONER_DEVICE",
        pattern="^(cpu|cuda)$",
        description="What runs the model of a folder that CAPTIONER_MODEL names.",
    )
    gate: str = Field(
        default="voice",
        validation_alias="CAPTIONER_GATE",
        pattern="^(voice|sound)$",
        description="What a speech server receives: only `voice`, or any `sound` louder than the"
        " background, such as singing or the test checkpoint's tones.",
    )
    threads: int | None = Field(
        default=None,
        validation_alias="CAPTIONER_THREADS",
        ge=1,
        le=64,
        description="Decodes that the embedded engine runs in parallel. Unset: one per processor.",
    )
    slots: int | None = Field(
        default=None,
        validation_alias="CAPTIONER_SLOTS",
        ge=1,
        le=10_000,
        description="People who can be recognised while they speak at the same time. The next one"
        " waits for up to 30 s, and everybody sees it. Unset: 4 per processor for `embedded`, 64"
        " for servers.",
    )

    want: Want | None = Field(
        default=None,
        validation_alias="CAPTIONER_WANT",
        description="Who counts as a reader: whoever asks for captions, as the page does (`hello`),"
        " or everybody (`always`). After 60 s without a reader the bot stops listening. Unset:"
        " `always` if CAPTIONER_TEXT_STREAMS or CAPTIONER_LEGACY is on, else `hello`.",
    )
    enabled: bool = Field(
        default=True,
        validation_alias="CAPTIONER_ENABLED",
        description="Whether captions are on when a meeting begins.",
    )
    hosts: str = Field(
        default="room_role=owner,administrator",
        validation_alias="CAPTIONER_HOSTS",
        description="Token attribute, and its values, that make a host. It counts only if it is"
        " signed and its owner cannot change it.",
    )
    name_hosts: bool = Field(
        default=True,
        validation_alias="CAPTIONER_NAME_HOSTS",
        description="Whether everybody sees which host changed a setting.",
    )
    consent: ConsentRule = Field(
        default=ConsentRule.UNLESS_REFUSED,
        validation_alias="CAPTIONER_CONSENT",
        description="Whether people who have not chosen are captioned.",
    )
    state: SecretStr = Field(
        default=SecretStr(""),
        validation_alias="CAPTIONER_STATE",
        description="What keeps decisions, never speech, across restarts: a folder, or `redis://…`"
        " for several machines. Unset: `~/.local/state/live-captions`.",
    )

    vocabulary: Path | None = Field(
        default=None,
        validation_alias="CAPTIONER_VOCABULARY",
        description="File of names and terms that may be said, one a line, for Whisper: it hears"
        " them better. Hosts name others in the meeting, and the names of who is there count too;"
        " about 40 are used, hosts' first, then people's.",
    )
    words: str = Field(
        default="",
        validation_alias="CAPTIONER_WORDS",
        description="The same as a text, one a line. A dispatch's metadata set it for its room, by"
        ' `{"vocabulary": ["…"]}`.',
    )
    transcripts: Path | None = Field(
        default=None,
        validation_alias="CAPTIONER_TRANSCRIPTS",
        description="Folder for transcripts, once a host switches them on. Unset: none are kept.",
    )
    transcript_name: str = Field(
        default=NAME,
        validation_alias="CAPTIONER_TRANSCRIPT_NAME",
        description="File name of a transcript. `{date}` and `{time}` are those of the meeting's"
        " start in UTC; `{recording}` is the name of its recording.",
    )
    keep_days: int | None = Field(
        default=None,
        validation_alias="CAPTIONER_KEEP_DAYS",
        ge=0,
        le=36_500,
        description="Days after its last word on which a transcript is deleted. Unset: never.",
    )
    recording: str = Field(
        default="",
        validation_alias="CAPTIONER_RECORDING",
        max_length=200,
        description="Name of the meeting's recording, for `{recording}` in"
        " CAPTIONER_TRANSCRIPT_NAME.",
    )

    e2ee_key: SecretStr = Field(
        default=SecretStr(""),
        validation_alias="CAPTIONER_E2EE_KEY",
        description="Shared key of end-to-end encrypted rooms.",
    )
    transcribe_encrypted: bool = Field(
        default=False,
        validation_alias="CAPTIONER_TRANSCRIBE_ENCRYPTED",
        description="Whether transcripts of encrypted rooms may be kept.",
    )

    text_streams: bool = Field(
        default=False,
        validation_alias="CAPTIONER_TEXT_STREAMS",
        description="Whether captions are also sent as LiveKit text streams, on the topic"
        " `lk.transcription`. What a speaker removes is replaced by nothing.",
    )
    legacy: Legacy = Field(
        default=Legacy.OFF,
        validation_alias="CAPTIONER_LEGACY",
        description="Whether captions are also sent as LiveKit transcription packets: `all`"
        " changes, or only the `final` text, each phrase once under an id of its own; phrases"
        " cannot be taken back from a page when a speaker removes what they said.",
    )

    start: str = Field(
        default="",
        validation_alias="CAPTIONER_START",
        max_length=10_000,
        description="Rooms in which `captioner api` starts captions by itself: patterns of names,"
        " as `class-*,exam-*`, or `*` for all. A room's metadata decides before them:"
        ' `{"captions": true}` or `false`.',
    )

    metrics_port: int | None = Field(
        default=None,
        validation_alias="CAPTIONER_METRICS_PORT",
        ge=1,
        le=65_535,
        description="Port that serves Prometheus metrics. Unset: no metrics.",
    )
    listen: str = Field(
        default="127.0.0.1",
        validation_alias="CAPTIONER_LISTEN",
        description="Address on which metrics, the worker's `--health-port`, `captioner page` and"
        " `captioner api` answer: this machine alone, `0.0.0.0` for all. The first three ask for no"
        " key, so let only your monitoring reach the first two.",
    )
    log_format: str = Field(
        default="console",
        validation_alias="CAPTIONER_LOG",
        pattern="^(console|json)$",
        description="Format of the log, on stderr.",
    )

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], *sources: PydanticBaseSettingsSource, **named: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Where settings come from, the first first."""
        return (*sources, *named.values(), _OtherNames(settings_cls))

    @field_validator("language")
    @classmethod
    def _is_language(cls, text: str) -> str:
        Languages.parse(text)
        return text

    @field_validator("transcript_name")
    @classmethod
    def _is_template(cls, text: str) -> str:
        must_be_template(text)
        return text

    @property
    def start_rooms(self) -> tuple[str, ...]:
        """Patterns of the names of rooms that get captions by themselves."""
        return tuple(filter(None, map(str.strip, self.start.split(","))))

    @property
    def extras(self) -> OutputSettings:
        """The outputs beside the captions of our own pages."""
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
        """Where transcripts go, or None if none may be kept."""
        if self.transcripts is None:
            return None
        return TranscriptPolicy(self.transcripts, self.transcript_name, self.keep_days)

    @property
    def state_place(self) -> str:
        """Where decisions are kept: a folder, or an address of Redis."""
        return self.state.get_secret_value() or str(self.state_folder)

    @property
    def state_folder(self) -> Path:
        """For what only this machine has to know; by default the XDG state folder."""
        named = self.state.get_secret_value()
        base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        return Path(base) / "live-captions" if not named or is_redis(named) else Path(named)

    def policy(self, engines: Mapping[str, tuple[str, ...]]) -> Policy:
        """The rules by which a room's decisions are made. Raises ConfigurationError."""
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
        """Clients of the other outputs send no hello, so everybody counts as a reader then."""
        others = self.text_streams or self.legacy is not Legacy.OFF
        return Want.ALWAYS if others else Want.HELLO

    @property
    def engine_name(self) -> str:
        """The engine named, else kyutai where a server is named, else embedded."""
        return self.engine or ("kyutai" if self.asr else "embedded")

    @property
    def asr_named_by(self) -> str:
        """The variable that names the servers, or would."""
        theirs = OTHER_NAMES["CAPTIONER_ASR"]
        taken = self.asr and self.asr == os.environ.get(theirs)
        return theirs if taken and "CAPTIONER_ASR" not in os.environ else "CAPTIONER_ASR"


class _OtherNames(PydanticBaseSettingsSource):
    """Reads the variables that others have named; theirs are all of Kyutai's servers."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Not used: all are read at once."""
        raise NotImplementedError

    def __call__(self) -> dict[str, Any]:
        """The values by our names."""
        if self.current_state.get("CAPTIONER_ENGINE") not in (None, "", "kyutai"):
            return {}
        return {
            ours: os.environ[theirs] for ours, theirs in OTHER_NAMES.items() if theirs in os.environ
        }


def variables() -> dict[str, FieldInfo]:
    """The settings by environment variable."""
    return {str(field.validation_alias): field for field in Settings.model_fields.values()}


def read_settings(**overrides: str | None) -> Settings:
    """Read the settings of this process. Raises ConfigurationError that names what is wrong.

    overrides: values by field name that take precedence over the environment, unless None.
    """
    try:
        return Settings(**_by_alias(overrides))
    except ValidationError as exc:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {_advice(e)}" for e in exc.errors())
        raise ConfigurationError(f"a setting in the environment is wrong: {faults}") from None


def _advice(error: ErrorDetails) -> str:
    """What to write instead. All our patterns are lists of words, such as ``^(voice|sound)$``."""
    pattern: str = error.get("ctx", {}).get("pattern", "")
    choices = [word for word in pattern.strip("^$()").split("|") if word]
    return f"must be {' or '.join(choices)}" if choices else error["msg"]


def _by_alias(values: Mapping[str, str | None]) -> dict[str, Any]:
    """Key the values by environment variable, which would win over the field name."""
    return {
        str(Settings.model_fields[name].validation_alias): value
        for name, value in values.items()
        if value is not None
    }
