// The garbage collector, asked for by name: it does not see how much memory outside its heap small objects hold.
import * as v8 from 'node:v8';
import * as vm from 'node:vm';

let gc: ((options: { type: 'minor' | 'major' }) => void) | undefined;
/** Between two of those that take long. */
const ALL_EVERY_MS = 10_000;
let allAt = Number.NEGATIVE_INFINITY;

/** Finds what lived a moment; takes a millisecond or two. */
export function collectYoung(): void {
  collect('minor');
}

/** Gives back what the heap keeps for later, where much room is needed now; some 40 ms, so not more often than every ten seconds. */
export function collectAll(): void {
  if (performance.now() - allAt < ALL_EVERY_MS) return;
  allAt = performance.now();
  collect('major');
}

function collect(type: 'minor' | 'major'): void {
  if (gc === undefined) {
    v8.setFlagsFromString('--expose-gc');
    gc = vm.runInNewContext('gc') as NonNullable<typeof gc>;
  }
  gc({ type });
}
