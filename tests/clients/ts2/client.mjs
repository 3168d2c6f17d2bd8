// Drives the TypeScript SDK, generation 2: its `Client`, in each of its ways to find a protocol
// version.

import { Client, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

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
  const era = command.era ?? "legacy";
  const mode = /^\d/.test(era) ? { pin: era } : era;
  const client = new Client({ name: "ts2", version: "1" }, { versionNegotiation: { mode } });
  const used = transport(command);
  await client.connect(used);
  const about = () => ({
    protocol: client.getNegotiatedProtocolVersion(),
    server: client.getServerVersion(),
    capabilities: client.getServerCapabilities(),
    instructions: client.getInstructions(),
  });
  const close = async () => {
    await used.terminateSession?.();
    await client.close();
  };
  return operations(client, about, (params, options) => client.callTool(params, options), close);
}

await main(connect);
