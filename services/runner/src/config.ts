import * as path from 'node:path';
import { type Redactor, redactorFrom } from '@project-beacon/writer';
import { z } from 'zod';

const count = z.coerce.number().int().min(1);
const milliseconds = z.coerce.number().int().min(1).max(86_400_000);

const environment = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8090),
  DATABASE_URL: z.string({ error: 'is not set; it names the database that holds the jobs' }).min(1),
  /** Base address of the hybrid router. Unset, jobs are accepted and every execution fails by saying so. */
  HYBRID_ROUTER_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http or https address' })
    .refine((url) => !url.includes('@'), { error: 'must not contain credentials' })
    .or(z.literal(''))
    .default('')
    .transform((url) => url.replace(/\/$/, '')),
  /** Executions at once in a region, in this process: `4`, or `4,us-east=8` with exceptions. */
  REGION_CONCURRENCY: z
    .string()
    .regex(/^\d+(,[\w.-]+=\d+)*$/, { error: 'a number, then region=number: 4,us-east=8' })
    .default('4')
    .transform((text) => {
      const [usual = '', ...exceptions] = text.split(',');
      const byRegion = new Map(exceptions.map((pair) => pair.split('=') as [string, string]));
      return (region: string) => Math.max(1, Number(byRegion.get(region) ?? usual));
    }),
  MAX_ATTEMPTS: count.default(2),
  /** Wait before the second attempt; doubles with each further one. */
  RETRY_DELAY_MS: milliseconds.default(500),
  EXECUTION_TIMEOUT_MS: milliseconds.default(60_000),
  /** An execution whose runner has been silent for this long is taken over. */
  STALE_AFTER_MS: milliseconds.default(30_000),
  RECOVERY_INTERVAL_MS: milliseconds.default(15_000),
  /** How long executions in flight may still take when the process is asked to stop. */
  STOP_GRACE_MS: z.coerce.number().int().min(0).max(600_000).default(5000),
  RECEIPT_KEY_FILE: z.string().default(path.join('.beacon', 'receipt-key.pem')),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
});

export interface Config extends z.infer<typeof environment> {
  /** What Beacon's table gets of questions, answers and errors. */
  redactor: Redactor;
}

/** @throws Error that names the variable and never repeats its value, which may hold a password. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const read = environment.safeParse(env);
  if (read.success) return { ...read.data, redactor: redactorFrom(env) };
  const issue = read.error.issues[0];
  throw new Error(`${issue?.path.join('.')}: ${issue?.message}`);
}
