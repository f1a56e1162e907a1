// The answers of a job in a real Chromium, walked as a person would.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { differingWords } from '../src/answers/words.ts';
import { noBrowser, openPage } from './browser.ts';
import { sample } from './sample.ts';
import { startSite } from './site.ts';

const skip = noBrowser;
const database = await testDatabase();
if (!skip) await sample(database.client, { requests: 20 });
const site = skip ? { url: '' } : await startSite(database.url);

test('words that differ are told apart, however they are written', () => {
  const marked = (text: string, other: string) =>
    differingWords(text, other)
      .filter(({ differs }) => differs)
      .map(({ text }) => text.trim());
  assert.deepEqual(marked('The capital is Zurich.', 'The capital is Bern.'), ['Zurich.']);
  assert.deepEqual(marked('The capital, is bern', 'the capital is **Bern**.'), []);
  assert.deepEqual(marked('a b c d', 'b d'), ['a', 'c']);
  assert.equal(
    differingWords('one  two\nthree', 'x')
      .map(({ text }) => text)
      .join(''),
    'one  two\nthree',
  );
  const long = 'word '.repeat(50_000);
  assert.equal(differingWords(long, long).length, 1);
});

test('from the job to its answers: what differs first, who refuses, where they ran, and an answer is text', {
  skip,
}, async () => {
  const { page, complaints } = await openPage();
  const hostile = '<img src=x onerror="document.title=1"><b>bold</b>';
  await database.client.query(
    `update runner.executions set output_data = jsonb_build_object('answer', $1::text) where job_id = 7 and question like 'Who%'
     and region = 'us-east'`,
    [hostile],
  );
  await page.goto(`${site.url}/jobs/7`);
  await page.click('a:has-text("Answers")');
  const first = page.locator('.question-block').first();
  await first.waitFor();
  assert.match(String(await first.textContent()), /≠/);
  const switzerland = page.locator('.question-block', { hasText: 'Switzerland' }).filter({ hasText: 'qwen2.5-1.5b' });
  assert.match(String(await switzerland.textContent()), /2 of 3 say the same, 2 different answers/);
  assert.equal(await switzerland.locator('mark').textContent(), ' Zurich.');
  const refused = page.locator('.answer-group.refused').first();
  assert.match(String(await refused.textContent()), /refused · refusal-en[\s\S]*asia-south/);
  assert.match(String(await page.locator('.validity').textContent()), /in another region/);
  assert.ok((await page.locator('.said', { hasText: hostile }).count()) > 0, 'shown as it is');
  assert.equal(await page.locator('.said img').count(), 0);
  await page.click('text=differing');
  await page.waitForURL(/only=differing/);
  await page.waitForSelector('.sign:not(.differs)', { state: 'detached' });
  for (const text of await page.locator('.question-block h3').allTextContents()) assert.match(text, /≠/);
  await page.locator('.region').first().click();
  await page.waitForURL(/\/execution\/\d+/);
  await page.locator('.execution-answers .said').first().waitFor();
  assert.match(String(await page.locator('.execution-answers').textContent()), /tokens in/);
  assert.deepEqual(
    complaints.filter((line) => !/503/.test(line)),
    [],
  );
});
