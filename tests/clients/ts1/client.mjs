// Drives the TypeScript SDK, generation 1: its `Client` over its three transports.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { main } from "../common/driver.mjs";
import { operations } from "../common/session.mjs";

function transport(command) {
  const options = { requestInit: { headers: command.headers ?? {} } };
  switch (command.transport) {
    case "stdio": {
      const [program, ...args] = command.command;
      return new StdioClientTransport({ command: program, args, env: command.env });
    }
    case "sse":
      return new SSEClientTransport(new URL(command.url), options);
    case "http":
      return new StreamableHTTPClientTransport(new URL(command.url), options);
  }
}

async function connect(command) {
  const client = new Client({ name: "ts1", version: "1" });
  const used = transport(command);
  // The SDK tells the transport, and has no other place where it could be read.
  let protocol = null;
  const setProtocolVersion = used.setProtocolVersion?.bind(used);
  used.setProtocolVersion = (version) => {
    protocol = version;
    setProtocolVersion?.(version);
  };
  await client.connect(used);
  const about = () => ({
    protocol,
    server: client.getServerVersion(),
    capabilities: client.getServerCapabilities(),
    instructions: client.getInstructions(),
  });
  const close = async () => {
    await used.terminateSession?.();
    await client.close();
  };
  return operations(client, about, (params, options) => client.callTool(params, undefined, options), close);
}

await main(connect);
