"""Drives the Python SDK, generation 1: `ClientSession` over its three transports."""

import asyncio
import sys
from contextlib import asynccontextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "common"))

from driver import main, model, wire
from mcp import ClientSession, StdioServerParameters, types
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client


def transport(command):
    match command["transport"]:
        case "stdio":
            program, *arguments = command["command"]
            return stdio_client(
                StdioServerParameters(command=program, args=arguments, env=command["env"])
            )
        case "sse":
            return sse_client(command["url"], headers=command.get("headers"))
        case "http":
            return streamablehttp_client(command["url"], headers=command.get("headers"))


class Session:
    def __init__(self, session, initialized):
        self.session = session
        self.initialized = initialized

    async def about(self):
        result = self.initialized
        return {
            "protocol": result.protocolVersion,
            "server": wire(result.serverInfo),
            "capabilities": wire(result.capabilities),
            "instructions": result.instructions,
        }

    async def tools(self, command):
        return wire(await self.session.list_tools())["tools"]

    async def call(self, command):
        progress = []

        async def note(step, total, message):
            progress.append({"progress": step, "message": message})

        # The id that the SDK will give the request; it has no public way to cancel one.
        request = self.session._request_id
        try:
            result = await self.session.call_tool(
                command["name"],
                command["arguments"],
                progress_callback=note if command.get("progress") else None,
            )
        except asyncio.CancelledError:
            params = types.CancelledNotificationParams(requestId=request, reason="test")
            await self.session.send_notification(
                types.ClientNotification(types.CancelledNotification(params=params))
            )
            raise
        # What is null in the answer is part of it.
        return wire(result) | {
            "structuredContent": result.structuredContent,
            "progress": progress,
        }

    async def resources(self, command):
        return wire(await self.session.list_resources())["resources"]

    async def templates(self, command):
        return wire(await self.session.list_resource_templates())["resourceTemplates"]

    async def read(self, command):
        return wire(await self.session.read_resource(command["uri"]))["contents"]

    async def prompts(self, command):
        return wire(await self.session.list_prompts())["prompts"]

    async def prompt(self, command):
        return wire(await self.session.get_prompt(command["name"], command["arguments"]))

    async def complete(self, command):
        kinds = {"ref/prompt": types.PromptReference, "ref/resource": types.ResourceTemplateReference}
        ref = kinds[command["ref"]["type"]](**command["ref"])
        result = await self.session.complete(ref, command["argument"], command.get("context"))
        return wire(result)["completion"]


@asynccontextmanager
async def connect(command):
    async with transport(command) as streams:
        sampling = model(command, types)
        async with ClientSession(*streams[:2], sampling_callback=sampling) as session:
            yield Session(session, await session.initialize())


main(connect)
