// A CommonJS service that relies on an instrumentation of pg alone, and loads that after pg: nothing is patched any more.
const http = require('node:http');
const pg = require('pg');
const { trace } = require('@opentelemetry/api');
const { InstrumentationBase, InstrumentationNodeModuleDefinition } = require('@opentelemetry/instrumentation');

class PgInstrumentation extends InstrumentationBase {
  init() {
    return new InstrumentationNodeModuleDefinition('pg', ['*'], (exports) => {
      const { query } = exports.Client.prototype;
      exports.Client.prototype.query = function (...args) {
        trace.getTracer('pg').startSpan('pg.query').end();
        return query.apply(this, args);
      };
      return exports;
    });
  }
}
new PgInstrumentation('pg-instrumentation', '1.0.0', {});

async function main() {
  const { startTracing } = await import('@project-beacon/tracer');
  const tracer = await startTracing({ service: 'shop', log: () => {}, flushIntervalMs: 100, heartbeatMs: 200 });
  const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 1 });
  pool.on('error', () => {});
  const server = http.createServer(async (request, response) => {
    if (request.url === '/work') await pool.query('insert into app.work default values');
    const answers = {
      '/health': () => ({ status: 'ok', service: 'shop' }),
      '/health/tracing': () => tracer.health(),
      '/health/tracing/probe': () => tracer.probe(),
    };
    response.end(JSON.stringify((await answers[request.url]?.()) ?? {}));
  });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
  process.stdin.resume().once('end', () => process.exit());
}

main();
