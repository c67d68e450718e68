"""minio (Python) as a client: one verb a process, arguments as a JSON list, the result as JSON."""
import json
import os
import sys
from urllib.parse import urlsplit

from minio import Minio
from minio.commonconfig import CopySource

PART_BYTES = 5 * 1024 * 1024

client = Minio(
    urlsplit(os.environ["S3_URL"]).netloc,
    access_key=os.environ["S3_ACCESS_KEY"],
    secret_key=os.environ["S3_SECRET_KEY"],
    region=os.environ["S3_REGION"],
    secure=False,
)


def make_bucket(bucket):
    client.make_bucket(bucket)


def put(bucket, key, path):
    client.fput_object(bucket, key, path, part_size=PART_BYTES)


def get(bucket, key, path):
    client.fget_object(bucket, key, path)


def list_objects(bucket, prefix, delimiter):
    found = list(client.list_objects(bucket, prefix=prefix, recursive=delimiter == ""))
    return {
        "keys": [one.object_name for one in found if not one.is_dir],
        "prefixes": [one.object_name for one in found if one.is_dir],
    }


def get_range(bucket, key, start, end, path):
    reply = client.get_object(bucket, key, offset=start, length=end - start + 1)
    with open(path, "wb") as out:
        out.write(reply.read())


def copy(bucket, source, target):
    client.copy_object(bucket, target, CopySource(bucket, source))


def presign_get(bucket, key):
    return client.presigned_get_object(bucket, key)


def presign_put(bucket, key):
    return client.presigned_put_object(bucket, key)


def remove(bucket, key):
    client.remove_object(bucket, key)


def remove_bucket(bucket):
    client.remove_bucket(bucket)


VERBS = {
    "make_bucket": make_bucket,
    "put": put,
    "get": get,
    "list": list_objects,
    "range": get_range,
    "copy": copy,
    "presign_get": presign_get,
    "presign_put": presign_put,
    "remove": remove,
    "remove_bucket": remove_bucket,
}

if __name__ == "__main__":
    verb, *arguments = json.loads(sys.argv[1])
    print(json.dumps(VERBS[verb](*arguments)))
