"""ledger-svc: books entries in databases and queues of many makes. `python app.py <failure> ...`"""

import asyncio
import contextlib
import itertools
import os
import socket
import sys
import threading
import time
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.instrumentation.aiokafka import AIOKafkaInstrumentor
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from opentelemetry.instrumentation.confluent_kafka import ConfluentKafkaInstrumentor
from opentelemetry.instrumentation.pymemcache import PymemcacheInstrumentor
from opentelemetry.instrumentation.pymongo import PymongoInstrumentor
from opentelemetry.instrumentation.pymysql import PyMySQLInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind

PROVIDER = TracerProvider(resource=Resource.create({"service.name": "ledger-svc"}))
PROVIDER.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=200))
trace.set_tracer_provider(PROVIDER)
for instrumentor in (
    AioHttpClientInstrumentor, AIOKafkaInstrumentor, BotocoreInstrumentor, ConfluentKafkaInstrumentor, PymemcacheInstrumentor,
    PymongoInstrumentor, PyMySQLInstrumentor,
):
    instrumentor().instrument()
TRACER = trace.get_tracer("ledger-svc")
MYSQL = urlsplit(os.environ["WORLD_MYSQL_URL"])
KAFKA = os.environ["WORLD_KAFKA"]
PORTS = itertools.count(8100)


def client_span(name, **attributes):
    """What a library without an instrumentation of its own gets from its user."""
    named = {key.replace("_", "."): value for key, value in attributes.items()}
    return TRACER.start_as_current_span(name, kind=SpanKind.CLIENT, attributes=named)


# MySQL: PyMySQL, instrumented, and aiomysql by hand


def mysql(**changes):
    import pymysql

    options = {"host": MYSQL.hostname, "user": MYSQL.username, "password": MYSQL.password, "database": "shop", "connect_timeout": 2}
    return pymysql.connect(**{**options, **changes})


def entries(*statements, **changes):
    def run():
        with contextlib.closing(mysql(**changes)) as base, base.cursor() as cursor:
            cursor.execute("drop table if exists entries")
            cursor.execute("create table entries (id int primary key, amount int not null, note varchar(5), check (amount > 0))")
            cursor.execute("insert into entries values (1, 5, 'a'), (2, 6, 'b')")
            base.commit()
            for statement in statements:
                cursor.execute(statement)
            base.commit()

    return run


def mysql_only(statement, **changes):
    def run():
        with contextlib.closing(mysql(**changes)) as base, base.cursor() as cursor:
            cursor.execute(statement)

    return run


def mysql_locks(deadlock):
    def run():
        entries()()
        with contextlib.closing(mysql()) as one, contextlib.closing(mysql()) as two, one.cursor() as a, two.cursor() as b:
            a.execute("update entries set amount = 7 where id = 1")
            if deadlock:
                b.execute("insert into entries values (3, 1, 'c'), (4, 1, 'c'), (5, 1, 'c')")
                b.execute("update entries set amount = 8 where id = 2")
                thread = threading.Thread(target=lambda: b.execute("update entries set amount = 9 where id = 1"))
                thread.start()
                time.sleep(0.2)
                try:
                    a.execute("update entries set amount = 9 where id = 2")
                finally:
                    one.rollback()
                    thread.join()
            else:
                b.execute("update entries set amount = 8 where id = 1")

    return run


def mysql_killed():
    with contextlib.closing(mysql()) as base, base.cursor() as cursor, contextlib.closing(mysql()) as other:
        with other.cursor() as killer:
            killer.execute(f"kill {base.thread_id()}")
        cursor.execute("select 1")


def mysql_too_many():
    with contextlib.closing(mysql()) as base, base.cursor() as cursor:
        cursor.execute("select @@max_connections")
        (usual,) = cursor.fetchone()
        cursor.execute("set global max_connections = 10")
        held = []
        try:
            # One more is kept for who may set variables.
            for _ in range(14):
                held.append(mysql(user="reader"))
        finally:
            cursor.execute(f"set global max_connections = {usual}")
            for each in held:
                each.close()


def aiomysql_query(statement, **changes):
    async def run():
        import aiomysql

        options = {"host": MYSQL.hostname, "user": MYSQL.username, "password": MYSQL.password, "db": "shop", "connect_timeout": 1}
        with client_span("SELECT shop", db_system_name="mysql", server_address=changes.get("host", MYSQL.hostname), server_port=3306):
            base = await aiomysql.connect(**{**options, **changes})
            try:
                async with base.cursor() as cursor:
                    await asyncio.wait_for(cursor.execute(statement), 0.5)
            finally:
                base.close()

    return lambda: asyncio.run(run())


def aiomysql_pool():
    async def run():
        import aiomysql

        pool = await aiomysql.create_pool(
            host=MYSQL.hostname, user=MYSQL.username, password=MYSQL.password, db="shop", minsize=1, maxsize=1)
        async with pool.acquire():
            with TRACER.start_as_current_span("aiomysql.pool.acquire"):
                await asyncio.wait_for(pool.acquire(), 0.4)

    asyncio.run(run())


# MongoDB: PyMongo, connection-level


def mongo(url, **options):
    def run():
        from pymongo import MongoClient

        client = MongoClient(url, serverSelectionTimeoutMS=600, **options)
        with TRACER.start_as_current_span("find entries"):
            client.shop.entries.find_one({"day": 1})

    return run


def mongo_pool():
    from pymongo.errors import WaitQueueTimeoutError

    with client_span("find entries", db_system_name="mongodb", server_address="mongo-1"):
        raise WaitQueueTimeoutError(
            "Timed out while checking out a connection from connection pool. maxPoolSize: 1, timeout: 0.3")


def mongo_error(code, message, details=None):
    def run():
        from pymongo import errors

        kind = {11000: errors.DuplicateKeyError, 50: errors.ExecutionTimeout}.get(code, errors.OperationFailure)
        with client_span("insert entries", db_system_name="mongodb", server_address="mongo-1"):
            raise kind(message, code, details or {"ok": 0.0, "errmsg": message, "code": code})

    return run


# Kafka: confluent-kafka and aiokafka


def confluent(topic="orders", at=KAFKA, value=b"17", consume=False, times=1, **more):
    def run():
        from confluent_kafka import KafkaException, Producer

        producer = Producer({"bootstrap.servers": at, "message.timeout.ms": 1500, "socket.timeout.ms": 1000,
                             "topic.metadata.propagation.max.ms": 500, **more})
        failed = []
        for _ in range(times):
            producer.produce(topic, value, on_delivery=lambda error, _: failed.append(error) if error else None)
        producer.flush(6)
        if failed:
            raise KafkaException(failed[0])
        if consume:
            confluent_consume(topic)

    return run


def confluent_consume(topic="orders", group="billing"):
    from confluent_kafka import Consumer, KafkaException

    consumer = Consumer({"bootstrap.servers": KAFKA, "group.id": group, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    try:
        for _ in range(20):
            message = consumer.poll(0.5)
            if message is None:
                continue
            if message.error():
                raise KafkaException(message.error())
            return
    finally:
        consumer.close()


def aio_kafka(topic="orders", at=KAFKA, value=b"17", **more):
    async def run():
        from aiokafka import AIOKafkaProducer

        producer = AIOKafkaProducer(bootstrap_servers=at, request_timeout_ms=1500, **more)
        try:
            await producer.start()
            await producer.send_and_wait(topic, value)
        finally:
            await producer.stop()

    return lambda: asyncio.run(run())


# AWS: boto3


def aws(service, call, at=None, **how):
    def run():
        import boto3
        from botocore.config import Config

        keys = {} if how.get("no_keys") else {"aws_access_key_id": "world", "aws_secret_access_key": "secret"}
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=how.get("read_timeout", 2))
        if how.get("no_keys"):
            os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
        client = boto3.client(service, region_name="eu-west-1", endpoint_url=at, config=config, **keys)
        call(client)

    return run


def put_object(client):
    client.put_object(Bucket="ledger", Key="17.json", Body=b"{}")


def send_message(client):
    client.send_message(QueueUrl="https://sqs.eu-west-1.amazonaws.com/1/ledger", MessageBody="17")


def aws_answers(code, status, message, xml=False):
    """Amazon, imitated with the error it documents."""

    def run():
        body = (
            f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message><RequestId>1</RequestId></Error>"
            if xml else f'{{"__type": "com.amazonaws#{code}", "message": "{message}"}}').encode()
        with answering(status, body) as at:
            if xml:
                aws("s3", put_object, at)()
            else:
                aws("dynamodb", lambda client: client.get_item(TableName="ledger", Key={"id": {"S": "17"}}), at)()

    return run


@contextlib.contextmanager
def answering(status, body):
    head = f"HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    port = next(PORTS)
    with socket.create_server(("cloud-1", port)) as server:
        def serve():
            with contextlib.suppress(OSError):
                while True:
                    peer, _ = server.accept()
                    peer.recv(65536)
                    peer.sendall(head.encode() + body)
                    peer.close()
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://cloud-1:{port}"
        server.shutdown(socket.SHUT_RDWR)


# HTTP: aiohttp


def http(url, **how):
    async def run():
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=how.get("total"), sock_read=how.get("sock_read"), connect=how.get("connect"))
        limit = aiohttp.TCPConnector(limit=1) if how.get("pool") else None
        async with aiohttp.ClientSession(timeout=timeout, connector=limit) as session:
            if how.get("pool"):
                held = asyncio.create_task(session.get(url))
                await asyncio.sleep(0.1)
            if how.get("cancel"):
                task = asyncio.create_task(session.get(url))
                await asyncio.sleep(0.1)
                task.cancel()
                await task
            async with session.get("http://partner-8.example" if how.get("pool") else url) as answer:
                answer.raise_for_status()
                await answer.json()
            if how.get("pool"):
                held.cancel()

    return lambda: asyncio.run(run())


def broken(name):
    return os.environ[f"WORLD_BROKEN_{name}"]


def tls(name):
    return os.environ[f"WORLD_TLS_{name}"]


def memcached(host, port=11211):
    def run():
        from pymemcache.client.base import Client

        Client((host, port), connect_timeout=1, timeout=0.5).get("entry")

    return run


def cassandra():
    from cassandra.cluster import Cluster

    with client_span("select entries", db_system_name="cassandra", server_address="cassandra-1"):
        Cluster(["cassandra-1"], connect_timeout=1).connect("ledger")


def opensearch(host):
    def run():
        from opensearchpy import OpenSearch

        with client_span("search entries", db_system_name="opensearch", server_address=host):
            OpenSearch([{"host": host, "port": 9200}], max_retries=0).search(index="entries", body={"query": {"match_all": {}}})

    return run


FAILURES = {
    "mysql-ok": entries("select * from entries"),
    "mysql-unique": entries("insert into entries values (1, 5, 'x')"),
    "mysql-null": entries("insert into entries values (9, null, 'x')"),
    "mysql-too-long": entries("insert into entries values (9, 5, 'far too long')"),
    "mysql-check": entries("insert into entries values (9, -1, 'x')"),
    "mysql-syntax": entries("selec * from entries"),
    "mysql-no-table": mysql_only("select * from account_limits"),
    "mysql-no-column": entries("select fee from entries"),
    "mysql-no-database": mysql_only("select 1", database="ledger"),
    "mysql-no-grant": mysql_only("create table forbidden_here (a int)", user="reader"),
    "mysql-wrong-password": mysql_only("select 1", password="stale"),
    "mysql-refused": mysql_only("select 1", port=3307),
    "mysql-dns": mysql_only("select 1", host="mysql.internal"),
    "mysql-statement-timeout": mysql_only("set statement max_statement_time = 0.2 for select sleep(2), benchmark(1000000000, sha1('x'))"),
    "mysql-read-timeout": mysql_only("select sleep(3)", read_timeout=1),
    "mysql-lock-timeout": mysql_locks(False),
    "mysql-deadlock": mysql_locks(True),
    "mysql-killed": mysql_killed,
    "mysql-too-many": mysql_too_many,
    "aiomysql-ok": aiomysql_query("select 1"),
    "aiomysql-slow": aiomysql_query("select sleep(3)"),
    "aiomysql-refused": aiomysql_query("select 1", port=3307),
    "aiomysql-wrong-password": aiomysql_query("select 1", password="stale"),
    "aiomysql-pool": aiomysql_pool,
    "mongo-dns": mongo("mongodb://mongo.internal:27017"),
    "mongo-refused": mongo("mongodb://mongo-1:27017"),
    "mongo-silent": mongo("mongodb://partner-3.example:80", socketTimeoutMS=500, connectTimeoutMS=500),
    "mongo-pool": mongo_pool,
    "mongo-duplicate": mongo_error(11000, "E11000 duplicate key error collection: shop.entries index: _id_ dup key: { _id: 17 }"),
    "mongo-unauthorized": mongo_error(18, "Authentication failed."),
    "mongo-forbidden": mongo_error(13, "not authorized on shop to execute command { insert: \"entries\" }"),
    "mongo-slow": mongo_error(50, "operation exceeded time limit"),
    "mongo-conflict": mongo_error(112, "WriteConflict error: this operation conflicted with another operation. Please retry your "
                                  "operation or multi-document transaction."),
    "mongo-too-large": mongo_error(10334, "BSONObj size: 17825804 (0x1100000C) is invalid. Size must be between 0 and 16793600(16MB)"),
    "kafka-ok": confluent(consume=True),
    "kafka-no-topic": confluent("ledgers"),
    "kafka-refused": confluent(at="kafka-1:9999"),
    "kafka-dns": confluent(at="kafka.internal:9092"),
    "kafka-too-large": confluent(value=b"x" * 300000),
    "kafka-queue-full": confluent(times=3, **{"queue.buffering.max.messages": 1, "linger.ms": 900, "message.timeout.ms": 3000}),
    "kafka-consume-no-topic": lambda: confluent_consume("ledgers"),
    "aiokafka-ok": aio_kafka(),
    "aiokafka-refused": aio_kafka(at="kafka-1:9999"),
    "aiokafka-dns": aio_kafka(at="kafka.internal:9092"),
    "aiokafka-no-topic": aio_kafka("ledgers"),
    "aiokafka-too-large": aio_kafka(value=b"x" * 2000000),
    "s3-dns": aws("s3", put_object, "http://s3.internal"),
    "s3-refused": aws("s3", put_object, "http://cloud-1:8001"),
    "s3-silent": aws("s3", put_object, broken("SILENT") if "WORLD_BROKEN_SILENT" in os.environ else None),
    "s3-hangup": aws("s3", put_object, broken("HANGUP") if "WORLD_BROKEN_HANGUP" in os.environ else None),
    "s3-no-keys": aws("s3", put_object, "http://cloud-1:8001", no_keys=True),
    "s3-bad-name": aws("s3", lambda client: client.put_object(Bucket="not a bucket", Key="1", Body=b""), "http://cloud-1:8001"),
    "s3-expired-certificate": aws("s3", put_object, tls("EXPIRED") if "WORLD_TLS_EXPIRED" in os.environ else None),
    "s3-slow-down": aws_answers("SlowDown", 503, "Please reduce your request rate.", xml=True),
    "s3-no-bucket": aws_answers("NoSuchBucket", 404, "The specified bucket does not exist", xml=True),
    "s3-denied": aws_answers("AccessDenied", 403, "Access Denied", xml=True),
    "s3-skewed": aws_answers("RequestTimeTooSkewed", 403, "The difference between the request time and the current time is too large.", xml=True),
    "dynamo-throttled": aws_answers("ProvisionedThroughputExceededException", 400, "The level of configured provisioned throughput for "
                                    "the table was exceeded."),
    "dynamo-expired": aws_answers("ExpiredTokenException", 400, "The security token included in the request is expired"),
    "dynamo-no-table": aws_answers("ResourceNotFoundException", 400, "Requested resource not found"),
    "dynamo-internal": aws_answers("InternalServerError", 500, "Internal server error"),
    "http-ok": http(tls("GOOD") if "WORLD_TLS_GOOD" in os.environ else ""),
    "http-refused": http(broken("REFUSED")),
    "http-dns": http("http://rates.internal/eur"),
    "http-expired": http(tls("EXPIRED")),
    "http-unknown-authority": http(tls("UNKNOWN")),
    "http-other-name": http(tls("OTHER_NAME")),
    "http-total-timeout": http(broken("SILENT"), total=0.6),
    "http-read-timeout": http(broken("SILENT"), sock_read=0.6),
    "http-reset": http(broken("RESET")),
    "http-hangup": http(broken("HANGUP")),
    "http-cut": http(broken("CUT_LENGTH")),
    "http-not-http": http(broken("NOT_HTTP")),
    "http-html": http(broken("HTML")),
    "http-cancelled": http(broken("SILENT"), cancel=True),
    "http-pool": http(broken("SILENT"), pool=True, connect=0.5),
    "memcached-refused": memcached("cloud-1"),
    "memcached-dns": memcached("memcached.internal"),
    "memcached-silent": memcached("partner-3.example", 80),
    "cassandra-refused": cassandra,
    "opensearch-refused": opensearch("search-1"),
    "opensearch-dns": opensearch("search.internal"),
}


def main():
    from world import done

    for failure in sys.argv[1:]:
        try:
            with TRACER.start_as_current_span("POST /entries", kind=SpanKind.SERVER):
                FAILURES[failure]()
        except BaseException as error:
            print(failure, repr(error)[:300])
        done(failure)
    PROVIDER.shutdown()
    os._exit(0)


main()
