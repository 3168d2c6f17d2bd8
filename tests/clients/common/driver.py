"""What the Python clients have in common: the harness's end.

The harness writes commands to standard input, one JSON object a line: `id`, `op` and what the
operation needs. Each is answered by one line on standard output, in any order: `id` and either `ok`,
with the answer as the protocol has it, or `error`. Commands run at the same time; `cancel` gives
one up, `close` and the end of the input end the session. A client is a function
`connect(command)` that returns an asynchronous context manager of an object with a method for each
other operation.
"""

import asyncio
import json
import sys
import traceback


def wire(model):
    """A message of the SDK as it is on the wire."""
    return model.model_dump(by_alias=True, mode="json", exclude_none=True)


def describe(error):
    """An exception as JSON: its type, its words, and code and data of a JSON-RPC error."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    report = {"type": type(error).__name__, "message": str(error)}
    details = getattr(error, "error", error)
    for name in ("code", "data"):
        value = getattr(details, name, None)
        if isinstance(value, (int, str, dict, list)):
            report[name] = value
    if isinstance(error, asyncio.CancelledError):
        report["cancelled"] = True
    return report


def answer(command, **fields):
    print(json.dumps({"id": command["id"], **fields}), flush=True)


async def commands():
    """The commands, until the end of the input."""
    loop = asyncio.get_running_loop()
    # A line holds what a tool is to be called with, which may be large on purpose.
    reader = asyncio.StreamReader(limit=1 << 28)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield json.loads(line)


def model(command, types):
    """The client's model: the replies of `sampling`, one after the other; none without them."""
    replies = iter(command.get("sampling", []))

    async def reply(context, params):
        content = types.TextContent(type="text", text=next(replies))
        return types.CreateMessageResult(role="assistant", content=content, model="a list")

    return reply if "sampling" in command else None


async def run(session, command):
    """Runs one command and answers it."""
    operation = getattr(session, command["op"])
    try:
        answer(command, ok=await operation(command))
    except (Exception, asyncio.CancelledError) as error:
        answer(command, error=describe(error))


async def serve(connect):
    stream = commands()
    first = await anext(stream)
    closing = None
    connected = False
    try:
        async with connect(first) as session:
            connected = True
            answer(first, ok=await session.about())
            tasks = {}
            async for command in stream:
                if command["op"] == "close":
                    closing = command
                    break
                if command["op"] == "cancel":
                    tasks[command["target"]].cancel()
                    answer(command, ok={})
                else:
                    tasks[command["id"]] = asyncio.create_task(run(session, command))
    except (Exception, asyncio.CancelledError) as error:
        if connected and not closing:
            # Not an answer to anything: the session broke.
            traceback.print_exception(error)
            sys.exit(1)
        answer(closing or first, error=describe(error))
        return
    if closing:
        answer(closing, ok={})


def main(connect):
    asyncio.run(serve(connect))
