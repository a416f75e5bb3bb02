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

const timerAtLoad = globalThis.setTimeout;

/**
 * Waits, so many milliseconds; where the timer may be a test runner's, as many turns of the event loop. That is one
 * that was put in place since this module was loaded, or that has a clock, as those of `@sinonjs/fake-timers` do.
 */
export async function wait(milliseconds: number): Promise<void> {
  const { setTimeout } = globalThis;
  const isReal = setTimeout === timerAtLoad && !("clock" in setTimeout);
  if (isReal) await new Promise((resume) => setTimeout(resume, milliseconds));
  else while (milliseconds-- > 0) await pause();
}
