// Starts mesh-api once and asks it for one failure after another.
import { pause, service, stop } from 'world-node/processes.mjs';

const child = await service('mesh-api', new URL('app.mjs', import.meta.url).pathname);
for (const failure of process.argv.slice(2)) {
  const answer = await fetch('http://mesh-api:8080/mesh', { method: 'POST', headers: { 'x-failure': failure } }).catch(
    (error) => error.cause,
  );
  console.log(failure, answer.status ?? answer);
  await pause(100);
  await fetch(`${process.env.OTEL_EXPORTER_OTLP_ENDPOINT}/done/${failure}`);
}
await stop(child);
process.exit(0);
