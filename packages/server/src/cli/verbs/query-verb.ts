// A verb for each query: flags and arguments come from its parameters, the rendering from a table of renderers.
import type { Command } from 'commander';
import { z } from 'zod';
import type { Query } from '../../queries/query.ts';
import { type Answer, runQuery } from '../../queries/run.ts';
import { plainRenderer, RENDERERS } from '../render/registry.ts';
import { printJson, type VerbOptions, verb, withReader } from '../verb.ts';

/** What flags and arguments are made of: a query, or something with parameters like one. */
export type Answerable = Pick<Query, 'params' | 'arguments'>;

/** `execution_id` is the flag `--execution`. */
function flagOf(param: string): string {
  return param.replace(/_id$/, '').replaceAll('_', '-');
}

/** Commander hands `--execution-a` over as `executionA`. */
function optionKey(flag: string): string {
  return flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** The description of a parameter; zod does not hand it on to what makes it optional. */
function meaningOf(schema: z.ZodType): string {
  if (schema.description !== undefined) return schema.description;
  return schema instanceof z.ZodOptional ? meaningOf(schema.unwrap() as z.ZodType) : '';
}

/** Adds an argument or a flag for each parameter. */
export function paramFlags(command: Command, described: Answerable): Command {
  for (const { name } of described.arguments) command.argument(`<${name}>`);
  for (const [param, schema] of Object.entries(described.params.shape)) {
    if (takenByArgument(described, param)) continue;
    const value = param === 'limit' ? 'n' : param.replace(/_id$/, '');
    command.option(`--${flagOf(param)} <${value}>`, meaningOf(schema as z.ZodType));
    if (param === 'from') command.option('--since <from>', 'The same as --from.');
  }
  return command;
}

/** Parameters, as text and unchecked, from what commander parsed. */
export function paramsFrom(described: Answerable, options: VerbOptions, args: string[]): Record<string, unknown> {
  const params: Record<string, unknown> = options.since === undefined ? {} : { from: options.since };
  for (const param of Object.keys(described.params.shape)) {
    const value = options[optionKey(flagOf(param))];
    if (value !== undefined) params[param] = value;
  }
  for (const [i, argument] of described.arguments.entries()) Object.assign(params, argument.params(args[i] ?? ''));
  return params;
}

/** Verb that runs the query and prints what its renderer makes of the rows. */
export function queryVerb(query: Query): Command {
  return paramFlags(verb(query.name, query.doc).aliases(query.aliases), query).action(
    withReader(async ({ pool, options, terminal, print }, ...args) => {
      const answer = await runQuery(pool, query, paramsFrom(query, options, args));
      const render = RENDERERS[query.name] ?? plainRenderer(query);
      if (options.json) printJson(answer);
      else for (const line of render.lines(answer.rows, terminal)) print(line);
      tellLeftOut(answer, options.json === true);
      return render.problem?.(answer.rows) ? 1 : 0;
    }),
  );
}

/** On stderr, so that a pipe gets rows only; JSON has it inside. */
export function tellLeftOut(answer: Answer, json: boolean): void {
  if (answer.truncated && !json) process.stderr.write(`${answer.truncated}\n`);
}

/** A parameter that an argument fills, whichever form the argument was typed in. */
function takenByArgument(described: Answerable, param: string): boolean {
  const forms = ['1', '0'.repeat(32)];
  return described.arguments.some((argument) => forms.some((text) => param in argument.params(text)));
}
