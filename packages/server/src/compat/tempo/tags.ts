// Searching by tags, as Tempo did before TraceQL: `service.name=cart http.url="a b"`, and lists of tags.
import { attributeKey, FAILED, term } from '../../filter/text.ts';
import { BeaconError } from '../../store/errors.ts';
import type { Alternative, TraceRow } from './traceql.ts';

/** Values are matched as texts within, whatever their case, as Tempo does it. */
export function tagsAlternative(tags: string): Alternative {
  const terms: string[] = [];
  const fits: Alternative['fits'] = [];
  for (const [key, value] of logfmt(tags)) {
    if (key === 'root.service.name') fits.push(within('root_service', value));
    else if (key === 'root.name') fits.push(within('root_operation', value));
    else terms.push(tagTerm(key, value));
  }
  return { q: terms.join(' '), fits };
}

function tagTerm(key: string, value: string): string {
  if (key === 'service.name') return term('service', '~', value);
  if (key === 'name') return term('operation', '~', value);
  if (key === 'error' && value === 'true') return FAILED;
  if (key === 'status.code' && value === 'error') return FAILED;
  if (key === 'status.code' && (value === 'ok' || value === 'unset')) return 'status=completed';
  return term(attributeKey(key), '~', value);
}

function within(of: 'root_service' | 'root_operation', value: string): (row: TraceRow) => boolean {
  return (row) => row[of]?.toLowerCase().includes(value.toLowerCase()) === true;
}

/** Pairs of `key=value`; values with blanks stand in quotes. @throws BeaconError for anything else. */
function logfmt(text: string): Array<[string, string]> {
  const pairs: Array<[string, string]> = [];
  let rest = text.trim();
  while (rest !== '') {
    const [all = '', key = '', quoted, plain] =
      /^([^\s="]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))(?=\s|$)\s*/.exec(rest) ?? [];
    if (all === '') {
      const what = `tags cannot be read from ${JSON.stringify(rest.slice(0, 40))} on.`;
      throw new BeaconError('usage', what, 'They are like service.name=cart http.url="a b".');
    }
    pairs.push([key, quoted?.replace(/\\(.)/gs, '$1') ?? plain ?? '']);
    rest = rest.slice(all.length);
  }
  return pairs;
}
