// What is broken on purpose, and what has to be said about it.
import type { FaultyProxy } from '@project-beacon/testkit/proxy.ts';

export interface Seeded {
  name: string;
  /** Fault of the simulated provider. */
  fault?: { fault: string; delayMs?: number };
  /** What the network before it does. */
  network?: (proxy: FaultyProxy) => void;
  /** A provider asked before this one in the same region, with a fault of its own. */
  before?: { fault: string; delayMs?: number };
  type: string;
  service: string;
}

/** Milliseconds the router waits for a provider. */
export const TIMEOUT_MS = 900;

const provider = (name: string, type: string, delayMs?: number): Seeded => ({
  name: delayMs === undefined ? name : `${name} ${delayMs} ms`,
  fault: { fault: name, ...(delayMs !== undefined && { delayMs }) },
  type,
  service: 'inference',
});

const PROVIDER: Seeded[] = [
  provider('refuse', 'CONNECTION_FAILURE'),
  provider('hang', 'SERVICE_TIMEOUT'),
  provider('slow', 'SERVICE_TIMEOUT', 1500),
  provider('slow', 'SERVICE_TIMEOUT', 3000),
  provider('slow', 'PERFORMANCE_DEGRADATION', 500),
  provider('slow', 'PERFORMANCE_DEGRADATION', 650),
  provider('rate_limit', 'RATE_LIMITED'),
  provider('error_500', 'PROVIDER_EXECUTION_FAILURE'),
  provider('out_of_memory', 'RESOURCE_EXHAUSTED'),
  provider('wrong_key', 'AUTH_FAILURE'),
  provider('unknown_model', 'MODEL_UNAVAILABLE'),
  provider('empty_output', 'EMPTY_OUTPUT'),
  provider('malformed_body', 'PROVIDER_EXECUTION_FAILURE'),
  provider('cut', 'CONNECTION_FAILURE'),
  provider('cold_start', 'COLD_START', 400),
  provider('cold_start', 'COLD_START', 600),
];

const NETWORK: Seeded[] = [
  { name: 'net: silent', network: (proxy) => proxy.stall(true), type: 'NETWORK_TIMEOUT', service: 'inference' },
  { name: 'net: cut', network: (proxy) => proxy.cut(), type: 'CONNECTION_FAILURE', service: 'inference' },
  {
    name: 'net: late request',
    network: (proxy) => proxy.delay(TIMEOUT_MS + 600),
    type: 'NETWORK_TIMEOUT',
    service: 'inference',
  },
  {
    name: 'net: slow body',
    network: (proxy) => proxy.trickle(1, 40),
    type: 'NETWORK_TIMEOUT',
    service: 'inference',
  },
  {
    name: 'net: reset on the way back',
    network: (proxy) => void proxy.loseAnswerTo((sent) => sent.includes('messages')),
    type: 'CONNECTION_FAILURE',
    service: 'inference',
  },
];

// In pairs: a network that is merely slow hides nothing, a provider before the last that failed is not the cause.
const late = (seeded: Seeded): Seeded => ({
  ...seeded,
  name: `${seeded.name} + slow network`,
  network: (proxy) => proxy.delay(60),
});
const second = (seeded: Seeded, before: string): Seeded => ({
  ...seeded,
  name: `${before}, then ${seeded.name}`,
  before: { fault: before },
});
const named = (name: string) => PROVIDER.find((one) => one.name === name) as Seeded;

const PAIRS: Seeded[] = [
  ...[
    'rate_limit',
    'error_500',
    'out_of_memory',
    'wrong_key',
    'unknown_model',
    'empty_output',
    'malformed_body',
    'cut',
  ].map((name) => late(named(name))),
  late(named('hang')),
  late(named('cold_start 600 ms')),
  second(named('rate_limit'), 'error_500'),
  second(named('error_500'), 'rate_limit'),
  second(named('out_of_memory'), 'refuse'),
  second(named('hang'), 'error_500'),
  second(named('refuse'), 'hang'),
  second(named('wrong_key'), 'cut'),
  second(named('empty_output'), 'error_500'),
  second(named('malformed_body'), 'rate_limit'),
  second(named('unknown_model'), 'error_500'),
  second(NETWORK[1] as Seeded, 'error_500'),
  second(NETWORK[0] as Seeded, 'cut'),
];

/** Every fault, alone and in pairs. */
export const SEEDED: Seeded[] = [...PROVIDER, ...NETWORK, ...PAIRS];
