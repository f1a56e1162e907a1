// The command line in a process that stays: loading it takes longer than most verbs, and a test asks for many.
import { main } from '../../src/beacon.ts';

interface Asked {
  args: string[];
  env: Record<string, string>;
  cwd: string;
}

process.on('message', async ({ args, env, cwd }: Asked) => {
  process.env = env;
  process.chdir(cwd);
  process.exitCode = undefined;
  const written = { out: '', err: '' };
  const restore = [capture(process.stdout, 'out', written), capture(process.stderr, 'err', written)];
  await main(args);
  for (const each of restore) each();
  process.send?.({ code: process.exitCode ?? 0, ...written });
});

function capture<K extends string>(stream: NodeJS.WriteStream, as: K, written: Record<K, string>): () => void {
  const { write } = stream;
  stream.write = ((chunk: string | Uint8Array) => {
    written[as] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    return true;
  }) as typeof stream.write;
  return () => {
    stream.write = write;
  };
}
