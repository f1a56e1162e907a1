// The first look: which range a page opens on where its address names none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draw, testDatabase } from '@project-beacon/testkit';
import type { Page } from 'playwright-core';
import { noBrowser, openPage } from './browser.ts';
import { startSite } from './site.ts';

const skip = noBrowser;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A server over traces that began so long ago, and the questions its page asks. */
async function opened(ages: number[], address = '/explore') {
  const { client, url } = await testDatabase();
  for (const age of ages) await draw(client, 'app work |====|', { execution: null, at: new Date(Date.now() - age) });
  const site = await startSite(url);
  const { page, complaints } = await openPage();
  const asked: URL[] = [];
  page.on('request', (request) => asked.push(new URL(request.url())));
  await page.goto(site.url + address);
  await page.waitForSelector('.heatmap canvas');
  const operations = (name: string) => asked.filter(({ pathname }) => pathname === `/api/v1/${name}`);
  return { page, complaints, operations, site };
}

function range(page: Page): URLSearchParams {
  return new URL(page.url()).searchParams;
}

const chosen = (page: Page) => page.getByLabel('Range of time').inputValue();

test('a system of some minutes opens on a quarter of an hour, and is asked each question once', { skip }, async () => {
  const { page, complaints, operations } = await opened([200 * HOUR, 4 * MINUTE, MINUTE]);
  assert.equal(await chosen(page), '15m');
  assert.equal(range(page).get('from'), '15m', 'the address says it');
  await page.waitForSelector('.range-why:has-text("Chosen to fit: the first trace of the last 24 hours began")');
  await page.waitForSelector('table a[href^="/trace/"]');
  for (const name of ['extent', 'heatmap', 'series', 'search'])
    assert.deepEqual([name, operations(name).length], [name, 1]);
  assert.equal(operations('heatmap')[0]?.searchParams.get('from'), '15m');
  // Other pages choose for themselves, until the user does; a choice is not announced to the one who made it.
  await page.waitForSelector('nav a[href="/services"]');
  await page.getByLabel('Range of time').selectOption('1h');
  await page.waitForURL(/from=1h/);
  await page.waitForSelector('.range-why', { state: 'detached' });
  await page.waitForSelector('nav a[href="/services?from=1h"]');
  assert.deepEqual(complaints, []);
});

test('where the last trace is days old, the page opens on the time that had some', { skip }, async () => {
  const { page } = await opened([75 * HOUR, 74 * HOUR + 30 * MINUTE]);
  const [from, to] = [range(page).get('from'), range(page).get('to')].map((text) => Date.parse(`${text}`));
  assert.equal((to as number) - (from as number), HOUR);
  assert.equal(await chosen(page), 'custom');
  await page.waitForSelector('.range-why:has-text("nothing in the last 24 hours, the newest trace began")');
  await page.getByRole('heading', { name: '2 traces' }).waitFor();
});

test('the range of the address wins, and a shared address shows the same', { skip }, async () => {
  const { page, operations, site } = await opened([MINUTE], '/explore?from=7d');
  assert.equal(await chosen(page), '7d');
  assert.equal(operations('extent').length, 0);
  assert.equal(await page.locator('.range-why').count(), 0);
  // It goes along to other pages; those choose as well where none was made.
  await page.getByRole('link', { name: 'Services' }).click();
  await page.waitForSelector('h1:has-text("Services")');
  assert.equal(await chosen(page), '7d');
  await page.goto(`${site.url}/services`);
  await page.waitForURL(/from=15m/);
  const { page: other } = await openPage();
  await other.goto(page.url());
  await other.waitForSelector('h1:has-text("Services")');
  assert.equal(await chosen(other), '15m');
});

test('a range with nothing in it says, once in each panel, where the nearest traces are', { skip }, async () => {
  const { client, url } = await testDatabase();
  const at = new Date(Date.now() - 75 * HOUR);
  await draw(client, 'app work |====|', { execution: null, at });
  const site = await startSite(url);
  const { page } = await openPage();
  const told = `the newest trace before it began at ${at.toISOString().slice(0, 16)}`;
  const panel = (title: string) => page.locator('section.panel', { has: page.locator(`h2:has-text("${title}")`) });
  await page.goto(`${site.url}/explore?from=2h`);
  for (const title of ['Latency', 'traces', 'Rate, errors, duration']) {
    await panel(title).getByText(told).waitFor();
    assert.equal(await panel(title).getByText(told).count(), 1, title);
  }
  await page.goto(`${site.url}/services?from=2h`);
  await panel('All services').getByText(told).waitFor();
  assert.equal(await panel('All services').getByText(told).count(), 1);
  await page.goto(`${site.url}/findings?from=2h`);
  await panel('causes').getByText(told).waitFor();
  await page.goto(`${site.url}/explore?from=2h&q=${encodeURIComponent('service=app')}`);
  await page.getByText('a span that fits began before it, at').first().waitFor();
});
