"""What the hub asks of an archive of files, kept by the folder and by an S3-compatible server over a socket."""

from __future__ import annotations

import io
import os
import random
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from adapters.cartella.client import CartellaArchivio
from adapters.s3.client import S3Archivio
from benchmarks.processes import free_port
from hub.app_flussi import build_archivio_file
from hub.config import Ambiente, Config
from hub.domain.archiviato import FileArchiviato
from hub.domain.errors import NotFound, OutOfService
from hub.ports import Archivio
from tests.archivi import make_older, new_bucket, s3, s3_server

PATH = "C_PROVA/IMPORT/2026_11/0a1b/C_PROVA-F1-1_3.zip"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server that speaks S3."""
    with s3_server() as address:
        yield address


@pytest.fixture
def bucket(server: str) -> str:
    """A bucket of this test alone."""
    return new_bucket(server)


@pytest.fixture(params=["cartella", "s3"])
def archivio(request: pytest.FixtureRequest, tmp_path: Path) -> Archivio:
    if request.param == "cartella":
        return CartellaArchivio(tmp_path / "archivio")
    return s3(request.getfixturevalue("server"), request.getfixturevalue("bucket"))


def keep(archivio: Archivio, content: bytes, path: str = PATH) -> None:
    with archivio.write(path) as file:
        file.write(content)


def told(archivio: Archivio, folder: str = "") -> dict[str, FileArchiviato]:
    pages = list(archivio.pages(folder))
    return {file.path: file for page in pages for file in page}


def read(archivio: Archivio, path: str = PATH) -> bytes:
    with archivio.open(path) as file:
        return file.read()


@pytest.mark.parametrize("size", [0, 1, 1_000_000, 5 * MIB, 5 * MIB + 1, 12 * MIB + 345])
def test_what_is_written_is_read_back(archivio: Archivio, size: int) -> None:
    content = random.Random(size).randbytes(size)

    keep(archivio, content)

    assert archivio.size_bytes(PATH) == size
    assert read(archivio) == content


@pytest.mark.parametrize(
    "path", ["x", "C_PROVA/città/è un file.zip", "C_PROVA/50%/a#b+c&d=e?f.zip", "C_PROVA/a%2Fb.zip", "a/./b//c.zip"]
)
def test_any_name_is_kept_apart_from_the_others(archivio: Archivio, path: str) -> None:
    keep(archivio, path.encode(), path)
    keep(archivio, b"altro", "C_PROVA/a/b.zip")

    assert read(archivio, path) == path.encode()
    archivio.delete(path)
    assert archivio.size_bytes(path) is None and read(archivio, "C_PROVA/a/b.zip") == b"altro"


def test_a_file_can_be_sought_in_and_a_zip_read_from_it(archivio: Archivio) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("dentro.csv", "riga\n" * 100_000)
    keep(archivio, made.getvalue())

    with archivio.open(PATH) as file:
        assert file.seek(0, 2) == len(made.getvalue())
        file.seek(2)
        assert file.read(2) == made.getvalue()[2:4]
        with zipfile.ZipFile(file) as opened:
            assert opened.read("dentro.csv") == b"riga\n" * 100_000


def test_a_zip_can_be_written_straight_into_it(archivio: Archivio) -> None:
    with archivio.write(PATH) as file, zipfile.ZipFile(file, "w") as made:
        made.writestr("dentro.csv", "riga")

    with archivio.open(PATH) as file, zipfile.ZipFile(file) as opened:
        assert opened.read("dentro.csv") == b"riga"


def test_nothing_is_there_before_the_block_ends(archivio: Archivio) -> None:
    with archivio.write(PATH) as file:
        file.write(b"a" * 100)
        assert archivio.size_bytes(PATH) is None

    assert archivio.size_bytes(PATH) == 100


@pytest.mark.parametrize("size", [10, 12 * MIB])
def test_a_block_that_fails_leaves_what_was_there(archivio: Archivio, size: int) -> None:
    keep(archivio, b"prima")

    with pytest.raises(ZeroDivisionError), archivio.write(PATH) as file:
        file.write(b"x" * size)
        raise ZeroDivisionError

    assert read(archivio) == b"prima"


def test_a_file_takes_the_place_of_another_while_that_is_read(archivio: Archivio) -> None:
    before = random.Random(1).randbytes(6 * MIB)
    keep(archivio, before)

    with archivio.open(PATH) as file:
        keep(archivio, b"dopo")
        assert file.read() == before
    assert read(archivio) == b"dopo"


def test_who_reads_while_others_write_sees_one_of_them_whole(archivio: Archivio) -> None:
    contents = [bytes([n]) * (6 * MIB) for n in range(4)]
    keep(archivio, contents[0])
    stop = threading.Event()

    def look() -> set[bytes]:
        seen = set()
        while not stop.is_set():
            try:
                seen.add(read(archivio))
            except OutOfService:
                pass  # another took its place between two pieces: asked again
        return seen

    with ThreadPoolExecutor(2) as pool:
        seen = pool.submit(look)
        for content in contents[1:]:
            keep(archivio, content)
        stop.set()
        found = seen.result(60)

    assert found <= set(contents) and read(archivio) == contents[-1]


def test_what_is_not_there_is_not_found_and_can_be_deleted(archivio: Archivio) -> None:
    with pytest.raises(NotFound), archivio.open(PATH):
        pass
    assert archivio.size_bytes(PATH) is None
    archivio.delete(PATH)
    keep(archivio, b"x")
    archivio.delete(PATH)
    archivio.delete(PATH)

    assert archivio.size_bytes(PATH) is None


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../../x", "a/..", "a\0b"])
def test_a_path_that_leads_out_is_a_mistake_of_ours(archivio: Archivio, path: str) -> None:
    deeds: list[Callable[[], object]] = [
        lambda: archivio.write(path).__enter__(), lambda: archivio.open(path).__enter__(),
        lambda: archivio.size_bytes(path), lambda: archivio.delete(path),
    ]  # fmt: skip
    for deed in deeds:
        with pytest.raises(ValueError, match="inside"):
            deed()


@pytest.fixture(params=["cartella", "s3", "s3 senza bucket"])
def broken(request: pytest.FixtureRequest, tmp_path: Path) -> Archivio:
    """An archive that cannot keep anything."""
    if request.param == "cartella":
        (tmp_path / "un-file").write_bytes(b"")
        return CartellaArchivio(tmp_path / "un-file")
    if request.param == "s3":
        return s3(f"http://127.0.0.1:{free_port()}", "prova")
    return s3(request.getfixturevalue("server"), "non-esiste")


def test_an_archive_that_cannot_write_is_out_of_service(broken: Archivio) -> None:
    for size in (10, 12 * MIB):
        with pytest.raises(OutOfService, match="archivio"), broken.write(PATH) as file:
            file.write(b"x" * size)


def test_a_store_that_does_not_answer_is_out_of_service_for_every_deed() -> None:
    archivio = s3(f"http://127.0.0.1:{free_port()}", "prova")

    for deed in (lambda: archivio.open(PATH).__enter__(), lambda: archivio.size_bytes(PATH),
                 lambda: archivio.delete(PATH)):  # fmt: skip
        with pytest.raises(OutOfService):
            deed()


def test_a_store_that_dies_while_a_big_file_goes_has_nothing_of_it() -> None:
    """The line is cut after six of twelve MiB; the server itself goes on."""
    behind = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
    behind.start()
    address = "http://{}:{}".format(*behind.get_host_and_port())
    client = boto3.client(
        "s3", endpoint_url=address, region_name="eu-south-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    client.create_bucket(Bucket="tagliato", CreateBucketConfiguration={"LocationConstraint": "eu-south-1"})
    with socket.create_server(("127.0.0.1", 0)) as front:
        thread = threading.Thread(target=_cutting, args=(front, behind.get_host_and_port()[1]), daemon=True)
        thread.start()
        cut = s3("http://127.0.0.1:{}".format(front.getsockname()[1]), "tagliato")

        with pytest.raises(OutOfService), cut.write(PATH) as file:
            file.write(os.urandom(12 * MIB))

    try:
        assert s3(address, "tagliato").size_bytes(PATH) is None
    finally:
        behind.stop()


def _cutting(front: socket.socket, port: int) -> None:
    """Hand connections on to a server, and cut every one when six MiB have passed in all."""
    passed = [0]

    def carry(source: socket.socket, target: socket.socket, is_counted: bool) -> None:
        try:
            while data := source.recv(65536):
                passed[0] += len(data) if is_counted else 0
                if passed[0] > 6 * MIB:
                    break
                target.sendall(data)
        except OSError:
            pass  # the other half has been cut
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it is closed already

    while True:
        try:
            connection, _ = front.accept()
        except OSError:
            return  # the test is over
        onward = socket.create_connection(("127.0.0.1", port))
        for pair in ((connection, onward, True), (onward, connection, False)):
            threading.Thread(target=carry, args=pair, daemon=True).start()


def test_a_big_file_goes_and_comes_in_little_memory(server: str, bucket: str, tmp_path: Path) -> None:
    """Another process writes and reads it: the server of these tests keeps what it is given in memory, in this one."""
    code = (
        "import sys, resource\n"
        "from pathlib import Path\n"
        "from adapters.s3.client import S3Archivio, S3Settings\n"
        f"archivio = S3Archivio(S3Settings({bucket!r}, {server!r}, 'eu-south-1', 'x', 'y'), Path({str(tmp_path)!r}))\n"
        "def use(blocks):\n"
        "    with archivio.write('a/b.zip') as file:\n"
        "        for n in range(blocks): file.write(bytes([n % 256]) * 2**20)\n"
        "    with archivio.open('a/b.zip') as file:\n"
        "        assert sum(len(block) for block in iter(lambda: file.read(65536), b'')) == blocks * 2**20\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = use(20)\n"
        "print(use(150) - before)\n"
    )



    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd=os.getcwd())

    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) < 40 * 1024  # KiB, of a file that is 130 MiB bigger


def test_a_listing_tells_every_file_its_size_and_its_age(archivio: Archivio) -> None:
    odd = ["C_PROVA/città/è un file.zip", "C_PROVA/50%/a#b+c&d=e?f.zip", "C_PROVA/a%2Fb.zip"]
    for size, path in enumerate([PATH, *odd]):
        keep(archivio, b"x" * size, path)
    make_older(archivio, PATH, timedelta(days=3))

    files = told(archivio)

    assert {path: file.size_bytes for path, file in files.items()} == {
        path: size for size, path in enumerate([PATH, *odd])
    }
    assert files[PATH].eta >= timedelta(days=3) and files[odd[0]].eta < timedelta(hours=1)
    assert not any(file.is_incompiuto for file in files.values())
    for path in files:
        archivio.delete(path)
    assert told(archivio) == {}


def test_a_listing_is_of_one_folder_and_not_of_those_that_begin_alike(archivio: Archivio) -> None:
    for path in ("C_A/IMPORT/1.zip", "C_A/IMPORT/2026/2.zip", "C_A/IMPORT_ELABORATI/3.zip", "C_B/IMPORT/4.zip"):
        keep(archivio, b"x", path)

    assert told(archivio, "C_A/IMPORT").keys() == {"C_A/IMPORT/1.zip", "C_A/IMPORT/2026/2.zip"}
    assert told(archivio, "C_A").keys() == {
        "C_A/IMPORT/1.zip", "C_A/IMPORT/2026/2.zip", "C_A/IMPORT_ELABORATI/3.zip",
    }  # fmt: skip
    assert told(archivio, "C_C") == {}


def test_a_long_listing_comes_in_pages_while_its_files_go(archivio: Archivio) -> None:
    paths = {f"C_A/IMPORT/{number % 7}/{number:05d}.zip" for number in range(1203)}
    for path in paths:
        keep(archivio, b"", path)
    seen, longest = [], 0

    for page in archivio.pages():
        longest = max(longest, len(page))
        for file in page:
            seen.append(file.path)
            archivio.delete(file.path)

    assert longest <= 1000 and len(seen) == len(paths) and set(seen) == paths
    assert told(archivio) == {}


def test_an_archive_that_does_not_answer_cannot_be_listed(broken: Archivio) -> None:
    with pytest.raises(OutOfService):
        list(broken.pages())


def test_a_listing_of_a_folder_tells_what_a_killed_writer_left(tmp_path: Path) -> None:
    """The writer is another process and gets SIGKILL; what it left can be removed, and its folder goes with it."""
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from adapters.cartella.client import CartellaArchivio\n"
        f"with CartellaArchivio(Path({str(tmp_path)!r})).write({PATH!r}) as file:\n"
        "    file.write(b'x' * 100)\n"
        "    file.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code], timeout=120, cwd=os.getcwd())
    archivio = CartellaArchivio(tmp_path)

    (left,) = told(archivio).values()
    archivio.delete(left.path)

    assert left.is_incompiuto and left.size_bytes == 100 and left.path.startswith(PATH.rpartition("/")[0])
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_a_folder_goes_with_its_last_file_and_no_writer_notices(tmp_path: Path) -> None:
    """Two write and remove in one folder at once: neither loses a file to the other's cleaning."""
    archivio = CartellaArchivio(tmp_path)

    def work(name: str) -> int:
        for turn in range(300):
            path = f"a/b/c/{name}-{turn}.zip"
            keep(archivio, b"x", path)
            assert archivio.size_bytes(path) == 1
            archivio.delete(path)
        return 300

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, ("uno", "due"))) == [300, 300]
    assert not (tmp_path / "a").exists()


def test_a_listing_follows_no_link_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "altrove").mkdir()
    (tmp_path / "altrove" / "x.zip").write_bytes(b"x")
    root = tmp_path / "archivio"
    root.mkdir()
    (root / "C_A").symlink_to(tmp_path / "altrove")
    (root / "y.zip").symlink_to(tmp_path / "altrove" / "x.zip")

    assert told(CartellaArchivio(root)) == {}


def test_the_settings_choose(tmp_path: Path) -> None:
    folder = Config(ambiente=Ambiente.SVILUPPO, data_dir=tmp_path)
    bucket = folder.model_copy(update={"s3_bucket": "x", "s3_access_key": "a", "s3_secret_key": "b"})

    assert isinstance(build_archivio_file(folder), CartellaArchivio)
    assert isinstance(build_archivio_file(bucket), S3Archivio)
