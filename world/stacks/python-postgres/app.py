"""orders-api: Flask over PostgreSQL, by three drivers. `python app.py <driver>-<fault> ...`"""

import asyncio
import os
import sys
import threading
import time
from urllib.parse import urlsplit, urlunsplit

from flask import Flask, request

app = Flask(__name__)
URL = os.environ["WORLD_POSTGRES_URL"]
POOL_WAIT = 0.5


def database(fault):
    """Where a fault connects to, and with which settings of the session."""
    parts = urlsplit(URL)
    settings = {}
    if fault == "wrong-password":
        parts = parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":stale@"))
    elif fault == "refused":
        parts = parts._replace(netloc=parts.netloc.replace(":5432", ":5433"))
    elif fault == "dns":
        parts = parts._replace(netloc=parts.netloc.replace("pg-shop", "pg-replica.internal.example"))
    elif fault == "missing-database":
        parts = parts._replace(path="/shop_v2")
    elif fault == "lock-timeout":
        settings["lock_timeout"] = "300ms"
    elif fault == "statement-timeout":
        settings["statement_timeout"] = "300ms"
    elif fault == "read-only":
        settings["default_transaction_read_only"] = "on"
    elif fault == "serialization":
        settings["default_transaction_isolation"] = "repeatable read"
    return urlunsplit(parts), settings


def statements(fault):
    """What a request does in one transaction; a number is a pause in seconds."""
    insert = "insert into orders (sku, amount) values ('a', 1)"
    return {
        "deadlock": ["update stock set n = n - 1 where sku = 'a'", "update stock set n = n - 1 where sku = 'b'"],
        "serialization": ["select n from stock where sku = 'a'", 0.7, "update stock set n = n - 1 where sku = 'a'"],
        "statement-timeout": ["select count(*) from generate_series(1, 100000000)"],
        "unique": ["insert into stock (sku, n) values ('a', 1)"],
        "missing-relation": ["select discount from discounts where sku = 'a'"],
        "missing-column": ["select discount from stock where sku = 'a'"],
        "not-null": ["insert into orders (sku, amount) values ('a', null)"],
        "foreign-key": ["insert into orders (sku, amount) values ('zzz', 1)"],
        "permission": ["select secret from accounts"],
        "syntax": ["selct n from stock"],
        "terminated": ["select pg_sleep(5)"],
        "slow": ["select pg_sleep(1.5)", insert],
        "n-plus-one": ["select sku from stock"] + ["select amount, pg_sleep(0.01) from orders where sku = 'a' limit 1"] * 25,
    }.get(fault, ["select n from stock where sku = 'a' for update", insert])


def options(settings):
    return " ".join(f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in settings.items())


engines = {}


def by_sqlalchemy(fault):
    import sqlalchemy

    url, settings = database(fault)
    kept = engines.get(fault)
    if kept is None:
        kept = engines[fault] = sqlalchemy.create_engine(
            url.replace("postgresql:", "postgresql+psycopg2:"),
            pool_size=1,
            max_overflow=0,
            pool_timeout=POOL_WAIT,
            connect_args={"options": options(settings)} if settings else {},
        )
    held = kept.connect() if fault == "pool" else None
    try:
        with kept.begin() as connection:
            for statement in statements(fault):
                if isinstance(statement, float):
                    time.sleep(statement)
                else:
                    connection.execute(sqlalchemy.text(statement))
    except sqlalchemy.exc.IntegrityError:
        # A repeated order is no failure.
        if fault == "handled":
            return
        raise
    finally:
        if held is not None:
            held.close()


def by_psycopg(fault):
    import psycopg
    from psycopg_pool import ConnectionPool

    url, settings = database(fault)
    if fault == "pool":
        with ConnectionPool(url, min_size=1, max_size=1, timeout=POOL_WAIT) as pool, pool.connection():
            with pool.connection() as connection:
                connection.execute("select 1")
        return
    with psycopg.connect(url, options=options(settings)) as connection:
        for statement in statements(fault):
            if isinstance(statement, float):
                time.sleep(statement)
            else:
                connection.execute(statement)


async def by_asyncpg(fault):
    import asyncpg

    url, settings = database(fault)
    if fault == "pool":
        async with asyncpg.create_pool(url, min_size=1, max_size=1) as pool, pool.acquire():
            async with pool.acquire(timeout=POOL_WAIT) as connection:
                await connection.execute("select 1")
        return
    connection = await asyncpg.connect(url, server_settings=settings)
    try:
        async with connection.transaction():
            for statement in statements(fault):
                if isinstance(statement, float):
                    await asyncio.sleep(statement)
                else:
                    await connection.execute(statement)
    finally:
        await connection.close()


@app.post("/orders")
def orders():
    driver, fault = request.headers["x-fault"].split("-", 1)
    fault = fault.removesuffix("-new")
    crowd = []
    if fault == "too-many":
        import psycopg2

        try:
            while True:
                crowd.append(psycopg2.connect(URL))
        except psycopg2.OperationalError:
            pass
    try:
        if driver == "asyncpg":
            asyncio.run(by_asyncpg(fault))
        else:
            {"sqlalchemy": by_sqlalchemy, "psycopg": by_psycopg}[driver](fault)
    finally:
        for connection in crowd:
            connection.close()
    return {"ordered": True}


class Accomplice(threading.Thread):
    """Another user of the database, who is not traced."""

    def __init__(self, fault):
        super().__init__()
        import psycopg2

        self.fault = fault
        self.connection = psycopg2.connect(os.environ["WORLD_POSTGRES_ADMIN_URL"])
        self.watching = psycopg2.connect(os.environ["WORLD_POSTGRES_ADMIN_URL"])
        self.watching.autocommit = True
        self.cursor = self.connection.cursor()
        if fault == "lock-timeout":
            self.cursor.execute("lock table stock")
        elif fault == "deadlock":
            self.cursor.execute("set local deadlock_timeout = '60s'")
            self.cursor.execute("update stock set n = n where sku = 'b'")

    def until(self, condition):
        until = time.monotonic() + 30
        with self.watching.cursor() as cursor:
            while time.monotonic() < until:
                cursor.execute(f"select pid from pg_stat_activity where usename = 'app' and {condition}")
                found = cursor.fetchone()
                if found:
                    return found[0]
                time.sleep(0.02)

    def run(self):
        if self.fault == "deadlock":
            self.until("wait_event_type = 'Lock'")
            self.cursor.execute("update stock set n = n where sku = 'a'")
        elif self.fault == "serialization":
            self.until("state = 'idle in transaction' and query like 'select n from stock%'")
            self.cursor.execute("update stock set n = n + 1 where sku = 'a'")
        elif self.fault == "terminated":
            self.cursor.execute("select pg_terminate_backend(%s)", [self.until("query like '%pg_sleep(5)%'")])
        self.connection.commit()

    def leave(self):
        if self.is_alive():
            self.join()
        self.connection.close()
        self.watching.close()


TABLES = """
create table stock (sku text primary key, n integer not null);
insert into stock values ('a', 1000), ('b', 1000);
create table orders (id bigint generated always as identity, sku text references stock, amount numeric not null);
create table accounts (secret text);
alter table stock owner to app;
alter table orders owner to app;
"""


def prepare():
    import psycopg2

    with psycopg2.connect(os.environ["WORLD_POSTGRES_ADMIN_URL"]) as connection:
        cursor = connection.cursor()
        cursor.execute("select to_regclass('stock') is null")
        if cursor.fetchone()[0]:
            cursor.execute(TABLES)


def main(faults):
    from world import Service, call, done, running

    prepare()
    command = ["gunicorn", "--bind", "orders-api:8000", "--threads", "2", "--log-level", "warning", "app:app"]
    with running(Service("orders-api", *command, port=8000)):
        for fault in faults:
            kind = fault.split("-", 1)[1].removesuffix("-new")
            accomplice = None
            if kind in ("deadlock", "lock-timeout", "serialization", "terminated"):
                accomplice = Accomplice(kind)
                if kind != "lock-timeout":
                    accomplice.start()
            call("http://orders-api:8000/orders", method="POST", body=b"", x_fault=fault)
            if accomplice:
                accomplice.leave()
            done(fault)


if __name__ == "__main__":
    main(sys.argv[1:])
