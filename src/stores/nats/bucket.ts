/** What we call of a bucket: `KV` of `@nats-io/kv`, or of `nats` 2. */
export interface NatsBucket {
  /** The last revision, which may be the mark of a deleted key; null when there is none. */
  get(key: string): Promise<NatsEntry | null>;
  /** Rejects when the key is there and not deleted. Returns the revision. */
  create(key: string, data: Uint8Array): Promise<number>;
  /** Writes whatever is there. */
  put(key: string, data: Uint8Array): Promise<number>;
  /** Rejects when the key is at another revision. Returns the new one. */
  update(key: string, data: Uint8Array, revision: number): Promise<number>;
  /**
   * Leaves the mark of a deleted key and nothing else; rejects when the key is at another revision than the one given.
   */
  purge(key: string, options?: { previousSeq: number }): Promise<void>;
  /** The settings of the stream behind the bucket. */
  status(): Promise<{ readonly streamInfo: { readonly config: NatsStreamSettings } }>;
}

/** One revision of a key. A deleted key has a revision too, which says so. */
export interface NatsEntry {
  /** The bytes that were written. */
  readonly value: Uint8Array;
  /** Grows with every write to the bucket. */
  readonly revision: number;
  /** Whether it is a value or the mark of a deleted key. */
  readonly operation: "PUT" | "DEL" | "PURGE";
}

/** The settings of a stream that decide whether sessions are safe in it. */
export interface NatsStreamSettings {
  /** Limits of the whole stream; below 1: none. */
  readonly max_bytes: number;
  /** As above. */
  readonly max_msgs: number;
  /** How many servers have a copy. */
  readonly num_replicas: number;
  /** Whether any of them may answer a read. */
  readonly allow_direct?: boolean;
}

/**
 * The stream behind a bucket, as both clients have it on their class `Bucket`. `KV.keys()` does not do: it leaves out
 * keys, or waits for seconds, when another key is deleted meanwhile. The state of the stream has all subjects in one
 * answer.
 */
interface BucketStream {
  /** The client, whose connection knows the server's version. */
  readonly js?: { readonly nc?: { readonly info?: { readonly version?: string } } };
  readonly jsm: {
    readonly streams: {
      info(
        stream: string,
        options: { subjects_filter: string },
      ): Promise<{ readonly state: { readonly subjects?: Readonly<Record<string, number>> } }>;
      purge(stream: string, options: { filter: string; seq?: number }): Promise<unknown>;
    };
  };
  bucketName(): string;
  encodeKey(key: string): string;
  decodeKey(key: string): string;
  subjectForKey(encodedKey: string): string;
}

/** Keys of a bucket, and their removal without a trace. */
export interface BucketKeys {
  /** All keys that match, marks of deleted ones among them, as they were at one moment. */
  matching(filter: string): Promise<string[]>;
  /** Removes all revisions of a key, with `before` only those below it; leaves no mark. */
  erase(key: string, before?: number): Promise<void>;
}

/** @throws {TypeError} for something that is no bucket */
export function bucketKeys(bucket: NatsBucket): BucketKeys {
  const stream = bucket as NatsBucket & BucketStream;
  if (typeof bucket?.create !== "function" || typeof stream.jsm?.streams?.info !== "function") {
    throw new TypeError("Cannot use this as a NATS bucket: pass what `await new Kvm(connection).create(name)` returns");
  }
  const subjectOf = (key: string): string => stream.subjectForKey(stream.encodeKey(key));
  return {
    async matching(filter) {
      const options = { subjects_filter: subjectOf(filter) };
      const { subjects = {} } = (await stream.jsm.streams.info(stream.bucketName(), options)).state;
      const prefix = stream.subjectForKey("").length;
      return Object.keys(subjects).map((subject) => stream.decodeKey(subject.slice(prefix)));
    },
    async erase(key, before) {
      const range = before === undefined ? {} : { seq: before };
      await stream.jsm.streams.purge(stream.bucketName(), { filter: subjectOf(key), ...range });
    },
  };
}

/**
 * Refuses a bucket that loses what it holds in silence, accepts two writes at one revision, or answers from the past.
 *
 * Before nats-server 2.9.21 the leader of a replicated stream compares revisions before it replicates, so that writes
 * at the same time all pass (https://github.com/nats-io/nats-server/issues/4320); before 2.11 a new leader may do so
 * once (https://github.com/nats-io/nats-server/pull/6194).
 *
 * A stream with a limit drops its oldest entries at it: with "discard old" because it is told to, and with "discard
 * new", which buckets have, because nats-server leaves its own overhead out when it judges whether a message still
 * fits.
 *
 * @throws {TypeError} with what to set
 */
export async function checkBucket(bucket: NatsBucket): Promise<void> {
  const { max_bytes, max_msgs, num_replicas, allow_direct } = (await bucket.status()).streamInfo.config;
  if (max_bytes > 0 || max_msgs > 0) {
    throw new TypeError(
      "Cannot keep sessions in this NATS bucket: at its limit (max_bytes, max_msgs) its stream drops the oldest entries, live sessions among them. Use a bucket without these limits",
    );
  }
  if (num_replicas > 1 && allow_direct) {
    throw new TypeError(
      "Cannot keep sessions in this NATS bucket: a replica may answer from the past, and show a session that was ended. Set allow_direct of its stream to false",
    );
  }
  const { version } = (bucket as NatsBucket & Partial<BucketStream>).js?.nc?.info ?? {};
  if (num_replicas > 1 && version !== undefined && isBefore(version, 2, 11)) {
    throw new TypeError(
      `Cannot keep sessions in this NATS bucket: nats-server ${version} accepts several updates of one revision where a bucket has replicas, and all but one are lost. Use nats-server 2.11 or newer, or one replica`,
    );
  }
}

function isBefore(version: string, major: number, minor: number): boolean {
  const [own = 0, ownMinor = 0] = version.split(".").map(Number);
  return own < major || (own === major && ownMinor < minor);
}
