import * as grpc from '@grpc/grpc-js';
import { load } from '@grpc/proto-loader';
import { pause } from 'world-node/processes.mjs';
import { serve } from 'world-node/serve.mjs';

const failure = process.env.FAILURE;
const { shop } = grpc.loadPackageDefinition(await load('inventory.proto'));
const to = { refused: 'inventory:9099', 'no-such-name': 'inventory.shop.internal:9090' }[failure] ?? 'inventory:9090';
const Service = failure === 'unimplemented' ? shop.v1.Audit : shop.v1.Inventory;
const tls = failure === 'tls-to-plaintext';
const client = new Service(to, tls ? grpc.credentials.createSsl() : grpc.credentials.createInsecure());

const within = (ms) => ({ deadline: Date.now() + ms });
const reserve = (options = {}, around = () => {}) =>
  new Promise((resolve, reject) => {
    const call = client.reserve({ sku: '17' }, options, (error, answer) =>
      error ? reject(error) : resolve(answer.id),
    );
    around(call);
  });
const watch = () =>
  new Promise((resolve, reject) => {
    const seen = [];
    client
      .watch({ sku: '17' })
      .on('data', ({ id }) => seen.push(id))
      .on('error', reject)
      .on('end', () => resolve(seen));
  });

const HANDLERS = {
  'not-found-handled': () =>
    reserve().catch(({ code }) => (code === grpc.status.NOT_FOUND ? 'none' : Promise.reject())),
  'deadline-exceeded': () => reserve(within(600)),
  'deadline-three-levels': () => reserve(within(1200)),
  cancelled: () => reserve({}, (call) => pause(300).then(() => call.cancel())),
  'stream-ok': watch,
  'stream-error': watch,
  'stream-killed': watch,
};
serve('gateway', 8080, '/reservations', { [failure]: HANDLERS[failure] ?? (() => reserve()) }, () => client.close());
