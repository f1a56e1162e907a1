// What goes wrong: hostile data, a token that is asked for, a server that goes and comes back, a database without a span.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draw, testDatabase } from '@project-beacon/testkit';
import { noBrowser, openPage } from './browser.ts';
import { HOSTILE, plantHostile } from './hostile.ts';
import { startSite } from './site.ts';

const skip = noBrowser;

test('fifty hostile names, attributes and errors are text on every page', { skip }, async () => {
  const { client, url } = await testDatabase();
  await plantHostile(client);
  const site = await startSite(url);
  const { page, complaints } = await openPage();
  await page.addInitScript(() => {
    Object.assign(globalThis, { owned: 0, alert: () => Object.assign(globalThis, { owned: 1 }) });
  });
  assert.equal(HOSTILE.length, 50);
  const [first] = HOSTILE as [string];
  for (const [address, texts] of [
    ['/explore', HOSTILE],
    ['/explore?order=errors&sel=0,4000000000000,0,', HOSTILE],
    ['/services', HOSTILE],
    [`/services?service=${encodeURIComponent(first)}`, HOSTILE],
    ['/findings', HOSTILE],
    ['/jobs', HOSTILE],
    [`/jobs/${encodeURIComponent(first)}`, [first]],
    ['/tracing', HOSTILE],
    [`/sql?sql=${encodeURIComponent('select service, operation, error_message, metadata from trace_spans')}`, HOSTILE],
  ] as const) {
    await page.goto(site.url + address);
    await page.waitForFunction(
      () => document.querySelector('main .loaded') && !document.querySelector('main :is(.loading, .reloading)'),
    );
    // Each is there to be seen, letter by letter.
    const seen = `${await page.locator('main').textContent()}`;
    assert.deepEqual(
      texts.filter((each) => !seen.includes(each.trim())),
      [],
      address,
    );
    const harm = await page.evaluate(() => ({
      owned: (globalThis as unknown as { owned: number }).owned,
      elements: document.querySelectorAll(
        'main :is(script, iframe, object, embed, img, base, meta, link, form[action], [onerror], [onload], [onclick], a[href^="javascript:" i], a[href^="data:" i])',
      ).length,
    }));
    assert.deepEqual(harm, { owned: 0, elements: 0 }, address);
  }
  assert.deepEqual(
    complaints.filter((each) => !/status of 40\d/.test(each)),
    [],
  );
});

test('a server with a token asks for it once, and forgets it with the tab', { skip }, async () => {
  const { client, url } = await testDatabase();
  await draw(client, 'runner execution.run |====x| kind=consumer error=boom');
  const site = await startSite(url, { BEACON_TOKEN: 'let-me-in' });
  const { page } = await openPage();
  await page.goto(`${site.url}/explore`);
  const field = page.getByLabel('Token', { exact: true });
  await field.fill('wrong');
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.waitForSelector('dialog:has-text("token")');
  await page.getByLabel('Token', { exact: true }).fill('let-me-in');
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.waitForSelector('a:has-text("execution.run")');
  await page.waitForSelector('dialog', { state: 'detached' });
  await page.reload();
  await page.waitForSelector('a:has-text("execution.run")');
  const { page: other } = await openPage();
  await other.goto(`${site.url}/explore`);
  await other.getByLabel('Token', { exact: true }).waitFor();
});

test('a server that is gone is said to be gone, and the page goes on when it is back', { skip }, async () => {
  const { client, url } = await testDatabase();
  await draw(client, 'runner first.run |=====|');
  const site = await startSite(url);
  const { page } = await openPage();
  await page.goto(`${site.url}/explore`);
  await page.waitForSelector('a:has-text("first.run")');
  await site.kill();
  await page.getByLabel('Range of time').selectOption('7d');
  await page.waitForSelector('.banner:has-text("does not answer")');
  await draw(client, 'runner second.run |=====|');
  await startSite(url, {}, Number(new URL(site.url).port));
  await page.waitForSelector('.banner', { state: 'detached' });
  await page.waitForSelector('a:has-text("second.run")');
});

test('without a span the page says how to send the first one to this server, and opens it when it comes', {
  skip,
}, async () => {
  const { url } = await testDatabase();
  const site = await startSite(url);
  const { page } = await openPage();
  await page.goto(`${site.url}/`);
  await page.waitForSelector('h1:has-text("No span has arrived yet")');
  await page.getByRole('button', { name: 'Any language, OTLP' }).click();
  await page.waitForSelector(`pre:has-text("${site.otlp}")`);
  await page.getByRole('button', { name: 'Run the doctor' }).click();
  await page.waitForSelector('.hop');
  const now = Date.now() * 1e6;
  const span = {
    traceId: 'ab'.repeat(16),
    spanId: 'cd'.repeat(8),
    name: 'hello',
    startTimeUnixNano: `${now}`,
    endTimeUnixNano: `${now + 1e6}`,
  };
  const sent = await fetch(`${site.otlp}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ resourceSpans: [{ resource: { attributes: [] }, scopeSpans: [{ spans: [span] }] }] }),
  });
  assert.equal(sent.status, 200);
  await page.waitForURL(/\/trace\/(?:ab|-){16,20}/);
});
