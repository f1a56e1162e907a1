// First pass over a span message: what is where.

import { type CopyWriter, SpanError } from './copy-writer.ts';
import { type Key, ROLES } from './keys.ts';
import { Stamp } from './stamp.ts';

/** Attributes of a span, and events, and links. */
const MAX_PARTS = 16_384;

export class SpanScan {
  readonly scribe: CopyWriter;
  // Where the fields of the span at hand are; `Id` 0 means absent, for no field begins at byte 0 of a message in a message.
  traceId = 0;
  traceIdLength = 0;
  spanId = 0;
  spanIdLength = 0;
  parentId = 0;
  parentIdLength = 0;
  stateFrom = 0;
  stateTo = 0;
  nameFrom = 0;
  nameTo = 0;
  messageFrom = 0;
  messageTo = 0;
  statusCode = 0;
  kind = 0;
  flags = 0;
  droppedAttributes = 0;
  droppedEvents = 0;
  droppedLinks = 0;
  readonly start = new Stamp();
  readonly end = new Stamp();
  attributes = 0;
  readonly attributeKeys: Key[] = [];
  /** Four numbers each: where the attribute begins and ends, and its value. */
  readonly attributeAt: number[] = [];
  readonly events: number[] = [];
  readonly links: number[] = [];
  readonly roleFrom = new Int32Array(ROLES);
  readonly roleTo = new Int32Array(ROLES);

  constructor(scribe: CopyWriter) {
    this.scribe = scribe;
  }

  /** How to call a span that could not be written. */
  describe(): string {
    const { bytes } = this.scribe;
    const id = bytes.toString('hex', this.spanId, this.spanId + Math.min(this.spanIdLength, 16));
    const name = bytes.toString('utf8', this.nameFrom, Math.min(this.nameTo, this.nameFrom + 80));
    return `span ${id || '(no id)'} "${name.replaceAll('\u0000', '\ufffd').toWellFormed()}"`;
  }

  /** Reads the message between two places of the scribe's bytes. @throws MalformedError when it is none. */
  find(from: number, to: number): void {
    const scribe = this.scribe;
    this.traceIdLength = this.spanIdLength = this.parentIdLength = 0;
    this.stateFrom = this.stateTo = this.nameFrom = this.nameTo = this.messageFrom = this.messageTo = 0;
    this.statusCode = this.kind = this.flags = 0;
    this.droppedAttributes = this.droppedEvents = this.droppedLinks = 0;
    this.start.set(0, 0);
    this.end.set(0, 0);
    this.attributes = this.attributeAt.length = this.events.length = this.links.length = 0;
    this.roleTo.fill(0);
    scribe.at = from;
    while (scribe.at < to) {
      const tag = scribe.varint(to);
      if ((tag & 7) === 2) {
        const end = scribe.lengthDelimitedEnd(to);
        const begin = scribe.at;
        this.#message(tag >>> 3, begin, end);
        scribe.at = end;
      } else this.#scalar(tag, to);
    }
  }

  #message(field: number, begin: number, end: number): void {
    switch (field) {
      case 1:
        this.traceId = begin;
        this.traceIdLength = end - begin;
        break;
      case 2:
        this.spanId = begin;
        this.spanIdLength = end - begin;
        break;
      case 3:
        this.stateFrom = begin;
        this.stateTo = end;
        break;
      case 4:
        this.parentId = begin;
        this.parentIdLength = end - begin;
        break;
      case 5:
        this.nameFrom = begin;
        this.nameTo = end;
        break;
      case 9:
        this.#attribute(begin, end);
        break;
      case 11:
        if (this.events.length === 2 * MAX_PARTS)
          throw new SpanError('too_large', `it has more than ${MAX_PARTS} events`);
        this.events.push(begin, end);
        break;
      case 13:
        if (this.links.length === 2 * MAX_PARTS)
          throw new SpanError('too_large', `it has more than ${MAX_PARTS} links`);
        this.links.push(begin, end);
        break;
      case 15:
        this.#status(begin, end);
        break;
    }
  }

  #attribute(begin: number, end: number): void {
    const scribe = this.scribe;
    if (this.attributes === MAX_PARTS) throw new SpanError('too_large', `it has more than ${MAX_PARTS} attributes`);
    const key = scribe.keyValue(begin, end);
    this.attributeKeys[this.attributes++] = key;
    this.attributeAt.push(begin, end, scribe.valueFrom, scribe.valueTo);
    if (key.role !== 0 && scribe.valueFrom >= 0) {
      this.roleFrom[key.role] = scribe.valueFrom;
      this.roleTo[key.role] = scribe.valueTo;
    }
  }

  #status(begin: number, end: number): void {
    const scribe = this.scribe;
    scribe.at = begin;
    while (scribe.at < end) {
      const tag = scribe.varint(end);
      if (tag === 0x12) {
        this.messageTo = scribe.lengthDelimitedEnd(end);
        this.messageFrom = scribe.at;
        scribe.at = this.messageTo;
      } else if (tag === 0x18) this.statusCode = scribe.varint(end) | 0;
      else scribe.skip(tag, end);
    }
  }

  #scalar(tag: number, to: number): void {
    const scribe = this.scribe;
    switch (tag) {
      case 0x30:
        this.kind = scribe.varint(to) | 0;
        break;
      case 0x39:
      case 0x41: {
        const at = scribe.fixed(8, to);
        (tag === 0x39 ? this.start : this.end).set(scribe.uint32(at), scribe.uint32(at + 4));
        break;
      }
      case 0x50:
        this.droppedAttributes = scribe.varint(to);
        break;
      case 0x60:
        this.droppedEvents = scribe.varint(to);
        break;
      case 0x70:
        this.droppedLinks = scribe.varint(to);
        break;
      case 0x85:
        this.flags = scribe.uint32(scribe.fixed(4, to));
        break;
      default:
        scribe.skip(tag, to);
    }
  }
}
