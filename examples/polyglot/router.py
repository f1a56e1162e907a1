"""A router in Python: takes POST /inference, asks an OpenAI-compatible provider, and traces both over OTLP.

Settings: PROVIDER_URL (where the provider is), PORT (0 lets the system choose), and OpenTelemetry's own:
OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL (grpc or http/protobuf).
"""

import json
import os
import signal
import sys
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry import baggage, propagate, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

if os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc") == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

provider = TracerProvider(resource=Resource.create({"service.name": "python-router"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=200))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("polyglot.router", "1.0.0")

PROVIDER_URL = os.environ["PROVIDER_URL"]


def execution_of(context):
    """Beacon's columns, from the baggage of the caller."""
    names = ("beacon.job_id", "beacon.execution_id", "beacon.region")
    return {name: value for name in names if (value := baggage.get_baggage(name, context)) is not None}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        context = propagate.extract({name.lower(): value for name, value in self.headers.items()})
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        attributes = {"http.request.method": "POST", "http.route": self.path, **execution_of(context)}
        kind = trace.SpanKind.SERVER
        with tracer.start_as_current_span(f"POST {self.path}", context, kind, attributes) as span:
            status, answer = ask(body, execution_of(context), context)
            span.set_attribute("http.response.status_code", status)
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def ask(body, execution, parent):
    attributes = {"http.request.method": "POST", "url.full": PROVIDER_URL, "gen_ai.request.model": body["model"], **execution}
    with tracer.start_as_current_span("POST", kind=trace.SpanKind.CLIENT, attributes=attributes) as span:
        headers = {"content-type": "application/json"}
        # The baggage goes on as it came.
        context = trace.set_span_in_context(span, parent)
        propagate.inject(headers, context)
        request = urllib.request.Request(PROVIDER_URL, json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                span.set_attribute("http.response.status_code", response.status)
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            span.set_attribute("http.response.status_code", error.code)
            span.set_status(trace.StatusCode.ERROR, error.reason)
            return 502, error.read()


def stop(*_):
    provider.shutdown()
    sys.exit(0)


signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "0"))), Handler)
print(json.dumps({"msg": "listening", "port": server.server_address[1]}), flush=True)
server.serve_forever()
