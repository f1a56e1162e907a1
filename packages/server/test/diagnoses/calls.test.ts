import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accuses, acquits, verdicts } from './verdicts.ts';

const { of, draw } = await verdicts();

const HEALTHY = `
  runner execution.run                         |===============| kind=consumer
    runner POST                                | ============= | kind=client
      router POST /inference                   | ============= | kind=server
        router provider.call                   |  ===========  |
          router POST                          |  ===========  | kind=client server.address=10.0.0.1 server.port=8094
            inference POST /v1/chat/completions|   =========   | kind=server
              inference model.generate         |   =========   | gen_ai.usage.output_tokens=12
`;

/** The usual chain with what differs at its end. */
function chain(call: string, code: string, status: number, below = ''): string {
  return `
  runner execution.run                         |==============x| kind=consumer error=${code}
    runner POST                                | ============x | kind=client http.response.status_code=${status}
      router POST /inference                   | ============x | kind=server http.response.status_code=${status} error=${code}
        router provider.call                   |  ==========x  | error=${code}
          router POST                          |  ==========x  | kind=client server.address=10.0.0.1 server.port=8094 ${call}
            ${below}
`;
}

test('a healthy execution yields no verdict at all', async () => {
  assert.deepEqual(await of(HEALTHY), []);
});

test('a refused connection is charged to the service that answered at that address before', async () => {
  const best = accuses(
    await of(chain('error=ECONNREFUSED', 'connection_refused', 502)),
    'CONNECTION_FAILURE',
    'inference',
  );
  assert.equal(best.evidence.address, '10.0.0.1:8094');
});

test('a refused connection to an address that never answered is charged to the address', async () => {
  accuses(
    await of(`
    app work   |====x| kind=consumer error=ECONNREFUSED
      app POST | ==x | kind=client error=ECONNREFUSED server.address=10.9.9.9 server.port=1234
    `),
    'CONNECTION_FAILURE',
    '10.9.9.9:1234',
  );
});

test('a refused connection that a second try made good accuses nothing', async () => {
  acquits(
    await of(`
    app work    |==========| kind=consumer
      app POST  | =x       | kind=client error=ECONNREFUSED peer.service=db
      app POST  |    ====  | kind=client peer.service=db
        db GET  |     ==   | kind=server
    `),
  );
});

test('a connection cut in the middle of the answer is charged to the callee that took the request', async () => {
  const below = 'inference POST /v1/chat/completions |   =======x   | kind=server error=ECONNRESET';
  const best = accuses(
    await of(chain('error=UND_ERR_SOCKET message="other side closed"', 'ECONNRESET', 502, below)),
    'CONNECTION_FAILURE',
    'inference',
  );
  assert.equal(best.evidence.callee_saw_the_request, true);
});

test('a callee that works on after its caller gave up is too slow', async () => {
  const best = accuses(
    await of(`
    runner execution.run                          |============x   | kind=consumer error=timeout
      router POST                                 | ==========!    | kind=client error=timeout
        inference POST /v1/chat/completions       |  ==============| kind=server
          inference model.generate                |   ============ |
    `),
    'SERVICE_TIMEOUT',
    'inference',
  );
  assert.match(best.summary, /went on for another/);
  assert.equal(best.evidence.longest_in_callee, 'model.generate');
});

test('a callee that took the request and never ended hangs', async () => {
  const best = accuses(
    await of(`
    runner execution.run                          |============x   | kind=consumer error=timeout
      router POST                                 | ==========!    | kind=client error=timeout
        inference POST /v1/chat/completions       |  >             | kind=server
    `),
    'SERVICE_TIMEOUT',
    'inference',
  );
  assert.match(best.summary, /never answered/);
});

test('a server that fails only because its caller hung up is not where the time-out began', async () => {
  const best = accuses(
    await of(`
    runner execution.run                          |============x   | kind=consumer error=timeout
      router POST                                 | ==========!    | kind=client error=timeout
        inference POST /v1/chat/completions       |  =========x    | kind=server error=aborted http.response.status_code=503
    `),
    'SERVICE_TIMEOUT',
    'inference',
  );
  assert.equal(best.evidence.code, 'timeout');
  assert.equal(best.evidence.http_status, undefined);
});

test('a gateway that passes a time-out on as 504, in the same moment, is not where it began', async () => {
  accuses(
    await of(`
    runner execution.run                          |==============! | kind=consumer error=timeout
      runner POST                                 | ============!  | kind=client error=504 http.response.status_code=504
        router POST /inference                    |  ===========!  | kind=server error=timeout http.response.status_code=504
          router POST                             |   =========!   | kind=client error=timeout
            inference POST /v1/chat/completions   |    >           | kind=server
    `),
    'SERVICE_TIMEOUT',
    'inference',
  );
});

test('a gateway that answers 504 and shows nothing behind it is charged itself, less surely', async () => {
  const [best] = await of(`
  app work      |==========x| kind=consumer error=504
    app POST    | ========! | kind=client error=504 http.response.status_code=504
      gate POST |  =======  | kind=server http.response.status_code=504
  `);
  assert.equal(`${best?.type} at ${best?.service} ${best?.confidence}`, 'SERVICE_TIMEOUT at gate 0.92');
});

test('a callee that answered in time and was not heard points at the network', async () => {
  accuses(
    await of(`
    runner execution.run                          |============x   | kind=consumer error=timeout
      router POST                                 | ==========!    | kind=client error=timeout
        inference POST /v1/chat/completions       |  ====          | kind=server
    `),
    'NETWORK_TIMEOUT',
    'inference',
  );
});

test('a connection that could not be opened in time points at the network', async () => {
  accuses(
    await of(`
    app work   |==========x| kind=consumer error=timeout
      app POST | ========! | kind=client error=UND_ERR_CONNECT_TIMEOUT peer.service=far
    `),
    'NETWORK_TIMEOUT',
    'far',
  );
});

test('a slow call that its caller waited for is no time-out', async () => {
  acquits(
    await of(`
    app work    |===========| kind=consumer
      app POST  | ========= | kind=client
        far GET |  =======  | kind=server
    `),
  );
});

for (const { type, code, status, callSpan } of [
  { type: 'RATE_LIMITED', code: 'rate_limit_exceeded', status: 429, callSpan: 'error=429' },
  { type: 'AUTH_FAILURE', code: 'invalid_api_key', status: 401, callSpan: 'error=401' },
  { type: 'MODEL_UNAVAILABLE', code: 'model_not_found', status: 404, callSpan: 'error=404' },
  { type: 'RESOURCE_EXHAUSTED', code: 'out_of_memory', status: 503, callSpan: 'error=503' },
  { type: 'PROVIDER_EXECUTION_FAILURE', code: 'internal_error', status: 500, callSpan: 'error=500' },
]) {
  const below = `inference POST /v1/chat/completions |   =========x  | kind=server http.response.status_code=${status}`;
  const call = `${callSpan} http.response.status_code=${status}`;

  test(`${code} is ${type} of the service that said it`, async () => {
    accuses(await of(chain(call, code, status, below)), type, 'inference');
  });

  test(`HTTP ${status} alone, without a code of its own, still leads to ${type}`, async () => {
    const found = await of(`
    app work        |==========x| kind=consumer
      app POST      | ========x | kind=client ${call} url.full=http://m/v1/chat/completions message="model answer ${status}"
        model POST  |  ======x  | kind=server http.response.status_code=${status}
    `);
    assert.equal(found[0]?.type, type === 'RESOURCE_EXHAUSTED' ? 'PROVIDER_EXECUTION_FAILURE' : type);
    assert.equal(found[0]?.service, 'model');
  });

  test(`${status} that a second provider made good accuses nothing`, async () => {
    acquits(
      await of(`
      app work          |===============| kind=consumer
        app POST        | ===x          | kind=client ${call} error=${code}
          model POST    |  =x           | kind=server http.response.status_code=${status}
        app POST        |      =======  | kind=client http.response.status_code=200
          other POST    |       =====   | kind=server http.response.status_code=200
      `),
    );
  });
}

test('a request the callee does not accept is charged to the caller', async () => {
  accuses(
    await of(`
    app work       |=====x| kind=consumer error=400
      app POST     | ===x | kind=client http.response.status_code=400
        model POST |  =   | kind=server http.response.status_code=400
    `),
    'BAD_REQUEST',
    'app',
  );
});

test('an open circuit is said to be one, and the caller is not blamed for a call it never made', async () => {
  const found = await of(`
  runner execution.run     |====x| kind=consumer error=circuit_open
    router provider.call   | ==x | error=circuit_open beacon.provider=gpu-eu beacon.circuit=open
  `);
  assert.match(accuses(found, 'CIRCUIT_OPEN', 'router').summary, /gpu-eu/);
});

test('an empty answer is charged to the service that generated it', async () => {
  accuses(
    await of(`
    runner execution.run                          |============x| kind=consumer error=empty_output
      router provider.call                        | ==========x | error=empty_output
        router POST                               | ==========  | kind=client http.response.status_code=200
          inference POST /v1/chat/completions     |  ========   | kind=server http.response.status_code=200
            inference model.generate              |  ========   | gen_ai.usage.output_tokens=0
    `),
    'EMPTY_OUTPUT',
    'inference',
  );
});

test('an answer of one token is not empty', async () => {
  acquits(await of(HEALTHY.replace('output_tokens=12', 'output_tokens=1')), 'EMPTY_OUTPUT');
});

test('where an earlier provider failed and the last one too, the last one is the cause and the first a remark', async () => {
  const found = await of(`
  runner execution.run      |==============x| kind=consumer error=rate_limit_exceeded
    router POST             | ===x          | kind=client error=500 http.response.status_code=500
      east POST             |  =x           | kind=server http.response.status_code=500 error=internal_error
    router POST             |      =======x | kind=client error=429 http.response.status_code=429
      west POST             |       =====   | kind=server http.response.status_code=429
  `);
  accuses(found, 'RATE_LIMITED', 'west');
  assert.ok(
    found.some(
      (verdict) =>
        verdict.type === 'PROVIDER_EXECUTION_FAILURE' && verdict.service === 'east' && verdict.role === 'remark',
    ),
  );
});

test('the rest of the job tells whether a region failed whole', async () => {
  for (const region of ['us', 'us', 'eu']) {
    await draw(
      HEALTHY.replace('kind=consumer', `kind=consumer region=${region}`).replace(
        /=(?=\| kind=consumer)/,
        region === 'eu' ? 'x' : '=',
      ),
      {
        job: 'scope',
      },
    );
  }
  const found = await of(
    chain('error=429 http.response.status_code=429', 'rate_limit_exceeded', 429).replace(
      'kind=consumer',
      'kind=consumer region=eu',
    ),
    {
      job: 'scope',
    },
  );
  assert.equal(found[0]?.evidence.same_region_failed, '2 of 2');
  assert.equal(found[0]?.evidence.other_regions_failed, '0 of 2');
});

test('a span that timed out without any call below it is charged itself, and what it waited for is asked to be traced', async () => {
  const best = accuses(
    await of(`
  shop order    |===========x| kind=server error=PaymentFailed
    pay charge  |==========! | kind=server error=DeadlineExceeded message="the bank did not answer"
    `),
    'SERVICE_TIMEOUT',
    'pay',
    0.5,
  );
  assert.match(best.recommendation, /^Trace what pay calls in charge/);
});

test('where the call below it is traced, the callee is charged', async () => {
  accuses(
    await of(`
  shop order    |===========x| kind=server error=PaymentFailed
    pay charge  |==========! | kind=server error=DeadlineExceeded
      pay POST  |=========!  | kind=client error=DeadlineExceeded peer.service=bank
        bank do |=========== | kind=server
    `),
    'SERVICE_TIMEOUT',
    'bank',
  );
});
