"""Every setting, read from ``HEADWATER_*`` variables. ``docs/reference/settings.md`` is made from this."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MEBIBYTE = 1024 * 1024


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="HEADWATER_", extra="ignore")

    # Where and how to listen
    data: Path = Field(Path("headwater-data"), description="The data directory. It is made on first start.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8420, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    workers: int = Field(1, ge=1, le=64, description="HTTP worker processes.")

    # First start
    bootstrap_key: str | None = Field(
        None, description="Secret of the first key, `admin-key`; made and printed once when absent."
    )
    organization_name: str = Field("Local", description="Name of the organization of the first start.")
    admin_email: str = Field("admin@localhost.local", description="E-mail of the first start's admin user.")

    # HTTP surface
    cors_origins: list[str] = Field([], description="Origins that browsers may call from; `*` for any.")
    gzip_minimum_bytes: int = Field(
        4096,
        ge=0,
        description="Answers at least this long are gzipped when the client accepts it; 0 is never.",
    )
    forwarded_allow_ips: str = Field(
        "", description="Proxies whose `X-Forwarded-*` headers are believed (comma-separated, `*` for any)."
    )
    public_url: str = Field(
        "",
        description="How clients reach this server, such as `https://files.example`, for the links in its answers."
        " Empty: as the request's `Host` says.",
    )
    root_path: str = Field("", description="Path prefix that a proxy strips, for the links in answers and `/docs`.")
    max_body_bytes: int = Field(32 * MEBIBYTE, ge=1024, description="Largest request body.")
    max_inflight_body_bytes: int = Field(
        256 * MEBIBYTE, ge=1024, description="Largest sum of the bodies a worker holds; beyond it, 503."
    )
    max_json_depth: int = Field(64, ge=4, le=512, description="Deepest nesting of a JSON body.")
    header_timeout_seconds: float = Field(10.0, gt=0, description="Time for a request's headers to arrive.")
    body_grace_seconds: float = Field(10.0, gt=0, description="Time a body may take before its rate is looked at.")
    body_min_bytes_per_second: int = Field(1024, ge=1, description="Slowest rate of a body after the grace.")
    keep_alive_seconds: float = Field(75.0, gt=0, description="How long an idle connection is kept.")
    max_connections: int = Field(2048, ge=1, description="Open connections per worker; beyond it, 503.")
    drain_seconds: float = Field(8.0, gt=0, description="Time that requests in flight get after SIGTERM.")
    failed_keys_per_minute: int = Field(
        500, ge=1, description="Requests with an invalid key per address and minute; beyond it, those get 429."
    )
    metrics_public: bool = Field(
        False, description="Serve `/metrics` without a key. Otherwise it needs a key with `admin`."
    )

    # Documents
    document_schema_version: str = Field("v2", description="`document_schema_version` of a document that brings none.")
    bulk_inline_documents: int = Field(
        10_000, ge=0, description="Documents that a change by filter makes in its request; more are left to a task."
    )
    task_days: int = Field(7, ge=1, description="How long tasks that have ended can be asked for.")
    max_vector_width: int = Field(65_536, ge=1, description="Widest dense vector or multi-vector row.")

    # Queries
    query_timeout_seconds: float = Field(30.0, gt=0, description="Longest a query may take; beyond it, 504.")
    query_lanes: int = Field(
        1, ge=1, le=16, description="Processes per worker that run the queries which read many documents."
    )
    query_waiting: int = Field(32, ge=0, description="Queries that may wait for a lane; beyond it, 503.")
    query_thread_rows: int = Field(
        300, ge=1, description="Documents that a query may read in the worker itself before it moves to a lane."
    )
    learn_rows: int = Field(
        10_000, ge=1, description="A path is indexed after three queries that had to read this many documents for it."
    )

    # Models
    models_dir: Path | None = Field(None, description="A directory with a folder for each ONNX model of your own.")
    model_lanes: int = Field(0, ge=0, le=256, description="Batches that are computed at a time; 0 is one per core.")
    model_waiting: int = Field(1024, ge=256, description="Texts that may wait for a model; beyond it, 503.")

    executions_kept: int = Field(
        1000, ge=0, description="Executions that are remembered of each retriever; 0 remembers none."
    )

    # Exports, imports and clones
    transfer_wait_seconds: float = Field(
        100.0,
        gt=0,
        description="How long a request waits for an export or import that runs as a task; beyond it, 504.",
    )

    # Files
    blobs: str = Field(
        "local", pattern="^(local|s3)$", description="Where files are kept: `local` is the data directory."
    )
    s3_bucket: str = Field("", description="Bucket for files. It must exist.")
    s3_prefix: str = Field("", description="What all keys in the bucket begin with. No two servers may share one.")
    s3_endpoint: str = Field("", description="URL of an S3-compatible store. Empty: that of AWS for the region.")
    s3_public_endpoint: str = Field("", description="The same as clients reach it, for the links in answers.")
    s3_region: str = Field("us-east-1", description="Region of the bucket.")
    s3_access_key_id: str = Field("", description="Who reads and writes there.")
    s3_secret_access_key: str = Field("", description="The secret that goes with it.", repr=False)
    s3_timeout_seconds: float = Field(10.0, gt=0, description="Longest that one of up to three tries may take.")
    blobs_max_bytes: int = Field(5 * 1024 * MEBIBYTE, ge=1, description="Largest file that can be uploaded.")

    fetch_timeout_seconds: float = Field(10.0, gt=0, description="Longest that fetching a file from a URL may take.")
    fetch_max_bytes: int = Field(1024 * MEBIBYTE, ge=1, description="Largest file that is fetched from a URL.")
    fetch_allow: list[str] = Field(
        [],
        description="Hosts (`media.internal`) and networks (`10.0.0.0/8`) that URLs may lead to although they are not"
        " public.",
    )

    # Store
    commit_max_commands: int = Field(512, ge=1, description="Most commands in one commit.")
    commit_max_bytes: int = Field(8 * MEBIBYTE, ge=1024, description="Most bytes in one commit.")
    queue_max_commands: int = Field(10_000, ge=1, description="Waiting commands beyond which writes get 503.")
    queue_max_bytes: int = Field(64 * MEBIBYTE, ge=1024, description="Waiting bytes beyond which writes get 503.")
    checkpoint_seconds: float = Field(60.0, gt=0, description="Longest time between index checkpoints.")
    checkpoint_operations: int = Field(50_000, ge=1, description="Most index operations between checkpoints.")
    free_space_bytes: int = Field(
        64 * MEBIBYTE, ge=0, description="Writes other than deletes get 507 when the disk has less than this."
    )
    reserve_bytes: int = Field(
        8 * MEBIBYTE,
        ge=0,
        description="Size of the file that is given up so that deletes work on a full disk.",
    )
    index_threshold: int = Field(
        50_000, ge=100, description="Vectors not yet in a graph beyond which a new index generation is built."
    )
    max_open_shards: int = Field(64, ge=1, description="Index shards kept open; the least used is closed.")
    outcome_wait_seconds: float = Field(
        5.0, gt=0, description="How long a request waits for a restarted storage process before it gives up."
    )
    sqlite_cache_bytes: int = Field(64 * MEBIBYTE, ge=0, description="Page cache of a database connection.")
    synchronous: str = Field(
        "FULL",
        pattern="^(FULL|NORMAL|OFF)$",
        description="SQLite `synchronous`. Anything but FULL loses acknowledged writes in a power cut; "
        "it exists so that the power-cut test can prove that it sees losses.",
    )
    idempotency_hours: int = Field(24, ge=1, description="How long an `Idempotency-Key` is remembered.")

    # Logs
    log_format: str = Field("auto", pattern="^(auto|json|console)$", description="`auto`: console on a terminal.")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="Least severe level logged.")


@lru_cache(maxsize=1)
def load_settings() -> Settings:
    """The settings of this process, read from the environment once."""
    return Settings()
