"""booking-web (Django) asks seats-api (Django) and partners by three HTTP clients. `python app.py <client>-<fault> ...`"""

import asyncio
import json
import logging
import os
import sys
import time

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse, JsonResponse
from django.urls import path

log = logging.getLogger("booking")
TIMEOUT = 0.6
ELSEWHERE = {
    "refused": "WORLD_BROKEN_REFUSED",
    "reset": "WORLD_BROKEN_RESET",
    "hangup": "WORLD_BROKEN_HANGUP",
    "silent": "WORLD_BROKEN_SILENT",
    "cut-body": "WORLD_BROKEN_CUT_CHUNKED",
    "cut-length": "WORLD_BROKEN_CUT_LENGTH",
    "not-http": "WORLD_BROKEN_NOT_HTTP",
    "not-json": "WORLD_BROKEN_HTML",
    "tls-good": "WORLD_TLS_GOOD",
    "tls-expired": "WORLD_TLS_EXPIRED",
    "tls-unknown": "WORLD_TLS_UNKNOWN",
    "tls-self-signed": "WORLD_TLS_SELF_SIGNED",
    "tls-other-name": "WORLD_TLS_OTHER_NAME",
}


def address(fault):
    if fault in ELSEWHERE:
        return os.environ[ELSEWHERE[fault]] + "/seats"
    if fault == "tls-plain":
        return "https://seats-api:8000/seats"
    return {"dns": "http://seats.internal.example/seats"}.get(fault, "http://seats-api:8000/seats")


def by_requests(fault):
    import requests

    answer = requests.get(address(fault), headers={"x-fault": fault}, timeout=TIMEOUT)
    answer.raise_for_status()
    return answer.json()


def by_urllib3(fault):
    import urllib3

    # Its usual retries: three.
    retries = urllib3.Retry(2, backoff_factor=0.05) if fault.startswith("retries") else False
    trust = {"ca_certs": os.environ["SSL_CERT_FILE"]}
    pool = urllib3.PoolManager(timeout=TIMEOUT, retries=retries, **trust)
    name = fault.removeprefix("retries-")
    answer = pool.request("GET", address(name), headers={"x-fault": name})
    if answer.status >= 400:
        raise RuntimeError(f"seats-api answered {answer.status}: {answer.data.decode()[:80]}")
    return json.loads(answer.data)


async def by_aiohttp(fault):
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=TIMEOUT)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        async with session.get(address(fault), headers={"x-fault": fault}) as answer:
            answer.raise_for_status()
            return await answer.json()


def book(request):
    client, fault = request.headers["x-fault"].removesuffix("-new").split("-", 1)
    if client == "django":
        return in_django(fault)
    ask = {"requests": by_requests, "urllib3": by_urllib3, "aiohttp": lambda f: asyncio.run(by_aiohttp(f))}[client]
    log.info("asking for seats")
    try:
        return JsonResponse({"seats": ask(fault)})
    except Exception:
        log.exception("no seats could be booked")
        if fault == "swallowed":
            return JsonResponse({"error": "try again later"}, status=503)
        raise


def in_django(fault):
    if fault == "not-found":
        return HttpResponse("no such booking", status=404)
    if fault == "improperly-configured":
        raise ImproperlyConfigured("The SEATS_API_KEY setting must not be empty.")
    if fault == "recursion":
        return in_django(fault)
    return HttpResponse("ok")


def seats(request):
    fault = request.headers.get("x-fault", "")
    statuses = {"http-500": 500, "http-502": 502, "http-503": 503, "http-429": 429, "http-401": 401, "http-404": 404, "swallowed": 503}
    if fault == "raises":
        raise LookupError("row 12 has no seat")
    if fault == "slow":
        time.sleep(1.5)
    if fault in statuses:
        return HttpResponse("refused", status=statuses[fault])
    return JsonResponse({"free": 3})


urlpatterns = [path("book", book), path("seats", seats)]


def main(faults):
    from world import Service, call, done, running

    def serve(name):
        command = ["gunicorn", "--bind", f"{name}:8000", "--threads", "2", "--log-level", "warning", "wsgi:application"]
        logs = {"OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED": "true", "DJANGO_SETTINGS_MODULE": "settings", "OTEL_BLRP_SCHEDULE_DELAY": "200"}
        return Service(name, *command, port=8000, **logs)

    with running(serve("booking-web"), serve("seats-api")):
        for fault in faults:
            call("http://booking-web:8000/book", x_fault=fault)
            time.sleep(1.5 if fault.endswith("slow") else 0)
            done(fault)


if __name__ == "__main__":
    main(sys.argv[1:])
