// A value that stands before its name: `{"value": "x", "name": "DB_PASSWORD"}`, `- value: x` and `name:` in the next line.
import { type Found, match } from './match.ts';

const JSON_PAIR =
  /value["']\s{0,4}[:=]\s{0,4}(["'])((?:[^"'\\\n]|\\.){1,2000})["'],\s{0,40}["'](?:name|key|header|field|variable)["']\s{0,4}[:=]\s{0,4}["']([^"'\n]{1,128})["']/iy;
const YAML_PAIR =
  /value:[ \t]{1,4}["']?([^\n"']{1,2000})["']?\n[ \t]{0,40}(?:name|key):[ \t]{1,4}["']?([\w.-]{1,128})/iy;

/** @param at Where the word `value` begins. */
export function valueBefore(scan: { text: string; secrecyOf(name: string): number }, at: number): Found {
  const { text } = scan;
  const json = match(JSON_PAIR, text, at);
  if (json) {
    if (scan.secrecyOf(json[3]!) === 0) return undefined;
    const from = at + json[0].indexOf(json[1]!, 6) + 1;
    return [from, from + json[2]!.length];
  }
  const yaml = match(YAML_PAIR, text, at);
  if (!yaml || scan.secrecyOf(yaml[2]!) === 0) return undefined;
  const from = at + yaml[0].indexOf(yaml[1]!, 6);
  return [from, from + yaml[1]!.length];
}
