// An HTTP gateway calls gRPC: node main.mjs <failure>
import { oneService } from 'world-node/one-service.mjs';
import { pause, service, stop } from 'world-node/processes.mjs';

const env = { FAILURE: process.argv[2] };
const inventory = new URL('inventory.mjs', import.meta.url).pathname;
const second = env.FAILURE === 'deadline-three-levels' ? await service('inventory-2', inventory, { env }) : undefined;
const first = await service('inventory', inventory, { env });
await oneService('gateway', new URL('gateway.mjs', import.meta.url), 8080, {
  async after() {
    // What the callee goes on with after its caller gave up.
    if (/deadline|cancelled/.test(env.FAILURE)) await pause(3200);
    for (const each of [first, second]) if (each) await stop(each);
  },
});
