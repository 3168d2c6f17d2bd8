// What the TypeScript clients have in common: the harness's end.
//
// The harness writes commands to standard input, one JSON object a line: `id`, `op` and what the
// operation needs. Each is answered by one line on standard output, in any order: `id` and either
// `ok`, with the answer as the protocol has it, or `error`. Commands run at the same time; `cancel`
// gives one up, `close` and the end of the input end the session. A client is a function
// `connect(command)` that gives an object with a function for each other operation.

import { createInterface } from "node:readline";

function answer(command, fields) {
  process.stdout.write(`${JSON.stringify({ id: command.id, ...fields })}\n`);
}

// An exception as JSON: its type, its words, and code and data of a JSON-RPC error.
function describe(error, cancelled) {
  const report = { type: error?.constructor?.name ?? typeof error, message: String(error?.message ?? error) };
  for (const name of ["code", "data"]) {
    if (error?.[name] !== undefined) report[name] = error[name];
  }
  if (cancelled) report.cancelled = true;
  return report;
}

export async function main(connect) {
  const running = new Map();
  let session;

  async function run(command) {
    const controller = new AbortController();
    running.set(command.id, controller);
    try {
      answer(command, { ok: await session[command.op](command, controller.signal) });
    } catch (error) {
      answer(command, { error: describe(error, controller.signal.aborted) });
    } finally {
      running.delete(command.id);
    }
  }

  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    const command = JSON.parse(line);
    if (!session) {
      try {
        session = await connect(command);
        answer(command, { ok: session.about() });
      } catch (error) {
        answer(command, { error: describe(error) });
        break;
      }
    } else if (command.op === "cancel") {
      running.get(command.target)?.abort("test");
      answer(command, { ok: {} });
    } else if (command.op === "close") {
      try {
        await session.close();
        answer(command, { ok: {} });
      } catch (error) {
        answer(command, { error: describe(error) });
      }
      session = undefined;
      break;
    } else {
      // Not awaited: the next command may be to cancel this one.
      run(command);
    }
  }
  // An open pipe would keep the process alive.
  process.stdin.destroy();
  await session?.close();
}
