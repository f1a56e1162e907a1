// OTLP over gRPC, with the messages as bytes: nothing but our own decoder looks into them.
import * as grpc from '@grpc/grpc-js';
import { acceptedBytes, CODES, Refusal, statusBytes } from './answer.ts';
import { asRefusal, type HttpDoorOptions } from './http.ts';
import { NO_ENTRY } from './token.ts';

const SERVICES: Record<string, { path: string; name: string }> = {
  traces: { path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export', name: 'traces' },
  metrics: { path: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export', name: 'metrics' },
  logs: { path: '/opentelemetry.proto.collector.logs.v1.LogsService/Export', name: 'logs' },
};

type Options = Pick<HttpDoorOptions, 'ingest' | 'gate' | 'warn'>;
type Call = grpc.ServerUnaryCall<Buffer, Buffer>;

/** The server; connections are handed to it one by one. */
export function grpcDoor(options: Options): grpc.Server {
  const server = new grpc.Server({
    'grpc.max_receive_message_length': options.ingest.maxRequestBytes,
    'grpc.max_concurrent_streams': 256,
  });
  const asIs = (bytes: Buffer) => bytes;
  for (const { path, name } of Object.values(SERVICES)) {
    const handler = (call: Call, done: grpc.sendUnaryData<Buffer>) => {
      exported(options, name, call).then(
        (bytes) => done(null, bytes),
        (error) => done(failure(options, error)),
      );
    };
    server.register(path, handler as grpc.handleUnaryCall<Buffer, Buffer>, asIs, asIs, 'unary');
  }
  return server;
}

async function exported({ ingest, gate }: Options, name: string, call: Call): Promise<Buffer> {
  ingest.counters.count('requests', 'grpc');
  const [authorization] = call.metadata.get('authorization');
  if (!gate.admits(authorization?.toString())) throw new Refusal('UNAUTHENTICATED', 'token', NO_ENTRY);
  if (name !== 'traces') {
    throw new Refusal('UNIMPLEMENTED', 'no_such_signal', `Beacon stores traces only; ${name} are not stored.`);
  }
  const claim = ingest.claim(call.request.length);
  try {
    const { rejected, message } = await ingest.store(call.request, 'protobuf');
    return acceptedBytes(rejected, message);
  } finally {
    claim.release();
  }
}

function failure({ ingest, warn }: Options, error: unknown): grpc.ServiceError {
  const refusal = asRefusal(error, warn);
  ingest.counters.count('refused', refusal.reason);
  const metadata = new grpc.Metadata();
  metadata.set('grpc-status-details-bin', statusBytes(refusal));
  const code = refusal.code === 'INTERNAL' ? CODES.UNAVAILABLE.grpc : CODES[refusal.code].grpc;
  return Object.assign(new Error(refusal.message), { code, details: refusal.message, metadata });
}
