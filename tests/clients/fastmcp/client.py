"""Drives fastmcp's `Client`, whose errors of tools are exceptions unless asked otherwise."""

import sys
from contextlib import asynccontextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "common"))

import mcp_types as types
from driver import main, wire
from fastmcp import Client
from fastmcp.client.transports import SSETransport, StdioTransport, StreamableHttpTransport


def transport(command):
    match command["transport"]:
        case "stdio":
            program, *arguments = command["command"]
            # Without keep_alive the process would outlive the session.
            return StdioTransport(program, arguments, env=command["env"], keep_alive=False)
        case "sse":
            return SSETransport(command["url"], headers=command.get("headers"))
        case "http":
            return StreamableHttpTransport(command["url"], headers=command.get("headers"))


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
        return [wire(tool) for tool in await self.client.list_tools()]

    async def call(self, command):
        progress = []

        async def note(step, total, message):
            progress.append({"progress": step, "message": message})

        result = await self.client.call_tool(
            command["name"],
            command["arguments"],
            progress_handler=note if command.get("progress") else None,
            raise_on_error=False,
        )
        return {
            "content": [wire(block) for block in result.content],
            "structuredContent": result.structured_content,
            "isError": result.is_error,
            "progress": progress,
        }

    async def resources(self, command):
        return [wire(resource) for resource in await self.client.list_resources()]

    async def templates(self, command):
        return [wire(template) for template in await self.client.list_resource_templates()]

    async def read(self, command):
        return [wire(contents) for contents in await self.client.read_resource(command["uri"])]

    async def prompts(self, command):
        return [wire(prompt) for prompt in await self.client.list_prompts()]

    async def prompt(self, command):
        return wire(await self.client.get_prompt(command["name"], command["arguments"]))

    async def complete(self, command):
        kinds = {"ref/prompt": types.PromptReference, "ref/resource": types.ResourceTemplateReference}
        ref = kinds[command["ref"]["type"]](**command["ref"])
        return wire(await self.client.complete(ref, command["argument"], command.get("context")))


@asynccontextmanager
async def connect(command):
    async with Client(transport(command), mode=command.get("era", "auto")) as client:
        yield Session(client)


main(connect)
