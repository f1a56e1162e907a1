import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { startService } from './service.ts';

const service = await startService();
after(() => service.close());

/** One request of us-east under a fault; the fault is gone afterwards. */
async function under(fault: object): Promise<Response> {
  assert.equal((await service.fault('us-east', fault)).status, 200);
  try {
    return await service.ask('us-east');
  } finally {
    await service.clear('us-east');
  }
}

for (const [fault, status, code] of [
  ['rate_limit', 429, 'rate_limit_exceeded'],
  ['error_500', 500, 'internal_error'],
  ['out_of_memory', 503, 'out_of_memory'],
  ['wrong_key', 401, 'invalid_api_key'],
  ['unknown_model', 404, 'model_not_found'],
] as const) {
  test(`${fault} answers ${status} ${code}`, async () => {
    const response = await under({ fault });
    assert.equal(response.status, status);
    const { error } = (await response.json()) as { error: { message: string; type: string; code: string } };
    assert.equal(error.code, code);
    assert.ok(error.message.length > 10);
    assert.equal(response.headers.get('retry-after'), fault === 'rate_limit' ? '1' : null);
  });
}

test('empty_output answers 200 with no text and no tokens', async () => {
  const body = (await (await under({ fault: 'empty_output' })).json()) as {
    choices: { message: { content: string } }[];
    usage: { completion_tokens: number };
  };
  assert.equal(body.choices[0]?.message.content, '');
  assert.equal(body.usage.completion_tokens, 0);
});

test('malformed_body answers 200 with a body that is not valid JSON', async () => {
  const response = await under({ fault: 'malformed_body' });
  assert.equal(response.status, 200);
  await assert.rejects(response.json(), SyntaxError);
});

test('cut closes the connection in the middle of the body', async () => {
  const response = await under({ fault: 'cut' });
  assert.equal(response.status, 200);
  await assert.rejects(response.text(), /terminated/);
});

test('refuse closes the listener of that region only, and clearing it opens the same port again', async () => {
  await service.fault('us-east', { fault: 'refuse' });
  await assert.rejects(service.ask('us-east'), (error: Error) => {
    assert.equal((error.cause as { code: string }).code, 'ECONNREFUSED');
    return true;
  });
  assert.equal((await service.ask('eu-west')).status, 200);
  await service.clear('us-east');
  assert.equal((await service.ask('us-east')).status, 200);
});

test('slow and cold_start answer correctly, but not before their delay', async () => {
  for (const fault of ['slow', 'cold_start']) {
    const started = performance.now();
    const response = await under({ fault, delayMs: 60 });
    assert.equal(response.status, 200);
    assert.ok(performance.now() - started >= 59, fault);
  }
});

test('a fault with times ends after that many requests', async () => {
  await service.fault('us-east', { fault: 'error_500', times: 2 });
  const statuses = [];
  for (let i = 0; i < 3; i++) statuses.push((await service.ask('us-east')).status);
  assert.deepEqual(statuses, [500, 500, 200]);
  assert.deepEqual(await (await fetch(`${service.control}/faults`)).json(), { faults: {} });
});

test('a hanging request is answered once its fault is deleted', async () => {
  await service.fault('us-east', { fault: 'hang', times: 1 });
  const hanging = service.ask('us-east');
  // Counted down as soon as the request has met it.
  const active = async () => ((await (await fetch(`${service.control}/faults`)).json()) as { faults: object }).faults;
  while (Object.keys(await active()).length > 0);
  await fetch(`${service.control}/faults/us-east`, { method: 'DELETE' });
  assert.equal((await hanging).status, 503);
});

test('a hanging request does not keep the service from stopping', async () => {
  const other = await startService({ FAULTS: 'us-east=hang' });
  const hanging = other.ask('us-east');
  const statuses = async () => (await fetch(`${other.control}/health`)).status;
  assert.equal(await statuses(), 200);
  await other.close();
  // Answered where it had been taken, refused where it had not.
  const outcome = await hanging.then(
    (response) => response.status,
    () => 'refused',
  );
  assert.ok(outcome === 503 || outcome === 'refused');
});

for (const [what, region, body, status, param] of [
  ['an unknown fault', 'us-east', { fault: 'lazy' }, 400, 'fault'],
  ['an unknown field', 'us-east', { fault: 'slow', delay: 5 }, 400, 'body'],
  ['a delay where none is taken', 'us-east', { fault: 'rate_limit', delayMs: 5 }, 400, 'delayMs'],
  ['counting refused connections', 'us-east', { fault: 'refuse', times: 1 }, 400, 'times'],
  ['an unknown region', 'mars', { fault: 'slow' }, 404, null],
] as const) {
  test(`${what} is refused`, async () => {
    const response = await service.fault(region, body);
    assert.equal(response.status, status);
    assert.equal(((await response.json()) as { error: { param: string | null } }).error.param, param);
  });
}

test('faults cannot be switched on a region port', async () => {
  const { regions } = (await (await fetch(`${service.control}/health`)).json()) as { regions: Record<string, number> };
  const response = await fetch(`http://127.0.0.1:${regions['us-east']}/faults`);
  assert.equal(response.status, 404);
});

test('crash ends the process by SIGKILL in the middle of a request', async () => {
  const { child, regions } = await startProcess({ FAULTS: 'us-east=crash:20' });
  const exited = once(child, 'exit');
  await assert.rejects(
    fetch(`http://127.0.0.1:${regions['us-east']}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'llama-3.2-1b', messages: [{ role: 'user', content: 'Hi' }] }),
    }),
  );
  assert.deepEqual(await exited, [null, 'SIGKILL']);
});

test('SIGTERM ends the process with code 0', async () => {
  const { child } = await startProcess({ FAULTS: 'us-east=hang' });
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

async function startProcess(env: Record<string, string>) {
  const child: ChildProcess = spawn(process.execPath, [path.join(import.meta.dirname, '../src/main.ts')], {
    env: { ...process.env, PORT: '0', REGIONS: 'us-east=0', ENABLE_DB_TRACING: 'false', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  after(() => child.kill('SIGKILL'));
  for await (const line of createInterface({ input: child.stdout! })) {
    const said = JSON.parse(line) as { msg: string; regions: Record<string, number> };
    if (said.msg === 'listening') return { child, regions: said.regions };
  }
  throw new Error('The service ended before it listened.');
}
