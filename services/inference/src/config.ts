import { z } from 'zod';
import { faultSchema } from './faults.ts';

const port = z.coerce.number().int().min(0).max(65_535);

/** `a=1,b=2` as {a: '1', b: '2'}. */
const pairs = z.string().transform((text): unknown =>
  Object.fromEntries(
    text
      .split(',')
      .filter((pair) => pair.trim() !== '')
      .map((pair) => pair.trim().split('=') as [string, string]),
  ),
);

/** `slow:800`: a fault and, where it takes time, its delayMs. */
const fault = z
  .string()
  .transform((text): unknown => {
    const [name, delay] = text.split(':');
    return { fault: name, ...(delay && { delayMs: Number(delay) }) };
  })
  .pipe(faultSchema);

const environment = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: port.default(8092),
  REGIONS: z
    .string()
    .default('us-east=8093,eu-west=8094,asia-southeast=8095')
    .pipe(pairs)
    .pipe(z.record(z.string(), port)),
  FAULTS: z.string().default('').pipe(pairs).pipe(z.record(z.string(), fault)),
  INFERENCE_API_KEYS: z
    .string()
    .default('')
    .transform((text) => text.split(',').filter((key) => key !== '')),
  LOCAL_MODEL: z.string().min(1).optional(),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
});

/** Settings of the service; port 0 lets the operating system choose. */
export type Config = z.infer<typeof environment>;

/**
 * @throws Error that names the first variable that is wrong, and what it should be.
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const read = environment.safeParse(env);
  if (!read.success) {
    const issue = read.error.issues[0];
    throw new Error(`${issue?.path.join('.')}: ${issue?.message}`);
  }
  const unknown = Object.keys(read.data.FAULTS).find((name) => !(name in read.data.REGIONS));
  if (unknown !== undefined) throw new Error(`FAULTS: ${unknown} is not in REGIONS.`);
  return read.data;
}
