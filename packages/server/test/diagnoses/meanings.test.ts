// What libraries of many languages say when a call fails, and what it means: one picture, many words.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verdicts } from './verdicts.ts';

const { of, db } = await verdicts();

/** What is recorded at the failing call, and what it is. */
const SAID: [said: string, type: string][] = [
  // Python
  ['error=httpx.ConnectError message="[Errno -3] Temporary failure in name resolution"', 'CONNECTION_FAILURE'],
  ['error=sqlalchemy.exc.TimeoutError message="QueuePool limit of size 5 overflow 10 reached"', 'RESOURCE_EXHAUSTED'],
  ['error=psycopg.errors.UniqueViolation', 'BAD_REQUEST'],
  ['error=botocore.exceptions.NoCredentialsError', 'AUTH_FAILURE'],
  ['error=celery.exceptions.SoftTimeLimitExceeded', 'SERVICE_TIMEOUT'],
  [
    'error=json.decoder.JSONDecodeError message="Expecting value: line 1 column 1 (char 0)"',
    'PROVIDER_EXECUTION_FAILURE',
  ],
  // Java
  ['error=java.net.UnknownHostException message=inventory', 'CONNECTION_FAILURE'],
  ['error=javax.net.ssl.SSLHandshakeException', 'CONNECTION_FAILURE'],
  ['error=io.github.resilience4j.circuitbreaker.CallNotPermittedException', 'CIRCUIT_OPEN'],
  [
    'error=java.sql.SQLTransientConnectionException message="HikariPool-1 - Connection is not available, request timed out after 30000ms."',
    'RESOURCE_EXHAUSTED',
  ],
  ['error=org.springframework.dao.DeadlockLoserDataAccessException', 'PROVIDER_EXECUTION_FAILURE'],
  ['error=org.apache.kafka.common.errors.RecordTooLargeException', 'BAD_REQUEST'],
  ['error=java.lang.OutOfMemoryError message="Java heap space"', 'RESOURCE_EXHAUSTED'],
  // Go
  ['error=*net.DNSError message="lookup stock: no such host"', 'CONNECTION_FAILURE'],
  ['error=*pgconn.PgError message="ERROR: relation \'orders\' does not exist (SQLSTATE 42P01)"', 'CONFIGURATION_ERROR'],
  ['error=*errors.errorString message="context canceled"', 'CANCELLED'],
  ['error=*url.Error message="Get: EOF"', 'CONNECTION_FAILURE'],
  // Ruby, PHP, .NET, Rust, Elixir
  ['error=Errno::ECONNREFUSED', 'CONNECTION_FAILURE'],
  [
    'error=ActiveRecord::ConnectionTimeoutError message="could not obtain a connection from the pool within 5.000 seconds"',
    'RESOURCE_EXHAUSTED',
  ],
  ['error=PDOException message="SQLSTATE[HY000] [1045] Access denied for user"', 'AUTH_FAILURE'],
  [
    'error=Npgsql.PostgresException message="40001: could not serialize access due to read/write dependencies"',
    'PROVIDER_EXECUTION_FAILURE',
  ],
  ['error=Polly.CircuitBreaker.BrokenCircuitException', 'CIRCUIT_OPEN'],
  ['error=sqlx::Error::PoolTimedOut', 'RESOURCE_EXHAUSTED'],
  [
    'error=DBConnection.ConnectionError message="connection not available and request was dropped from queue after 2000ms"',
    'RESOURCE_EXHAUSTED',
  ],
  // gRPC: the number, the name, and a class that hides it
  ['error=io.grpc.StatusRuntimeException rpc.grpc.status_code=4', 'SERVICE_TIMEOUT'],
  ['error=io.grpc.StatusRuntimeException rpc.grpc.status_code=14', 'CONNECTION_FAILURE'],
  ['rpc.response.status_code=PERMISSION_DENIED error=PERMISSION_DENIED', 'AUTH_FAILURE'],
  ['rpc.grpc.status_code=8 message="grpc: received message larger than max (5000000 vs. 4194304)"', 'BAD_REQUEST'],
  // Old and new names of the same status
  ['http.status_code=429', 'RATE_LIMITED'],
  ['http.response.status_code=413', 'BAD_REQUEST'],
  // A mesh
  ['http.status_code=503 response_flags=UO', 'CIRCUIT_OPEN'],
  ['http.status_code=503 response_flags=UF', 'CONNECTION_FAILURE'],
  ['http.status_code=404 response_flags=NR', 'CONFIGURATION_ERROR'],
  // Language models: a quota that is used up is no rate limit
  [
    "error=RateLimitError message=\"Error code: 429 - {'error': {'code': 'insufficient_quota'}}\"",
    'RESOURCE_EXHAUSTED',
  ],
  ["error=RateLimitError message=\"Error code: 429 - {'error': {'code': 'rate_limit_exceeded'}}\"", 'RATE_LIMITED'],
  ['error=BadRequestError message="This model\'s maximum context length is 8192 tokens."', 'BAD_REQUEST'],
  [
    'error=NotFoundError message="The model `gpt-9` does not exist or you do not have access to it."',
    'MODEL_UNAVAILABLE',
  ],
  [
    'error=ClientError message="An error occurred (ThrottlingException) when calling the Converse operation"',
    'RATE_LIMITED',
  ],
  // Databases and caches
  ['error=ReplyError message="READONLY You can\'t write against a read only replica."', 'CONFIGURATION_ERROR'],
  ['error=ReplyError message="OOM command not allowed when used memory > \'maxmemory\'."', 'RESOURCE_EXHAUSTED'],
  ['error=P2024', 'RESOURCE_EXHAUSTED'],
  ['error=MongoServerError message="E11000 duplicate key error collection: shop.users"', 'BAD_REQUEST'],
  // Processes
  [
    'error=billiard.exceptions.WorkerLostError message="Worker exited prematurely: signal 9 (SIGKILL)."',
    'PROCESS_LOST',
  ],
  ['error=KeyError message="\'PAYMENTS_URL\'"', 'CONFIGURATION_ERROR'],
  ['error=Error message="STRIPE_SECRET_KEY is not defined"', 'CONFIGURATION_ERROR'],
  // The class says that the caller is gone, whatever the message says
  ['error=ClientAbortException message="java.io.IOException: Broken pipe"', 'CANCELLED'],
  ['error=TypeError message="fetch failed"', 'CONNECTION_FAILURE'],
  ['error=HTTPError message="503 Server Error: Service Unavailable for url"', 'PROVIDER_EXECUTION_FAILURE'],
];

for (const [said, type] of SAID) {
  test(`${said.replace(/^error=/, '')} means ${type}`, async () => {
    const found = await of(`
    app work   |=====x| kind=server
      app call | ===x | kind=client ${said}
    `);
    assert.equal(found[0]?.type, type, found[0]?.summary);
    assert.equal(found[0]?.role, 'cause');
  });
}

test('what a service answered to its own caller is not what its callee said', async () => {
  const [best] = await of(`
  web GET       |=======x| kind=client http.response.status_code=502
    shop GET    | =====x | kind=server http.response.status_code=502
      shop POST | ===x   | kind=client peer.service=bank error=ECONNREFUSED
  `);
  assert.equal(`${best?.type} at ${best?.service}`, 'CONNECTION_FAILURE at bank');
  assert.equal(best?.evidence.http_status, undefined);
});

test('a call to an address that is not known is not charged to a service that answers calls of the same name', async () => {
  for (let i = 0; i < 6; i++)
    await of(`
    pay work       |=====| kind=server
      pay GET      | === | kind=client server.address=rates.internal
        rates GET  |  =  | kind=server
    `);
  const [best] = await of(`
  pay work  |=====x| kind=server
    pay GET | ===x | kind=client server.address=bank.example error=ECONNREFUSED
  `);
  assert.equal(best?.service, 'bank.example');
});

test('of three levels that wait for each other the slow one is charged, not the one in the middle', async () => {
  const [best] = await of(`
  web GET            |======!      | kind=client error=timeout peer.service=shop
    shop GET         | =========== | kind=server
      shop POST      | ==========  | kind=client
        rates POST   |  =========  | kind=server
  `);
  assert.equal(`${best?.type} at ${best?.service}`, 'SERVICE_TIMEOUT at rates');
});

test('a mesh that gave up on its upstream is not said to have been answered', async () => {
  const [best] = await of(`
  web GET      |======x| kind=server http.status_code=504
    web egress | ====x | kind=client http.status_code=504 response_flags=UT upstream_cluster=outbound|80||pay.default.svc
  `);
  assert.equal(`${best?.type} at ${best?.service}`, 'SERVICE_TIMEOUT at pay');
  assert.match(best?.summary ?? '', /^web gave up on pay/);
});

test('a mesh that refuses a call with a status that counts as no failure is remarked on', async () => {
  const [best] = await of(`
  web GET      |=======| kind=server http.status_code=404
    web egress | ===== | kind=client http.status_code=404 response_flags=NR upstream_cluster=outbound|80||pay.default.svc
  `);
  assert.equal(`${best?.type} ${best?.role}`, 'CONFIGURATION_ERROR remark');
});

test('an error whose meaning is not known is said with less confidence than one that is known', async () => {
  const [known] = await of('app work |===x| kind=server error=NullPointerException');
  const [unknown] = await of('app work |===x| kind=server error=Frobnication');
  assert.ok((known?.confidence ?? 0) > (unknown?.confidence ?? 1));
});

test('a task that failed is charged to its worker where the one who waited repeats its words, and is no cause where nothing waited', async () => {
  const task = (web: string) => `
  web report      |=========${web === '' ? '=' : 'x'}| kind=server ${web}
    web apply     | =        | kind=producer
      worker run  |   ====x  | kind=consumer error=ValueError message="row 17 has no price"
  `;
  const [waited] = await of(task('error=ValueError message="row 17 has no price"'));
  assert.equal(`${waited?.type} at ${waited?.service}`, 'PROVIDER_EXECUTION_FAILURE at worker');
  const [other] = await of(task('error=KeyError message="\'page\'"'));
  assert.equal(other?.service, 'web');
});

test('of two calls that failed the one whose words the caller repeats explains it', async () => {
  const [best] = await of(`
  shop order   |==========x| kind=server error=X message="limits table is empty"
    shop GET   | =====x    | kind=client peer.service=limits error=X message="limits table is empty"
    shop GET   | =======x  | kind=client peer.service=rates error=Y message="connection closed"
  `);
  assert.equal(best?.service, 'limits');
});

test('every word of the vocabulary stands in it once for each source, in lower case', async () => {
  const { rows } = await db.client.query(
    `select source, word, array_agg(distinct meaning) as meanings from vocabulary group by source, word
     having count(distinct meaning) > 1 or word <> lower(word)`,
  );
  assert.deepEqual(rows, []);
});
