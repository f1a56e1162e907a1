// A user's walk: submit a job, watch it finish, open what failed, read why, compare with one that did not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noBrowser, openPage } from '../packages/web/test/browser.ts';
import { startSite } from '../packages/web/test/site.ts';
import { System, systemDatabase } from './system.ts';

const REGIONS = ['us-east', 'eu-west'];

test('a job submitted in the browser is watched to its end, and its failure explained', {
  skip: noBrowser,
}, async () => {
  const database = await systemDatabase();
  const system = await System.start(database, { regions: REGIONS });
  await system.fault('eu-west', { fault: 'hang' });
  const site = await startSite(database.url, { RUNNER_URL: system.runner.url });
  const { page, complaints } = await openPage();

  await page.goto(`${site.url}/jobs`);
  await page.getByRole('button', { name: 'New job' }).waitFor();
  await page.keyboard.press('n');
  const form = page.getByRole('dialog', { name: 'New job' });
  for (const name of ['qwen2.5-1.5b', 'asia-southeast']) await form.getByRole('button', { name }).click();
  await form.getByLabel('Questions, one a line').fill('What is 2+2?\nWhat is 2+2?');
  await form.getByRole('button', { name: 'Submit' }).click();
  await form.getByText('“What is 2+2?” is there twice.').waitFor();
  await form.getByLabel('Questions, one a line').fill('What is 2+2?\nWhat is 7*6?');
  await form.getByText('4 executions').waitFor();
  await form.getByRole('button', { name: 'Submit' }).click();

  await page.waitForURL(/\/jobs\/\d+$/);
  await page.waitForFunction(() => document.querySelectorAll('.matrix .cell').length === 4);
  // It is seen to run, and ends without a touch of the page.
  await page.waitForSelector('.matrix .cell.bad >> nth=1');
  await page.waitForFunction(() => document.querySelectorAll('.matrix .cell.good').length === 2);
  await page.getByLabel('4 of 4 finished, 2 failed, 0 running').waitFor();
  await page.waitForSelector('.tag.bad:has-text("2 ×")');

  await page.waitForSelector('.matrix .cell.bad:not(.untraced)');
  await page.locator('.matrix .cell.bad:not(.untraced)').first().click();
  await page.waitForURL(/\/execution\/\d+/);
  await page.locator('.verdict-summary', { hasText: /gave up after|no complete answer/ }).waitFor();
  await page.goBack();
  await page.waitForSelector('.matrix .cell.good');
  await page.goto(`${site.url}/findings`);
  await page.waitForSelector('.finding:has-text("TIMEOUT")');
  await page.getByRole('link', { name: 'Open example' }).first().click();
  await page.waitForURL(/\/(?:execution|trace)\/.*span=[0-9a-f]{16}/);
  assert.deepEqual(complaints, []);
});
