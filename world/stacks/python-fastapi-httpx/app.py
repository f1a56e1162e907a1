"""web-gateway -> shop-api -> tax-api, each FastAPI; shop-api asks tax-api with httpx. `python app.py <failure> ...`."""

import asyncio
import os
import resource
import signal
import sys
import time

import httpx
from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel

gateway = FastAPI()
shop = FastAPI()
tax = FastAPI()
pool = httpx.AsyncClient(limits=httpx.Limits(max_connections=1), timeout=httpx.Timeout(5, pool=0.3))

# Where shop-api asks, for failures below HTTP.
ELSEWHERE = {
    "refused": "WORLD_BROKEN_REFUSED",
    "reset": "WORLD_BROKEN_RESET",
    "hangup": "WORLD_BROKEN_HANGUP",
    "silent": "WORLD_BROKEN_SILENT",
    "cut-body": "WORLD_BROKEN_CUT_CHUNKED",
    "reset-body": "WORLD_BROKEN_RESET_BODY",
    "not-http": "WORLD_BROKEN_NOT_HTTP",
    "not-json": "WORLD_BROKEN_HTML",
    "tls-expired": "WORLD_TLS_EXPIRED",
    "tls-unknown": "WORLD_TLS_UNKNOWN",
    "tls-self-signed": "WORLD_TLS_SELF_SIGNED",
    "tls-other-name": "WORLD_TLS_OTHER_NAME",
    "tls-good": "WORLD_TLS_GOOD",
}


class Item(BaseModel):
    amount: float
    country: str


@gateway.get("/buy")
async def buy(request: Request):
    fault = request.headers.get("x-fault", "")
    async with httpx.AsyncClient(timeout=1.0 if fault.startswith("three-levels") else 30) as client:
        answer = await client.get("http://shop-api:8000/checkout", headers={"x-fault": fault})
        answer.raise_for_status()
        return answer.json()


def address(fault):
    variable = ELSEWHERE.get(fault.removesuffix("-new"))
    if variable:
        return os.environ[variable] + "/rate"
    if fault.startswith("dns"):
        return "http://tax.internal.example:8000/rate"
    return "http://tax-api:8000/rate"


@shop.get("/checkout")
async def checkout(request: Request):
    fault = request.headers.get("x-fault", "")
    if fault == "config":
        os.environ["TAX_API_TOKEN"]
    if fault == "memory":
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        bytearray(4 << 30)
    if fault == "pool":
        held = await pool.send(pool.build_request("GET", "http://tax-api:8000/rate"), stream=True)
        try:
            return (await pool.get(address(fault))).json()
        finally:
            await held.aclose()
    body = {"amount": 10, "country": "DE"}
    if fault == "unprocessable":
        body = {"amount": "ten", "country": "DE"}
    timeout = 2.0 if fault.startswith("three-levels") else 0.5 if "slow" in fault or "silent" in fault else 5.0
    async with httpx.AsyncClient(timeout=timeout) as client:
        for attempt in range(2 if fault == "retried" else 1):
            headers = {"x-fault": fault, "x-attempt": str(attempt)}
            answer = await client.post(address(fault), json=body, headers=headers)
            if answer.status_code < 500:
                break
    if fault == "not-found" and answer.status_code == 404:
        return {"total": 10}
    answer.raise_for_status()
    return {"total": 10 * (1 + answer.json()["rate"])}


@tax.get("/rate")
@tax.post("/rate")
async def rate(request: Request, item: Item | None = None):
    fault = request.headers.get("x-fault", "").removesuffix("-new")
    if fault == "http-500":
        return {"rate": 1 / (item.amount - 10)}
    refusals = {
        "http-503": (503, "overloaded"),
        "http-429": (429, "Too many requests"),
        "http-401": (401, "Invalid token"),
        "http-403": (403, "This key may not read rates"),
        "not-found": (404, "No such country"),
    }
    if fault in refusals:
        raise HTTPException(*refusals[fault], headers={"retry-after": "20"} if fault == "http-429" else None)
    if fault == "retried" and request.headers["x-attempt"] == "0":
        raise HTTPException(503, "warming up")
    if fault == "slow":
        await asyncio.sleep(2)
    if fault == "three-levels":
        await asyncio.sleep(3)
    if fault == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    await asyncio.sleep(0.02)
    return {"rate": 0.19}


def main(faults):
    from world import Service, call, done, running

    def serve(name, app):
        return Service(name, "uvicorn", f"app:{app}", "--host", name, "--port", "8000", "--log-level", "warning", port=8000)

    with running(serve("web-gateway", "gateway"), serve("shop-api", "shop"), serve("tax-api", "tax")):
        for fault in faults:
            call("http://web-gateway:8000/buy", x_fault=fault)
            # Those that gave up have answered; the slower ones still work.
            time.sleep(3 if fault.startswith(("three-levels", "slow")) else 0)
            done(fault)


if __name__ == "__main__":
    main(sys.argv[1:])
