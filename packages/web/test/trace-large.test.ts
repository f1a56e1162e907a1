// Large and hostile traces on the page of a trace.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { browser, noBrowser, openPage } from './browser.ts';
import { HOSTILE } from './hostile.ts';
import { startSite } from './site.ts';
import { storeTrace } from './trace-spans.ts';

const skip = noBrowser;
const database = await testDatabase();
const site = skip ? { url: '' } : await startSite(database.url);
if (!skip) await browser();

test('50,000 spans scroll to the end, and the last row is the last span', { skip }, async () => {
  const traceId = await storeTrace(database.client, 50_000, 500);
  const { page, complaints } = await openPage();
  await page.goto(`${site.url}/trace/${traceId}?fold=off`);
  await page.waitForSelector('.wf-row:not([hidden])', { timeout: 30_000 });
  assert.match((await page.textContent('.trace-facts')) ?? '', /50,000 spans/);
  assert.equal(await page.getAttribute('[role=treegrid]', 'aria-rowcount'), '50000');
  await page.evaluate(() => {
    const grid = document.querySelector('[role=treegrid]') as HTMLElement;
    grid.scrollTop = grid.scrollHeight;
  });
  const last = page.locator('.wf-row:not([hidden])[aria-rowindex="50000"]');
  await last.waitFor();
  assert.match((await last.textContent()) ?? '', /the last span/);
  const inView = await last.evaluate((row) => {
    const grid = (row.closest('[role=treegrid]') as HTMLElement).getBoundingClientRect();
    return row.getBoundingClientRect().bottom <= grid.bottom + 1;
  });
  assert.ok(inView, 'the last row is inside the view');
  assert.ok((await page.locator('.wf-row').count()) < 80, 'rows are recycled');
  await page.keyboard.press('Home');
  await page.keyboard.press('e');
  await page.waitForSelector('.wf-row.selected >> text=no answer in time');
  assert.deepEqual(complaints, []);
});

test('fifty hostile texts in names, attributes and errors are text', { skip }, async () => {
  const spans = HOSTILE.map((text, n) => ({ n: n + 1, text: text.replaceAll('\0', '') }));
  await database.client.query(
    `insert into beacon.trace_spans (trace_id, span_id, parent_span_id, service, operation, status, started_at, completed_at,
       duration_ms, execution_id, error_type, error_message, metadata, events)
     select md5('hostile')::uuid, decode(lpad(to_hex(n), 16, '0'), 'hex'), case when n > 1 then decode(lpad('1', 16, '0'), 'hex') end,
       coalesce(nullif(left(text, 60), ''), 'empty'), coalesce(nullif(text, ''), 'empty'), 'failed', now() - interval '1 minute' + n * interval '1 ms',
       now() - interval '1 minute' + (n + 20) * interval '1 ms', 20, 501, left(text, 80), text, jsonb_build_object('attack', text, left(text, 60), 1),
       jsonb_build_array(jsonb_build_object('name', text, 'time', '1700000000000000000', 'attributes', jsonb_build_object('x', text)))
     from jsonb_to_recordset($1::jsonb) as s (n int, text text)`,
    [JSON.stringify(spans)],
  );
  await database.client.query(`select beacon.recount_traces(array[md5('hostile')::uuid])`);
  // Each panel waits until one rests on a span: several pages at once wait together.
  const each = 13;
  const parts = Array.from({ length: Math.ceil(spans.length / each) }, (_, n) => spans.slice(n * each, (n + 1) * each));
  await Promise.all(parts.map((part) => walk(part)));
});

/** Goes through spans in their panel, and then through the other views. */
async function walk(spans: { n: number; text: string }[]): Promise<void> {
  const { page, complaints } = await openPage({ height: 1800 });
  const alerts: string[] = [];
  page.on('dialog', (dialog) => {
    alerts.push(dialog.message());
    void dialog.dismiss();
  });
  const first = `${spans[0]?.n.toString(16)}`.padStart(16, '0');
  await page.goto(`${site.url}/execution/501?panel=1&fold=off&span=${first}`);
  await page.waitForSelector('.verdict-summary');
  for (const { n, text } of spans) {
    if (n !== spans[0]?.n) await page.keyboard.press('ArrowDown');
    // The details say it letter by letter: name, error, attribute, event.
    await page.waitForFunction((wanted) => {
      const texts = (selector: string) => [...document.querySelectorAll(selector)].map((each) => each.textContent);
      const values = texts('.span-details .entry-value').filter((value) => value === wanted);
      const names = texts('.span-panel :is(.span-name, .events strong)').filter((name) => name === wanted);
      return values.length === 2 && names.length === 2 && texts('.span-error')[0]?.endsWith(wanted);
    }, text);
  }
  for (const tab of ['Flame', 'Own time', 'Critical path', 'Compare']) await page.click(`[role=tab] >> text=${tab}`);
  const strays = await page.evaluate(
    () =>
      document.querySelectorAll('main :is(script, iframe, object, embed, base, link, style, form, video, math, img)')
        .length,
  );
  assert.deepEqual([alerts, strays, complaints], [[], 0, []]);
}
