// Values in XML and HTML.
import { isNameAt, match } from './match.ts';

const ATTRIBUTE = /["']\s{1,8}value\s{0,4}=\s{0,4}(["'])/iy;
const ELEMENT = /(?:["'][^<>]{0,200}|(?:\s[^<>]{0,200})?)>(?:<!\[CDATA\[)?/y;
const SIBLING = /<\/[\w:.-]{1,64}>\s{0,40}<[\w:.-]{1,64}>/y;
const NESTED = /["'][^<>]{0,100}>\s{0,40}<[\w:.-]{1,64}>/y;

/** `<password>x</password>`, `<add key="password" value="x"/>`, `<name>password</name><value>x</value>`. */
export function inMarkup(text: string, start: number, end: number): { at: number; stop: string } | undefined {
  const next = text[end];
  const isQuoted = /["']/.test(next ?? '') && /["']/.test(text[start - 1] ?? '');
  let opening = start - 1;
  if (next !== '<' && !isQuoted && text[opening] !== '<' && text[opening] !== ':') return undefined;
  if (text[opening] === ':') for (opening--; opening > start - 20 && isNameAt(text, opening); ) opening--;
  const sibling = next === '<' ? match(SIBLING, text, end) : null;
  if (sibling) return { at: end + sibling[0].length, stop: '<' };
  if (isQuoted) {
    const nested = match(NESTED, text, end);
    if (nested?.[0].endsWith('value>')) return { at: end + nested[0].length, stop: '<' };
  }
  if (text[opening] === '<' || isQuoted) {
    const attribute = match(ATTRIBUTE, text, end);
    if (attribute) return { at: end + attribute[0].length, stop: attribute[1]! };
  }
  if (next === '>' && text[opening] !== '<') return undefined;
  if (
    text[opening] !== '<' &&
    !(isQuoted && /\s(?:key|name|id)=["']$/i.test(text.slice(Math.max(0, start - 8), start)))
  ) {
    return undefined;
  }
  const element = match(ELEMENT, text, end);
  if (!element || element[0].endsWith('/>')) return undefined;
  const at = end + element[0].length;
  // `AUTH <password> called` has no end.
  return text.indexOf('<', at) < 0 && / /.test(text.slice(at, at + 100)) ? undefined : { at: at, stop: '<' };
}
