// Walks through two jobs beside each other, and through a rule from made to silenced to removed, in a real Chromium.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { noBrowser, openPage } from './browser.ts';
import { startSite } from './site.ts';

const skip = noBrowser;
const { client, url } = await testDatabase();
if (!skip) {
  await client.query(
    `insert into beacon.answers (execution_id, job_id, model_id, region, question_id, question, status, error_type, verdict, answer,
       answer_chars, answer_group, latency_ms, started_at, finished_at, source)
     select j * 100 + r * 30 + q, 'job-' || j, 'm', (array['eu-west', 'us-east'])[r], 'q' || q, 'What is 7 times ' || q || '?',
       case when fails then 'failed' else 'completed' end, case when fails then 'timeout' end, case when fails then 'NETWORK_TIMEOUT' end,
       case when not fails then '<b>' || 7 * q || '</b>' end, case when not fails then 2 end, case when not fails then q end, 400 * j + q,
       now(), now(), 'runner'
     from generate_series(1, 2) j, generate_series(1, 2) r, generate_series(0, 9) q
     cross join lateral (select j = 2 and r = 2 and q in (3, 4) as fails) f`,
  );
  await client.query(`select beacon.alert_target('on-call', 'webhook', 'http://127.0.0.1:1/')`);
}
const site = skip ? { url: '' } : await startSite(url);

test('a job against the one before: how many regressions, why, and whether it is slower', { skip }, async () => {
  const { page, complaints } = await openPage();
  await page.goto(`${site.url}/compare-jobs`);
  await page.getByLabel('Old job').fill('job-1');
  await page.getByLabel('New job').fill('job-2');
  await page.getByRole('button', { name: 'Compare' }).click();
  await page.waitForSelector('text=2 regressions');
  await page.waitForSelector('text=Causes of what newly fails: NETWORK_TIMEOUT (2).');
  await page.waitForSelector('text=latency of job-2 is 400 ms higher than that of job-1, over 10 questions.');
  await page.waitForSelector('td:has-text("infrastructure, NETWORK_TIMEOUT")');
  assert.equal(new URL(page.url()).search, '?a=job-1&b=job-2');
  // The limits of `beacon gate`, in the address, with its words.
  await page.waitForSelector('text=Gate failed: 1 of 2 limits kept');
  await page.getByLabel('Regressions at most').fill('2');
  await page.getByLabel('p95 at most').fill('+10%');
  await page.getByRole('button', { name: 'Compare' }).click();
  await page.waitForSelector('text=Gate failed: 2 of 3 limits kept');
  await page.waitForSelector('tr:has-text("p95 latency: at most +10 %"):has-text("(+97.")');
  await page.getByLabel('p95 at most').fill('a lot');
  await page.getByRole('button', { name: 'Compare' }).click();
  await page.waitForSelector('text=max_p95 must be a change like +10%');
  await page.getByLabel('p95 at most').fill('1000');
  await page.getByRole('button', { name: 'Compare' }).click();
  await page.waitForSelector('text=Gate passed: 3 of 3 limits kept');
  assert.equal(new URL(page.url()).search, '?a=job-1&b=job-2&max_regressions=2&max_p95=1000');
  if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/compare.png`, fullPage: true });
  // The browser itself remarks on the limit that was refused.
  assert.deepEqual(
    complaints.filter((complaint) => !/400 \(Bad Request\).*a\+lot/.test(complaint)),
    [],
  );
});

test('a rule is made, silenced and removed; at 390 pixels and in the dark too', { skip }, async () => {
  const { page, complaints } = await openPage();
  await page.goto(`${site.url}/alerts`);
  await page.waitForSelector('text=There is no rule yet.');
  await page.getByLabel('Name of the rule').fill('outages');
  await page.getByLabel('Condition on findings').fill('executions >= 3');
  await page.getByLabel('Target').selectOption('on-call');
  await page.getByRole('button', { name: 'Make rule' }).click();
  await page.waitForSelector('td:has-text("outages")');
  await page.getByRole('button', { name: 'For 1 h' }).click();
  await page.getByRole('button', { name: 'End silence' }).waitFor();
  const { rows } = await client.query(
    'select condition, targets, silenced_until > now() as silent from beacon.alert_rules',
  );
  assert.deepEqual(rows, [{ condition: 'executions >= 3', targets: ['on-call'], silent: true }]);
  if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/alerts.png`, fullPage: true });
  for (const address of ['/alerts', '/compare-jobs?a=job-1&b=job-2&max_p95=%2B10%25']) {
    const { page: narrow } = await openPage({ width: 390, height: 844, theme: 'dark' });
    await narrow.goto(site.url + address);
    await narrow.waitForSelector('table');
    assert.equal(await narrow.evaluate(() => document.documentElement.scrollWidth), 390, address);
    if (process.env.PICTURES)
      await narrow.screenshot({
        path: `${process.env.PICTURES}/narrow${address.slice(0, 4).replace('/', '-')}.png`,
        fullPage: true,
      });
  }
  await page.getByRole('button', { name: 'Remove outages' }).click();
  await page.waitForSelector('text=There is no rule yet.');
  await page.getByLabel('Name of the rule').fill('wrong');
  await page.getByLabel('Condition on findings').fill('colour = red');
  await page.getByRole('button', { name: 'Make rule' }).click();
  await page.waitForSelector('[role=alert]:has-text("There is no column colour")');
  assert.ok(
    complaints.every((said) => /400/.test(said)),
    complaints.join('\n'),
  );
});
