// Why writes fail: what the database or the network said, and what is found when one looks there.
import type { Finding } from './finding.ts';
import { hostAndPort, isOpen, loopbackAddresses, spokenAt } from './network.ts';

interface Known {
  text: RegExp;
  hop: Finding['hop'];
  fault: string;
  what: string;
  fix: string;
}

// In words and SQLSTATEs, as the tracer's line has them.
const KNOWN: Known[] = [
  {
    text: /self.signed certificate|DEPTH_ZERO|SELF_SIGNED|unable to verify|UNABLE_TO_|CERT_/i,
    hop: 'endpoint',
    fault: 'TLS',
    what: 'the certificate of the database is signed by an authority this process does not know',
    fix: 'Add uselibpqcompat=true&sslmode=require to DATABASE_URL (or sslmode=no-verify) to encrypt without checking it, as psql does; or give the authority in NODE_EXTRA_CA_CERTS.',
  },
  {
    text: /no encryption|SSL off|does not support SSL|ERR_TLS|EPROTO/i,
    hop: 'endpoint',
    fault: 'TLS',
    what: 'the database and its connection string do not agree on TLS',
    fix: 'Where the server demands TLS add ?sslmode=require to DATABASE_URL, where it has none take sslmode out.',
  },
  {
    text: /too many connections for (?:role|database)/,
    hop: 'endpoint',
    fault: 'CONNECTION_LIMIT',
    what: 'its role, or the database, has a connection limit of its own, and it is reached',
    fix: 'Raise it (alter role … connection limit …, alter database … connection limit …), or close what that role holds open.',
  },
  {
    text: /28P01|28000|password authentication failed|role ".*" does not exist|SASL|no pg_hba/,
    hop: 'endpoint',
    fault: 'CREDENTIALS_REFUSED',
    what: 'the database refuses its login',
    fix: 'Correct user and password (or token) in the DATABASE_URL of that process, and restart it.',
  },
  {
    text: /3D000/,
    hop: 'endpoint',
    fault: 'DATABASE_MISSING',
    what: 'the database it names does not exist',
    fix: 'Correct the database name in the DATABASE_URL of that process, or create the database.',
  },
  {
    text: /row-level security/,
    hop: 'committed',
    fault: 'ROW_SECURITY',
    what: 'row-level security applies to its role, and PostgreSQL takes no COPY into such a table, whatever the policies say',
    fix: 'Let it not apply to that role (alter role … bypassrls, or for the owner alter table … no force row level security), or switch it off for the table (alter table … disable row level security).',
  },
  {
    text: /no partition of relation/,
    hop: 'committed',
    fault: 'PARTITIONS_GONE',
    what: 'the table has no partition for the time of its spans',
    fix: 'Run `beacon maintain`, which makes the partitions of these days, and have it run daily (`beacon serve` does it).',
  },
  {
    text: /42P10|no unique or exclusion constraint matching/,
    hop: 'committed',
    fault: 'KEY_MISSING',
    what: "a key of Beacon's tables was dropped, without which no span can be stored once",
    fix: 'Add it again as sql/schema.sql has it: alter table beacon.<table> add constraint <table>_key unique (…), after removing rows that are there twice.',
  },
  {
    text: /23502|violates not-null constraint/,
    hop: 'committed',
    fault: 'COLUMN_ADDED',
    what: "a column that was added to Beacon's tables must have a value, and Beacon gives it none",
    fix: 'Give it a default (alter table … alter column … set default …), or let it be null (… drop not null).',
  },
  {
    text: /(?:22P02|42804)(?!.*json)|of type \w+ but expression is of type/,
    hop: 'committed',
    fault: 'COLUMN_CHANGED',
    what: "a column of Beacon's tables has another type than Beacon gave it",
    fix: 'Change it back to the type that sql/schema.sql has; what `beacon migrate` made has the right ones.',
  },
  {
    text: /P0001/,
    hop: 'committed',
    fault: 'TRIGGER_REFUSES',
    what: "a trigger on Beacon's tables raises an error",
    fix: "Drop or correct the trigger (\\d beacon.trace_spans shows it); Beacon's own tables have none.",
  },
  {
    text: /not currently accepting connections|57P03|57P01|57P02|57P04|starting up|shutting down/,
    hop: 'endpoint',
    fault: 'DATABASE_NOT_OPEN',
    what: 'the database takes no connections: it is closed, starting, stopping or recovering',
    fix: 'Wait until it is up; where it was closed by hand: alter database … allow_connections true.',
  },
  {
    text: /query_wait_timeout|max_client_conn|no more connections allowed|client_login_timeout|pool_size/i,
    hop: 'endpoint',
    fault: 'POOLER_FULL',
    what: 'the pooler before the database has no connection left for it',
    fix: 'Raise default_pool_size or max_client_conn of the pooler, or close what holds its connections.',
  },
  {
    text: /unsupported startup parameter/,
    hop: 'endpoint',
    fault: 'POOLER_REFUSES_OPTIONS',
    what: 'the pooler before the database refuses an option of the connection string',
    fix: 'Take options and search_path out of DATABASE_URL, or name them in ignore_startup_parameters of PgBouncer.',
  },
  {
    text: /53200|53400|out of memory|temporary file size exceeds/,
    hop: 'committed',
    fault: 'LIMIT_OF_DATABASE',
    what: 'the database has reached a limit of its own (memory, temporary files)',
    fix: 'Raise what its message names (work_mem, temp_file_limit, memory of the machine).',
  },
  {
    text: /25P03|25P04|57P05|transaction timeout|idle.session timeout/,
    hop: 'committed',
    fault: 'TIMEOUT_OF_ROLE',
    what: 'a timeout of its role or database ends its sessions before they have written',
    fix: 'Reset transaction_timeout, idle_session_timeout and idle_in_transaction_session_timeout of the role (alter role … reset …).',
  },
  {
    text: /XX001|XX002/,
    hop: 'committed',
    fault: 'DATA_CORRUPT',
    what: 'the database reports that its data or an index is corrupt',
    fix: 'Reindex the table that the message names, or restore it from a backup.',
  },
  {
    text: /42703|column .* does not exist/,
    hop: 'committed',
    fault: 'COLUMN_MISSING',
    what: "a column of Beacon's tables is missing or was renamed",
    fix: 'Rename it back if it was renamed by hand; else run `beacon migrate up` against that database.',
  },
  {
    text: /3F000|42P01|42883/,
    hop: 'committed',
    fault: 'NOT_MIGRATED',
    what: "Beacon's tables are not there, or are older than the writer",
    fix: 'Run `beacon migrate up` against the database that process writes to.',
  },
  {
    text: /42501|permission denied/,
    hop: 'committed',
    fault: 'NO_RIGHT',
    what: 'its role may not write',
    fix: 'Grant the role of that process usage on schema beacon, and select, insert, update on its tables.',
  },
  {
    text: /53300|too many (?:connections|clients)|remaining connection slots/,
    hop: 'endpoint',
    fault: 'NO_CONNECTION_LEFT',
    what: 'the database takes no more connections',
    fix: 'Raise max_connections, close what is idle, or connect through a pooler such as PgBouncer.',
  },
  {
    text: /53100|58030|No space left/,
    hop: 'committed',
    fault: 'DISK_FULL',
    what: "the database's disk is full",
    fix: 'Free space, or shorten retention_days and run `beacon maintain`.',
  },
  {
    text: /25006|read-only/,
    hop: 'committed',
    fault: 'READ_ONLY',
    what: 'the database is read-only',
    fix: 'Point DATABASE_URL at the primary, or end its read-only mode (a full disk causes it, too).',
  },
  {
    text: /57014|no answer from the database within|Query read timeout|55P03/,
    hop: 'committed',
    fault: 'STATEMENT_TOO_SLOW',
    what: 'its statements take too long and are given up',
    fix: 'Look for locks (pg_stat_activity, pg_locks) and for a slow disk or network between the two.',
  },
  {
    text: /ERR_INVALID_URL|Invalid URL|searchParams|ENOTFOUND base\b/,
    hop: 'endpoint',
    fault: 'BAD_CONNECTION_STRING',
    what: 'its DATABASE_URL is not a connection URL that can be read',
    fix: 'Write postgresql://user:password@host:5432/database: one host, no quotes, no key=value list; a socket goes into ?host=/run/postgresql.',
  },
  {
    text: /ENOTFOUND|EAI_AGAIN/,
    hop: 'endpoint',
    fault: 'HOST_UNKNOWN',
    what: 'the host of its DATABASE_URL is not known',
    fix: 'Correct the host in the DATABASE_URL of that process.',
  },
];

/**
 * Names what is behind a failed write.
 *
 * @param address `host:port/database` it writes to, as far as known.
 * @param inContainer Whether the process runs in a container, where localhost is the container itself.
 */
export async function explainTrouble(
  service: string | undefined,
  error: string,
  address: string | null,
  inContainer = false,
): Promise<Finding> {
  const who = service ?? 'DATABASE_URL';
  const evidence = { last_error: error, writes_to: address ?? 'unknown' };
  const of = (known: Omit<Known, 'text'>, more: Record<string, unknown> = {}): Finding => ({
    hop: known.hop,
    state: 'fault',
    fault: known.fault,
    ...(service && { service }),
    summary: `${who}: ${known.what}`,
    evidence: { ...evidence, ...more },
    fix: known.fix,
  });
  const known = KNOWN.find(({ text }) => text.test(error));
  if (known) return of(known);
  const target = address ? hostAndPort(address) : undefined;
  if (target && /ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL/.test(error)) {
    return of(...(await refused(target, inContainer)));
  }
  if (target) {
    const spoken = await spokenAt(target.host, target.port);
    if (spoken === 'silent') {
      return of({
        hop: 'endpoint',
        fault: 'NO_ANSWER',
        what: `port ${target.port} accepts connections, and nothing answers there`,
        fix: 'Look at what stands before the database (pooler, proxy, firewall) and at the log of the database.',
      });
    }
    if (spoken !== 'postgres' && spoken !== 'closed') {
      const names = { http1: 'HTTP', http2: 'HTTP/2 (gRPC)', tls: 'TLS', other: 'something else' };
      return of(
        {
          hop: 'endpoint',
          fault: 'WRONG_PROTOCOL',
          what: `port ${target.port} does not speak PostgreSQL`,
          fix: `DATABASE_URL must name PostgreSQL's own port (usually 5432), not an HTTP or OTLP port.`,
        },
        { port_speaks: names[spoken] },
      );
    }
    if (spoken === 'closed') return of(...(await refused(target, inContainer)));
  }
  return of({
    hop: 'committed',
    fault: 'WRITES_FAIL',
    what: 'its writes fail',
    fix: 'The last error says why; the log of that process has one line a minute about it.',
  });
}

async function refused(
  { host, port }: { host: string; port: number },
  inContainer: boolean,
): Promise<[Omit<Known, 'text'>, Record<string, unknown>]> {
  const isLoopback = /^(?:localhost|127\.|::1$)/.test(host);
  const open = isLoopback ? await loopbackAddresses(port) : { v4: false, v6: false };
  const here = { '127.0.0.1': open.v4 ? 'answers' : 'refuses', '::1': open.v6 ? 'answers' : 'refuses' };
  if (isLoopback && open.v4 !== open.v6 && (await isOpen(host, port)) !== true) {
    const right = open.v4 ? '127.0.0.1' : '[::1]';
    return [
      {
        hop: 'endpoint',
        fault: 'WRONG_ADDRESS_FAMILY',
        what: `nothing listens on ${host}, but on the other address family something does`,
        fix: `Write ${right} instead of ${host} in DATABASE_URL, or have the database listen on both.`,
      },
      here,
    ];
  }
  if (isLoopback && inContainer) {
    return [
      {
        hop: 'endpoint',
        fault: 'LOCALHOST_IN_CONTAINER',
        what: `it runs in a container, where ${host} is the container itself`,
        fix: 'Use the name of the database service or of the host (for example host.docker.internal).',
      },
      here,
    ];
  }
  return [
    {
      hop: 'endpoint',
      fault: 'PORT_CLOSED',
      what: `nothing listens on ${host}:${port}`,
      fix: 'Correct the port in DATABASE_URL, or start the database.',
    },
    isLoopback ? here : {},
  ];
}
