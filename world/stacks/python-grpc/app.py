"""quote-web (Flask) asks price-api over gRPC. `python app.py <failure> ...`; `python app.py serve` is price-api."""

import os
import signal
import sys
import time
from concurrent import futures

import grpc
from flask import Flask, request

METHOD = "prices.v1.Prices"
ABORTS = {
    "unavailable": (grpc.StatusCode.UNAVAILABLE, "in maintenance until 04:00"),
    "resource-exhausted": (grpc.StatusCode.RESOURCE_EXHAUSTED, "quota of 100 requests a second reached"),
    "unauthenticated": (grpc.StatusCode.UNAUTHENTICATED, "the token has expired"),
    "permission-denied": (grpc.StatusCode.PERMISSION_DENIED, "quote-web may not read prices"),
    "invalid-argument": (grpc.StatusCode.INVALID_ARGUMENT, "sku must not be empty"),
    "failed-precondition": (grpc.StatusCode.FAILED_PRECONDITION, "the price list is not published"),
    "out-of-range": (grpc.StatusCode.OUT_OF_RANGE, "page 7 of 5"),
    "already-exists": (grpc.StatusCode.ALREADY_EXISTS, "quote 17 exists"),
    "aborted": (grpc.StatusCode.ABORTED, "the price list changed meanwhile"),
    "internal": (grpc.StatusCode.INTERNAL, "price table is corrupt"),
    "data-loss": (grpc.StatusCode.DATA_LOSS, "page checksum does not match"),
    "not-found": (grpc.StatusCode.NOT_FOUND, "no such sku"),
    "missing": (grpc.StatusCode.NOT_FOUND, "no such sku"),
}
app = Flask(__name__)


def quote(asked, context):
    fault = asked.decode().split(" ")[0]
    if fault == "raises":
        return {}["base_price"]
    if fault == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "large":
        return b"x" * (5 << 20)
    if fault in ("deadline", "cancelled"):
        time.sleep(1.5)
    if fault in ABORTS:
        context.abort(*ABORTS[fault])
    time.sleep(0.01)
    return b"19.90"


def listing(asked, context):
    for n in range(3):
        yield b"%d" % n
    if asked.decode() == "stream-breaks":
        context.abort(grpc.StatusCode.INTERNAL, "price table is corrupt")


def serve():
    server = grpc.server(futures.ThreadPoolExecutor(4))
    handlers = {"Quote": grpc.unary_unary_rpc_method_handler(quote), "List": grpc.unary_stream_rpc_method_handler(listing)}
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(METHOD, handlers)])
    server.add_insecure_port("price-api:50051")
    server.start()
    signal.signal(signal.SIGTERM, lambda *_: server.stop(1))
    server.wait_for_termination()


@app.get("/quote")
def get_quote():
    fault = request.headers["x-fault"].removesuffix("-new")
    address = {"refused": "price-old:50051", "dns": "prices.internal.example:50051"}.get(fault, "price-api:50051")
    if fault == "tls":
        channel = grpc.secure_channel(address, grpc.ssl_channel_credentials())
    else:
        channel = grpc.insecure_channel(address)
    with channel:
        if fault.startswith("stream"):
            call = channel.unary_stream(f"/{METHOD}/List")
            return {"prices": [each.decode() for each in call(fault.encode(), timeout=3)]}
        call = channel.unary_unary(f"/{METHOD}/{'Discount' if fault == 'unimplemented' else 'Quote'}")
        if fault == "cancelled":
            pending = call.future(fault.encode(), timeout=5)
            time.sleep(0.3)
            pending.cancel()
            return {"price": pending.result().decode()}
        try:
            return {"price": call(fault.encode(), timeout=0.5 if fault == "deadline" else 5).decode()}
        except grpc.RpcError as error:
            # A price that does not exist is an answer here.
            if fault == "not-found":
                return {"price": None, "why": error.details()}
            raise


def main(faults):
    from world import Service, call, done, running

    web = Service("quote-web", "gunicorn", "--bind", "quote-web:8000", "--threads", "2", "--log-level", "warning", "app:app", port=8000)
    with running(web, Service("price-api", sys.executable, "app.py", "serve", port=50051)):
        for fault in faults:
            call("http://quote-web:8000/quote", x_fault=fault)
            time.sleep(1.5 if fault in ("deadline", "deadline-new", "cancelled") else 0)
            done(fault)


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["serve"] else main(sys.argv[1:])
