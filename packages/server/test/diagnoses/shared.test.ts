// What failures have in common and successes have not, and what a business table knows beside the spans.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Drawn } from '@project-beacon/testkit';
import { TWINS } from './pictures.ts';
import { acquits, type Verdict, verdicts } from './verdicts.ts';

const { db, of, draw, again } = await verdicts();

let hours = 0;

/** An hour of its own: eight failures with `failing` on their span, twenty successes with `well`; what the last failure is said to be. */
async function hour(failing: string, well: (n: number) => string): Promise<Verdict | undefined> {
  hours += 3;
  const at = new Date(Date.now() - hours * 3_600_000);
  for (let n = 0; n < 20; n++) await draw(`quote GET |==| kind=server ${well(n)}`, { at });
  for (let n = 0; n < 7; n++) await draw(`quote GET |=x| kind=server error=TypeError ${failing}`, { at });
  const [best] = await of(`quote GET |=x| kind=server error=TypeError ${failing}`, { at });
  return best;
}

test('a release that alone fails is named, with the numbers', async () => {
  const best = await hour('service.version=2.4.0', () => 'service.version=2.3.9');
  assert.match(best?.summary ?? '', /service\.version 2\.4\.0 \(8 of 8 that failed, 0 of 20 that went well\)/);
  assert.match(best?.recommendation ?? '', /^Roll quote back/);
});

test('a release that fails as often as it works is not', async () => {
  const best = await hour('service.version=2.4.0', () => 'service.version=2.4.0');
  assert.equal(best?.evidence.failing_ones_share, undefined);
});

test('a tenant whose requests alone fail is named', async () => {
  const best = await hour('tenant.id=acme', (n) => `tenant.id=other-${n}`);
  assert.match(best?.summary ?? '', /tenant\.id acme/);
});

test('input that is longer than all that went well is named', async () => {
  const best = await hour('gen_ai.usage.input_tokens=9000', (n) => `gen_ai.usage.input_tokens=${100 + n}`);
  assert.match(best?.summary ?? '', /input_tokens > 119/);
});

test('a number of any name that is larger than in all that went well is named', async () => {
  const best = await hour('app.prompt_length=8200', (n) => `app.prompt_length=${300 + n}`);
  assert.match(best?.summary ?? '', /app\.prompt_length > 319/);
});

test('four failures say nothing about what they share', async () => {
  const at = new Date(Date.now() - 90 * 3_600_000);
  for (let n = 0; n < 20; n++) await draw('few GET |==| kind=server app.release=1', { at });
  for (let n = 0; n < 3; n++) await draw('few GET |=x| kind=server error=TypeError app.release=2', { at });
  const [best] = await of('few GET |=x| kind=server error=TypeError app.release=2', { at });
  assert.equal(best?.evidence.failing_ones_share, undefined);
});

test('an execution that its business table calls failed is never healthy', async () => {
  await db.client.query(
    `create table runs (id bigint primary key, state text, answer text, created_at timestamptz default now())`,
  );
  await db.client.query(`insert into beacon.trace_records (name, relation, id_column, created_column, status_column, output_column)
    values ('runs', 'public.runs', 'id', 'created_at', 'state', 'answer')`);
  const drawn = await draw('app work |====| kind=server');
  assert.deepEqual(await again(drawn), []);
  await db.client.query(`insert into runs values ($1, 'failed', null)`, [drawn.executionId]);
  const [failed] = await again(drawn);
  assert.equal(`${failed?.type} ${failed?.role} ${failed?.service}`, 'UNKNOWN cause app');
  assert.match(failed?.summary ?? '', /recorded as failed in runs/);
  await db.client.query(`update runs set state = 'done', answer = '' where id = $1`, [drawn.executionId]);
  const [empty] = await again(drawn);
  assert.equal(`${empty?.type} ${empty?.role}`, 'EMPTY_OUTPUT cause');
  await db.client.query(`update runs set answer = 'forty-two' where id = $1`, [drawn.executionId]);
  acquits(await again(drawn));
});

test('an answer without a token, and one that a filter withheld, are empty although nothing failed', async () => {
  for (const notes of [
    'gen_ai.usage.output_tokens=0',
    'gen_ai.usage.output_tokens=12 gen_ai.response.finish_reasons=content_filter',
  ]) {
    const [best] = await of(
      `ask work |====| kind=server\n  ask chat | == | kind=client gen_ai.request.model=m ${notes}`,
    );
    assert.equal(`${best?.type} ${best?.role}`, 'EMPTY_OUTPUT cause', notes);
  }
  acquits(
    await of(
      'ask work |====| kind=server\n  ask chat | == | kind=client gen_ai.request.model=m gen_ai.usage.output_tokens=12',
    ),
  );
  const [cut] = await of(
    'ask work |====| kind=server\n  ask chat | == | kind=client gen_ai.request.model=m gen_ai.usage.output_tokens=12 gen_ai.response.finish_reasons=length',
  );
  assert.equal(`${cut?.type} ${cut?.role}`, 'EMPTY_OUTPUT remark');
});

test('a job that lay in a queue is late, whichever way its time there is told', async () => {
  for (const picture of [
    'ship process |==| kind=consumer kafka.record.queue_time_ms=300000',
    `shop send |=| kind=producer\n  ship process |${' '.repeat(2000)}==| kind=consumer`,
  ]) {
    const [best] = await of(picture);
    assert.equal(`${best?.type} ${best?.role}`, 'QUEUE_DELAY cause');
  }
  acquits(await of('ship process |==| kind=consumer kafka.record.queue_time_ms=2000'));
});

test('the verdict is the same whatever order the spans arrived in', async () => {
  for (const { type, cases } of TWINS) {
    const drawn = await draw(cases[0]?.[0] ?? '');
    const verdict = JSON.stringify(await again(drawn));
    for (let round = 0; round < 2; round++) {
      await db.client.query('create temp table moved as select * from beacon.trace_spans where trace_id = $1', [
        drawn.traceId,
      ]);
      await db.client.query('delete from beacon.trace_spans where trace_id = $1', [drawn.traceId]);
      await db.client.query('insert into beacon.trace_spans select * from moved order by random()');
      await db.client.query('drop table moved');
      assert.equal(JSON.stringify(await again(drawn)), verdict, type);
    }
  }
});

test('what happens after an execution does not change its verdict', async () => {
  const at = new Date(Date.now() - 200 * 3_600_000);
  const known = [
    { picture: CALL_TO_HOST, at },
    ...TWINS.map(({ cases }, n) => ({ picture: cases[0]?.[0] ?? '', at: new Date(at.getTime() - n * 12 * 3_600_000) })),
  ];
  for (const { picture, at } of known) {
    const drawn = await draw(picture, { at });
    const verdict = await withoutItsHour(drawn);
    // From then on each call is answered, by somebody else than before, and works.
    for (let n = 0; n < 2; n++) {
      const later = new Date(at.getTime() + (2 + 5 * n) * 60_000);
      await draw(CALL_TO_HOST.replace('=x', '==').replace('error=ECONNREFUSED', '') + ANSWERED, { at: later });
      await draw(picture.replaceAll('x|', '=|').replaceAll(/error=\S+/g, ''), { at: later });
    }
    assert.deepEqual(await withoutItsHour(drawn), verdict, picture);
  }
});

/** All but what says of itself that it is about other traces of that hour. */
async function withoutItsHour(drawn: Drawn) {
  const found = await again(drawn);
  return found.map(({ evidence: { counter_evidence, ...evidence }, ...verdict }) => ({ ...verdict, evidence }));
}

const CALL_TO_HOST = `late work |=======x| kind=server
  late GET | =====x | kind=client server.address=10.1.2.3 server.port=80 error=ECONNREFUSED`;
const ANSWERED = '\n    stranger GET |  ===  | kind=server';
