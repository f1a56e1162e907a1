// How to go on: addresses, commands, SQL. Everything printed here can be copied and works.

import { shownAddress } from '../store/errors.ts';
import type { RunFile } from '../store/run-file.ts';
import { type Screen, shortPath } from './screen.ts';

const BODY = '{"models":["llama-3.2-1b"],"regions":["us-east"],"questions":["What is 2+2?"]}';

/** @param execution An execution worth looking at, where there is one. */
export function printGuide(run: RunFile, execution: string | undefined, screen: Screen): void {
  const { terminal } = screen;
  const heading = (text: string) => screen.line(`\n${terminal.paint('bold', text)}`);
  const url = (name: string) => run.services.find((service) => service.name === name)?.url;
  const entry = (what: string, how: string) => screen.line(`  ${what.padEnd(18)} ${how}`);
  const id = execution ?? '1';
  const beacon = process.env.npm_lifecycle_event ? 'npm run beacon --' : 'beacon';

  heading('Running');
  for (const { name, url: address } of run.services) entry(name, address);
  if (run.otlp)
    entry('spans over OTLP', `http://127.0.0.1:${run.otlp.http} (HTTP), http://127.0.0.1:${run.otlp.grpc} (gRPC)`);
  if (run.jaeger) entry('Grafana', `Tempo: ${url('server')}/tempo, or Jaeger: http://127.0.0.1:${run.jaeger}`);
  if (url('server')) entry('LLM agents (MCP)', `${url('server')}/mcp`);
  entry('database', shownAddress(run.database));
  entry('logs', shortPath(run.logs));

  heading('Go on');
  if (url('server')) entry('in the browser', `${url('server')}`);
  const runner = url('runner');
  if (runner) {
    entry('another job', `curl -s ${runner}/api/v1/jobs/cross-region \\`);
    entry('', `  -H 'content-type: application/json' -d '${BODY}'`);
  }
  entry('one execution', `${beacon} waterfall ${id}`);
  entry('why it failed', `${beacon} diagnose ${id}`);
  entry('live', `${beacon} watch`);
  if (url('server')) entry('over HTTP', `${url('server')}/docs`);
  entry('is tracing well?', `${beacon} health`);
  entry('SQL', `psql '${shownAddress(run.database)}' -c 'SELECT * FROM identify_root_cause(${id});'`);
  entry('', `the password: ${beacon} status --show-password`);
  screen.line(`\n${terminal.paint('bold', 'Serving.')} Ctrl-C stops everything.`);
}
