"""Archives of files for the tests: a server that speaks S3, files made older than they are."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import boto3
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

from adapters.cartella.client import CartellaArchivio
from adapters.s3.client import S3Archivio, S3Settings
from benchmarks.processes import free_port
from hub.ports import Archivio


@contextmanager
def s3_server() -> Iterator[str]:
    """Give the address of a server that speaks S3."""
    started = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
    started.start()
    try:
        yield "http://{}:{}".format(*started.get_host_and_port())
    finally:
        started.stop()


def new_bucket(server: str) -> str:
    """Return the name of a bucket of one test alone."""
    name = f"prova-{uuid.uuid4().hex}"
    boto3.client(
        "s3", endpoint_url=server, region_name="eu-south-1", aws_access_key_id="x", aws_secret_access_key="x"
    ).create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-south-1"})
    return name


def s3(address: str, bucket: str) -> S3Archivio:
    return S3Archivio(S3Settings(bucket, address, "eu-south-1", "chiave", "segreto-di-prova"))


def make_older(archivio: Archivio, path: str, by: timedelta) -> None:
    """Let a file have been written so much earlier, by the clock of its store."""
    if isinstance(archivio, CartellaArchivio):
        file = Path(archivio._root, path)
        at = file.stat().st_mtime - by.total_seconds()
        os.utime(file, (at, at))
        return
    assert isinstance(archivio, S3Archivio)
    bucket = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[archivio._store.config["bucket"]]
    key = bucket.keys[path]
    key.last_modified = key.last_modified - by
