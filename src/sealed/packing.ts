import type { Awaitable } from "../platform/awaitable.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Far more than fits into cookies with data that shrinks well, and little enough to unpack for anyone who asks. */
const MAX_UNPACKED_BYTES = 262_144;

/** The first byte of packed bytes. Plain text begins with "[". */
const PACKED = 0;

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder();

/**
 * The text as bytes; with `compress` as packed bytes where these are fewer. `undefined` for more than {@link unpack}
 * would give back.
 */
export function pack(text: string, compress: boolean): Awaitable<Bytes | undefined> {
  const plain = utf8.encode(text);
  if (plain.length > MAX_UNPACKED_BYTES) return undefined;
  return compress ? shorter(plain) : plain;
}

/**
 * What {@link pack} got; `undefined` for bytes that it cannot have given. Stops at a bound, whatever the bytes unpack
 * to. Never throws.
 */
export function unpack(bytes: Bytes): Awaitable<string | undefined> {
  return bytes[0] === PACKED ? inflated(bytes.subarray(1)) : fromUtf8.decode(bytes);
}

async function shorter(plain: Bytes): Promise<Bytes> {
  const deflated = await new Response(through(plain, new CompressionStream("deflate-raw"))).blob();
  const packed = new Blob([Uint8Array.of(PACKED), deflated]);
  return packed.size < plain.length ? new Uint8Array(await packed.arrayBuffer()) : plain;
}

async function inflated(packed: Bytes): Promise<string | undefined> {
  const chunks: Bytes[] = [];
  let size = 0;
  try {
    for await (const chunk of through(
      packed,
      new DecompressionStream("deflate-raw"),
    ) as unknown as AsyncIterable<Bytes>) {
      size += chunk.length;
      if (size > MAX_UNPACKED_BYTES) return undefined;
      chunks.push(chunk);
    }
    return await new Blob(chunks).text();
  } catch {
    return undefined;
  }
}

function through(bytes: Bytes, transform: ReadableWritablePair<Bytes, BufferSource>): ReadableStream<Bytes> {
  return new Blob([bytes]).stream().pipeThrough(transform);
}
