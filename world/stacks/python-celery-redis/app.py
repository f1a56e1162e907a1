"""shop-web (Flask) reads carts from Redis and waits for tasks of shop-worker (Celery). `python app.py <part>-<fault> ...`"""

import os
import resource
import signal
import sys
import threading
import time

from celery import Celery
from celery.exceptions import SoftTimeLimitExceeded
from flask import Flask, request

REDIS = os.environ["WORLD_REDIS_URL"]
app = Flask(__name__)
tasks = Celery("tasks", broker=REDIS, backend=REDIS)
tasks.conf.update(broker_connection_retry_on_startup=True, result_backend_always_retry=False)
# Where producing fails at once, as it should in a web request.
tasks.conf.update(task_publish_retry=False)


@tasks.task(name="tasks.build_report", bind=True, max_retries=2)
def build_report(self, fault):
    if fault == "raises":
        raise ValueError("row 17 has no price")
    if fault == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "memory":
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, resource.RLIM_INFINITY))
        try:
            bytearray(4 << 30)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    if fault == "disk":
        with open("/dev/full", "w") as report:
            report.write("total\n" * 10000)
    if fault == "files":
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        opened = []
        try:
            while True:
                opened.append(open("/dev/null"))
        finally:
            for each in opened:
                each.close()
            resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    if fault == "redis-refused":
        client("refused").set("report", 1)
    if fault == "retried" and self.request.retries == 0:
        raise self.retry(countdown=0, exc=ValueError("not ready"))
    if fault == "retries":
        try:
            client("refused").set("report", 1)
        except Exception as error:
            raise self.retry(countdown=0.1, exc=error)
    if fault == "unserializable":
        return object()
    if fault in ("time-limit", "soft-limit"):
        time.sleep(6)
    if fault == "caught-limit":
        try:
            time.sleep(6)
        except SoftTimeLimitExceeded:
            return "partial"
    client("ok").set("report", "done", ex=60)
    return "done"


def client(fault):
    import redis

    url = {
        "refused": REDIS.replace(":6379", ":6390"),
        "dns": REDIS.replace("redis-cache", "redis.internal.example"),
        "wrong-password": REDIS.replace("//", "//:stale@"),
        "no-password": REDIS,
    }.get(fault, REDIS)
    if fault == "timeout":
        return redis.Redis.from_url(url, socket_timeout=0.4, retry=None)
    if fault == "pool":
        pool = redis.ConnectionPool.from_url(url, max_connections=1)
        pool.get_connection()
        return redis.Redis(connection_pool=pool)
    return redis.Redis.from_url(url, retry=None)


@app.get("/cart")
def cart():
    fault = request.headers["x-fault"].split("-", 1)[1]
    redis = client(fault)
    if fault == "wrong-type":
        return {"items": redis.incr("basket:17")}
    if fault == "memory":
        redis.set("cart:17", "x" * 1000)
    if fault == "read-only":
        redis.set("cart:17", "1")
    if fault == "cut":
        redis.blpop("nothing", timeout=5)
    if fault == "miss":
        return {"items": redis.get("cart:none") or "0"}
    with redis.pipeline() as pipe:
        pipe.get("cart:17")
        pipe.ttl("cart:17")
        return {"items": str(pipe.execute())}


@app.post("/report")
def report():
    fault = request.headers["x-fault"].split("-", 1)[1]
    options = {"time-limit": {"time_limit": 1}, "soft-limit": {"soft_time_limit": 1}, "caught-limit": {"soft_time_limit": 1}}
    if fault == "unregistered":
        made = tasks.send_task("tasks.build_invoice", ["july"])
    elif fault == "no-worker":
        made = build_report.apply_async([fault], queue="invoices")
    elif fault == "broker-refused":
        elsewhere = Celery("tasks", broker=REDIS.replace(":6379", ":6390"), backend=REDIS)
        elsewhere.conf.update(task_publish_retry=False)
        made = elsewhere.send_task("tasks.build_report", [fault])
    else:
        made = build_report.apply_async([fault], **options.get(fault, {}))
    return {"report": made.get(timeout=60 if fault == "queued" else 4 if fault == "no-worker" else 20)}


class Hindrance:
    """What is done to Redis for a fault, and undone after it."""

    def __init__(self, fault):
        import redis

        self.name = fault
        self.redis = redis.Redis.from_url(REDIS)

    def __enter__(self):
        do = self.redis
        do.set("cart:17", "3")
        if self.name == "wrong-type":
            do.delete("basket:17")
            do.rpush("basket:17", "a")
        elif self.name == "memory":
            do.config_set("maxmemory", "1mb")
        elif self.name == "read-only":
            do.execute_command("REPLICAOF", "127.0.0.1", "1")
        elif self.name == "wrong-password" or self.name == "no-password":
            do.config_set("requirepass", "secret")
        elif self.name == "timeout":
            do.execute_command("CLIENT", "PAUSE", "1500", "ALL")
        elif self.name == "max-clients":
            do.config_set("maxclients", str(do.info("clients")["connected_clients"]))
        elif self.name == "busy":
            do.config_set("busy-reply-threshold", "50")
            self.loop = threading.Thread(target=self.spin, daemon=True)
            self.loop.start()
            time.sleep(0.5)
        elif self.name == "cut":
            self.killer = threading.Thread(target=self.kill, daemon=True)
            self.killer.start()

    def spin(self):
        import redis

        try:
            redis.Redis.from_url(REDIS, retry=None).eval("while true do end", 0)
        except redis.RedisError:
            pass

    def kill(self):
        for _ in range(200):
            for each in self.redis.client_list():
                if each["cmd"] == "blpop":
                    self.redis.client_kill_filter(_id=each["id"])
                    return
            time.sleep(0.02)

    def __exit__(self, *_error):
        do = self.redis
        if self.name == "memory":
            do.config_set("maxmemory", "0")
        elif self.name == "read-only":
            do.execute_command("REPLICAOF", "NO", "ONE")
        elif self.name == "wrong-password" or self.name == "no-password":
            do.execute_command("AUTH", "secret")
            do.config_set("requirepass", "")
        elif self.name == "max-clients":
            do.config_set("maxclients", "1000")
        elif self.name == "busy":
            do.execute_command("SCRIPT", "KILL")
        do.close()


def main(faults):
    from world import Service, call, done, running

    def report(fault):
        call("http://shop-web:8000/report", method="POST", body=b"", x_fault=fault)
        done(fault)

    web = Service("shop-web", "gunicorn", "--bind", "shop-web:8000", "--threads", "2", "--log-level", "warning", "app:app", port=8000)
    # One process at work beside the one that watches it.
    worker = Service("shop-worker", "celery", "-A", "app:tasks", "worker", "--concurrency", "1", "--loglevel", "WARNING")
    reports = [fault for fault in faults if fault.startswith("report-")]
    with running(web):
        if reports == ["report-queued"]:
            threading.Timer(12, worker.start).start()
            report("report-queued")
            worker.stop()
            worker.end()
        elif reports:
            with running(worker):
                while not tasks.control.ping(timeout=1):
                    pass
                # What the worker does by itself when it starts belongs to no failure.
                done("start")
                for fault in reports:
                    report(fault)
            done("end")
        for fault in faults:
            if fault.startswith("cart-"):
                with Hindrance(fault.removeprefix("cart-")):
                    call("http://shop-web:8000/cart", x_fault=fault)
                done(fault)


if __name__ == "__main__":
    main(sys.argv[1:])
