// Events and links of a span: lists of messages with attributes of their own.

import type { CopyWriter } from './copy-writer.ts';
import { ROLE } from './keys.ts';
import { Stamp } from './stamp.ts';

const EXCEPTION = Buffer.from('exception');
/** How libraries of jobs say that a job threw; their spans are left without a status. */
const JOB_FAILED = Buffer.from('job failed');
const stamp = new Stamp();

interface Exception {
  type: string | null;
  message: string | null;
  /** It left the span: the span failed, whatever its status says. */
  escaped: boolean;
}

/** What the last event called `exception` says, without secrets. */
export function lastException(scribe: CopyWriter, events: readonly number[]): Exception | undefined {
  for (let i = events.length - 2; i >= 0; i -= 2) {
    const found = exceptionOf(scribe, events[i]!, events[i + 1]!);
    if (found) return found;
  }
  return undefined;
}

function exceptionOf(scribe: CopyWriter, from: number, to: number): Exception | undefined {
  const found: Exception = { type: null, message: null, escaped: false };
  let isException = false;
  scribe.at = from;
  while (scribe.at < to) {
    const tag = scribe.varint(to);
    if (tag !== 0x12 && tag !== 0x1a) {
      scribe.skip(tag, to);
      continue;
    }
    const end = scribe.lengthDelimitedEnd(to);
    const begin = scribe.at;
    if (tag === 0x12) {
      const name = scribe.bytes.subarray(begin, end);
      const isJob = JOB_FAILED.equals(name);
      if (isJob) found.escaped = true;
      isException = isJob || EXCEPTION.equals(name);
    } else {
      const { role } = scribe.keyValue(begin, end);
      const isPart = (role >= ROLE.exceptionType && role <= ROLE.exceptionEscaped) || role === ROLE.failedReason;
      if (isPart && scribe.valueFrom >= 0) {
        const text = scribe.scalar(scribe.valueFrom, scribe.valueTo);
        const clean = text === null ? null : scribe.redactor.ofText(text);
        if (role === ROLE.exceptionType) found.type = clean;
        else if (role === ROLE.exceptionMessage || role === ROLE.failedReason) found.message = clean;
        else found.escaped = /^true$/i.test(text ?? '');
      }
    }
    scribe.at = end;
  }
  return isException ? found : undefined;
}

/** A tab and the column `events`. */
export function writeEvents(scribe: CopyWriter, events: readonly number[]): void {
  scribe.plain('\t[');
  for (let i = 0; i < events.length; i += 2) {
    if (i > 0) scribe.byte(COMMA);
    writeEvent(scribe, events[i]!, events[i + 1]!);
  }
  scribe.byte(0x5d);
}

function writeEvent(scribe: CopyWriter, from: number, to: number): void {
  let dropped = 0;
  let nameFrom = 0;
  let nameTo = 0;
  let hasAttributes = false;
  stamp.set(0, 0);
  scribe.at = from;
  while (scribe.at < to) {
    const tag = scribe.varint(to);
    if (tag === 0x09) {
      const at = scribe.fixed(8, to);
      stamp.set(scribe.uint32(at), scribe.uint32(at + 4));
    } else if (tag === 0x12) {
      nameTo = scribe.lengthDelimitedEnd(to);
      nameFrom = scribe.at;
      scribe.at = nameTo;
    } else if (tag === 0x20) dropped = scribe.varint(to);
    else {
      hasAttributes ||= tag === 0x1a;
      scribe.skip(tag, to);
    }
  }
  scribe.plain('{"name":');
  scribe.jsonText(nameFrom, nameTo, 'events');
  scribe.plain(`,"time":"${stamp.text()}"`);
  if (hasAttributes) writeAttributes(scribe, from, to, 0x1a, 'events');
  finish(scribe, dropped);
}

/** A tab and the column `links`. */
export function writeLinks(scribe: CopyWriter, links: readonly number[]): void {
  scribe.plain('\t[');
  for (let i = 0; i < links.length; i += 2) {
    if (i > 0) scribe.byte(COMMA);
    writeLink(scribe, links[i]!, links[i + 1]!);
  }
  scribe.byte(0x5d);
}

function writeLink(scribe: CopyWriter, from: number, to: number): void {
  const { bytes } = scribe;
  let dropped = 0;
  let flags = 0;
  let traceId = '';
  let spanId = '';
  let stateFrom = 0;
  let stateTo = 0;
  let hasAttributes = false;
  scribe.at = from;
  while (scribe.at < to) {
    const tag = scribe.varint(to);
    if (tag === 0x0a || tag === 0x12 || tag === 0x1a) {
      const end = scribe.lengthDelimitedEnd(to);
      if (tag === 0x0a) traceId = bytes.toString('hex', scribe.at, end);
      else if (tag === 0x12) spanId = bytes.toString('hex', scribe.at, end);
      else [stateFrom, stateTo] = [scribe.at, end];
      scribe.at = end;
    } else if (tag === 0x28) dropped = scribe.varint(to);
    else if (tag === 0x35) flags = scribe.uint32(scribe.fixed(4, to));
    else {
      hasAttributes ||= tag === 0x22;
      scribe.skip(tag, to);
    }
  }
  scribe.plain(`{"trace_id":"${traceId}","span_id":"${spanId}"`);
  if (stateTo > stateFrom) {
    scribe.plain(',"trace_state":');
    scribe.jsonText(stateFrom, stateTo, 'links');
  }
  if (hasAttributes) writeAttributes(scribe, from, to, 0x22, 'links');
  if (flags !== 0) scribe.plain(`,"flags":${flags}`);
  finish(scribe, dropped);
}

/** `,"attributes":{...}` of the attributes with this tag in a message. */
function writeAttributes(scribe: CopyWriter, from: number, to: number, wanted: number, where: string): void {
  scribe.plain(',"attributes":{');
  const list = scribe.beginList();
  scribe.at = from;
  for (let first = true; scribe.at < to; ) {
    const tag = scribe.varint(to);
    if (tag !== wanted) {
      scribe.skip(tag, to);
      continue;
    }
    const end = scribe.lengthDelimitedEnd(to);
    const begin = scribe.at;
    if (!first) scribe.byte(COMMA);
    first = false;
    const key = scribe.keyValue(begin, end);
    scribe.attribute(key, begin, end, scribe.valueFrom, scribe.valueTo, list, where);
    scribe.at = end;
  }
  scribe.byte(0x7d);
}

function finish(scribe: CopyWriter, dropped: number): void {
  if (dropped !== 0) scribe.plain(`,"dropped_attributes":${dropped}`);
  if (scribe.exact.length > 0) {
    scribe.plain(`,"exact":${JSON.stringify(scribe.exact)}`);
    scribe.exact.length = 0;
  }
  scribe.byte(0x7d);
}

const COMMA = 0x2c;
