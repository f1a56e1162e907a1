// What a user does in the very moment something appears, and what an answer that comes late must not undo.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draw, testDatabase } from '@project-beacon/testkit';
import type { Page, Route } from 'playwright-core';
import { noBrowser, openPage } from './browser.ts';
import { startSite } from './site.ts';

const skip = noBrowser;
const { client, url } = await testDatabase();
const site = skip ? { url: '' } : await startSite(url);
const drawn = await draw(client, 'app work |=======|\n  app step | ====  |', { execution: 9 });

/** Runs in the page as soon as an element stands, before anything of it can be painted. */
async function asSoonAs(page: Page, selector: string, run: string): Promise<void> {
  // As text: the page's policy allows no function to be made from a string.
  await page.addInitScript(`
    const look = new MutationObserver(() => {
      const element = document.querySelector(${JSON.stringify(selector)});
      if (!element) return;
      look.disconnect();
      ${run}
    });
    look.observe(document, { childList: true, subtree: true });`);
}

/** Holds the requests for an address until they are let go. */
async function hold(page: Page, address: string | RegExp, when: (route: Route) => boolean = () => true) {
  const { promise: free, resolve: letGo } = Promise.withResolvers<void>();
  const { promise: came, resolve: come } = Promise.withResolvers<void>();
  await page.route(address, async (route) => {
    if (when(route)) {
      come();
      await free;
    }
    await route.continue();
  });
  return { came, letGo };
}

const TYPE = `element.value = 'typed'; element.dispatchEvent(new InputEvent('input', { bubbles: true }));`;

for (const [what, address, selector] of [
  ['the filter', '/explore?from=1h', '.filter-bar input'],
  ['the console', '/sql?sql=select+1', '.editor textarea'],
] as const) {
  test(`${what} keeps what is typed in the moment it appears`, { skip }, async () => {
    const { page } = await openPage();
    await asSoonAs(page, selector, TYPE);
    await page.goto(site.url + address);
    await page.waitForSelector('.loaded:not(.reloading)');
    assert.equal(await page.inputValue(selector), 'typed');
  });
}

test('a dialog is open with the key that opens it, so that the next key is meant for it', { skip }, async () => {
  const { page } = await openPage();
  await page.goto(`${site.url}/explore`);
  await page.waitForSelector('.heatmap canvas');
  const isOpen = await page.evaluate(async () => {
    dispatchEvent(new KeyboardEvent('keydown', { key: '?' }));
    // Rendering waits for the end of the event, painting for longer.
    await Promise.resolve();
    await Promise.resolve();
    return document.querySelector('dialog')?.open;
  });
  assert.equal(isOpen, true);
});

test('the waterfall takes the pointer in the moment it appears', { skip }, async () => {
  const { page } = await openPage();
  await asSoonAs(page, '.wf-bars canvas', `element.dispatchEvent(new MouseEvent('dblclick'));`);
  await page.goto(`${site.url}/trace/${drawn.traceId}?zoom=0.25-0.5`);
  await page.waitForURL((address) => !address.search.includes('zoom'));
});

test('what is still shown of another question says at once that it is', { skip }, async () => {
  const { page } = await openPage();
  await page.goto(`${site.url}/explore?from=1h`);
  await page.waitForSelector('.heat-room .loaded:not(.reloading) canvas');
  const told = await page.evaluate(async () => {
    const select = document.querySelector('.range select') as HTMLSelectElement;
    select.value = '7d';
    select.dispatchEvent(new Event('change', { bubbles: true }));
    await Promise.resolve();
    await Promise.resolve();
    return document.querySelector('.heat-room .loaded')?.className;
  });
  assert.equal(told, 'loaded reloading');
});

test('suggestions that come late do not change what is being chosen', { skip }, async () => {
  const { page } = await openPage();
  await page.goto(`${site.url}/explore`);
  const filter = page.getByLabel('Filter', { exact: true });
  await filter.pressSequentially('s');
  const options = page.locator('.filter-bar [role=option]');
  await options.nth(1).waitFor();
  const chosen = await options.nth(1).locator('span').first().textContent();
  const late = await hold(page, /attribute-keys/);
  await filter.pressSequentially('tat');
  await late.came;
  await filter.press('ArrowDown');
  await filter.press('ArrowDown');
  const arrived = page.waitForResponse(/attribute-keys/);
  late.letGo();
  await (await arrived).finished();
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
  await filter.press('Enter');
  assert.match(await filter.inputValue(), new RegExp(`^${chosen}`));
});

test('a refusal that comes late does not take away the token that was given meanwhile', { skip }, async () => {
  const guarded = await startSite(url, { BEACON_TOKEN: 'let-me-in' });
  const { page } = await openPage();
  const late = await hold(page, /api\/v1\/services/, (route) => !route.request().headers().authorization);
  await page.goto(`${guarded.url}/explore`);
  await late.came;
  await page.getByLabel('Token', { exact: true }).fill('let-me-in');
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.waitForSelector('a:has-text("work")');
  const refused = page.waitForResponse((response) => response.status() === 401);
  late.letGo();
  await (await refused).finished();
  await page.reload();
  await page.waitForSelector('a:has-text("work")');
});
