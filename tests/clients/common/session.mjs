// The operations, on a `Client` of either generation of the TypeScript SDK: its methods have kept
// their names. `callTool` is given because its arguments have not.

export function operations(client, about, callTool, close) {
  return {
    about,
    close,
    tools: async () => (await client.listTools()).tools,
    call: async (command, signal) => {
      const progress = [];
      const options = { signal, timeout: 120_000 };
      if (command.progress) {
        options.onprogress = (step) => progress.push({ progress: step.progress, message: step.message });
      }
      const params = { name: command.name, arguments: command.arguments };
      return { ...(await callTool(params, options)), progress };
    },
    resources: async () => (await client.listResources()).resources,
    templates: async () => (await client.listResourceTemplates()).resourceTemplates,
    read: async (command) => (await client.readResource({ uri: command.uri })).contents,
    prompts: async () => (await client.listPrompts()).prompts,
    prompt: (command) => client.getPrompt({ name: command.name, arguments: command.arguments }),
    complete: async (command) => {
      const params = { ref: command.ref, argument: command.argument };
      if (command.context) params.context = { arguments: command.context };
      return (await client.complete(params)).completion;
    },
  };
}
