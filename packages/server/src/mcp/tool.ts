// A tool as the protocol has it: its schemas from the query's description, its call, its errors.
import type { CallToolResult, Tool as Listed } from '@modelcontextprotocol/server';
import type pg from 'pg';
import { z } from 'zod';
import { type JsonSchema, paramsSchema, rowSchema } from '../queries/json-schema.ts';
import type { Query } from '../queries/query.ts';
import { type Answer, runQuery } from '../queries/run.ts';
import { BeaconError, type ErrorCode } from '../store/errors.ts';
import { BUDGET, type Fitted, fitAnswer, type Part, type Question, rowsIn, VERDICT } from './answer.ts';
import { type Tool, toolOf } from './tools.ts';
import { FENCE, visible, visibleJson } from './untrusted.ts';

const maxTokens = z.coerce.number().int().min(BUDGET.min).max(BUDGET.max).default(BUDGET.default);

/** The entry of `tools/list`; no more words than a model needs, because every conversation pays for them. */
export function describeTool(tool: Tool): Listed {
  const { query, first } = tool;
  const input = paramsSchema(query);
  const properties = Object.fromEntries(
    Object.entries(input.properties)
      .filter(([name]) => !tool.hidden.includes(name))
      .map(([name, schema]) => [name, leanInput(name, schema)]),
  );
  const rows = (of: Query) => ({ type: 'array', items: { type: 'object', properties: columnsOf(of) } });
  return {
    name: tool.name,
    title: tool.title,
    description: tool.description,
    inputSchema: {
      type: 'object',
      properties: { ...properties, max_tokens: { type: 'integer', minimum: BUDGET.min, maximum: BUDGET.max } },
      ...(input.required.length > 0 && { required: input.required }),
      additionalProperties: false,
    },
    outputSchema: {
      type: 'object',
      properties: {
        ...(first && { [first.key]: rows(first.query) }),
        rows: rows(query),
        common: { type: 'object', description: 'Columns that are the same in all rows.' },
        truncated: TEXT_OR_NULL,
        next: TEXT_OR_NULL,
        database: { type: 'string' },
        schema: { type: 'string' },
        range: { type: 'object' },
      },
      required: ['rows', 'truncated', 'next', 'database', 'schema'],
    },
    annotations: {
      readOnlyHint: tool.readOnly,
      destructiveHint: false,
      idempotentHint: tool.readOnly,
      // It asks the one database it was started for.
      openWorldHint: false,
    },
  };
}

const TEXT_OR_NULL = { type: ['string', 'null'] };

/** Said once in the server's instructions, for every tool that has them. */
const SAID_ONCE = new Set(['from', 'to', 'after', 'limit', 'max_tokens']);

/** Patterns repeat what the description says, and a wrong value gets a sentence. */
function leanInput(name: string, { type, description, enum: values, anyOf }: JsonSchema): JsonSchema {
  return {
    ...(type === undefined ? { anyOf: anyOf ?? [] } : { type }),
    ...(values && { enum: values }),
    ...(description && !SAID_ONCE.has(name) && !saysValues(description, values) && { description }),
  };
}

/** `Status: failed, lost.` where the values are listed beside it anyway. */
function saysValues(description: string, values: unknown[] = []): boolean {
  return values.length > 0 && values.every((value) => description.includes(String(value))) && description.length < 60;
}

/** Types of the columns; a null is left out of a row, so none is required. */
function columnsOf(query: Query): Record<string, JsonSchema> {
  const { properties } = rowSchema(query);
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, leanColumn(schema)]));
}

function leanColumn(schema: JsonSchema): JsonSchema {
  const known = schema.anyOf?.find(({ type }) => type !== 'null') ?? schema;
  const { type } = known;
  if (type === 'array') return { type };
  return typeof type === 'string' ? { type: type === 'integer' ? 'number' : type } : {};
}

/** Who asks, and for whom it is answered. */
export interface Caller {
  pool: pg.Pool;
  signal: AbortSignal;
  /** Milliseconds after which the database stops a query. Default 15,000. */
  statementTimeoutMs?: number;
  /** Told of faults that are ours. */
  warn?: (message: string) => void;
}

/** Runs a tool. What goes wrong comes back as a result with `isError`, so that the model reads it. */
export async function callTool(tool: Tool, given: Record<string, unknown>, caller: Caller): Promise<CallToolResult> {
  const { max_tokens, ...rest } = given;
  try {
    const budget = z.object({ max_tokens: maxTokens }).parse({ max_tokens }).max_tokens;
    const params = textParams(tool.query, rest);
    refuseHidden(tool, params);
    if (tool.limit !== undefined) params.limit ??= rowsFor(tool.limit, budget, tool.query);
    const { text, structured } = await answerOf(tool, params, { ...caller, budget, given: rest });
    return { content: [{ type: 'text', text }], structuredContent: structured };
  } catch (error) {
    // The caller no longer waits; the protocol answers a cancelled call with nothing.
    if (caller.signal.aborted) throw error;
    if (!(error instanceof BeaconError || error instanceof z.ZodError))
      caller.warn?.(`${tool.name}: ${(error as Error).stack}`);
    return toolError(tool, error);
  }
}

interface Wanted extends Caller {
  budget: number;
  given: Record<string, unknown>;
}

async function answerOf(tool: Tool, params: Record<string, unknown>, wanted: Wanted): Promise<Fitted> {
  const { pool, signal, statementTimeoutMs } = wanted;
  const { query, first } = tool;
  const options = { signal, ...(statementTimeoutMs !== undefined && { statementTimeoutMs }) };
  const before = first && (await runQuery(pool, first.query, leave(params, first.query), options));
  const answer = await runQuery(pool, query, params, options).catch((error) => {
    // An execution without a trace has a cause too: why it has none.
    if (before && before.rows.length > 0 && isNotFound(error))
      return { ...before, rows: [], truncated: error.message, next: null };
    throw error;
  });
  const fit = (of: Answer) => fitAnswer(partsOf(tool, before, of), questionOf(tool, of, wanted));
  const again = tool.refits || 'after' in query.params.shape;
  let [latest, fitted] = [answer, fit(answer)];
  // Fewer rows are another choice of lines, or a cursor that goes on behind the last one shown.
  for (let round = 1; again && round <= REFITS; round += 1) {
    const shown = rowsIn(fitted);
    if (shown === latest.rows.length || latest.rows.length === 1) break;
    // Asked again, rows may be longer than those that made room: with every round a little less is asked for.
    const limit = round === 1 ? shown : Math.max(1, Math.floor(shown * 0.8));
    latest = await runQuery(pool, query, { ...params, limit }, options);
    fitted = fit(latest);
  }
  // A cursor behind rows that are not shown would skip them.
  return latest.next !== null && rowsIn(fitted) < latest.rows.length ? fit({ ...latest, next: null }) : fitted;
}

const REFITS = 6;

function rowsFor(usual: number, budget: number, { limit }: Query): number {
  return Math.min(limit.max, Math.ceil((usual * budget) / BUDGET.default));
}

function partsOf(tool: Tool, before: Answer | undefined, answer: Answer): Part[] {
  const rows: Part = {
    key: 'rows',
    rows: tool.shape?.(answer.rows) ?? answer.rows,
    truncated: answer.truncated,
    lines: (all) => (all.length > 0 || tool.first ? tool.lines(all) : [tool.none]),
    omit: tool.omit,
  };
  if (!tool.first || !before) return [rows];
  return [
    {
      key: tool.first.key,
      rows: before.rows,
      truncated: before.truncated,
      lines: tool.first.lines,
      omit: [],
      measure: VERDICT,
    },
    rows,
  ];
}

function questionOf(tool: Tool, { database, schema, range, next }: Answer, { given, budget }: Wanted): Question {
  const call = `${tool.name} ${JSON.stringify(visibleJson(given))}`;
  const { rest } = tool;
  return {
    call: call.length > 200 ? `${call.slice(0, 200)}…` : call,
    origin: { database, schema, ...(range && { range }) },
    next,
    budget,
    rest,
  };
}

/** Parameters that this query knows too; rows are counted by each itself. */
function leave(params: Record<string, unknown>, { params: known }: Query): Record<string, unknown> {
  return Object.fromEntries(Object.entries(params).filter(([name]) => name !== 'limit' && name in known.shape));
}

/** A parameter the model does not get is one it does not know. */
function refuseHidden(tool: Tool, given: Record<string, unknown>): void {
  const keys = tool.hidden.filter((name) => name in given);
  if (keys.length === 0) return;
  throw new z.ZodError([{ code: 'unrecognized_keys', keys, path: [], message: 'is not a parameter', input: given }]);
}

/** Ids are texts, so that no digit is lost; a model may well send a number. Nulls are parameters that are not given. */
function textParams(query: Query, given: Record<string, unknown>): Record<string, unknown> {
  const { properties } = paramsSchema(query);
  const entries = Object.entries(given).filter(([, value]) => value !== null);
  return Object.fromEntries(
    entries.map(([name, value]) => {
      const type = properties[name]?.type;
      return [name, type === 'string' && Number.isSafeInteger(value) ? String(value) : value];
    }),
  );
}

function isNotFound(error: unknown): error is BeaconError {
  return error instanceof BeaconError && error.code === 'not_found';
}

const LONGEST_MESSAGE = 600;

/** What went wrong and what to do, for the model to read. */
function toolError(tool: Tool, error: unknown): CallToolResult {
  const { code, what, hint } = explain(tool, error);
  const whole = visible(what);
  const told = whole.length > LONGEST_MESSAGE ? `${whole.slice(0, LONGEST_MESSAGE)}…` : whole;
  // PostgreSQL quotes the value it stumbles over, and a hint may repeat what a statement said.
  const quoted = tool.readsSql ? `${FENCE.open}${told}${FENCE.close}` : told;
  const text = `Error (${code}): ${quoted}\nWhat to do: ${toolWords(visible(hint))}`;
  return { content: [{ type: 'text', text }], isError: true };
}

function explain(tool: Tool, error: unknown): { code: ErrorCode; what: string; hint: string } {
  if (error instanceof BeaconError) {
    const hint =
      error.code === 'statement_timeout'
        ? 'Ask for less: a shorter time (from, to), a narrower q, one trace.'
        : error.hint;
    return { code: error.code, what: error.message, hint };
  }
  if (error instanceof z.ZodError) {
    const wrong = error.issues.map((issue) => `${parameterOf(issue)}: ${issue.message}`).join('; ');
    const names = Object.keys(tool.query.params.shape).filter((name) => !tool.hidden.includes(name));
    const known = [...names, 'max_tokens'].join(', ');
    return { code: 'usage', what: `Wrong parameters: ${wrong}.`, hint: `${tool.name} takes ${known}.` };
  }
  return {
    code: 'internal',
    what: 'The server failed on this call.',
    hint: "Try another tool; the server's log says more.",
  };
}

function parameterOf(issue: z.core.$ZodIssue): string {
  return issue.code === 'unrecognized_keys' ? issue.keys.join(', ') : issue.path.join('.') || 'parameters';
}

/** Hints name commands; here the same query has the name of its tool. */
function toolWords(hint: string): string {
  return hint.replace(/`beacon ([a-z-]+)[^`]*`/g, (command, name: string) => toolOf(name) ?? command);
}
