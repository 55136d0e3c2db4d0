"""What can be set from the environment, read once, in cli.py."""

from __future__ import annotations

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from captioner.errors import ConfigurationError


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
    threads: int | None = Field(default=None, validation_alias="CAPTIONER_THREADS", ge=1, le=64)
    metrics_port: int | None = Field(
        default=None, validation_alias="CAPTIONER_METRICS_PORT", ge=1, le=65_535
    )
    log_format: str = Field(
        default="console", validation_alias="CAPTIONER_LOG", pattern="^(console|json)$"
    )


def read_settings() -> Settings:
    """The settings of this process. Raises ConfigurationError that names what is wrong."""
    try:
        return Settings()
    except ValidationError as exc:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in exc.errors())
        raise ConfigurationError(f"a setting in the environment is wrong: {faults}") from None
