"""A pytest plugin for the suite, which stays as it is.

Writes one line of JSON for each test to $SUITE_REPORT, and lets every test work on bucket names of its own: a bucket
that one test can't remove is then no reason for the next one to fail.
"""
import itertools
import json
import os
import uuid

import pytest

BUILT_IN_MARKERS = {"parametrize", "skip", "skipif", "xfail", "usefixtures", "timeout", "filterwarnings"}


class Report:
    def __init__(self, path):
        self.path = path
        self.tests = {}

    def pytest_runtest_logreport(self, report):
        test = self.tests.setdefault(report.nodeid, {"id": report.nodeid, "seconds": 0, "outcome": "passed", "message": ""})
        test["seconds"] += report.duration
        test["markers"] = dict(report.user_properties).get("markers", [])
        # Clean-up is not what the test is about.
        if report.outcome != "passed" and report.when != "teardown":
            test["outcome"] = report.outcome
            test["message"] = message_of(report)
        if report.when == "teardown":
            with open(self.path, "a") as out:
                out.write(json.dumps(self.tests.pop(report.nodeid)) + "\n")


def message_of(report):
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        return f"{crash.message} ({os.path.basename(crash.path)}:{crash.lineno})"[:1000]
    return str(report.longrepr)[-1000:]


def pytest_configure(config):
    path = os.environ.get("SUITE_REPORT")
    # Workers of xdist hand their reports to the controller, which alone writes.
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Report(path), "suite-report")


def pytest_collection_modifyitems(items):
    for item in items:
        markers = sorted({mark.name for mark in item.iter_markers()} - BUILT_IN_MARKERS)
        item.user_properties.append(("markers", markers))


def pytest_sessionstart(session):
    import s3tests.functional as suite

    numbers = itertools.count(1)
    clients = []

    def set_up():
        suite.prefix = f"s{uuid.uuid4().hex[:10]}n{next(numbers)}-"

    def tear_down():
        if not clients:
            clients.extend([suite.get_client(), suite.get_alt_client(), suite.get_tenant_client()])
        for client in clients:
            for bucket in suite.get_buckets_list(client, suite.prefix):
                remove(suite, client, bucket)

    suite.setup, suite.teardown = set_up, tear_down


def remove(suite, client, bucket):
    try:
        suite.nuke_bucket(client, bucket)
    except Exception:
        # Without ListObjectVersions: objects one by one. What still stays does no harm, see above.
        try:
            for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                for entry in page.get("Contents", []):
                    client.delete_object(Bucket=bucket, Key=entry["Key"])
            client.delete_bucket(Bucket=bucket)
        except Exception as error:
            print(f"left behind: {bucket}: {error!r}")
