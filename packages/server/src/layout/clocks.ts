// Clocks of services against each other, as beacon.clock_offsets estimates them.
import { SERVER, type Spans, STATUS } from './spans.ts';

/** Milliseconds a server may outlast its caller's span: that may end with the headers of an answer, and machines are busy. */
const TOLERANCE_MS = 50;

/** What the calls between two services say of their clocks, milliseconds. */
interface Evidence {
  atLeast: number;
  /** NaN where no caller waited for the answer. */
  atMost: number;
  middles: number[];
}

/**
 * Milliseconds to add to the times of a callee, by `caller * services + callee`; only of services whose clocks contradict
 * each other. A server cannot start before it was called nor, where its caller waited, end after it. Two services on one
 * host have one clock, however late a busy machine came to either.
 *
 * @param parents Row of the parent, -1 for none.
 * @param hosts As beacon.service_hosts gives them, by service.
 */
export function clockOffsets(spans: Spans, parents: Int32Array, hosts: Map<string, string>): Map<number, number> {
  const { count, service, services, kind, status, starts, durations } = spans;
  const found = new Map<number, Evidence>();
  for (let row = 0; row < count; row++) {
    const parent = parents[row]!;
    if (parent < 0 || kind[row] !== SERVER || service[row] === service[parent]) continue;
    const host = hosts.get(services[service[parent]!]!);
    if (host !== undefined && host === hosts.get(services[service[row]!]!)) continue;
    const pair = service[parent]! * services.length + service[row]!;
    const atLeast = starts[parent]! - starts[row]!;
    const isWaitedFor = status[parent] === STATUS.completed && durations[row]! <= durations[parent]!;
    const atMost = isWaitedFor ? starts[parent]! + durations[parent]! - starts[row]! - durations[row]! : Number.NaN;
    const middle = (atLeast + (isWaitedFor ? atMost : atLeast)) / 2;
    const known = found.get(pair);
    if (!known) {
      found.set(pair, { atLeast, atMost, middles: [middle] });
      continue;
    }
    known.atLeast = Math.max(known.atLeast, atLeast);
    if (isWaitedFor) known.atMost = Number.isNaN(known.atMost) ? atMost : Math.min(known.atMost, atMost);
    known.middles.push(middle);
  }
  const offsets = new Map<number, number>();
  for (const [pair, { atLeast, atMost, middles }] of found) {
    if (!(atLeast > 0 || atMost < -TOLERANCE_MS)) continue;
    if (Number.isNaN(atMost)) offsets.set(pair, atLeast);
    // All calls together leave a range, split evenly; where they contradict each other, the middle of what each says.
    else offsets.set(pair, atLeast <= atMost ? (atLeast + atMost) / 2 : median(middles));
  }
  return offsets;
}

function median(values: number[]): number {
  values.sort((a, b) => a - b);
  const at = (values.length - 1) / 2;
  return (values[Math.floor(at)]! + values[Math.ceil(at)]!) / 2;
}
