// Failures that no span calls a failure, and callers that left no span: each beside a picture in which nothing is wrong.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acquits, verdicts } from './verdicts.ts';

const { db, of, draw } = await verdicts();

async function usually(picture: string, scale = 10): Promise<void> {
  for (let i = 0; i < 25; i++) await draw(picture, { scale, at: new Date(Date.now() - 3_600_000) });
  await db.client.query(`update traces set updated_at = now() - interval '1 minute'`);
  await db.client.query('select settle_baselines()');
}

test('an exception on a span that did not fail is remarked on, and is no cause', async () => {
  const found = await of(`
  shop query       |=======| kind=server http.response.status_code=200
    shop resolve   |  ==   | message="price list 2026 is not loaded"
  `);
  assert.equal(`${found[0]?.type} ${found[0]?.role}`, 'PROVIDER_EXECUTION_FAILURE remark');
  assert.match(found[0]?.summary ?? '', /price list 2026/);
  acquits(found);
});

test('a server that raised and never answered has failed, whatever its status', async () => {
  const [best] = await of('ledger GET |=====| kind=server message="runtime error: index out of range [3]"');
  assert.equal(`${best?.type} at ${best?.service} ${best?.role}`, 'PROVIDER_EXECUTION_FAILURE at ledger cause');
});

test('a call of a model that its library records as internal work is charged to the provider', async () => {
  const [best] = await of(`
  agent ask           |======x| kind=server error=openai.APIConnectionError
    agent ChatOpenAI  | ====x | openinference.span.kind=LLM llm.provider=openai message="Connection error."
  `);
  assert.equal(`${best?.type} at ${best?.service}`, 'CONNECTION_FAILURE at openai');
});

test('an error that names a URL is about the one who answers there', async () => {
  const [best] = await of(
    'order work |====x| kind=server message="I/O error on GET request for http://stock:8080/a: Connection refused"',
  );
  assert.equal(`${best?.type} at ${best?.service}`, 'CONNECTION_FAILURE at stock:8080');
});

test('a caller that closes the connection after far longer than usual has given up; one that is cut off has not', async () => {
  await usually(`
  web GET        |==| kind=client peer.service=stock
    stock GET    |= | kind=server
  `);
  const closed = `
  web GET        |=========x| kind=client error=ECONNRESET message="socket hang up" peer.service=stock
    stock GET    | ======== | kind=server
  `;
  const [late] = await of(closed, { scale: 100 });
  assert.equal(`${late?.type} at ${late?.service}`, 'SERVICE_TIMEOUT at stock');
  const [cut] = await of(closed, { scale: 1 });
  assert.equal(`${cut?.type} at ${cut?.service}`, 'CONNECTION_FAILURE at stock');
});

test('a cold start is a cause where the whole took longer than usual, and none where it did not', async () => {
  await usually('resize run |==| kind=server faas.coldstart=true', 200);
  acquits(await of('resize run |==| kind=server faas.coldstart=true', { scale: 200 }));
  const [best] = await of('resize run |======| kind=server faas.coldstart=true', { scale: 200 });
  assert.equal(`${best?.type} ${best?.role}`, 'COLD_START cause');
});

test('a span whose caller always is there, and never arrived, tells of a process that was ended', async () => {
  await usually(`
  lambda run       |======| kind=client
    thumbs POST    | ==== | kind=server
  `);
  const orphan = 'thumbs POST | ==== | kind=server orphan';
  const [best] = await of(orphan);
  assert.equal(`${best?.type} at ${best?.service}`, 'PROCESS_LOST at lambda');
  assert.match(best?.summary ?? '', /a span of lambda that never arrived/);
  acquits(await of(orphan, { at: new Date() }));
});

test('what an agent repeats of a stack trace is neither read nor quoted', async () => {
  const [best] = await of(
    `agent run |==x| message="ValueError('no price') Traceback (most recent call last): File timeout.py, line 4, in connect"`,
  );
  assert.equal(best?.type, 'PROVIDER_EXECUTION_FAILURE');
  assert.doesNotMatch(best?.summary ?? '', /Traceback/);
});

test('clocks of two hosts are corrected, and one host has one clock', async () => {
  const { traceId } = await draw(`
  web GET        |  ====  | kind=client
    stock GET    |====    | kind=server
  `);
  const skews = async () => {
    const { rows } = await db.client.query('select array_agg(skew_ms order by position) as skews from trace_tree($1)', [
      traceId,
    ]);
    return rows[0].skews;
  };
  assert.deepEqual(await skews(), [0, 20]);
  await db.client.query(`insert into trace_resources (resource_id, attributes) values (-1, '{"host.name": "host-1"}')`);
  await db.client.query('update trace_spans set resource_id = -1 where trace_id = $1', [traceId]);
  assert.deepEqual(await skews(), [0, 0]);
});
