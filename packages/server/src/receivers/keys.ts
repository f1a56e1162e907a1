// Attribute keys are few and come again and again: each is looked at once, and recognised by its bytes afterwards.
import { isUtf8 } from 'node:buffer';
import { type KeySecrecy, pairRole, type Redactor } from '@project-beacon/writer';

/** What an attribute means beyond being an attribute; 0 for most. */
export const ROLE = {
  executionId: 1,
  jobId: 2,
  modelId: 3,
  region: 4,
  copiedExecutionId: 5,
  copiedJobId: 6,
  copiedModelId: 7,
  copiedRegion: 8,
  requestModel: 9,
  responseModel: 10,
  cloudRegion: 11,
  errorType: 12,
  httpStatus: 13,
  oldHttpStatus: 14,
  grpcStatus: 15,
  exceptionType: 16,
  exceptionMessage: 17,
  exceptionEscaped: 18,
  serviceName: 19,
  tokenCount: 20,
  failedReason: 21,
} as const;

export const ROLES = 22;

const ROLE_OF: Record<string, number> = {
  'beacon.execution_id': ROLE.executionId,
  'beacon.job_id': ROLE.jobId,
  'beacon.model_id': ROLE.modelId,
  'beacon.region': ROLE.region,
  'baggage.beacon.execution_id': ROLE.copiedExecutionId,
  'baggage.beacon.job_id': ROLE.copiedJobId,
  'baggage.beacon.model_id': ROLE.copiedModelId,
  'baggage.beacon.region': ROLE.copiedRegion,
  'gen_ai.request.model': ROLE.requestModel,
  'gen_ai.response.model': ROLE.responseModel,
  'cloud.region': ROLE.cloudRegion,
  'error.type': ROLE.errorType,
  'http.response.status_code': ROLE.httpStatus,
  'http.status_code': ROLE.oldHttpStatus,
  'rpc.grpc.status_code': ROLE.grpcStatus,
  'exception.type': ROLE.exceptionType,
  'exception.message': ROLE.exceptionMessage,
  'exception.escaped': ROLE.exceptionEscaped,
  'bullmq.job.failed.reason': ROLE.failedReason,
  'messaging.bullmq.job.failed.reason': ROLE.failedReason,
  'job.failed.reason': ROLE.failedReason,
  'service.name': ROLE.serviceName,
};

export class Key {
  readonly bytes: Buffer;
  readonly name: string;
  /** `"name":`, escaped for COPY. */
  readonly json: Buffer;
  readonly secrecy: KeySecrecy;
  readonly role: number;
  /** Whether its value is what was said to or by a model, and that is not kept. */
  readonly isHidden: boolean;
  /** 1 where its value may name what another member of its object holds, 2 for that member, 0 for all others. */
  readonly pairRole: 0 | 1 | 2;
  /** Whether the key itself held a secret. */
  readonly isRedacted: boolean;
  /** What had to be changed for PostgreSQL to hold it; null for most. */
  readonly repair: string | null;
  /** Number of the attribute list it was last seen in. */
  seen = 0;

  constructor(bytes: Buffer, redactor: Redactor) {
    this.bytes = bytes;
    const text = bytes.toString('utf8');
    const storable = text.replaceAll('\u0000', '\ufffd');
    this.name = redactor.ofText(storable);
    this.isRedacted = this.name !== storable;
    this.repair = !isUtf8(bytes)
      ? 'invalid UTF-8 replaced by U+FFFD'
      : storable === text
        ? null
        : 'U+0000 replaced by U+FFFD';
    this.json = Buffer.from(`${JSON.stringify(this.name).replaceAll('\\', '\\\\')}:`);
    this.secrecy = redactor.ofKey(this.name);
    this.isHidden = redactor.isHidden(this.name);
    this.pairRole = pairRole(this.name);
    this.role = Object.hasOwn(ROLE_OF, this.name)
      ? ROLE_OF[this.name]!
      : this.name.startsWith('gen_ai.usage.')
        ? ROLE.tokenCount
        : 0;
  }
}

const SLOTS = 8_192;
// Keys made from ids would fill it: it starts again then.
const MAX = 4_096;
const LONGEST = 256;

export class KeyTable {
  readonly #redactor: Redactor;
  #slots: (Key | undefined)[] = new Array(SLOTS).fill(undefined);
  #count = 0;

  constructor(redactor: Redactor) {
    this.#redactor = redactor;
  }

  find(bytes: Buffer, from: number, to: number): Key {
    let hash = to - from;
    for (let i = from; i < to; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0;
    const slots = this.#slots;
    let slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
    for (let key = slots[slot]; key !== undefined; key = slots[slot]) {
      if (isSame(key.bytes, bytes, from, to)) return key;
      slot = (slot + 1) & (SLOTS - 1);
    }
    const made = new Key(Buffer.from(bytes.subarray(from, to)), this.#redactor);
    if (to - from > LONGEST) return made;
    if (this.#count >= MAX) {
      this.#slots = new Array(SLOTS).fill(undefined);
      this.#count = 0;
      return made;
    }
    slots[slot] = made;
    this.#count++;
    return made;
  }
}

function isSame(known: Buffer, bytes: Buffer, from: number, to: number): boolean {
  const length = to - from;
  if (known.length !== length) return false;
  for (let i = 0; i < length; i++) if (known[i] !== bytes[from + i]) return false;
  return true;
}
