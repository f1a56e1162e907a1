// The garbage collector, asked for by name: it does not see how much memory outside its heap small objects hold.
import * as v8 from 'node:v8';
import * as vm from 'node:vm';

let gc: ((options: { type: 'minor' }) => void) | undefined;

/** Finds what lived a moment; takes a millisecond or two. */
export function collectYoung(): void {
  if (gc === undefined) {
    v8.setFlagsFromString('--expose-gc');
    gc = vm.runInNewContext('gc') as NonNullable<typeof gc>;
  }
  gc({ type: 'minor' });
}
