"""What the Python programs have in common: services as processes of their own, and a caller that is not traced."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request


def wait_for(host, port, process=None, seconds=90):
    """Returns when something listens there."""
    until = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((host, port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > until or (process and process.poll() is not None):
                raise RuntimeError(f"nothing listens at {host}:{port}") from None
            time.sleep(0.05)


class Service:
    """A process that is traced without a change of its code, as `opentelemetry-instrument` does it, or traces itself."""

    def __init__(self, name, *command, port=None, host=None, traces_itself=False, **environment):
        binaries = os.path.dirname(sys.executable)
        self.name, self.port, self.host = name, port, host or name
        self.command = [*command] if traces_itself else [os.path.join(binaries, "opentelemetry-instrument"), *command]
        self.environment = {
            **os.environ,
            "OTEL_SERVICE_NAME": name,
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "PATH": f"{binaries}:{os.environ['PATH']}",
            **environment,
        }
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.command, env=self.environment)

    def wait(self):
        if self.port is not None:
            wait_for(self.host, self.port, self.process)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def end(self, seconds=20):
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()


@contextlib.contextmanager
def running(*services):
    """All of them, from when they listen until they have exported everything."""
    try:
        for service in services:
            service.start()
        for service in services:
            service.wait()
        yield services
    finally:
        for service in services:
            service.stop()
        for service in services:
            service.end()


def call(url, timeout=60, method="GET", body=None, **headers):
    """A request of somebody who is not traced; the status, or None when there is no answer."""
    request = urllib.request.Request(url, method=method, data=body, headers={k.replace("_", "-"): v for k, v in headers.items()})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout) as answer:
            print(answer.status, answer.read()[:500])
            return answer.status
    except urllib.error.HTTPError as error:
        print(error.code, error.read()[:500])
        return error.code
    except Exception as error:
        print("no answer:", repr(error))
        return None


def done(failure):
    """Ends the recording of a failure, when all that belongs to it has arrived."""
    call(f"{os.environ['OTEL_EXPORTER_OTLP_ENDPOINT']}/done/{failure}")
