// Every page in a real Chromium: nothing is complained about, everybody can use it, its address says what it shows.
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import type { Page } from 'playwright-core';
import { noBrowser, openPage } from './browser.ts';
import { sample } from './sample.ts';
import { startSite } from './site.ts';

const skip = noBrowser;
const database = await testDatabase();
if (!skip) await sample(database.client, { requests: 300 });
const site = skip ? { url: '' } : await startSite(database.url);

const PAGES = [
  ['/jobs', '.progress-bar'],
  ['/jobs?new=1', 'dialog textarea'],
  ['/jobs/7', '.matrix .cell'],
  ['/jobs/3?colour=agreement', '.cell.differs'],
  ['/jobs/7/answers', '.question-block'],
  ['/explore', '.heatmap canvas'],
  ['/explore?q=service%3Dcheckout&live=1', 'text=Live'],
  ['/services?service=gateway', 'svg.graph'],
  ['/findings', '.finding'],
  ['/tracing', '.partitions li'],
  ['/compare', 'text=A trace is needed'],
  ['/sql?sql=select+1+as+one', '.result td'],
] as const;

const AXE = fs.readFileSync(new URL(import.meta.resolve('axe-core/axe.min.js')), 'utf8');

/** Violations of WCAG 2 A and AA and of good practice, as axe finds them. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') };
    const found = await axe.run(document);
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
  });
}

for (const theme of ['light', 'dark'] as const) {
  test(`no page has a violation of accessibility or an error, ${theme}`, { skip }, async () => {
    const { page, complaints } = await openPage({ theme });
    for (const [address, sign] of PAGES) {
      await page.goto(site.url + address);
      await page.waitForSelector(sign);
      assert.deepEqual(await violations(page), [], address);
    }
    assert.deepEqual(complaints, []);
  });
}

test('at 390 pixels no page is wider than the screen', { skip }, async () => {
  const { page } = await openPage({ width: 390, height: 844 });
  for (const [address, sign] of PAGES) {
    await page.goto(site.url + address);
    await page.waitForSelector(sign);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.equal(width, 390, address);
  }
});

test('the keyboard alone leads from page to page, to the filter, into a job and to a failing execution', {
  skip,
}, async () => {
  const { page } = await openPage();
  await page.goto(`${site.url}/`);
  await page.waitForSelector('h1:has-text("Jobs")');
  for (const [keys, title] of [
    ['ge', 'Explore'],
    ['gs', 'Services'],
    ['gf', 'Findings'],
    ['gh', 'Health'],
    ['gq', 'SQL'],
    ['gj', 'Jobs'],
  ] as const) {
    for (const key of keys) await page.keyboard.press(key);
    await page.waitForSelector(`h1:has-text("${title}")`);
  }
  await page.keyboard.press('?');
  await page.waitForSelector('dialog:has-text("these keys")');
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', { state: 'detached' });
  await page.locator('section[aria-label="Jobs"]').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.matrix .cell');
  assert.equal(new URL(page.url()).pathname, '/jobs/7');
  await page.locator('section[aria-label="Matrix"]').focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowDown');
  const label = await page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
  assert.match(`${label}`, /^Execution \d+: failed: CONFIGURATION_ERROR, 14 ms$/);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/execution\/\d+/);
  for (const key of 'ge') await page.keyboard.press(key);
  await page.waitForSelector('h1:has-text("Explore")');
  await page.keyboard.press('/');
  await page.keyboard.type('stat');
  await page.waitForSelector('[role=option]:first-child:has-text("status")');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.keyboard.type('time');
  await page.waitForSelector('[role=option]:first-child:has-text("timeout")');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForURL(/q=status%3Dtimeout/);
});

test('a key pressed in the moment its page appears counts', { skip }, async () => {
  const { page } = await openPage();
  // Before the page can paint: an observer is told as soon as the elements stand.
  await page.addInitScript(() => {
    const look = new MutationObserver(() => {
      if (document.querySelector('.page-head .primary')?.textContent !== 'New job') return;
      look.disconnect();
      dispatchEvent(new KeyboardEvent('keydown', { key: 'n' }));
    });
    look.observe(document, { childList: true, subtree: true });
  });
  await page.goto(`${site.url}/jobs`);
  await page.getByRole('dialog', { name: 'New job' }).waitFor();
});

test('an address opened elsewhere shows the same', { skip }, async () => {
  const { page } = await openPage();
  await page.goto(`${site.url}/explore`);
  await page.waitForSelector('.heatmap canvas');
  await page.getByLabel('Filter', { exact: true }).fill('service=checkout region=eu-west');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Slowest 5 %' }).click();
  await page.waitForSelector('.differences li');
  await page.getByLabel('Range of time').selectOption('7d');
  await page.waitForSelector('.differences li');
  const shown = async (at: Page) => {
    await at.waitForSelector('.loaded:not(.reloading) .differences li');
    return {
      filter: await at.getByLabel('Filter', { exact: true }).inputValue(),
      range: await at.getByLabel('Range of time').inputValue(),
      differences: await at.locator('.difference-key').allInnerTexts(),
    };
  };
  const here = await shown(page);
  assert.equal(here.range, '7d');
  const { page: other } = await openPage({ theme: 'dark' });
  await other.goto(page.url());
  assert.deepEqual(await shown(other), here);
});

test('every panel shows its SQL and the same question for the command line and MCP', { skip }, async () => {
  const { page } = await openPage();
  await page.goto(`${site.url}/explore?q=service%3Dcheckout`);
  await page.waitForSelector('.heatmap canvas');
  const panels = await page.getByRole('button', { name: 'SQL' }).count();
  assert.equal(panels, 3);
  for (let i = 0; i < panels; i++) {
    await page.getByRole('button', { name: 'SQL' }).nth(i).click();
    const dialog = page.locator('dialog');
    await dialog.locator('pre', { hasText: 'select' }).waitFor();
    const text = `${await dialog.textContent()}`;
    assert.match(text, /beacon (?:series|heatmap|search) .*--q service=checkout/);
    if (!/series|heatmap/.test(text)) assert.match(text, /"name": "search_traces"/);
    assert.match(text, /\$\d+ = "checkout"/);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  }
});
