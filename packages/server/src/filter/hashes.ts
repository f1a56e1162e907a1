// What a filter looks for, as the hashes that writers note of spans: in the chunk index, and in the signatures of traces.
import type pg from 'pg';
import type { Term } from './parse.ts';
import { type AttributeTerm, Bindings, literalsOf, logArguments, resourceSql } from './sql.ts';

/** A term that fits more resources than this tells too little to choose by. */
const MAX_RESOURCES = 100;

/** What is known of the terms of a filter within a transaction. */
export interface Known {
  /** Ids of the resources whose spans all fit a term; a term that too many fit is not there. */
  resources: ReadonlyMap<Term, string[]>;
  /** Terms that no log record fits. */
  unlogged: ReadonlySet<Term>;
}

/** Asks for the resources and log records of all terms at once. */
export async function knownOf(client: pg.ClientBase, q: readonly Term[]): Promise<Known> {
  const bind = new Bindings();
  const asked = q.flatMap((term) => {
    // What is bound and not named then would be refused.
    const ofResource = term.kind !== 'word' && resourceSql(term, new Bindings()) !== undefined;
    const ids = ofResource
      ? `array(select r.resource_id::text from beacon.trace_resources r where ${resourceSql(term, bind)} limit ${MAX_RESOURCES + 1})`
      : `'{}'::text[]`;
    const logged = mayBeLogged(term)
      ? `exists (select from beacon.logged_spans(${logArguments(term, term.key.attribute, bind)}))`
      : 'false';
    return ofResource || mayBeLogged(term) ? [{ term, ids, logged }] : [];
  });
  const lists = asked.map(({ ids, logged }, n) => `select ${n} as n, ${ids} as ids, ${logged} as logged`);
  const { rows } =
    lists.length === 0 ? { rows: [] } : await client.query(`${lists.join(' union all ')} order by n`, bind.values);
  const resources = new Map<Term, string[]>(q.map((term) => [term, []]));
  const unlogged = new Set<Term>(q);
  for (const [n, { term }] of asked.entries()) {
    const { ids, logged } = rows[n] as { ids: string[]; logged: boolean };
    if (ids.length > MAX_RESOURCES) resources.delete(term);
    else resources.set(term, ids);
    if (logged) unlogged.delete(term);
  }
  return { resources, unlogged };
}

/** Expressions of the hashes of which one was noted where the term holds; undefined where a term does not tell. */
export function hashesOf(term: Term, { resources }: Known, bind: Bindings): string[] | undefined {
  if (term.kind === 'word' || (term.kind === 'has' && term.negated)) return undefined;
  if ('column' in term.key) return columnHashes(term.key.column, term, bind);
  const { attribute, place } = term.key;
  const own: string[] = [];
  const shared = resources.get(term);
  if (!shared) return undefined;
  if (place !== 'resource' && place !== 'scope') {
    const key = `hashtextextended(${bind.add(attribute, 'text')}, 0)`;
    if (term.kind === 'compare' && term.operator === '=') {
      own.push(...literalsOf(term.value).map((literal) => `hashtextextended(${textSql(literal, bind)}, ${key})`));
    } else own.push(key);
  }
  own.push(...shared.map((id) => `beacon.column_hash('resource', ${bind.add(id, 'text')})`));
  // No resource fits: nothing is indexed for it, and so nothing is found.
  return own.length > 0 ? own : ['null::bigint'];
}

/** A literal as the index has it: a number in its shortest form. */
function textSql(literal: string, bind: Bindings): string {
  const value: unknown = JSON.parse(literal);
  return typeof value === 'number'
    ? `trim_scale(${bind.add(literal, 'numeric')})::text`
    : bind.add(String(value), 'text');
}

const INDEXED = new Set(['service', 'operation', 'kind', 'status', 'model', 'region', 'error']);

function columnHashes(column: string, term: AttributeTerm, bind: Bindings): string[] | undefined {
  if (term.kind !== 'compare' || term.operator !== '=' || !INDEXED.has(column)) return undefined;
  return [`beacon.column_hash('${column}', ${bind.add(term.value, 'text')})`];
}

/** Columns whose values are in the signature. */
const SIGNED = new Set(['operation', 'model', 'region']);

/** Conditions on a summary `t` without which no span of it fits; where they hold, one may. */
export function signatureSql(q: readonly Term[], known: Known, bind: Bindings): string[] {
  return q.flatMap((term) => {
    if (term.kind !== 'compare' || term.operator !== '=') return [];
    if ('column' in term.key && !SIGNED.has(term.key.column)) return [];
    const masks = hashesOf(term, known, bind)?.map((hash) => `beacon.signature_mask(${hash})`);
    if (!masks) return [];
    const logged = mayBeLogged(term)
      ? [
          `t.trace_id = any(array(select l.trace_id from beacon.logged_spans(${logArguments(term, term.key.attribute, bind)}) l))`,
        ]
      : [];
    return `(${['t.signature is null', ...masks.map((mask) => `t.signature & ${mask} = ${mask}`), ...logged].join(' or ')})`;
  });
}

/** Whether a log record may be what makes it hold: what is noted of its span knows nothing of that. */
export function mayBeLogged(term: Term): term is AttributeTerm & { key: { attribute: string } } {
  if (term.kind === 'word' || 'column' in term.key || (term.kind === 'has' && term.negated)) return false;
  return term.key.place === null || term.key.place === 'event';
}
