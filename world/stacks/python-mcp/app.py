"""helpdesk (FastAPI) calls tools of tools-mcp over MCP. `python app.py <failure> ...`; `python app.py serve` is tools-mcp."""

import os
import signal
import socket
import sys
import time

from fastapi import FastAPI, Request

app = FastAPI()


def serve():
    from mcp.server.mcpserver import MCPServer
    from mcp.server.transport_security import TransportSecuritySettings

    server = MCPServer("tools")

    @server.tool()
    def find_ticket(number: int) -> str:
        """Finds a ticket."""
        return f"ticket {number} is open"

    @server.tool()
    def close_ticket(number: int, fault: str = "") -> str:
        """Closes a ticket."""
        if fault == "tool-raises":
            raise ValueError(f"ticket {number} has an open payment")
        if fault == "tool-refused":
            socket.create_connection(("tools-mcp", 5432))
        if fault == "slow":
            time.sleep(2)
        if fault == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "empty":
            return ""
        return f"ticket {number} is closed"

    open_to_all = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    server.run("streamable-http", host="tools-mcp", port=8000, transport_security=open_to_all)


@app.post("/tickets")
async def tickets(request: Request):
    from mcp import Client

    fault = request.headers["x-fault"]
    address = {
        "refused": "http://tools-mcp:8001/mcp",
        "dns": "http://tools.internal.example/mcp",
        "not-mcp": os.environ["WORLD_BROKEN_HTML"] + "/mcp",
        "wrong-path": "http://tools-mcp:8000/tools",
    }.get(fault, "http://tools-mcp:8000/mcp")
    name = "close_tickets" if fault == "unknown-tool" else "close_ticket"
    arguments = {"number": "seventeen" if fault == "bad-arguments" else 17, "fault": fault}
    async with Client(address, read_timeout_seconds=1 if fault in ("slow", "killed") else 10) as client:
        await client.call_tool("find_ticket", {"number": 17})
        result = await client.call_tool(name, {"fault": "tool-raises", "number": 17} if fault == "handled" else arguments)
    text = "".join(getattr(part, "text", "") for part in result.content)
    if result.is_error and fault != "handled":
        raise RuntimeError(f"{name} failed: {text}")
    return {"said": text}


def main(faults):
    from world import Service, call, done, running

    web = Service("helpdesk", "uvicorn", "app:app", "--host", "helpdesk", "--port", "8000", "--log-level", "warning", port=8000)
    with running(web, Service("tools-mcp", sys.executable, "app.py", "serve", port=8000)):
        for fault in faults:
            call("http://helpdesk:8000/tickets", method="POST", body=b"", x_fault=fault)
            time.sleep(2 if fault == "slow" else 0)
            done(fault)


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["serve"] else main(sys.argv[1:])
