// Pictures of the web interface for the README: the real pages, over the made-up day of packages/web/test/sample.ts.
import * as path from 'node:path';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { openPage } from '../packages/web/test/browser.ts';
import { sample } from '../packages/web/test/sample.ts';
import { startSite } from '../packages/web/test/site.ts';
import { ROOT } from './sources.ts';

type Page = Awaited<ReturnType<typeof openPage>>['page'];

const { client, url } = await testDatabase();
await sample(client, { requests: 4000 });
const { rows } = await client.query(
  `select min(id) as id from runner.executions where error_type = 'network_timeout' and job_id = 6`,
);
const site = await startSite(url);

/** One picture; `prepare` brings the page to where it is worth looking at. */
async function picture(
  name: string,
  theme: 'light' | 'dark',
  address: string,
  height: number,
  prepare: (page: Page) => Promise<unknown>,
): Promise<void> {
  const { page } = await openPage({ width: 1280, height, theme });
  await page.goto(site.url + address);
  await prepare(page);
  await page.screenshot({ path: path.join(ROOT, 'docs', name) });
}

// As a test, so that what was started for it is stopped after it.
test('pictures', async () => {
  await picture(
    'web-explore.png',
    'light',
    `/explore?from=6h&q=${encodeURIComponent('service=checkout')}`,
    900,
    async (page) => {
      const plot = page.locator('.heat-plot');
      await plot.locator('canvas').waitFor();
      const box = (await plot.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
      await page.mouse.move(box.x + box.width * 0.55, box.y + box.height * 0.36);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width - 3, box.y + box.height * 0.09, { steps: 5 });
      await page.mouse.up();
      await page.locator('.differences li').first().waitFor();
      await page.mouse.move(2, 2);
    },
  );
  await picture('web-answers.png', 'light', '/jobs/7/answers', 900, (page) => page.locator('.said').first().waitFor());
  await picture('web-execution.png', 'dark', `/execution/${rows[0].id}`, 620, (page) =>
    page.locator('.verdict-summary').waitFor(),
  );
});
