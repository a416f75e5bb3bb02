/**
 * A new hash: 32 bits from the last `most` characters of a text, by default all. People choose their names, and nobody
 * must be able to choose names that meet in one bucket of a table. So each hash has a secret factor, and bits go down
 * as well as up before the next character comes.
 */
export function createTextHash(most: number = Number.POSITIVE_INFINITY): (text: string) => number {
  let factor = 0;
  return (text) => {
    // Drawn when it is needed: Workers refuse randomness at module scope, where stores are made
    factor ||= (crypto.getRandomValues(new Int32Array(1))[0] as number) | 1;
    let hash = factor;
    for (let i = Math.max(0, text.length - most); i < text.length; i++) {
      hash = Math.imul(hash ^ text.charCodeAt(i), factor);
      hash ^= hash >>> 15;
    }
    return hash;
  };
}
