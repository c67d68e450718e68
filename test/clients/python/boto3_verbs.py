"""boto3 as a client: one verb a process, arguments as a JSON list, the result as JSON."""
import json
import os
import sys

import boto3
from botocore.config import Config

s3 = boto3.client(
    "s3",
    endpoint_url=os.environ["S3_URL"],
    region_name=os.environ["S3_REGION"],
    aws_access_key_id=os.environ["S3_ACCESS_KEY"],
    aws_secret_access_key=os.environ["S3_SECRET_KEY"],
    config=Config(signature_version="s3v4", retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
)


def make_bucket(bucket):
    s3.create_bucket(Bucket=bucket)


def put(bucket, key, path):
    s3.upload_file(path, bucket, key)


def get(bucket, key, path):
    s3.download_file(bucket, key, path)


def list_objects(bucket, prefix, delimiter):
    pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter=delimiter))
    return {
        "keys": [entry["Key"] for page in pages for entry in page.get("Contents", [])],
        "prefixes": [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])],
    }


def get_range(bucket, key, start, end, path):
    body = s3.get_object(Bucket=bucket, Key=key, Range=f"bytes={start}-{end}")["Body"]
    with open(path, "wb") as out:
        out.write(body.read())


def copy(bucket, source, target):
    s3.copy_object(Bucket=bucket, Key=target, CopySource={"Bucket": bucket, "Key": source})


def presign_get(bucket, key):
    return s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=300)


def presign_put(bucket, key):
    return s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=300)


def remove(bucket, key):
    s3.delete_object(Bucket=bucket, Key=key)


def remove_bucket(bucket):
    s3.delete_bucket(Bucket=bucket)


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
