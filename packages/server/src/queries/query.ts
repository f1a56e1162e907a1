// What a query is. The HTTP route, the CLI verb and every later API derive from this description.
import type pg from 'pg';
import { z } from 'zod';
import type { Term } from '../filter/parse.ts';
import type { Row, SqlCall, SqlColumn } from '../store/values.ts';
import { afterParam, type Cursor, encodeCursor } from './cursor.ts';
import { fromParam, type Range, resolveRange, toParam } from './range.ts';

/** An argument the command line takes without a flag. */
export interface Argument {
  /** As shown in --help: `execution|trace id`. */
  name: string;
  /** Which parameters the typed text means; the APIs check them afterwards. */
  params: (text: string) => Record<string, string>;
}

/** What a call has besides its own parameters. */
export interface Scope {
  /** Rows the caller gets at most. The runner asks for one more, and a function that takes a limit should be given one more too. */
  limit: number;
  /** Times the question is about, ISO 8601; null on the side that is open, and on both where no range applies. */
  from: string | null;
  to: string | null;
  /** Where the page begins: sort key of the last row of the page before; null on the first page. */
  after: unknown[] | null;
  /** Whether spans lie on other machines than what is known of their traces: each is then asked by a function. */
  distributed: boolean;
  /** When the first page was read, ISO 8601 with microseconds, so that later pages can tell what came meanwhile. */
  firstPageAt: string;
}

/** What a query that is more than one statement gets to work with. */
export interface RunContext<Params> extends Scope {
  pool: pg.Pool;
  params: Params;
  /** Aborted when the caller has gone away. */
  signal: AbortSignal;
}

/** `truncated` says what could not be looked at. */
export type Fetch = (client: pg.PoolClient) => Promise<{ rows: Row[]; truncated: string | null }>;

export interface RunResult {
  rows: Row[];
  truncated: string | null;
  next?: string | null;
  /** Columns of the rows, where the description cannot tell them: those of a statement. */
  columns?: SqlColumn[];
}

type Params<Shape extends z.ZodRawShape> = z.output<z.ZodObject<Shape>>;

/** What `defineQuery` takes: a description, its parameters still typed by their zod schema. */
interface Definition<Name extends string, Shape extends z.ZodRawShape, Columns extends z.ZodRawShape> {
  /** The same in every API: HTTP path, CLI verb. Kebab-case. */
  name: Name;
  /** Older names the command line still knows. */
  aliases?: string[];
  /** One line. */
  doc: string;
  params: Shape;
  /** Columns of a row of the answer, each described. */
  row: z.ZodObject<Columns>;
  arguments?: Argument[];
  /** Groups of parameters of which exactly one must be given. */
  oneOf?: Array<[keyof Shape & string, keyof Shape & string]>;
  /** Rows returned by default, and at most. */
  limit: { default: number; max: number };
  /**
   * Adds the parameters `from` and `to`. Where neither is given, `default` is how far back the question goes, as in
   * `24h`, and `unbounded` tells which questions need no bound, because they are by id.
   */
  range?: { default: string; unbounded?: (params: Params<Shape>) => boolean };
  /**
   * Adds the parameter `after`: `key` takes the sort key from a row, which `of` checks when it comes back. Columns whose
   * name begins with an underscore are for the key only and not part of the answer.
   */
  pages?: { of: z.ZodType<unknown[]>; key: (row: Row, params: Params<Shape>) => unknown[] };
  /** What must hold of a span for there to be an answer: an empty one says where the nearest of them are. */
  terms?: (params: Params<Shape>) => readonly Term[];
  /** Whether an answer without rows means that what was asked for does not exist. */
  missing?: (params: Params<Shape>) => { what: string; hint: string };
  /** Whether these rows may be due to the lag of a replica: the primary is then asked. */
  unsure?: (rows: Row[]) => boolean;
  /** What the rows, with their underscored columns, leave out, in words; null when nothing. */
  remark?: (rows: Row[]) => string | null;
  /** Statement, without parameters, whose rows `said` are sentences about what the answer had to do without. */
  without?: string;
  /** Not a read, or one that does not belong into an address: APIs offer it as POST only. */
  mutates?: true;
  /** The SQL that decides; the runner adds the limit. */
  sql?: (params: Params<Shape>, scope: Scope) => SqlCall;
  /**
   * A faster way to the rows `sql` gives, in several statements of the same transaction; undefined for questions that
   * need none. Gives one row more than the limit where there are more.
   */
  fetch?: (params: Params<Shape>, scope: Scope) => Fetch | undefined;
  /** Instead of `sql`, for what is not one statement. */
  run?: (context: RunContext<Params<Shape>>) => Promise<RunResult>;
}

export interface Query<
  Name extends string = string,
  Shape extends z.ZodRawShape = z.ZodRawShape,
  Columns extends z.ZodRawShape = z.ZodRawShape,
> {
  name: Name;
  aliases: string[];
  doc: string;
  /** All parameters; also those the description only switched on, which its type does not tell: `limit`, `from`, `to`, `after`. */
  params: z.ZodObject<Shape>;
  row: z.ZodObject<Columns>;
  arguments: Argument[];
  limit: { default: number; max: number };
  mutates: boolean;
  /**
   * Checks parameters and gives the call for them.
   *
   * @param now The database's clock, ISO 8601; `15m` counts back from it.
   * @throws ZodError that says which parameter is wrong.
   */
  prepare: (params: Record<string, unknown>, now?: string, distributed?: boolean) => Prepared;
}

export interface Prepared {
  /** The statement, without the limit; undefined where the query runs by itself. */
  call: SqlCall | undefined;
  fetch: Fetch | undefined;
  run: ((context: { pool: pg.Pool; signal: AbortSignal }) => Promise<RunResult>) | undefined;
  limit: number;
  /** What the question is about; undefined where it is not about a time. */
  range: { from: string; to: string } | undefined;
  /** The cursor after this row; undefined where there are no pages. */
  next: ((row: Row) => string) | undefined;
  missing: { what: string; hint: string } | undefined;
  unsure: ((rows: Row[]) => boolean) | undefined;
  remark: ((rows: Row[]) => string | null) | undefined;
  without: string | undefined;
  /** What an empty first page is looked for elsewhere by; undefined where the question is not about a time. */
  elsewhere: { range: Range; terms: readonly Term[] } | undefined;
}

/** Completes a description: the parameters it has switched on, and unknown parameters refused. */
export function defineQuery<const Name extends string, Shape extends z.ZodRawShape, Columns extends z.ZodRawShape>(
  definition: Definition<Name, Shape, Columns>,
): Query<Name, Shape, Columns> {
  const { name, doc, limit, range, pages, row } = definition;
  const params = z.strictObject({
    ...definition.params,
    ...(range ? { from: fromParam(range.default), to: toParam } : {}),
    ...(pages ? { after: afterParam(pages.of) } : {}),
    limit: z.coerce
      .number()
      .int()
      .min(1)
      .max(limit.max)
      .default(limit.default)
      .describe(`Rows at most (default ${limit.default}, at most ${limit.max}).`),
  });
  return {
    name,
    aliases: definition.aliases ?? [],
    doc,
    params: params as unknown as z.ZodObject<Shape>,
    row,
    arguments: definition.arguments ?? [],
    limit,
    mutates: definition.mutates ?? false,
    prepare(given, now = new Date().toISOString(), distributed = false) {
      const all: unknown = params.superRefine(exactlyOne(definition.oneOf ?? [])).parse(given);
      const { limit: rows, after: cursor, from, to, ...rest } = all as Switched;
      const checked = rest as unknown as Params<Shape>;
      // Later pages keep the times of the first one, or `15m` would mean something else on every page.
      const asked =
        range && !cursor ? resolveRange({ from, to }, now, range, () => range.unbounded?.(checked)) : cursor?.range;
      const scope: Scope = {
        limit: rows,
        from: asked?.from ?? null,
        to: asked?.to ?? null,
        after: cursor?.key ?? null,
        distributed,
        firstPageAt: cursor?.at ?? now,
      };
      const { sql, run } = definition;
      return {
        call: sql?.(checked, scope),
        fetch: definition.fetch?.(checked, scope),
        run: run && ((context) => run({ ...context, ...scope, params: checked })),
        limit: rows,
        range: asked && { from: asked.from, to: asked.to ?? now },
        next: pages && ((last) => encodeCursor({ key: pages.key(last, checked), at: scope.firstPageAt, range: asked })),
        missing: definition.missing?.(checked),
        unsure: definition.unsure,
        remark: definition.remark,
        without: definition.without,
        elsewhere: asked && !cursor ? { range: asked, terms: definition.terms?.(checked) ?? [] } : undefined,
      };
    },
  };
}

interface Switched {
  limit: number;
  after?: Cursor;
  from?: string;
  to?: string;
}

function exactlyOne(groups: Array<[string, string]>) {
  return (given: Record<string, unknown>, context: z.RefinementCtx) => {
    for (const [a, b] of groups) {
      if ((given[a] === undefined) === (given[b] === undefined)) {
        context.addIssue({ code: 'custom', path: [a], message: `give exactly one of ${a} and ${b}` });
      }
    }
  };
}
