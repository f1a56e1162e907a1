// A Merkle tree over lines: RFC 6962's hashes, so that a line cannot pass for a node.
import { createHash } from 'node:crypto';

export const sha256 = (data: string | Buffer): Buffer => createHash('sha256').update(data).digest();

export const leafHash = (line: string): Buffer => sha256(`\u0000${line}`);

/** Root of at least one leaf; an odd one is carried up as it is. */
export function rootOf(leaves: readonly Buffer[]): Buffer {
  let level = [...leaves];
  while (level.length > 1) {
    const above: Buffer[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = [level[i] as Buffer, level[i + 1]];
      above.push(right ? sha256(Buffer.concat([Buffer.of(1), left, right])) : left);
    }
    level = above;
  }
  return level[0] ?? sha256('');
}
