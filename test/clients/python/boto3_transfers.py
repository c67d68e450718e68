"""boto3's transfer managers: one step a process, its name and arguments as a JSON list; says what is wrong by failing."""
import hashlib
import io
import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

MIB = 1024 * 1024
LARGE = 64 * MIB + 1

s3 = boto3.client(
    "s3",
    endpoint_url=os.environ["S3_URL"],
    region_name=os.environ["S3_REGION"],
    aws_access_key_id=os.environ["S3_ACCESS_KEY"],
    aws_secret_access_key=os.environ["S3_SECRET_KEY"],
    config=Config(
        signature_version="s3v4",
        retries={"total_max_attempts": 1},
        s3={"addressing_style": "path"},
        max_pool_connections=32,
    ),
)
PARTS = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=10)


def content(seed, length):
    return hashlib.shake_256(seed.encode()).digest(length)


def check(what, got, wanted):
    if got != wanted:
        raise AssertionError(f"{what}: got {str(got)[:200]}, wanted {str(wanted)[:200]}")


def fetched(bucket, key, **more):
    out = io.BytesIO()
    s3.download_fileobj(bucket, key, out, Config=PARTS, **more)
    return out.getvalue()


def threads(bucket, work_dir):
    """Files in parts by ten threads, up and down, with every byte counted by the callbacks."""
    source, target = os.path.join(work_dir, "up"), os.path.join(work_dir, "down")
    data = content("threads", LARGE)
    with open(source, "wb") as file:
        file.write(data)
    counted, lock = {"up": 0, "down": 0}, threading.Lock()

    def count(way):
        def add(count_bytes):
            with lock:
                counted[way] += count_bytes

        return add

    s3.upload_file(source, bucket, "threads", Config=PARTS, Callback=count("up"))
    s3.download_file(bucket, "threads", target, Config=PARTS, Callback=count("down"))
    with open(target, "rb") as file:
        check("content", file.read() == data, True)
    check("counted", counted, {"up": LARGE, "down": LARGE})
    check("parts", s3.head_object(Bucket=bucket, Key="threads")["ETag"].strip('"').split("-")[1], "13")


def checksums(bucket, algorithm):
    """Whole and in parts, verified by the client on the way down and kept by the server."""
    for name, length in (("small", 1000), ("large", LARGE)):
        key, data = f"{algorithm}-{name}", content(algorithm, length)
        s3.upload_fileobj(io.BytesIO(data), bucket, key, Config=PARTS, ExtraArgs={"ChecksumAlgorithm": algorithm})
        check(key, fetched(bucket, key, ExtraArgs={"ChecksumMode": "ENABLED"}) == data, True)
        reply = s3.get_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        check(f"{key} in one piece", reply["Body"].read() == data, True)
        check(f"checksum of {key}", bool(reply.get(f"Checksum{algorithm}")), True)
        said = s3.get_object_attributes(Bucket=bucket, Key=key, ObjectAttributes=["Checksum", "ObjectParts"])
        check(f"attributes of {key}", said["Checksum"][f"Checksum{algorithm}"], reply[f"Checksum{algorithm}"])
        check(f"parts of {key}", said.get("ObjectParts", {}).get("TotalPartsCount"), 13 if name == "large" else None)


def wrong_checksum(bucket):
    """What does not match is refused, whole and in parts, and nothing of it stays."""
    wrong = "AAAAAA=="
    upload = s3.create_multipart_upload(Bucket=bucket, Key="wrong", ChecksumAlgorithm="CRC32")["UploadId"]
    part = {"Bucket": bucket, "Key": "wrong", "UploadId": upload, "PartNumber": 1}
    for act in (
        lambda: s3.put_object(Bucket=bucket, Key="wrong", Body=b"content", ChecksumCRC32=wrong),
        lambda: s3.upload_part(**part, Body=b"content", ChecksumCRC32=wrong),
    ):
        try:
            act()
        except ClientError as error:
            check("code", error.response["Error"]["Code"], "BadDigest")
        else:
            raise AssertionError("a wrong checksum was taken")
    check("parts", s3.list_parts(Bucket=bucket, Key="wrong", UploadId=upload).get("Parts"), None)
    s3.abort_multipart_upload(Bucket=bucket, Key="wrong", UploadId=upload)
    check("objects", s3.list_objects_v2(Bucket=bucket, Prefix="wrong")["KeyCount"], 0)


def metadata(bucket):
    """What ExtraArgs say is what the object says, and a managed copy keeps it."""
    extra = {
        "ContentType": "text/x-flow",
        "CacheControl": "max-age=7",
        "Metadata": {"flow": "transfers"},
        "Tagging": "team=flows&tier=one",
        "ServerSideEncryption": "AES256",
    }
    data = content("metadata", LARGE)
    s3.upload_fileobj(io.BytesIO(data), bucket, "metadata", Config=PARTS, ExtraArgs=extra)
    s3.copy({"Bucket": bucket, "Key": "metadata"}, bucket, "copied", Config=PARTS, ExtraArgs={"MetadataDirective": "COPY"})
    for key in ("metadata", "copied"):
        head = s3.head_object(Bucket=bucket, Key=key)
        for name in ("ContentType", "CacheControl", "Metadata") if key == "metadata" else ():
            check(f"{name} of {key}", head[name], extra[name])
        check(f"encryption of {key}", head["ServerSideEncryption"], "AES256")
    check("tags", len(s3.get_object_tagging(Bucket=bucket, Key="metadata")["TagSet"]), 2)
    check("copy", fetched(bucket, "copied") == data, True)


def many(bucket):
    """Forty objects at once on one client, then deleted in one request."""
    def round_trip(number):
        data = content(f"many {number}", number * 50_000)
        s3.upload_fileobj(io.BytesIO(data), bucket, f"many/{number}", Config=PARTS)
        check(f"many/{number}", fetched(bucket, f"many/{number}") == data, True)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(round_trip, range(40)))
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix="many/")["Contents"]]
    check("keys", len(keys), 40)
    reply = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})
    check("deleted", len(reply["Deleted"]), 40)


def broken_off(bucket):
    """A source that fails leaves neither an object nor an upload behind."""
    class Broken(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 20 * MIB:
                raise OSError("source is gone")
            return super().read(size)

    try:
        s3.upload_fileobj(Broken(content("broken", LARGE)), bucket, "broken", Config=PARTS)
    except OSError as error:
        check("error", str(error), "source is gone")
    else:
        raise AssertionError("the upload was not broken off")
    check("uploads", s3.list_multipart_uploads(Bucket=bucket).get("Uploads"), None)
    check("objects", s3.list_objects_v2(Bucket=bucket, Prefix="broken")["KeyCount"], 0)


def native(bucket, work_dir):
    """The native transfer manager, as version 2 of the AWS CLI drives it: it signs and splits by itself."""
    from awscrt.auth import AwsCredentialsProvider
    from botocore.session import Session
    from s3transfer.crt import BotocoreCRTRequestSerializer, CRTTransferManager, create_s3_crt_client

    # It never asks boto3's client where to go.
    serializer = BotocoreCRTRequestSerializer(
        Session(), {"region_name": os.environ["S3_REGION"], "endpoint_url": os.environ["S3_URL"]}
    )
    credentials = AwsCredentialsProvider.new_static(os.environ["S3_ACCESS_KEY"], os.environ["S3_SECRET_KEY"])
    crt = create_s3_crt_client(
        region=os.environ["S3_REGION"], crt_credentials_provider=credentials, use_ssl=False, part_size=8 * MIB
    )
    data = content("native", LARGE)
    with CRTTransferManager(crt, serializer) as manager:
        source, target = os.path.join(work_dir, "native-up"), os.path.join(work_dir, "native-down")
        with open(source, "wb") as file:
            file.write(data)
        manager.upload(source, bucket, "native").result()
        manager.download(bucket, "native", target).result()
        with open(target, "rb") as file:
            check("content", file.read() == data, True)
        manager.delete(bucket, "native").result()


STEPS = [threads, checksums, wrong_checksum, metadata, many, broken_off, native]

if __name__ == "__main__":
    step, *arguments = json.loads(sys.argv[1])
    {one.__name__: one for one in STEPS}[step](*arguments)
