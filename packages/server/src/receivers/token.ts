// Who may do what: everybody on loopback while no token is set; otherwise those who bring a token, each what its scopes allow.
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { BeaconError } from '../store/errors.ts';

/** To send spans, to read what is stored, to change something: submit and cancel jobs, store what is shared. */
export type Scope = 'send' | 'read' | 'act';

const SCOPES: readonly Scope[] = ['send', 'read', 'act'];
/** A file of tokens is looked at again after so long. */
const LOOK_EVERY_MS = 1_000;

interface Token {
  /** For the log. */
  name: string;
  scopes: ReadonlySet<string>;
  digest: Buffer;
}

export interface GateOptions {
  /** May do everything. */
  token?: string | undefined;
  /**
   * Path of a file with a token a line: a name, scopes with commas between them, the token or `sha256:` and its hash in
   * hexadecimal digits. Read again when it changes.
   */
  file?: string | undefined;
  /** Told when the file cannot be read any more; the tokens read last count then. */
  warn?: ((message: string) => void) | undefined;
}

export class Gate {
  readonly #own: readonly Token[];
  readonly #file: string | undefined;
  readonly #warn: (message: string) => void;
  #tokens: readonly Token[];
  #version = '';
  #lookAt = 0;

  /** @throws BeaconError when the file cannot be read, or a line of it is no token. */
  constructor({ token, file, warn = () => {} }: GateOptions = {}) {
    this.#own = token ? [{ name: 'BEACON_TOKEN', scopes: new Set(SCOPES), digest: sha256(token) }] : [];
    this.#file = file;
    this.#warn = warn;
    this.#tokens = this.#own;
    if (file !== undefined) this.#read(file);
  }

  /** Whether no token is needed. */
  get isOpen(): boolean {
    return this.#own.length === 0 && this.#file === undefined;
  }

  /** Whether an Authorization header opens this scope; takes the same time for every header. */
  admits(authorization: string | undefined, scope: Scope): boolean {
    return this.isOpen || this.#find(authorization)?.scopes.has(scope) === true;
  }

  /** Name of the token a header brings; undefined for a wrong one, or none. */
  nameOf(authorization: string | undefined): string | undefined {
    return this.#find(authorization)?.name;
  }

  #find(authorization: string | undefined): Token | undefined {
    this.#refresh();
    const given = sha256(tokenIn(authorization ?? ''));
    let found: Token | undefined;
    for (const token of this.#tokens) if (timingSafeEqual(given, token.digest)) found = token;
    return found;
  }

  #refresh(): void {
    if (this.#file === undefined || performance.now() < this.#lookAt) return;
    try {
      this.#read(this.#file);
    } catch (error) {
      this.#warn(`${(error as Error).message} The tokens read before still count.`);
    }
  }

  #read(file: string): void {
    this.#lookAt = performance.now() + LOOK_EVERY_MS;
    let text: string;
    try {
      const { mtimeMs, size, ino } = statSync(file);
      const version = `${mtimeMs} ${size} ${ino}`;
      if (version === this.#version) return;
      text = readFileSync(file, 'utf8');
      this.#version = version;
    } catch (error) {
      throw new BeaconError(
        'usage',
        `BEACON_TOKENS_FILE cannot be read: ${(error as Error).message}.`,
        'Check its path and its permissions.',
      );
    }
    const lines = text.split('\n').map((line) => line.trim());
    this.#tokens = [
      ...this.#own,
      ...lines.flatMap((line, i) => (line === '' || line.startsWith('#') ? [] : [tokenOf(line, i + 1)])),
    ];
  }
}

function tokenOf(line: string, number: number): Token {
  const [name, scopes, token, ...rest] = line.split(/\s+/);
  const wanted = scopes?.split(',') ?? [];
  const hash = /^sha256:([0-9a-f]{64})$/i.exec(token ?? '')?.[1];
  // The line itself is not shown: it holds a token.
  const isToken = hash !== undefined || (token !== undefined && token.length >= 8);
  if (!isToken || rest.length > 0 || !wanted.every((scope) => (SCOPES as string[]).includes(scope))) {
    throw new BeaconError(
      'usage',
      `BEACON_TOKENS_FILE, line ${number}: this is no token.`,
      'A line is a name, scopes (send, read, act, with commas between them) and a token of at least 8 characters, or sha256:<hash>.',
    );
  }
  return { name: name!, scopes: new Set(wanted), digest: hash ? Buffer.from(hash, 'hex') : sha256(token!) };
}

export const NO_ENTRY =
  'this server asks for a token that may send: send the header "Authorization: Bearer <token>", for example with OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer <token>"';

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** A bearer token, or the password of Basic, which is what Langfuse's SDKs send their secret key as. */
function tokenIn(authorization: string): string {
  const [, scheme = '', rest = ''] = /^(bearer|basic) +(.+)$/i.exec(authorization) ?? [];
  if (scheme.toLowerCase() !== 'basic') return rest.trim();
  return /:(.*)$/s.exec(Buffer.from(rest, 'base64').toString('utf8'))?.[1] ?? '';
}
