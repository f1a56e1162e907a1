// Starts what a stack needs, runs its program once or more, and writes what each failure exported.
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { type Captured, startCapture } from './capture.ts';
import { startDependencies } from './dependencies.ts';
import { prepare } from './languages.ts';
import { startNames } from './names.ts';
import { spansOf } from './otlp.ts';
import { runProgram } from './program.ts';
import { stabilise } from './stabilise.ts';
import { type Failure, RECORDINGS, runsOf, type Stack } from './stack.ts';
import { textOf } from './write.ts';

/** For a start of the program, and for each failure that it runs. */
const LIMIT_MS = 60_000;

/** @returns Ids of the failures that exported no span. */
export async function recordStack(stack: Stack, failures: Failure[]): Promise<string[]> {
  const prepared = await prepare(stack);
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-world-run-'));
  const names = await startNames(scratch);
  for (const host of stack.hosts) names.address(host);
  const needed = await startDependencies(stack.needs, { names, scratch });
  const libraries = { ...prepared.libraries, ...needed.versions };
  const folder = path.join(RECORDINGS, stack.name);
  fs.mkdirSync(folder, { recursive: true });
  const missing: string[] = [];

  const write = (id: string, captured: Captured, collector: string) => {
    const spans = spansOf(captured.traces).length;
    console.log(`${stack.name}/${id}: ${spans} spans`);
    if (spans === 0) {
      missing.push(id);
      return;
    }
    const texts: [string | RegExp, string][] = [
      ...prepared.paths,
      [scratch, '/tmp/scratch'],
      [os.hostname(), 'host-1'],
    ];
    texts.push(names.stable, [collector, 'http://collector:4318']);
    const stable = stabilise({ libraries, ...captured }, { secrets: needed.secrets ?? [], texts });
    fs.writeFileSync(path.join(folder, `${id}.json`), textOf(stable));
  };

  const run = async (together: Failure[]) => {
    const waiting = new Set(together.map(({ id }) => id));
    const capture = await startCapture((id, captured) => {
      if (waiting.delete(id)) write(id, captured, capture.url);
    });
    const ended = await runProgram({
      command: [...prepared.command, ...waiting],
      dir: stack.dir,
      environment: {
        ...prepared.environment,
        ...needed.environment,
        OTEL_EXPORTER_OTLP_ENDPOINT: capture.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
        ...together[0]?.environment,
      },
      names,
      limitMs: LIMIT_MS * (1 + together.length),
    });
    await capture.close();
    // A program that runs one failure need not say that it is done: it ends.
    if (waiting.size === 1) write([...waiting][0]!, capture.take(), capture.url);
    else missing.push(...waiting);
    if (ended.timedOut) console.log(`${stack.name}: the program was killed, because it took too long.`);
    if (ended.code !== 0 || process.env.WORLD_SHOW) console.log(ended.output.slice(-4000));
  };

  try {
    for (const together of runsOf(stack, failures)) await run(together);
  } finally {
    await needed.stop();
    await names.close();
    fs.rmSync(scratch, { recursive: true, force: true });
  }
  return missing;
}
