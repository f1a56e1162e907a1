// Colours of services: the server keeps a number for each, so a service looks the same on every page and to everybody.
import { effect, signal } from '@preact/signals';
import { ask } from './api.ts';
import { epoch } from './token.ts';

const COLOURS = 20;
const RANGE = '30d';
const AGAIN_MS = 10_000;

const numbers = signal<ReadonlyMap<string, number>>(new Map());
let asked = Number.NEGATIVE_INFINITY;

effect(() => {
  epoch.value;
  load();
});

function load(): void {
  asked = performance.now();
  ask('services', { from: RANGE, limit: 1000 }).then(
    ({ rows }) => {
      numbers.value = new Map(rows.map(({ service, color }) => [service, color]));
    },
    // Without numbers everything is grey; the page itself says what is wrong.
    () => {},
  );
}

/** Token of a service's colour: `--service-7`; `--service-none` until its number is known, which is asked for again. */
export function serviceToken(service: string | null | undefined): `--service-${string}` {
  const number = service ? numbers.value.get(service) : undefined;
  if (number !== undefined) return `--service-${number % COLOURS}`;
  if (service && performance.now() - asked > AGAIN_MS) load();
  return '--service-none';
}
