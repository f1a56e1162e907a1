// What the page of a trace takes, in a real Chromium over a real server and PostgreSQL: from the data's arrival to the
// first painted waterfall, and every frame while scrolling, zooming, folding and filtering.
// Run: npm run bench:web [-- --sizes 100000,500000] [--json FILE]
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { migrateUp } from '@project-beacon/server/store/migrate.ts';
import { readSet, SQL_DIR } from '@project-beacon/server/store/migrations.ts';
import { throwawayServer } from '@project-beacon/testkit';
import pg from 'pg';
import type { Page } from 'playwright-core';
import { browser, noBrowser, openPage } from '../packages/web/test/browser.ts';
import { startSite } from '../packages/web/test/site.ts';
import { storeTrace } from '../packages/web/test/trace-spans.ts';
import { type Frames, framesDuring } from './web/frames.ts';
import { GESTURES, PREPARE } from './web/gestures.ts';

const { values } = parseArgs({
  options: { sizes: { type: 'string', default: '100000,500000' }, json: { type: 'string' } },
});
const sizes = values.sizes.split(',').map(Number);
const FRAME_MS = 16.7;
const OPEN_MS = 1000;
/** The limits are for this many spans; more are printed beside them. */
const PROMISED = 100_000;

interface Opened {
  spans: number;
  /** Until the server had sent everything, milliseconds; and what it sent, bytes. */
  answerMs: number;
  bytes: number;
  packed: number;
  /** From the arrival of the data to the first painted waterfall, milliseconds. */
  paintMs: number;
  frames: Record<string, Frames>;
}

if (noBrowser) {
  console.error(noBrowser);
  process.exit(1);
}
await build();
const server = await throwawayServer({ shared_buffers: '256MB' });
const client = new pg.Client({ connectionString: server.url });
await client.connect();
await migrateUp(client, [readSet('beacon', SQL_DIR)]);
const site = await startSite(server.url, { BEACON_STATEMENT_TIMEOUT_MS: '120000' });
const started = await browser();
const measured: Opened[] = [];
for (const [n, spans] of sizes.entries()) measured.push(await measure(spans, n + 1));
const version = started.version();
await started.close();
await site.kill();
await client.end();
await server.discard();
print();
// The harness of the browser tests would count its tests: none.
process.exit(0);

async function measure(spans: number, executionId: number): Promise<Opened> {
  const traceId = await storeTrace(client, spans, executionId);
  const { page } = await openPage();
  page.setDefaultTimeout(180_000);
  await page.goto(`${site.url}/trace/${traceId}`);
  await page.waitForFunction(() => performance.getEntriesByName('waterfall-painted').length > 0);
  const opened = await page.evaluate(() => {
    const [arrived] = performance.getEntriesByName('trace-arrived');
    const [painted] = performance.getEntriesByName('waterfall-painted');
    const sent = performance
      .getEntriesByType('resource')
      .find(({ name }) => name.includes('trace-columns')) as PerformanceResourceTiming;
    return {
      answerMs: sent.responseEnd - sent.requestStart,
      bytes: sent.decodedBodySize,
      packed: sent.encodedBodySize,
      paintMs: (painted?.startTime ?? 0) - (arrived?.startTime ?? 0),
    };
  });
  // What the page asks beside the trace has been answered, so that frames are the waterfall's own.
  await page.waitForLoadState('networkidle');
  await page.evaluate(PREPARE);
  const frames: Opened['frames'] = {};
  for (const gesture of GESTURES)
    frames[gesture.name] = await framesDuring(page, () => run(page, gesture.step, gesture.frames));
  await page.context().close();
  return { spans, ...opened, frames };
}

/** One step of a gesture a frame. */
async function run(page: Page, step: string, frames: number): Promise<void> {
  await page.evaluate(
    ([step, frames]) =>
      new Promise<void>((done) => {
        const act = (globalThis as unknown as { gestures: Record<string, (n: number) => void> }).gestures[
          step as string
        ]!;
        let n = 0;
        const next = () => {
          act(n++);
          if (n < Number(frames)) requestAnimationFrame(next);
          else requestAnimationFrame(() => done());
        };
        requestAnimationFrame(next);
      }),
    [step, frames] as const,
  );
}

async function build(): Promise<void> {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, '../packages/web/build.ts'), '--if-stale'], {
    stdio: 'inherit',
  });
  await new Promise((done) => child.on('exit', done));
}

function print(): void {
  const { sizes: built } = JSON.parse(
    fs.readFileSync(path.join(import.meta.dirname, '../packages/web/dist/built.json'), 'utf8'),
  );
  const kb = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`;
  const verdict = (value: number, limit: number, counts: boolean) => (!counts ? '' : value <= limit ? 'ok' : 'MISSED');
  console.log(`\nChromium ${version}, no GPU: everything is drawn by the processor, which is the worst case.\n`);
  for (const each of measured) {
    const counts = each.spans <= PROMISED;
    console.log(`${each.spans.toLocaleString('en')} spans`);
    console.log(
      `  answer of the server      ${each.answerMs.toFixed(0).padStart(7)} ms   ${kb(each.bytes)}, sent as ${kb(each.packed)}`,
    );
    console.log(
      `  data to first waterfall   ${each.paintMs.toFixed(0).padStart(7)} ms   limit ${OPEN_MS} ms  ${verdict(each.paintMs, OPEN_MS, counts)}`,
    );
    console.log(
      `  main thread a frame          p50      p95      max   frames   limit ${FRAME_MS} ms at p95      shown every (p95)`,
    );
    for (const [name, frames] of Object.entries(each.frames)) {
      const figures = [frames.p50, frames.p95, frames.max].map((ms) => ms.toFixed(1).padStart(8)).join(' ');
      const shown = `${frames.shownP95.toFixed(1).padStart(8)} ms`;
      console.log(
        `    ${name.padEnd(22)} ${figures} ${String(frames.count).padStart(8)}   ${verdict(frames.p95, FRAME_MS, counts).padEnd(24)} ${shown}`,
      );
    }
  }
  console.log(`\nfirst load ${kb(built.first)} gz of 60, all ${kb(built.all)} gz of 120`);
  console.log(
    'A frame is the task of the main thread in which the browser runs scripts, style, layout and paint for it, from its trace.\n' +
      'Rastering runs in other threads; "shown every" is the time between two frames of the page and has it all, also what other\n' +
      'processes of this machine took.',
  );
  if (values.json) fs.writeFileSync(values.json, JSON.stringify({ measured, built, chromium: version }, null, 2));
}
