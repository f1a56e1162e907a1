// What README says under "Use it in your own service", command by command as it stands there, in fresh folders: a clone, the
// tarballs it packs, a service that installs them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';

const ROOT = path.join(import.meta.dirname, '../..');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-readme-'));
after(() => fs.rmSync(folder, { recursive: true, force: true }));

const readme = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8');
const section = readme.split('\n## ').find((part) => part.startsWith('Use it in your own service')) ?? '';
const blocks = [...section.matchAll(/```(\w*)\n([\s\S]*?)```/g)].map(([, language, text]) => ({
  language,
  text: text!,
}));

test('a service that follows README has its spans in the database', { timeout: 900_000 }, async () => {
  const { url, client } = await testDatabase(false);
  const shell = (command: string, cwd: string) => {
    // Of the surroundings only what a shell has: no path of this checkout, no setting of these tests.
    const { PATH, HOME, ...rest } = process.env;
    const npm = Object.fromEntries(
      Object.entries(rest).filter(([name]) => /^npm_config_(?:registry|cafile)$/i.test(name)),
    );
    const done = spawnSync('sh', ['-ec', command.replaceAll('postgresql://...', url)], {
      cwd,
      env: { PATH: PATH?.replaceAll(ROOT, '/nowhere'), HOME, ...npm },
      encoding: 'utf8',
    });
    assert.equal(done.status, 0, `${command}\n${done.stdout}${done.stderr}`);
  };
  const [checkout, service] = ['beacon', 'shop'].map((name) => path.join(folder, name)) as [string, string];
  spawnSync('git', ['clone', '--quiet', '--depth=1', `file://${ROOT}`, checkout]);
  fs.mkdirSync(service);
  fs.writeFileSync(path.join(service, 'package.json'), '{ "name": "shop", "type": "module", "private": true }');

  const commands = blocks.filter(({ language }) => language === '').map(({ text }) => text);
  const [packing, installing, running] = commands as [string, string, string];
  assert.equal(commands.length, 3, 'README has other commands than this test knows');
  shell(packing, checkout);
  shell(installing, service);
  const program = blocks.find(({ language }) => language === 'js')!.text;
  fs.writeFileSync(path.join(service, 'checkout.js'), `${program}\nasync function work() {}\n`);
  shell(running, service);
  const { rows } = await client.query(
    `select operation, execution_id, job_id, model_id, region from beacon.trace_spans where service = 'checkout'`,
  );
  assert.deepEqual(rows, [
    { operation: 'order.run', execution_id: '2193', job_id: '472', model_id: 'llama-3.2-1b', region: 'eu-west' },
  ]);
});
