"""Every setting of the control plane, read once at start: the only reader of the environment. docs/control.md lists them."""

from __future__ import annotations

import secrets
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Annotated, Literal

from cryptography.fernet import Fernet
from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from control_api.errors import SettingsInvalidError
from jobschema.keys import REDIS_KEY

SECRET_LENGTH = 32
MANY_CHARACTERS = 10  # different ones in a secret that was not typed by hand
SECRETS_FILE = "secrets.env"
WEAK_WORDS = ("change", "default", "secret", "password", "example", "insecure", "dev_only", "changeme", "placeholder", "12345678")


def _names(name: str, predecessors: str = "") -> AliasChoices:
    """`CONTROL_<name>`, and the name under which the predecessor's operators know it."""
    return AliasChoices(f"CONTROL_{name}", predecessors or name)


class Settings(BaseSettings):
    """The control plane's settings, `CONTROL_<NAME>` in the environment or in `.env`."""

    model_config = SettingsConfigDict(
        env_prefix="CONTROL_", env_file=".env", extra="ignore", hide_input_in_errors=True, populate_by_name=True, frozen=True
    )

    # Where it runs. Outside development, secrets must be given; in development it listens on loopback only.
    environment: Literal["development", "staging", "production"] = "development"
    host: str = Field("127.0.0.1", validation_alias=_names("HOST", "APP_HOST"))
    port: int = Field(8080, ge=0, le=65535, validation_alias=_names("PORT", "APP_PORT"))
    workers: int = Field(1, ge=1, le=64, validation_alias=_names("WORKERS", "UVICORN_WORKERS"))
    data_dir: Path = Path("data/control")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    # The database: SQLite in data_dir, or mysql+pymysql://user:password@host:3306/name.
    database_url: SecretStr = SecretStr("")
    database_pool: int = Field(40, ge=1, le=500)
    run_migrations_on_startup: bool = Field(False, validation_alias=_names("RUN_MIGRATIONS_ON_STARTUP"))
    initialize_seed_data_on_startup: bool = Field(False, validation_alias=_names("INITIALIZE_SEED_DATA_ON_STARTUP"))

    # Where rows go: empty = the chDB folder `clickhouse` in data_dir, owned by this process; clickhouse://... a server; none = nowhere.
    clickhouse_dsn: SecretStr = Field(SecretStr(""), validation_alias=_names("CLICKHOUSE_DSN"))

    # Beside it, the current rows: empty = SQLite `jobs.db` in data_dir; mysql+pymysql://...; none = not kept.
    mysql_dsn: SecretStr = Field(SecretStr(""), validation_alias=_names("MYSQL_DSN"))

    # Complete passes of every keyword that showed a posting, all without it, until it counts as gone.
    delist_after_passes: int = Field(2, ge=1, validation_alias=_names("DELIST_AFTER_PASSES"))

    # Secrets. token_keys: Fernet keys, commas between; the first encrypts, every one decrypts.
    secret_key: SecretStr = Field(SecretStr(""), validation_alias=_names("SECRET_KEY"))
    token_keys: SecretStr = SecretStr("")

    # People.
    access_token_seconds: int = Field(7 * 24 * 3600, ge=60)
    audience: str = "jobspiders-control"
    session_cache_seconds: float = Field(1.0, ge=0, le=60)
    password_min_length: int = Field(12, ge=8, le=128)
    login_window_seconds: int = Field(900, ge=1)
    login_failures_per_user_and_ip: int = Field(5, ge=1)
    login_failures_per_ip: int = Field(20, ge=1)
    login_failures_per_user: int = Field(50, ge=1)

    # Nodes, keywords, tokens. Seconds.
    heartbeat_seconds: int = Field(30, ge=1)
    keyword_lease_seconds: int = Field(900, ge=1)
    keyword_max_attempts: int = Field(3, ge=1)
    keyword_retry_seconds: int = Field(300, ge=0)
    token_lease_seconds: int = Field(900, ge=1)

    # Where nodes take keywords from Redis, `keywords fill` puts there what is due. Empty: nodes ask this API.
    redis_url: SecretStr = Field(SecretStr(""), validation_alias=_names("REDIS_URL"))
    redis_key: str = Field(REDIS_KEY, validation_alias=_names("REDIS_KEY", "REDIS_START_URLS_KEY"))  # as the nodes have it
    redis_run_seconds: int = Field(24 * 3600, ge=60)  # a run that nothing was heard of for so long is over

    # The door.
    max_body_bytes: int = Field(2 * 1024 * 1024, ge=1024)
    body_seconds: float = Field(30.0, gt=0)
    ingest_body_bytes: int = Field(8 * 1024 * 1024, ge=1024)
    ingest_unpacked_bytes: int = Field(32 * 1024 * 1024, ge=1024)
    ingest_waiting_bytes: int = Field(256 * 1024 * 1024, ge=0)  # packed batches that wait for the store; more are answered 429
    ingest_book_days: int = Field(30, ge=1)  # longer than a node may come back with a batch that it sent before
    ingest_at_once: int = Field(1, ge=1, le=64)  # bodies that are read at the same time: more share one processor, and need more memory
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = ()
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    docs: bool = True

    @field_validator("trusted_proxies", "cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def _refuse_any_origin(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if not origin.startswith(("http://", "https://")) or "*" in origin:
                raise ValueError("an origin is scheme://host[:port]; a * would open the API to every web page")
        return value

    @model_validator(mode="after")
    def _stay_on_loopback_in_development(self) -> Settings:
        if self.environment == "development" and not _is_loopback(self.host):
            raise ValueError(
                "CONTROL_HOST is not a loopback address while CONTROL_ENVIRONMENT is development; "
                "set CONTROL_ENVIRONMENT=production and its secrets, or listen on 127.0.0.1"
            )
        return self

    @model_validator(mode="after")
    def _let_one_process_own_the_folder(self) -> Settings:
        if self.workers > 1 and self.rows_dsn.startswith("chdb://"):
            raise ValueError(
                "CONTROL_WORKERS is more than 1 and rows go to a chDB folder, which one process owns; "
                "set CONTROL_CLICKHOUSE_DSN to a clickhouse:// server or to none, or CONTROL_WORKERS=1"
            )
        return self

    @property
    def rows_dsn(self) -> str:
        """`jobstore`'s address of the store of rows, with its password; none when rows are not kept."""
        return self.clickhouse_dsn.get_secret_value() or f"chdb://{self.data_dir.resolve() / 'clickhouse'}"

    @property
    def current_rows_dsn(self) -> str:
        """`jobstore.sql`'s address of the store of current rows, with its password; none when they are not kept."""
        return self.mysql_dsn.get_secret_value() or f"sqlite:///{self.data_dir.resolve() / 'jobs.db'}"

    @property
    def is_development(self) -> bool:
        """Whether secrets may be made up and kept in data_dir."""
        return self.environment == "development"

    @property
    def database_dsn(self) -> str:
        """SQLAlchemy's address of the database, with its password."""
        return self.database_url.get_secret_value() or f"sqlite:///{self.data_dir / 'control.db'}"

    @property
    def token_key_list(self) -> list[str]:
        """The keys of token_keys in order."""
        return [key.strip() for key in self.token_keys.get_secret_value().split(",") if key.strip()]

    def secrets(self) -> list[str]:
        """Every secret text, for redaction in logs."""
        texts = [self.secret_key.get_secret_value(), *self.token_key_list]
        passwords = [
            dsn.partition("://")[2].rpartition("@")[0].partition(":")[2]
            for dsn in (self.database_dsn, self.rows_dsn, self.current_rows_dsn, self.redis_url.get_secret_value())
        ]
        return [text for text in (*texts, *passwords) if len(text) >= 4]


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def load_settings(**given: object) -> Settings:
    """The settings of this process. Raises SettingsInvalidError naming each variable that is missing, weak or wrong; quotes no value."""
    from pydantic import ValidationError

    try:
        settings = Settings(**given)  # type: ignore[arg-type]  # what the caller gives is validated like the environment
    except ValidationError as error:
        lines = [f"{_variable(problem['loc'])}: {problem['msg']}" for problem in error.errors(include_input=False, include_url=False)]
        raise SettingsInvalidError("The settings are not valid.\n  " + "\n  ".join(lines)) from None
    if settings.is_development:
        settings = _with_own_secrets(settings)
    _check_secrets(settings)
    return settings


def _variable(location: tuple[int | str, ...]) -> str:
    if not location:
        return "settings"
    name = str(location[0])
    return name.upper() if name.isupper() or name.startswith("CONTROL_") else f"CONTROL_{name.upper()}"


def _with_own_secrets(settings: Settings) -> Settings:
    """In development, secrets that were not given are made once and kept in data_dir, readable by the owner only."""
    missing = {name for name in ("secret_key", "token_keys") if not getattr(settings, name).get_secret_value()}
    if not missing:
        return settings
    kept = _read_or_make_secrets(settings.data_dir / SECRETS_FILE)
    return settings.model_copy(update={name: SecretStr(kept[name]) for name in missing})


def _read_or_make_secrets(path: Path) -> dict[str, str]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = {"secret_key": secrets.token_urlsafe(48), "token_keys": Fernet.generate_key().decode()}
    try:
        with open(path, "x", encoding="utf-8", opener=_private) as file:
            file.write("".join(f"{name}={value}\n" for name, value in made.items()))
    except FileExistsError:
        lines = path.read_text("utf-8").splitlines()
        return {**made, **dict(line.split("=", 1) for line in lines if "=" in line)}
    return made


def _private(path: str, flags: int) -> int:
    import os

    return os.open(path, flags, 0o600)


def _check_secrets(settings: Settings) -> None:
    problems = []
    weakness = find_weakness(settings.secret_key.get_secret_value())
    if weakness and not settings.is_development:
        problems.append(f"CONTROL_SECRET_KEY {weakness}. Make one: python -c 'import secrets; print(secrets.token_urlsafe(48))'")
    if not settings.token_key_list or not all(is_fernet_key(key) for key in settings.token_key_list):
        problems.append(
            "CONTROL_TOKEN_KEYS must be one or more Fernet keys with commas between. "
            "Make one: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
        )
    elif len(settings.secret_key.get_secret_value()) < SECRET_LENGTH:
        problems.append(f"CONTROL_SECRET_KEY is shorter than {SECRET_LENGTH} characters, also too weak for development")
    if problems:
        raise SettingsInvalidError("The control plane does not start with these secrets.\n  " + "\n  ".join(dict.fromkeys(problems)))


def find_weakness(secret: str) -> str:
    """What is wrong with a signing secret, in words; empty when nothing is."""
    if not secret:
        return "is not set"
    if len(secret) < SECRET_LENGTH:
        return f"has {len(secret)} characters; at least {SECRET_LENGTH} are needed"
    if len(set(secret)) < MANY_CHARACTERS:
        return f"has only {len(set(secret))} different characters"
    if any(word in secret.lower() for word in WEAK_WORDS):
        return "contains a word of a default or example value"
    return ""


def is_fernet_key(text: str) -> bool:
    """Whether `text` is a key that Fernet takes (32 bytes, URL-safe base64) and not a constant one."""
    try:
        Fernet(text)
    except ValueError:
        return False
    return len(set(text)) >= MANY_CHARACTERS
