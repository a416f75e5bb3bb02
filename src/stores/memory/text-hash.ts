/**
 * A new hash: 32 bits of a whole text. People choose their names, and a store may be given any keys, and nobody must be
 * able to choose texts that meet in one bucket of a table. So each hash has a secret factor, and bits go down as well
 * as up before the next character comes. Two characters at once would be faster, and the upper of them in bits that the
 * factor does not spread.
 */
export function createTextHash(): (text: string) => number {
  let factor = 0;
  return (text) => {
    // Drawn when it is needed: Workers refuse randomness at module scope, where stores are made
    factor ||= (crypto.getRandomValues(new Int32Array(1))[0] as number) | 1;
    let hash = factor;
    for (let i = 0; i < text.length; i++) {
      hash = Math.imul(hash ^ text.charCodeAt(i), factor);
      hash ^= hash >>> 15;
    }
    return hash;
  };
}
