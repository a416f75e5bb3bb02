/**
 * Lets other work have its turn. By a message where the runtime has channels: test runners fake `setTimeout`, and what
 * waits for a faked one waits for ever.
 */
export function pause(): Promise<void> {
  return new Promise((resume) => {
    if (!globalThis.MessageChannel) {
      setTimeout(resume);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close(); // an open port keeps Node running
      resume();
    };
    port2.postMessage(undefined);
  });
}
