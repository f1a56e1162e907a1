// The web interface: files that were built beforehand, and one page for every path the interface knows by itself.
import * as fs from 'node:fs';
import * as path from 'node:path';
import files from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** Nothing from elsewhere, nothing written into the page: a value of an attribute can never run. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const NOT_BUILT =
  'The web interface is not built; `npm run build:web` builds it. The API is described at /docs and begins at /api/v1.\n';
/** Paths of APIs: what is not found there is an error and no page. */
const API_PATHS = /^\/(?:api|tempo|mcp|health|ready|metrics|openapi\.json)(?:\/|$)/;
/** Names that change with the content: `index-3MWBX6QH.js`. */
const HASHED = /[-.][0-9A-Za-z]{8,}\.\w+(?:\.map)?$/;
const YEAR_S = 365 * 24 * 3_600;

/** Where the built interface lies: in the published package beside `src`, in the repository in its own package. */
export function webDir(): string {
  const packed = path.join(import.meta.dirname, '../../web');
  return fs.existsSync(packed) ? packed : path.join(import.meta.dirname, '../../../web/dist');
}

/**
 * Serves the interface on `/`. It may be built, or built again, while the server runs.
 *
 * @param dir Holds `index.html`, when it is built.
 */
export async function webRoutes(app: FastifyInstance, dir: string): Promise<void> {
  await app.register(files, { root: dir, serve: false, cacheControl: false, preCompressed: true });
  const index = path.join(dir, 'index.html');

  app.get('/*', { config: { open: true } }, async (request, reply) => {
    const wanted = (request.params as { '*': string })['*'];
    if (wanted !== '' && wanted !== 'index.html' && isFile(dir, wanted)) {
      const cache = HASHED.test(wanted) ? `public, max-age=${YEAR_S}, immutable` : 'no-cache';
      return reply.header('cache-control', cache).sendFile(wanted);
    }
    if (wanted !== '' && !isPage(request)) return reply.callNotFound();
    if (!fs.existsSync(index)) return wanted === '' ? notBuilt(reply) : reply.callNotFound();
    return reply
      .header('cache-control', 'no-cache')
      .header('content-security-policy', POLICY)
      .header('x-frame-options', 'DENY')
      .sendFile('index.html');
  });
}

function notBuilt(reply: FastifyReply): FastifyReply {
  return reply.type('text/plain; charset=utf-8').send(NOT_BUILT);
}

/** A browser that goes somewhere, and no script that asks for data. */
function isPage(request: FastifyRequest): boolean {
  return !API_PATHS.test(request.url.replace(/\?.*/s, '')) && /\btext\/html\b/.test(request.headers.accept ?? '');
}

/** Whether it lies in the folder, and not beside or above it. */
function isFile(dir: string, wanted: string): boolean {
  const file = path.resolve(dir, wanted);
  return file.startsWith(dir + path.sep) && fs.statSync(file, { throwIfNoEntry: false })?.isFile() === true;
}
