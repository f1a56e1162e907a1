"""nightly: jobs that fail inside libraries, each below a span of its own. `python app.py <failure> ...`"""

import asyncio
import concurrent.futures
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

import requests
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.kafka import KafkaInstrumentor
from opentelemetry.instrumentation.pymongo import PymongoInstrumentor
from opentelemetry.instrumentation.pymysql import PyMySQLInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind

PROVIDER = TracerProvider(resource=Resource.create({"service.name": "nightly"}))
PROVIDER.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=200))
trace.set_tracer_provider(PROVIDER)
for instrumentor in (KafkaInstrumentor, PymongoInstrumentor, PyMySQLInstrumentor, RequestsInstrumentor, SQLite3Instrumentor):
    instrumentor().instrument()
TRACER = trace.get_tracer("nightly")
FOLDER = tempfile.mkdtemp()


def ok():
    base = sqlite3.connect(os.path.join(FOLDER, "ok.db"))
    base.execute("create table if not exists totals (day text, n integer)")
    base.execute("insert into totals values ('2026-01-01', 3)")
    base.commit()
    base.close()


def handled():
    try:
        sqlite3.connect(os.path.join(FOLDER, "handled.db")).execute("select n from totals")
    except sqlite3.OperationalError:
        ok()


def mongo_refused():
    from pymongo import MongoClient

    MongoClient("mongodb://mongo-1:27017", serverSelectionTimeoutMS=600).shop.orders.find_one({"day": 1})


def mysql_refused():
    import pymysql

    pymysql.connect(host="mysql-1", user="app", password="secret", database="shop", connect_timeout=2)


def kafka_refused():
    from kafka import KafkaProducer

    KafkaProducer(bootstrap_servers="kafka-1:9092", max_block_ms=1500).send("orders", b"1")


def search_refused():
    from elasticsearch import Elasticsearch

    Elasticsearch("http://search-1:9200", max_retries=0).search(index="orders", query={"match_all": {}})


def websocket_refused():
    import websockets

    async def ask():
        async with websockets.connect("ws://search-1:9300/feed", open_timeout=2):
            pass

    asyncio.run(ask())


def sqlite_locked():
    file = os.path.join(FOLDER, "locked.db")
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("create table if not exists totals (n integer)")
    holder.execute("begin exclusive")
    try:
        sqlite3.connect(file, timeout=0.3).execute("insert into totals values (1)")
    finally:
        holder.rollback()


def sqlite_no_table():
    sqlite3.connect(os.path.join(FOLDER, "empty.db")).execute("select n from totals")


def sqlite_read_only():
    ok()
    sqlite3.connect(f"file:{FOLDER}/ok.db?mode=ro", uri=True).execute("insert into totals values ('x', 1)")


def sqlite_unique():
    base = sqlite3.connect(":memory:")
    base.execute("create table totals (day text primary key)")
    base.execute("insert into totals values ('2026-01-01')")
    base.execute("insert into totals values ('2026-01-01')")


def sqlite_damaged():
    with open(os.path.join(FOLDER, "damaged.db"), "wb") as file:
        file.write(b"no database at all" * 200)
    sqlite3.connect(os.path.join(FOLDER, "damaged.db")).execute("select 1 from totals")


def disk_full():
    with open("/dev/full", "w") as out:
        out.write("total\n" * 10000)


def file_missing():
    open("/etc/nightly/rates.yaml")


def setting_missing():
    os.environ["RATES_BUCKET"]


def setting_wrong():
    os.environ["BATCH_SIZE"] = "many"
    int(os.environ["BATCH_SIZE"])


def module_missing():
    import fastparquet  # noqa: F401


def yaml_wrong():
    import yaml

    yaml.safe_load("rates:\n  eur: 1\n usd: 2\n")


def json_wrong():
    json.loads('{"rates": [1, 2')


def schema_wrong():
    import jsonschema

    jsonschema.validate({"rate": "high"}, {"properties": {"rate": {"type": "number"}}})


def encoding_wrong():
    b"caf\xe9".decode("utf-8")


def memory_array():
    import numpy

    numpy.zeros((1 << 40,), dtype="float64")


def divided():
    with TRACER.start_as_current_span("average rates"):
        return sum([1.0]) / len([])


def assertion():
    with TRACER.start_as_current_span("check totals"):
        assert sum([1, 2]) == 4, "totals do not add up: 3 of 4"


def command_fails():
    subprocess.run(["tar", "-xf", "/var/none.tar"], check=True, capture_output=True)


def command_missing():
    subprocess.run(["pg_dumpall-17", "--help"], check=True)


def command_slow():
    subprocess.run(["sleep", "5"], check=True, timeout=0.4)


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


def pool_killed():
    with concurrent.futures.ProcessPoolExecutor(1) as pool:
        list(pool.map(die, [1]))


def future_slow():
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(time.sleep, 1).result(timeout=0.3)


def cancelled():
    async def work():
        task = asyncio.create_task(asyncio.sleep(5))
        await asyncio.sleep(0.05)
        task.cancel()
        await task

    asyncio.run(work())


def asyncio_slow():
    async def work():
        async with asyncio.timeout(0.3):
            await asyncio.sleep(5)

    asyncio.run(work())


def breaker_open():
    import pybreaker

    breaker = pybreaker.CircuitBreaker(fail_max=1, reset_timeout=60)
    for _ in range(2):
        try:
            breaker.call(divide_quietly)
        except ZeroDivisionError:
            pass


def divide_quietly():
    return 1 / 0


def retries_refused():
    import tenacity

    retrying = tenacity.Retrying(stop=tenacity.stop_after_attempt(3), wait=tenacity.wait_fixed(0.05))
    retrying(requests.get, os.environ["WORLD_BROKEN_REFUSED"] + "/rates", timeout=1)


def token_expired():
    import jwt

    key = "k" * 40
    jwt.decode(jwt.encode({"exp": 1_700_000_000}, key), key, algorithms=["HS256"])


def token_forged():
    import jwt

    jwt.decode(jwt.encode({"sub": "a"}, "k" * 40), "m" * 40, algorithms=["HS256"])


def lock_taken():
    from filelock import FileLock

    file = os.path.join(FOLDER, "nightly.lock")
    with FileLock(file):
        FileLock(file, timeout=0.2, is_singleton=False).acquire()


def mail_refused():
    import smtplib

    smtplib.SMTP("search-1", 25, timeout=2)


JOBS = {name.replace("_", "-"): job for name, job in list(globals().items()) if callable(job) and not name.startswith("_")}


def main(faults):
    from world import done

    for fault in faults:
        try:
            with TRACER.start_as_current_span("run nightly job", kind=SpanKind.CONSUMER):
                JOBS[fault]()
        except BaseException as error:
            print(fault, repr(error)[:300])
        PROVIDER.force_flush()
        done(fault)


if __name__ == "__main__":
    main(sys.argv[1:])
