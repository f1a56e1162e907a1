// The page of an execution in a real Chromium, over a real server and database.
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { draw, testDatabase } from '@project-beacon/testkit';
import type { Page } from 'playwright-core';
import { browser, noBrowser, openPage } from './browser.ts';
import { startSite } from './site.ts';

const skip = noBrowser;
const database = await testDatabase();
const site = skip ? { url: '' } : await startSite(database.url);

const CALL = (mark: string, notes: string) => `
runner execution.run          |===================${mark}| kind=consumer region=eu-west model=llama-3.2-1b beacon.attempt=1 ${notes}
  runner POST                 | =================${mark} | kind=client ${notes}
    router POST /inference    |  ===============${mark}  | kind=server ${notes}
      router auth.check       |  ==                |
      inference generate      |     ============${mark}  | kind=server gen_ai.usage.output_tokens=12 ${notes}
`;
const MEMORY = 'error=out_of_memory message="CUDA error: out of memory"';
const at = (minutes: number) => new Date(Date.now() - minutes * 60_000);
if (!skip) {
  await browser();
  for (let n = 0; n < 4; n++)
    await draw(database.client, CALL('=', ''), { execution: 100 + n, job: '7', at: at(30 - n) });
  await draw(database.client, CALL('x', MEMORY), { execution: 200, job: '7', at: at(9) });
  await draw(database.client, CALL('x', MEMORY), { execution: 201, job: '7', at: at(8) });
  await draw(database.client, CALL('=', ''), { execution: 201, job: '7', at: at(7) });
  await database.client.query('select beacon.name_services()');
  await database.client.query('analyze');
}

async function open(address: string, options: Parameters<typeof openPage>[0] = {}) {
  const opened = await openPage(options);
  await opened.page.goto(site.url + address);
  await opened.page.waitForSelector('.wf-row:not([hidden])');
  return opened;
}

/** Waits until an element says something. */
async function says(page: Page, selector: string, words: RegExp): Promise<void> {
  await page.locator(selector, { hasText: words }).first().waitFor();
}

/** Operations on screen, from top to bottom. */
function rows(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('.wf-row:not([hidden])')]
      .sort((a, b) => Number(a.ariaRowIndex) - Number(b.ariaRowIndex))
      .map((row) => row.querySelector('.wf-operation')?.textContent ?? ''),
  );
}

/** What a screen reader is told of the row that has the keyboard. */
function active(page: Page): Promise<string> {
  return page.evaluate(() => {
    const id = document.querySelector('[role=treegrid]')?.getAttribute('aria-activedescendant');
    return document.getElementById(id ?? '')?.textContent ?? '';
  });
}

test('a failing execution says why, and its evidence is shown in the picture', { skip }, async () => {
  const { page, complaints } = await open('/execution/200');
  await page.waitForSelector('.verdict-facts');
  await says(page, '.verdict-summary', /inference: ran out of memory/);
  await says(page, '.verdict-do', /What to do/);
  await says(page, '.confidence', /\d+ % sure/);
  await page.click('text=/Show the .* it rests on/');
  await page.waitForSelector('.wf-row.proof.selected');
  assert.match(await active(page), /generate.*out_of_memory.*evidence of the verdict/);
  await page.waitForSelector('.span-panel >> text=gen_ai.usage.output_tokens');
  await says(page, '.span-panel .peers', /of this operation in the day before/);
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=Export')]);
  const file = JSON.parse(fs.readFileSync(await download.path(), 'utf8'));
  assert.ok(file.resourceSpans.length > 0, 'one OTLP file');
  await page.click('.trace-tools >> text=SQL');
  await says(page, 'dialog', /beacon waterfall [0-9a-f]{32}/);
  assert.deepEqual(complaints, []);
});

test('compared with a success it says what differs and how long both took', { skip }, async () => {
  const { page } = await open('/execution/200');
  await page.click('text=Compare >> nth=0');
  await page.click('.trace-main >> text=/^Execution 10\\d$/ >> nth=0');
  await page.waitForSelector('.comparison');
  await says(page, '.comparison-ends', /200 ms completed[\s\S]*200 ms failed/);
  await says(page, '.comparison-tally', /4 ended otherwise/);
  await page.waitForURL(/view=compare.*with=|with=.*view=compare/);
});

test('beside the usual of seven days each operation says how many times that it took, or that nothing is known', {
  skip,
}, async () => {
  const row = (name: string, ms: string) => `app ${name.padEnd(12)} |${ms.padEnd(40)}| kind=server`;
  const drawn = (name: string, ms: string, minutes: number) =>
    draw(database.client, row(name, ms), { execution: null, at: at(minutes) });
  for (let n = 0; n < 20; n++) await drawn('cart.price', '====', 60 + n);
  await database.client.query(`update beacon.traces set updated_at = now() - interval '1 minute'`);
  await database.client.query('select beacon.settle_baselines()');
  const { traceId } = await draw(
    database.client,
    `${row('cart.price', '='.repeat(40))}\n  ${row('cart.gift', '  ==')}`,
    { execution: null, at: at(2) },
  );
  const { page } = await openPage();
  await page.goto(`${site.url}/trace/${traceId}?view=compare`);
  await page.waitForSelector('td:has-text("no baseline yet")');
  const said = await page
    .locator('.panel tbody tr')
    .evaluateAll((rows) =>
      rows.map((each) => [...(each as HTMLTableRowElement).cells].slice(0, 4).map((cell) => cell.textContent?.trim())),
    );
  assert.match(`${said[0]}`, /^appcart\.price,\d\d ms,400 ms,(?:9\.\d|1\d) × slower$/);
  assert.deepEqual(said[1], ['appcart.gift', '–', '20 ms', 'no baseline yet']);
  await page.getByText('One operation is slower than usual').waitFor();
  await page.getByRole('button', { name: 'cart.gift' }).click();
  await page.waitForSelector('.span-name:has-text("cart.gift")');
  await page.goto(`${site.url}/compare?b=${traceId}`);
  await page.getByRole('button', { name: 'cart.price' }).click();
  await page.waitForURL(/\/trace\/.*span=[0-9a-f]{16}/);
  await page.waitForSelector('.span-name:has-text("cart.price")');
});

test('a shared link opens the same view: filter, zoom, closed rows, selection, details', { skip }, async () => {
  const { page } = await open('/execution/200');
  await page.fill('[data-filter]', 'service=router');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('w');
  await page.click('.wf-row.selected .wf-name');
  await page.waitForSelector('.span-panel');
  await page.click('text=Share');
  await page.waitForSelector('text=/^Copied: a link/');
  const link = await page.evaluate(() => navigator.clipboard.readText());
  const before = { rows: await rows(page), active: await active(page) };
  assert.deepEqual(before.rows, ['execution.run', 'POST', 'POST /inference']);
  const { page: other } = await open(link.replace(site.url, ''));
  await other.waitForSelector('.span-panel');
  assert.deepEqual({ rows: await rows(other), active: await active(other) }, before);
  assert.equal(await other.inputValue('[data-filter]'), 'service=router');
  await says(other, '#trace-filter-says', /1 of 2/);
  await other.waitForSelector('text=Reset zoom');
});

test('by keyboard alone: rows, errors, critical path, matches, levels, subtree, details', { skip }, async () => {
  const { page } = await open('/execution/200');
  const press = async (...keys: string[]) => {
    for (const key of keys) await page.keyboard.press(key);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  };
  await press('ArrowDown');
  assert.match(await active(page), /^execution\.run.*starts 0 µs.*lasts 200 ms.*failed.*on the critical path/);
  await press('End');
  assert.match(await active(page), /^generate/);
  await press('Home', 'e');
  assert.match(await active(page), /^POSTrunner|^POST/);
  await press('E');
  assert.match(await active(page), /^execution\.run/);
  await press('ArrowLeft');
  assert.deepEqual(await rows(page), ['execution.run']);
  await press('ArrowRight', '[');
  assert.ok((await rows(page)).length < 5);
  await press(']', ']');
  assert.equal((await rows(page)).length, 5);
  await press('/', ...'auth', 'Enter', 'Escape', 'f');
  assert.deepEqual(await rows(page), ['auth.check']);
  await press('f', 'c');
  assert.equal((await rows(page)).length, 5);
  assert.match(await active(page), /critical path/);
  await page.focus('[role=treegrid]');
  await press('Enter');
  await page.waitForSelector('.span-panel');
  await press('Escape');
  await page.waitForSelector('.span-panel', { state: 'detached' });
  await press('w', 'w', 'd');
  await page.waitForSelector('text=Reset zoom');
  await press('?');
  await says(page, 'dialog', /next error/);
});

test('attempts of one execution are told apart, and evidence leads to the one it lies in', { skip }, async () => {
  const { page } = await open('/execution/201');
  await page.waitForSelector('.attempts button >> text=/failed/');
  await says(page, '.attempts', /2 traces[\s\S]*1[\s\S]*failed[\s\S]*2[\s\S]*completed[\s\S]*newest/);
  await says(page, '.verdict-summary', /went well in the end/);
  await page.click('text=/Show the .* in another attempt/');
  await page.waitForSelector('.wf-row.proof.selected');
  assert.match(page.url(), /\/execution\/201\?.*trace=/);
});

test('a trace that names no execution has a verdict too', { skip }, async () => {
  const { traceId } = await draw(database.client, CALL('x', MEMORY), { execution: null, at: at(5) });
  const { page } = await open(`/trace/${traceId}`);
  await page.waitForSelector('.verdict-facts');
  await says(page, '.verdict-summary', /inference: ran out of memory/);
});

test('an execution without a trace says why, and offers the doctor', { skip }, async () => {
  const { page } = await openPage();
  await page.goto(`${site.url}/execution/424242`);
  await page.waitForSelector('text=/has no span/');
  await page.click('text=Run the doctor');
  await page.waitForSelector('.panel table tbody tr');
});

test('a trace that still runs grows on the page, and ends there', { skip }, async () => {
  const { traceId } = await draw(database.client, 'app work |====>|\n  app step |===>|', { execution: 300, at: at(0) });
  const { page } = await open('/execution/300');
  await page.waitForSelector('text=/2 spans are still running/');
  await database.client.query(
    `update beacon.trace_spans set status = 'completed', completed_at = started_at + interval '70 ms', duration_ms = 70 where trace_id = $1`,
    [traceId],
  );
  await database.client.query('select beacon.recount_traces(array[$1]::uuid[])', [traceId]);
  await page.waitForSelector('.trace-title .tag.ok');
  await page.waitForSelector('text=/still running/', { state: 'detached' });
});

const AXE = fs.readFileSync(new URL(import.meta.resolve('axe-core/axe.min.js')), 'utf8');

for (const [theme, width] of [
  ['light', 1280],
  ['dark', 390],
] as const) {
  test(`no view has a violation of accessibility or is wider than the screen, ${theme}, ${width} pixels`, {
    skip,
  }, async () => {
    const { page, complaints } = await open('/execution/200?panel=1', { theme, width });
    for (const view of ['waterfall', 'flame', 'self', 'path', 'compare'] as const) {
      await page.click(`[role=tab] >> nth=${['waterfall', 'flame', 'self', 'path', 'compare'].indexOf(view)}`);
      if (view === 'waterfall') await page.click('.wf-row:not([hidden]) .wf-name >> nth=0');
      await page.waitForSelector(
        { waterfall: '.span-panel .entries', flame: '.flame canvas' }[view as string] ?? '.trace-main td',
      );
      await page.evaluate(AXE);
      const found = await page.evaluate(async () => {
        const { axe } = globalThis as unknown as { axe: typeof import('axe-core') };
        const { violations } = await axe.run(document);
        return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`);
      });
      assert.deepEqual(found, [], view);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width, view);
    }
    assert.deepEqual(complaints, []);
  });
}
