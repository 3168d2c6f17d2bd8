"""Drives the Python SDK, generation 2: its `Client`, in each of its ways to find a protocol version."""

import sys
from contextlib import asynccontextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "common"))

import httpx2
from driver import main, model, wire
from mcp import Client, StdioServerParameters, types
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client


def server(command):
    match command["transport"]:
        case "stdio":
            program, *arguments = command["command"]
            return StdioServerParameters(command=program, args=arguments, env=command["env"])
        case "sse":
            return sse_client(command["url"], headers=command.get("headers"))
        case "http":
            if headers := command.get("headers"):
                return streamable_http_client(
                    command["url"], http_client=httpx2.AsyncClient(headers=headers)
                )
            return command["url"]


class Session:
    def __init__(self, client):
        self.client = client

    async def about(self):
        client = self.client
        return {
            "protocol": client.protocol_version,
            "server": wire(client.server_info) if client.server_info else None,
            "capabilities": wire(client.server_capabilities),
            "instructions": client.instructions,
        }

    async def tools(self, command):
        return wire(await self.client.list_tools())["tools"]

    async def call(self, command):
        progress = []

        async def note(step, total, message):
            progress.append({"progress": step, "message": message})

        result = await self.client.call_tool(
            command["name"],
            command["arguments"],
            progress_callback=note if command.get("progress") else None,
        )
        # What is null in the answer is part of it.
        return wire(result) | {
            "structuredContent": result.structured_content,
            "progress": progress,
        }

    async def resources(self, command):
        return wire(await self.client.list_resources())["resources"]

    async def templates(self, command):
        return wire(await self.client.list_resource_templates())["resourceTemplates"]

    async def read(self, command):
        return wire(await self.client.read_resource(command["uri"]))["contents"]

    async def prompts(self, command):
        return wire(await self.client.list_prompts())["prompts"]

    async def prompt(self, command):
        return wire(await self.client.get_prompt(command["name"], command["arguments"]))

    async def complete(self, command):
        kinds = {"ref/prompt": types.PromptReference, "ref/resource": types.ResourceTemplateReference}
        ref = kinds[command["ref"]["type"]](**command["ref"])
        result = await self.client.complete(ref, command["argument"], command.get("context"))
        return wire(result)["completion"]


@asynccontextmanager
async def connect(command):
    sampling = model(command, types)
    mode = command.get("era", "auto")
    async with Client(server(command), mode=mode, sampling_callback=sampling) as client:
        yield Session(client)


main(connect)
