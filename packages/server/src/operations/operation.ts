// What an operation is. The HTTP route, the CLI verb and every later door derive from this description.
import { z } from 'zod';

/** Statement with its bound parameters; values are never formatted into the text. */
interface SqlCall {
  text: string;
  values: unknown[];
}

/** An argument the command line takes without a flag. */
export interface Argument {
  /** As shown in --help: `execution|trace id`. */
  name: string;
  /** Which parameters the typed text means; the doors check them afterwards. */
  params: (text: string) => Record<string, string>;
}

/** What the function `operation` takes: a description, its parameters still typed by their zod schema. */
interface Definition<Shape extends z.ZodRawShape> {
  /** The same in every door: HTTP path, CLI verb. */
  name: string;
  /** One line. */
  doc: string;
  params: Shape;
  arguments?: Argument[];
  /** Groups of parameters of which exactly one must be given. */
  oneOf?: Array<[keyof Shape & string, keyof Shape & string]>;
  /** Rows returned when nobody asks, and at most. */
  limit: { default: number; max: number };
  /** Whether an answer without rows means that what was asked for does not exist. */
  missing?: (params: z.output<z.ZodObject<Shape>>) => { what: string; hint: string };
  /** The SQL that decides; the runner adds the limit. */
  sql: (params: z.output<z.ZodObject<Shape>>) => SqlCall;
}

/** A row as every door shows it: times as ISO 8601 in UTC, ids as text, bytea as hex. */
export type Row = Record<string, unknown>;

export interface Operation {
  name: string;
  doc: string;
  /** All parameters, `limit` included. */
  params: z.ZodObject;
  arguments: Argument[];
  limit: { default: number; max: number };
  /** Checks parameters (a ZodError says which is wrong) and gives the call for them. */
  prepare: (params: Record<string, unknown>) => Prepared;
}

interface Prepared {
  call: SqlCall;
  limit: number;
  missing: { what: string; hint: string } | undefined;
}

/** Completes a description: parameter `limit`, and unknown parameters refused. */
export function operation<Shape extends z.ZodRawShape>(definition: Definition<Shape>): Operation {
  const { name, doc, limit } = definition;
  const own = z.strictObject(definition.params);
  const params = own.extend({
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
    doc,
    params,
    arguments: definition.arguments ?? [],
    limit,
    prepare(given) {
      const all: unknown = params.superRefine(exactlyOne(definition.oneOf ?? [])).parse(given);
      const { limit: rows, ...rest } = all as { limit: number };
      const checked = rest as unknown as z.output<z.ZodObject<Shape>>;
      return { call: definition.sql(checked), limit: rows, missing: definition.missing?.(checked) };
    },
  };
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
