// One process of clients: `node client.ts '<options as JSON>'`, figures as JSON on standard output.
import * as http from 'node:http';
import * as grpc from '@grpc/grpc-js';
import { type Encoding, Requests } from './requests.ts';

interface Options {
  receiver: 'protobuf' | 'json' | 'grpc';
  httpPort: number;
  grpcPort: number;
  clients: number;
  spans: number;
  /** First request and how many of them. */
  from: number;
  count: number;
  at: number;
  /** Requests a second, whatever becomes of them; 0 sends the next when the last is answered. */
  rate: number;
}

const options = JSON.parse(process.argv[2]!) as Options;
const requests = new Requests(
  options.receiver === 'json' ? 'json' : ('protobuf' as Encoding),
  options.spans,
  options.at,
);
const send = options.receiver === 'grpc' ? overGrpc() : overHttp();
const times: number[] = [];
const answers: Record<string, number> = {};
let next = 0;

async function one(): Promise<void> {
  const body = requests.make(options.from + next++);
  const started = performance.now();
  const answer = await send(body);
  answers[answer] = (answers[answer] ?? 0) + 1;
  if (answer === 'ok') times.push(performance.now() - started);
}

async function client(): Promise<void> {
  while (next < options.count) await one();
}

const started = performance.now();
const usage = process.cpuUsage();
if (options.rate === 0) await Promise.all(Array.from({ length: options.clients }, client));
else await atRate();
const seconds = (performance.now() - started) / 1_000;
times.sort((a, b) => a - b);
const quantile = (q: number) => times[Math.min(times.length - 1, Math.floor(times.length * q))] ?? 0;
const { user, system } = process.cpuUsage(usage);
const cpuSeconds = (user + system) / 1e6;
console.log(JSON.stringify({ seconds, cpuSeconds, answers, p50: quantile(0.5), p99: quantile(0.99) }));
process.exit(0);

async function atRate(): Promise<void> {
  const underWay = new Set<Promise<void>>();
  while (next < options.count) {
    const due = Math.min(options.count, Math.trunc(((performance.now() - started) / 1_000) * options.rate));
    while (next < due) {
      // Clients that exist wait for their answers; more of them than this there are not.
      if (underWay.size >= options.clients) {
        answers['not sent: all clients wait'] = (answers['not sent: all clients wait'] ?? 0) + 1;
        next++;
        continue;
      }
      const sending = one();
      underWay.add(sending);
      void sending.finally(() => underWay.delete(sending));
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await Promise.all(underWay);
}

function overHttp(): (body: Buffer) => Promise<string> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: options.clients });
  const type = options.receiver === 'json' ? 'application/json' : 'application/x-protobuf';
  return (body) =>
    new Promise((resolve) => {
      const request = http.request(
        {
          agent,
          port: options.httpPort,
          host: '127.0.0.1',
          path: '/v1/traces',
          method: 'POST',
          headers: { 'content-type': type, 'content-length': body.length },
        },
        (response) => {
          response.resume();
          response.on('end', () => resolve(response.statusCode === 200 ? 'ok' : String(response.statusCode)));
        },
      );
      request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
      request.end(body);
    });
}

function overGrpc(): (body: Buffer) => Promise<string> {
  const clients = Array.from(
    { length: Math.min(options.clients, 8) },
    () =>
      new grpc.Client(`127.0.0.1:${options.grpcPort}`, grpc.credentials.createInsecure(), {
        'grpc.use_local_subchannel_pool': 1,
      }),
  );
  const asIs = (bytes: Buffer) => bytes;
  const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
  let turn = 0;
  return (body) =>
    new Promise((resolve) => {
      const client = clients[turn++ % clients.length]!;
      client.makeUnaryRequest(path, asIs, asIs, body, (error) => resolve(error ? `grpc ${error.code}` : 'ok'));
    });
}
