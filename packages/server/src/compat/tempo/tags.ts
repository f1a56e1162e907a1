// Searching by tags, as Tempo did before TraceQL: `service.name=cart http.url="a b"`. Each tag may be of another span.
import { BeaconError } from '../../store/errors.ts';
import type { AttributeNode, Comparison, Field, Intrinsic, Literal, Stage, Status } from './traceql/ast.ts';

const STATUSES: Record<string, Status> = { error: 'error', ok: 'ok', unset: 'unset' };
const INTRINSICS: Record<string, Intrinsic> = {
  name: 'name',
  'root.name': 'rootName',
  'root.service.name': 'rootServiceName',
};

/**
 * Traces in which each tag occurs, and that lasted so long.
 *
 * @throws BeaconError for what are no tags.
 */
export function tagsQuery(tags: string, minMs: number | undefined, maxMs: number | undefined): Stage[] {
  const fields = logfmt(tags).map(([key, value]) => tagField(key, value));
  const duration: AttributeNode = { node: 'intrinsic', name: 'traceDuration', at: 0 };
  const ns = (ms: number): Literal => ({ type: 'duration', value: BigInt(Math.round(ms * 1e6)) });
  if (minMs !== undefined) fields.push(compared(duration, '>=', ns(minMs)));
  if (maxMs !== undefined) fields.push(compared(duration, '<=', ns(maxMs)));
  const [first, ...rest] = fields.map((field): Stage => ({ node: 'filter', field, at: 0 }));
  if (!first) return [{ node: 'filter', field: null, at: 0 }];
  return [
    rest.reduce(
      (left, right): Stage => ({
        node: 'operation',
        operator: '&&',
        left: left as never,
        right: right as never,
        at: 0,
      }),
      first,
    ),
  ];
}

function compared(left: Field, operator: Comparison, literal: Literal): Field {
  return { node: 'binary', operator, left, right: { node: 'literal', literal, at: 0 }, at: 0 };
}

/** Texts are matched within, numbers whole. */
function tagField(key: string, value: string): Field {
  const intrinsic = INTRINSICS[key];
  if (intrinsic) return within({ node: 'intrinsic', name: intrinsic, at: 0 }, value);
  const status = key === 'status.code' ? STATUSES[value] : key === 'error' && value === 'true' ? 'error' : undefined;
  if (status) return compared({ node: 'intrinsic', name: 'status', at: 0 }, '=', { type: 'status', value: status });
  const scope = key === 'service.name' ? 'resource' : 'none';
  const attribute: AttributeNode = { node: 'attribute', scope, name: key, at: 0 };
  const other = literalOf(value);
  const text = within(attribute, value);
  return other ? { node: 'binary', operator: '||', left: text, right: compared(attribute, '=', other), at: 0 } : text;
}

function within(attribute: AttributeNode, value: string): Field {
  const escaped = value.replace(/[.+*?^$()[\]{}|\\]/g, '\\$&');
  return compared(attribute, '=~', { type: 'string', value: `.*${escaped}.*` });
}

function literalOf(value: string): Literal | undefined {
  if (/^-?\d{1,18}$/.test(value)) return { type: 'int', value: BigInt(value) };
  if (value === 'true' || value === 'false') return { type: 'bool', value: value === 'true' };
  return undefined;
}

/** Pairs of `key=value`; values with blanks stand in quotes. @throws BeaconError for anything else. */
function logfmt(text: string): Array<[string, string]> {
  const pairs = new Map<string, string>();
  let rest = text.trim();
  while (rest !== '') {
    const [all = '', key = '', quoted, plain] =
      /^([^\s="]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))(?=\s|$)\s*/.exec(rest) ?? [];
    if (all === '' || pairs.has(key)) {
      const what = `tags cannot be read from ${JSON.stringify(rest.slice(0, 40))} on.`;
      throw new BeaconError('usage', what, 'They are like service.name=cart http.url="a b", each once.');
    }
    pairs.set(key, quoted?.replace(/\\(.)/gs, '$1') ?? plain ?? '');
    rest = rest.slice(all.length);
  }
  return [...pairs];
}
