// Every refusal a user can meet: one code, what an HTTP client and a shell see of it, and what to do about it.
import { shownAddress, withoutPieces } from '@project-beacon/writer';

export { shownAddress };

/** Code of a refusal, with its HTTP status and the exit code of the command line. */
export const ERROR_CODES = {
  usage: { status: 400, exit: 2 },
  database_unreachable: { status: 503, exit: 3 },
  not_migrated: { status: 503, exit: 3 },
  /** Something this process was not given, or cannot reach: a runner, the doctor. */
  unavailable: { status: 503, exit: 5 },
  not_found: { status: 404, exit: 4 },
  migration_refused: { status: 409, exit: 1 },
  statement_timeout: { status: 504, exit: 5 },
  unauthenticated: { status: 401, exit: 5 },
  forbidden: { status: 403, exit: 5 },
  /** So much is under way already that this is not taken. */
  busy: { status: 503, exit: 5 },
  internal: { status: 500, exit: 5 },
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** A refusal the user can act on; `hint` says how. Messages never hold a password. */
export class BeaconError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;
  constructor(code: ErrorCode, message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BeaconError';
    this.code = code;
    this.hint = hint;
  }
}

/** A migration that was refused, or could not run. */
export class MigrationError extends BeaconError {
  constructor(message: string, hint: string, options?: ErrorOptions) {
    super('migration_refused', message, hint, options);
    this.name = 'MigrationError';
  }
}

/**
 * Turns what the driver threw into a refusal that says what, where and what to do. A BeaconError passes unchanged.
 *
 * @param url Where the connection went; shown masked.
 */
export function explainDatabaseError(error: unknown, url: string): BeaconError {
  if (error instanceof BeaconError) return error;
  const { code = '', message: said } = innermost(error);
  const message = withoutPieces(said, url);
  const where = shownAddress(url);
  const worker = /while executing command on ([^\s,]+)/.exec(placeOf(error))?.[1];
  if (worker && /^42/.test(code)) {
    const hint = `SQLSTATE ${code}. A worker was asked what only the coordinator knows: please report it.`;
    return new BeaconError('internal', `The worker ${worker} of the cluster at ${where} refused: ${message}`, hint, {
      cause: error,
    });
  }
  const found = EXPLANATIONS.find(({ codes, text }) => codes.includes(code) || text?.test(message));
  if (found) return new BeaconError(found.as, found.what(where, message), found.hint, { cause: error });
  if (code.startsWith('08') || code.startsWith('57P')) {
    return unreachable(`The database at ${where} closed the connection: ${message}`, UNREACHABLE_HINT, error);
  }
  return new BeaconError('internal', `The database at ${where} refused: ${message}`, sqlstateHint(code), {
    cause: error,
  });
}

/** Whether a replica stopped the statement because what the primary has changed could not wait for it. */
export function isReplicaConflict(error: unknown): boolean {
  const { code, message } = innermost(error instanceof BeaconError ? error.cause : error);
  return code === '40001' && /conflict with recovery/.test(message);
}

/** Where PostgreSQL was when it failed: functions, statements, and of a cluster the machine. */
function placeOf(error: unknown): string {
  const { where } = (error ?? {}) as { where?: unknown };
  return typeof where === 'string' ? where : '';
}

function unreachable(what: string, hint: string, cause: unknown): BeaconError {
  return new BeaconError('database_unreachable', what, hint, { cause });
}

function sqlstateHint(code: string): string {
  if (code === '') return 'This is a fault of Beacon: please report it.';
  // Node's and OpenSSL's codes are words; an SQLSTATE is five digits and capitals.
  return /^[0-9A-Z]{5}$/.test(code) ? `SQLSTATE ${code}.` : `Error ${code} of the connection, not of PostgreSQL.`;
}

const UNREACHABLE_HINT =
  'Check that PostgreSQL runs and that DATABASE_URL (or --database-url) names it; `beacon status` shows the one started here.';

const EXPLANATIONS: Array<{
  as: ErrorCode;
  codes: string[];
  text?: RegExp;
  what: (where: string, message: string) => string;
  hint: string;
}> = [
  {
    as: 'database_unreachable',
    codes: [],
    text: /connection to the remote node \S+ failed|failed to COPY to shard/,
    what: (where, message) => `A worker of the cluster at ${where} does not answer: ${message}`,
    hint: 'Start it: what it holds can be neither read nor written meanwhile. `beacon doctor` names the workers.',
  },
  {
    as: 'database_unreachable',
    codes: ['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOENT', 'EACCES', 'EPIPE'],
    what: (where, message) => `Nothing answers at ${where} (${message}).`,
    hint: UNREACHABLE_HINT,
  },
  {
    as: 'database_unreachable',
    codes: ['ENOTFOUND', 'EAI_AGAIN'],
    what: (where, message) => `The host of ${where} is not known (${message}).`,
    hint: 'Check the host name in DATABASE_URL (or --database-url).',
  },
  {
    as: 'database_unreachable',
    codes: ['ETIMEDOUT'],
    text: /timeout expired|timeout exceeded when trying to connect/,
    what: (where) => `${where} did not answer in time.`,
    hint: 'Check host, port and firewall; a database that sleeps may need a second try.',
  },
  {
    as: 'database_unreachable',
    codes: [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'UNABLE_TO_GET_ISSUER_CERT',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'CERT_HAS_EXPIRED',
      'CERT_NOT_YET_VALID',
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ],
    text: /self.signed certificate|unable to verify the first certificate/i,
    what: (where, message) => `The certificate of ${where} is not trusted: ${message}.`,
    hint: 'Encrypt without checking it, as psql does: add uselibpqcompat=true&sslmode=require to the address, or sslmode=no-verify. Or trust its authority: NODE_EXTRA_CA_CERTS.',
  },
  {
    as: 'database_unreachable',
    codes: ['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER'],
    text: /does not support SSL/,
    what: (where, message) => `${where} has no TLS: ${message}.`,
    hint: 'Take sslmode out of the address, or set sslmode=disable.',
  },
  {
    as: 'database_unreachable',
    codes: ['28P01', '28000'],
    text: /password must be a string|SASL/,
    what: (where, message) => `${where} refused the login: ${message}`,
    hint: 'Check user and password in DATABASE_URL (or --database-url).',
  },
  {
    as: 'database_unreachable',
    codes: ['3D000'],
    what: (where, message) => `${where}: ${message}`,
    hint: 'Create the database first (`createdb`), or name one that exists.',
  },
  {
    as: 'database_unreachable',
    codes: ['53300'],
    what: (where) => `${where} has no connection left.`,
    hint: 'Raise max_connections, or connect through a pooler such as PgBouncer.',
  },
  {
    as: 'not_migrated',
    codes: ['3F000', '42P01', '42883', '42703'],
    what: (where, message) => `The database at ${where} does not have this version's tables and functions: ${message}`,
    hint: 'Run `beacon migrate up`.',
  },
  {
    as: 'statement_timeout',
    codes: ['57014'],
    what: (where) => `${where} did not finish the query in time, so it was stopped.`,
    hint: 'Narrow it by --since, --job or --execution, or lower --limit.',
  },
  {
    as: 'busy',
    codes: [],
    text: /conflict with recovery/,
    what: (where) => `The replica ${where} stopped the query: it stood in the way of what the primary has changed.`,
    hint: 'Ask again. Where it happens often, raise max_standby_streaming_delay, or set hot_standby_feedback, on the replica.',
  },
  {
    as: 'usage',
    codes: ['22021', '22P05'],
    what: () => 'A value has a character that PostgreSQL cannot hold, such as U+0000.',
    hint: 'Leave it out.',
  },
  {
    as: 'usage',
    codes: ['22003', '22007', '22008', '22P02'],
    what: (_where, message) => `PostgreSQL cannot read a value: ${message}.`,
    hint: 'It is out of range, or not of the form that is asked for.',
  },
  {
    as: 'forbidden',
    codes: ['42501'],
    what: (where, message) => `${where}: ${message}`,
    hint: 'Grant the role what it misses, or connect as the role that ran `beacon migrate up`.',
  },
];

/** A host with two addresses fails with an AggregateError whose own message is empty. */
function innermost(error: unknown): { code?: string; message: string } {
  if (error instanceof AggregateError && error.errors.length > 0) return innermost(error.errors[0]);
  if (error instanceof Error) return { code: (error as NodeJS.ErrnoException).code ?? '', message: error.message };
  return { message: String(error) };
}
