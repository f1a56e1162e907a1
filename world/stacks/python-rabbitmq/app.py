"""billing publishes invoices to RabbitMQ, mailer consumes them. `python app.py <failure> ...`"""

import os
import sys
import time
from urllib.parse import urlsplit, urlunsplit

import pika
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.pika import PikaInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind

URL = os.environ["WORLD_AMQP_URL"]


def provider(service):
    made = TracerProvider(resource=Resource.create({"service.name": service}))
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=200))
    return made


BILLING, MAILER = provider("billing"), provider("mailer")


def address(fault):
    parts = urlsplit(URL)
    if fault == "refused":
        parts = parts._replace(netloc=parts.netloc.replace(":5672", ":5673"))
    elif fault == "dns":
        parts = parts._replace(netloc=parts.netloc.replace("rabbit", "rabbit.internal.example"))
    elif fault == "wrong-password":
        parts = parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":stale@"))
    elif fault == "no-vhost":
        parts = parts._replace(path="/invoices")
    # One attempt, at once: what a request of a user can wait for.
    return pika.URLParameters(urlunsplit(parts) + "?connection_attempts=1&socket_timeout=2&blocked_connection_timeout=1")


def connect(fault, tracers):
    connection = pika.BlockingConnection(address(fault))
    channel = connection.channel()
    PikaInstrumentor().instrument_channel(channel, tracer_provider=tracers)
    return connection, channel


def publish(fault):
    connection, channel = connect(fault, BILLING)
    try:
        if fault == "mismatch":
            channel.queue_declare("invoices", durable=True)
        channel.queue_declare("invoices", durable=False)
        if fault == "unroutable":
            channel.confirm_delivery()
            channel.basic_publish("", "invoice", b"17", mandatory=True)
        elif fault == "closed":
            channel.close()
            channel.basic_publish("", "invoices", b"17")
        else:
            channel.basic_publish("", "invoices", b"17", properties=pika.BasicProperties(headers={}))
    finally:
        if connection.is_open:
            connection.close()


def consume(fault):
    connection, channel = connect("ok", MAILER)

    def on_message(channel, method, properties, body):
        channel.basic_ack(method.delivery_tag)
        if fault == "consumer-raises":
            raise ValueError(f"invoice {body.decode()} has no address")
        if fault == "consumer-refused":
            import socket

            socket.create_connection(("rabbit", 25))
        time.sleep(0.02)

    channel.basic_consume("invoices", on_message)
    try:
        connection.process_data_events(time_limit=2)
    finally:
        if connection.is_open:
            connection.close()


def main(faults):
    from world import done

    for fault in faults:
        tracer = BILLING.get_tracer("billing")
        try:
            with tracer.start_as_current_span("send invoice", kind=SpanKind.INTERNAL):
                publish(fault)
        except Exception as error:
            print(fault, repr(error))
        else:
            if fault == "queued":
                time.sleep(12)
            try:
                consume(fault)
            except Exception as error:
                print(fault, repr(error))
        for each in (BILLING, MAILER):
            each.force_flush()
        done(fault)


if __name__ == "__main__":
    trace.set_tracer_provider(BILLING)
    main(sys.argv[1:])
