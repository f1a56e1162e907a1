// A gRPC server that answers, or fails with the status of the failure's name.
import * as grpc from '@grpc/grpc-js';
import { load } from '@grpc/proto-loader';
import { pause, ready } from 'world-node/processes.mjs';

const failure = process.env.FAILURE;
const name = process.env.OTEL_SERVICE_NAME;
const { shop } = grpc.loadPackageDefinition(await load('inventory.proto'));
const code = grpc.status[failure.toUpperCase().replaceAll('-', '_')];
const DETAILS = {
  'invalid-argument': 'sku must be a number',
  'not-found': 'sku 17 is not known',
  'already-exists': 'reservation r-17 exists already',
  'permission-denied': 'gateway may not reserve sku 17',
  'resource-exhausted': 'quota of 100 reservations a minute is used up',
  'failed-precondition': 'the warehouse is closed for inventory',
  aborted: 'reservation r-17 was changed by another transaction',
  'out-of-range': 'page 99 is past the end',
  internal: 'stock index is corrupt',
  unavailable: 'the leader is being elected',
  'data-loss': 'segment 12 cannot be read',
  unauthenticated: 'token has expired',
};

async function reserve(call, done) {
  if (failure === 'not-found-handled') return done({ code: grpc.status.NOT_FOUND, details: 'sku 17 is not known' });
  if (DETAILS[failure]) return done({ code, details: DETAILS[failure] });
  if (failure === 'unknown') return done(new TypeError("Cannot read properties of undefined (reading 'count')"));
  if (failure === 'killed') process.kill(process.pid, 'SIGKILL');
  if (failure === 'deadline-exceeded' || failure === 'cancelled') await pause(3000);
  if (failure === 'deadline-three-levels') {
    if (name === 'inventory-2') await pause(2500);
    else {
      const next = new shop.v1.Inventory('inventory-2:9090', grpc.credentials.createInsecure());
      return next.reserve(call.request, done);
    }
  }
  done(null, { id: 'r-17', note: failure === 'message-too-large' ? 'x'.repeat(5_000_000) : '' });
}

async function watch(call) {
  call.write({ id: 'r-17' });
  await pause(200);
  if (failure === 'stream-error')
    return call.emit('error', { code: grpc.status.UNAVAILABLE, details: 'shutting down' });
  if (failure === 'stream-killed') process.kill(process.pid, 'SIGKILL');
  call.end();
}

const server = new grpc.Server();
server.addService(shop.v1.Inventory.service, { reserve, watch });
server.bindAsync(`${name}:9090`, grpc.ServerCredentials.createInsecure(), () => ready(() => server.forceShutdown()));
