// Bodies that come packed.
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { Refusal } from './answer.ts';
import type { Ingest } from './ingest.ts';
import type { Reservation } from './reservation.ts';

const gunzip = promisify(zlib.gunzip);
const inflate = promisify(zlib.inflate);

/**
 * The body as it was before it was packed.
 *
 * @throws Refusal when it is too large, when it is not what `encoding` says, or when there is no room for it.
 */
export async function unzipped(
  ingest: Ingest,
  body: Buffer,
  encoding: string | undefined,
  reservation: Reservation,
): Promise<Buffer> {
  const unpack = { gzip: gunzip, 'x-gzip': gunzip, deflate: inflate }[(encoding ?? 'identity').trim().toLowerCase()];
  if (!unpack) {
    if (encoding === undefined || /^\s*(?:identity)?\s*$/i.test(encoding)) return body;
    throw new Refusal(
      'UNSUPPORTED_MEDIA_TYPE',
      'encoding',
      `the encoding "${encoding.slice(0, 50)}" is not understood; gzip and deflate are.`,
    );
  }
  // What it unpacks to is known afterwards only; so much is usual.
  reservation.grow(Math.min(body.length * 8, ingest.maxRequestBytes));
  try {
    const made = await unpack(body, { maxOutputLength: ingest.maxRequestBytes });
    reservation.grow(made.length);
    return made;
  } catch (error) {
    if (error instanceof Refusal) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw ingest.tooLarge();
    throw new Refusal(
      'INVALID_ARGUMENT',
      'malformed',
      `the body is not valid ${encoding}: ${(error as Error).message}`,
    );
  }
}
