// How much memory the runtime takes for what lives a moment.
import * as v8 from 'node:v8';

const ENOUGH_BYTES = 8_000_000;
const LOOK_EVERY_MS = 50;

/**
 * Stops the young generation of the heap from growing once it is large enough, and has the old one collected when it is
 * half full of garbage. Left alone they take 200 MB under load, which a server whose data lie outside the heap has no use
 * for. Options of Node that say so are out of reach of a program that is started as `beacon`.
 */
export function keepHeapSmall(): void {
  const timer = setInterval(() => {
    const young = v8.getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
    if (young !== undefined && young.space_size < ENOUGH_BYTES) return;
    clearInterval(timer);
    v8.setFlagsFromString('--semi-space-growth-factor=1');
    v8.setFlagsFromString('--heap-growing-percent=50');
  }, LOOK_EVERY_MS);
  timer.unref();
}
