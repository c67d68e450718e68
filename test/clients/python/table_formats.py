"""Tables in a bucket, by the AWS SDK for C++ (pyarrow) and object_store for Rust (deltalake, obstore): one step a process."""
import json
import os
import sys
import threading

import obstore
import pyarrow as pa
import pyarrow.dataset as dataset
import pyarrow.fs as arrow_fs
from deltalake import DeltaTable, write_deltalake
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import S3Store

MIB = 1024 * 1024
URL, REGION = os.environ["S3_URL"], os.environ["S3_REGION"]
ACCESS_KEY, SECRET_KEY = os.environ["S3_ACCESS_KEY"], os.environ["S3_SECRET_KEY"]
arrow = arrow_fs.S3FileSystem(
    access_key=ACCESS_KEY,
    secret_key=SECRET_KEY,
    endpoint_override=URL.split("://")[1],
    scheme="http",
    region=REGION,
    allow_bucket_creation=True,
    allow_bucket_deletion=True,
)
DELTA = {
    "AWS_ENDPOINT_URL": URL,
    "AWS_REGION": REGION,
    "AWS_ACCESS_KEY_ID": ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    "AWS_ALLOW_HTTP": "true",
    "aws_conditional_put": "etag",
}


def check(what, got, wanted):
    if got != wanted:
        raise AssertionError(f"{what}: got {str(got)[:200]}, wanted {str(wanted)[:200]}")


def refused(error, act):
    try:
        act()
    except error:
        return
    raise AssertionError(f"not refused with {error.__name__}")


def files(bucket):
    arrow.create_dir(f"{bucket}/directory/below")
    content = os.urandom(30 * MIB)
    with arrow.open_output_stream(f"{bucket}/large") as out:
        for at in range(0, len(content), MIB):
            out.write(content[at : at + MIB])
    with arrow.open_output_stream(f"{bucket}/empty"):
        pass
    with arrow.open_input_file(f"{bucket}/large") as file:
        check("range", file.read_at(1000, 7 * MIB), content[7 * MIB : 7 * MIB + 1000])
    arrow.copy_file(f"{bucket}/large", f"{bucket}/copy")
    arrow.move(f"{bucket}/copy", f"{bucket}/moved")
    with arrow.open_input_stream(f"{bucket}/moved") as file:
        check("content", file.read() == content, True)
    check("empty", arrow.get_file_info(f"{bucket}/empty").size, 0)
    check("gone", arrow.get_file_info(f"{bucket}/copy").type, arrow_fs.FileType.NotFound)


def partitions(bucket):
    rows = pa.table({"number": list(range(100_000)), "part": [number % 5 for number in range(100_000)]})
    dataset.write_dataset(rows, f"{bucket}/set", format="parquet", partitioning=["part"], filesystem=arrow)
    found = dataset.dataset(f"{bucket}/set", filesystem=arrow, partitioning=["part"])
    check("rows", found.to_table().num_rows, 100_000)
    check("of one part", found.to_table(filter=dataset.field("part") == 3).num_rows, 20_000)
    arrow.delete_dir(f"{bucket}/set")


def commits(bucket):
    """Six writers at once, whose commits are conditional writes: none is lost."""
    table, rows = f"s3://{bucket}/table", pa.table({"number": list(range(1000))})
    write_deltalake(table, rows, storage_options=DELTA)
    errors = []

    def write():
        try:
            write_deltalake(table, rows, mode="append", storage_options=DELTA)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check("errors", errors, [])
    delta = DeltaTable(table, storage_options=DELTA)
    check("rows", delta.to_pyarrow_table().num_rows, 7000)
    check("versions", delta.version(), 6)
    delta.optimize.compact()
    delta.delete("number < 10")
    delta.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    check("rows", DeltaTable(table, storage_options=DELTA).to_pyarrow_table().num_rows, 7 * 990)


def conditions(bucket):
    store = S3Store(
        bucket,
        endpoint=URL,
        region=REGION,
        access_key_id=ACCESS_KEY,
        secret_access_key=SECRET_KEY,
        client_options={"allow_http": True},
    )
    content = os.urandom(12 * MIB)
    obstore.put(store, "rust/large", content, use_multipart=True, chunk_size=5 * MIB)
    starts = [0, 100, 5 * MIB - 5]
    for start, found in zip(starts, obstore.get_ranges(store, "rust/large", starts=starts, lengths=[10] * 3)):
        check("range", bytes(found), content[start : start + 10])
    obstore.put(store, "rust/once", b"first", mode="create")
    refused(AlreadyExistsError, lambda: obstore.put(store, "rust/once", b"second", mode="create"))
    etag = obstore.head(store, "rust/once")["e_tag"]
    obstore.put(store, "rust/once", b"third", mode={"e_tag": etag})
    refused(PreconditionError, lambda: obstore.put(store, "rust/once", b"fourth", mode={"e_tag": etag}))
    check("content", bytes(obstore.get(store, "rust/once").bytes()), b"third")
    obstore.rename(store, "rust/once", "rust/renamed")
    obstore.delete(store, ["rust/large", "rust/renamed"])
    check("left", list(obstore.list(store, "rust/")), [])


STEPS = [files, partitions, commits, conditions]

if __name__ == "__main__":
    step, *arguments = json.loads(sys.argv[1])
    {one.__name__: one for one in STEPS}[step](*arguments)
    # pyarrow's threads now and then abort an interpreter that ends by itself.
    os._exit(0)
