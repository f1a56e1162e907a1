// Colours of services: the server keeps a number for each, so a service looks the same on every page and to everybody.
import { computed, effect, signal } from '@preact/signals';
import { ask } from './api.ts';
import { epoch } from './token.ts';

const COLOURS = 20;
const RANGE = '30d';

const numbers = signal<ReadonlyMap<string, number>>(new Map());

effect(() => {
  epoch.value;
  refresh();
});

/** Asks again; to be called when a service turns up that has no number. */
export function refresh(): void {
  ask('services', { from: RANGE, limit: 1000 }).then(
    ({ rows }) => {
      numbers.value = new Map(rows.map(({ service, color }) => [service, color]));
    },
    // Without numbers everything is grey; the page itself says what is wrong.
    () => {},
  );
}

export const serviceNumbers = computed(() => numbers.value);

/** Token of a service's colour: `--service-7`; `--service-none` for one not known yet. */
export function serviceToken(service: string | null | undefined): `--service-${string}` {
  const number = service ? numbers.value.get(service) : undefined;
  return number === undefined ? '--service-none' : `--service-${number % COLOURS}`;
}
