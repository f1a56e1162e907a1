import { setTimeout as pause } from 'node:timers/promises';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Client } from '@elastic/elasticsearch';
import { Kafka, logLevel } from 'kafkajs';
import mongoose from 'mongoose';
import { connect as nats } from 'nats';
import postgres from 'postgres';
import { within } from './calls.mjs';

const { env } = process;

const sql =
  (work, change = (url) => url, options = {}) =>
  async () => {
    const url = change(new URL(env.WORLD_POSTGRES_URL)).href;
    const base = postgres(url, { max: 1, connect_timeout: 1, onnotice() {}, ...options });
    const { hostname, port } = new URL(url);
    try {
      return await within(
        'postgres query',
        { 'db.system.name': 'postgresql', 'server.address': hostname, 'server.port': +port },
        () => work(base),
      );
    } finally {
      await base.end({ timeout: 0 });
    }
  };
const at = (host, port) => (url) => Object.assign(url, { hostname: host, port });

const kafka =
  (work, brokers = [env.WORLD_KAFKA]) =>
  async () => {
    const client = new Kafka({
      clientId: 'mesh',
      brokers,
      logLevel: logLevel.NOTHING,
      connectionTimeout: 500,
      retry: { retries: 1, initialRetryTime: 50 },
    });
    return work(client);
  };
const send =
  (topic, value = '17') =>
  async (client) => {
    const producer = client.producer();
    await producer.connect();
    try {
      await producer.send({ topic, messages: [{ value }] });
    } finally {
      await producer.disconnect();
    }
  };

const Entry = mongoose.model('Entry', new mongoose.Schema({ n: { type: Number, required: true, min: 1 } }));

const mongo = (uri) => async () => {
  const base = await mongoose.createConnection(uri, { serverSelectionTimeoutMS: 500 }).asPromise();
  return base.model('Entry', Entry.schema).findOne({});
};

const s3 =
  (endpoint, requestHandler = {}) =>
  () =>
    new S3Client({
      region: 'eu-west-1',
      endpoint,
      forcePathStyle: true,
      maxAttempts: 1,
      requestHandler,
      credentials: { accessKeyId: 'world', secretAccessKey: 'world' },
    }).send(new GetObjectCommand({ Bucket: 'mesh', Key: '17' }));

const search = (node) => () =>
  within('search mesh', { 'db.system.name': 'elasticsearch', 'server.address': new URL(node).hostname }, () =>
    new Client({ node, maxRetries: 0, requestTimeout: 500 }).search({ index: 'mesh' }),
  );

export const calls = {
  'postgresjs-ok': sql((base) => base`select 1`),
  'postgresjs-unique': sql((base) => base`insert into pg_catalog.pg_class select * from pg_catalog.pg_class limit 1`),
  'postgresjs-no-table': sql((base) => base`select * from account_limits`),
  'postgresjs-wrong-password': sql(
    (base) => base`select 1`,
    (url) => Object.assign(url, { password: 'stale' }),
  ),
  'postgresjs-refused': sql((base) => base`select 1`, at('mesh-api', 5433)),
  'postgresjs-dns': sql((base) => base`select 1`, at('pg.internal', 5432)),
  'postgresjs-silent': sql((base) => base`select 1`, at('partner-3.example', 80)),
  'postgresjs-statement-timeout': sql((base) => base`select pg_sleep(1)`, undefined, {
    connection: { statement_timeout: 200 },
  }),
  'postgresjs-terminated': sql((base) => base`select pg_terminate_backend(pg_backend_pid())`),
  'postgresjs-undefined': sql((base) => base`select ${undefined}`),
  'kafkajs-ok': kafka(send('orders')),
  'kafkajs-no-topic': kafka(send('ledgers')),
  'kafkajs-refused': kafka(send('orders'), ['kafka-1:9999']),
  'kafkajs-dns': kafka(send('orders'), ['kafka.internal:9092']),
  'kafkajs-too-large': kafka(send('orders', 'x'.repeat(300_000))),
  'kafkajs-not-connected': kafka((client) => client.producer().send({ topic: 'orders', messages: [{ value: '1' }] })),
  'mongoose-refused': mongo('mongodb://mongo-1:27017/mesh'),
  'mongoose-dns': mongo('mongodb://mongo.internal:27017/mesh'),
  'mongoose-buffering': () => {
    mongoose.set('bufferTimeoutMS', 400);
    return Entry.findOne({});
  },
  'mongoose-validation': () => new Entry({ n: 'many' }).save(),
  'mongoose-cast': () => Entry.findById('not an id'),
  's3-refused': s3('http://cloud-1:8000'),
  's3-dns': s3('http://s3.internal'),
  's3-hangup': s3(env.WORLD_BROKEN_HANGUP),
  's3-silent': s3(env.WORLD_BROKEN_SILENT, { requestTimeout: 400, throwOnRequestTimeout: true }),
  's3-expired': s3(env.WORLD_TLS_EXPIRED),
  'elastic-refused': search('http://search-1:9200'),
  'elastic-silent': search(env.WORLD_BROKEN_SILENT),
  'nats-refused': () =>
    within('nats connect', { 'messaging.system': 'nats', 'server.address': 'nats-1' }, () =>
      nats({ servers: 'nats-1:4222', timeout: 500, reconnect: false }),
    ),
  'kafkajs-wait': async () => {
    await pause(10);
    return kafka(async (client) => {
      const admin = client.admin();
      await admin.connect();
      try {
        await within('create topic', { 'messaging.system': 'kafka' }, () =>
          admin.createTopics({
            topics: [
              { topic: 'orders', numPartitions: 1, replicationFactor: 3 },
              { topic: 'wide', replicationFactor: 3 },
            ],
          }),
        );
      } finally {
        await admin.disconnect();
      }
    })();
  },
};
