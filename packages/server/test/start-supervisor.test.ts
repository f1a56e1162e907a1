import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { PassThrough } from 'node:stream';
import { after, test } from 'node:test';
import { until } from '@project-beacon/testkit/until.ts';
import { claimPorts } from '../src/start/ports.ts';
import { Screen } from '../src/start/screen.ts';
import { PortTakenError } from '../src/start/service.ts';
import { Supervisor } from '../src/start/supervisor.ts';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-supervisor-'));
after(() => fs.rmSync(dir, { recursive: true, force: true }));

// A service as small as one can be: it says when it stops, and dies when it is asked to.
const program = path.join(dir, 'service.mjs');
fs.writeFileSync(
  program,
  `import * as fs from 'node:fs';
   import * as http from 'node:http';
   import * as os from 'node:os';
   if (process.env.FAIL) { console.error('cannot find my settings'); process.exit(3); }
   const server = http.createServer((request, response) => {
     if (request.url === '/die') { console.log(JSON.stringify({ level: 50, msg: 'out of luck' })); process.exit(7); }
     response.end(JSON.stringify({ instance: os.hostname() + ":" + process.pid }));
   });
   server.listen(Number(process.env.PORT), '127.0.0.1');
   process.on('SIGTERM', () => { fs.appendFileSync(process.env.JOURNAL, process.env.NAME + '\\n'); process.exit(0); });`,
);

let count = 0;
async function supervised(names: string[], env: Record<string, string> = {}) {
  const folder = path.join(dir, `${count++}`);
  fs.mkdirSync(folder);
  const journal = path.join(folder, 'journal');
  const ports = await claimPorts(Object.fromEntries(names.map((name) => [name, 0])));
  const specs = ports.map(({ name, port }) => ({
    name,
    script: [program],
    port,
    env: { PORT: String(port), NAME: name, JOURNAL: journal, ...(name === 'broken' && { FAIL: '1' }), ...env },
  }));
  const output = new PassThrough();
  let text = '';
  output.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    output.emit('said');
  });
  let changes = 0;
  const supervisor = new Supervisor(
    specs,
    folder,
    new Screen(output as unknown as NodeJS.WriteStream),
    () => {
      changes++;
    },
    () => output.write('port lost'),
  );
  const said = async (pattern: RegExp) => {
    while (!pattern.test(text)) await once(output, 'said');
    return text;
  };
  return { supervisor, said, journal, text: () => text, changes: () => changes };
}

test('services are started together and stopped one after the other, the last first', async () => {
  const { supervisor, journal } = await supervised(['first', 'second', 'third']);
  await supervisor.start();
  assert.ok((await Promise.all(supervisor.services.map((service) => service.isHealthy()))).every(Boolean));
  await supervisor.stop();
  assert.deepEqual(fs.readFileSync(journal, 'utf8').trim().split('\n'), ['third', 'second', 'first']);
  assert.ok(supervisor.services.every((service) => !service.isRunning));
});

test('a crash is told with the last words of the service, repaired, and harms no other', async () => {
  const { supervisor, said, changes } = await supervised(['stable', 'fragile']);
  await supervisor.start();
  const [stable, fragile] = supervisor.services;
  const before = { stable: stable?.pid, fragile: fragile?.pid };
  await fetch(`${fragile?.url}/die`).catch(() => {});
  const text = await said(/fragile runs again/);
  assert.match(text, new RegExp(`fragile \\(pid ${before.fragile}\\) ended with code 7`));
  assert.match(text, /error: out of luck/);
  assert.match(text, /Restarting it in 0\.5 s \(attempt 1 of 3\)/);
  assert.equal(stable?.pid, before.stable);
  assert.notEqual(fragile?.pid, before.fragile);
  assert.equal(changes(), 1);
  assert.equal(await fragile?.isHealthy(), true);
  await supervisor.stop();
});

test('a service that fails to start is reported with its last lines, and the others can be stopped', async () => {
  const { supervisor } = await supervised(['fine', 'broken']);
  await assert.rejects(supervisor.start(), /broken ended with code 3 after .* s:\n\s+cannot find my settings/);
  await supervisor.stop();
  assert.ok(supervisor.services.every((service) => !service.isRunning));
});

test('a busy port is replaced by a free one, and no two names get the same', async () => {
  const blocker = net.createServer().listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  const { port } = blocker.address() as net.AddressInfo;
  const claimed = await claimPorts({ busy: port, a: 0, b: 0, c: 0 });
  blocker.close();
  assert.equal(claimed[0]?.wanted, port);
  assert.notEqual(claimed[0]?.port, port);
  assert.equal(new Set(claimed.map((each) => each.port)).size, 4);
});

test('a service whose supervisor is killed stops by itself', async () => {
  const { supervisor, journal } = await supervised(['left']);
  const [spec] = supervisor.services.map((service) => service.spec);
  const source = `
    import { Service } from ${JSON.stringify(path.join(import.meta.dirname, '../src/start/service.ts'))};
    const service = new Service(${JSON.stringify(spec)}, ${JSON.stringify(dir)});
    await service.start();
    console.log('healthy');`;
  const parent: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(parent.stdout as NodeJS.ReadableStream, 'data');
  const answers = () =>
    fetch(`${supervisor.services[0]?.url}/health`).then(
      () => true,
      () => false,
    );
  assert.equal(await answers(), true);
  assert.equal(await supervisor.services[0]?.isHealthy(), false, 'it is the process of another');
  parent.kill('SIGKILL');
  await until('it has stopped', async () => !(await answers()));
  assert.equal(fs.readFileSync(journal, 'utf8'), 'left\n');
});

test('a port that another process has taken meanwhile: told as that, and what answers there is not taken for it', async () => {
  const { supervisor } = await supervised(['late']);
  const [service] = supervisor.services;
  const thief = http.createServer((_, response) => response.end('{ "status": "ok" }'));
  thief.listen(service?.spec.port, '127.0.0.1');
  await once(thief, 'listening');
  await assert.rejects(supervisor.start(), PortTakenError);
  assert.equal(await service?.isHealthy(), false);
  await supervisor.stop();
  thief.close();
});

test('a service whose port is taken while it is down: the supervisor says so instead of trying again', async () => {
  const { supervisor, said, text } = await supervised(['moved']);
  await supervisor.start();
  const [service] = supervisor.services;
  await fetch(`${service?.url}/die`).catch(() => {});
  const thief = http.createServer((_, response) => response.end('{}'));
  thief.on('error', () => {});
  await until('the port is taken', () => {
    if (!thief.listening) thief.listen(service?.spec.port, '127.0.0.1');
    return thief.listening;
  });
  await said(/port lost/);
  assert.doesNotMatch(text(), /attempt 2 of 3/);
  await supervisor.stop();
  thief.close();
});
