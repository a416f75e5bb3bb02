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
  /** The keys that match, deleted ones left out. */
  keys(filter: string): Promise<AsyncIterable<string>>;
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
