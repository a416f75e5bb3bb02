export interface ShardedMap<T> {
  readonly size: number;
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  delete(key: string): void;
}

/** A map in 256 parts, since one Map of a million entries stands still for up to a tenth of a second when it grows. */
export function shardedMap<T>(): ShardedMap<T> {
  const shards: (Map<string, T> | undefined)[] = new Array(256);
  let size = 0;
  return {
    get size() {
      return size;
    },
    get: (key) => shards[shardOf(key)]?.get(key),
    set(key, value) {
      const at = shardOf(key);
      // Made when it is needed: 256 maps would be a millisecond of every start
      const shard = shards[at] ?? new Map<string, T>();
      shards[at] = shard;
      size -= shard.size;
      shard.set(key, value);
      size += shard.size;
    },
    delete(key) {
      if (shards[shardOf(key)]?.delete(key)) size--;
    },
  };
}

/** From up to eight characters all over the text: keys may share a beginning, and subjects an end. */
function shardOf(key: string): number {
  const step = (key.length >> 3) + 1;
  let hash = 0;
  for (let i = 0; i < key.length; i += step) hash = (hash * 31 + key.charCodeAt(i)) | 0;
  return (hash ^ (hash >>> 8)) & 255;
}
