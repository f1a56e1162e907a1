// The inference service as a real process: the providers these tests route to.
import { spawn } from 'node:child_process';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { after } from 'node:test';

/** Starts it with two regions on free ports; it ends with the tests of this file. */
export async function startInference() {
  const main = path.join(import.meta.dirname, '../../inference/src/main.ts');
  const child = spawn(process.execPath, [main], {
    env: { ...process.env, PORT: '0', REGIONS: 'first=0,second=0', ENABLE_DB_TRACING: 'false' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  after(() => child.kill('SIGKILL'));
  const { port, regions } = await listening(child.stdout);
  const faults = `http://127.0.0.1:${port}/faults`;

  return {
    /** Address of a region, by its port. */
    url: (region: string) => `http://127.0.0.1:${regions[region]}/v1`,
    /** Switches a fault of a region, or clears it. */
    async fault(region: string, fault?: string) {
      const response = await fetch(`${faults}/${region}`, {
        method: fault ? 'PUT' : 'DELETE',
        ...(fault && { headers: { 'content-type': 'application/json' }, body: JSON.stringify({ fault }) }),
      });
      if (!response.ok) throw new Error(await response.text());
    },
  };
}

async function listening(stdout: NodeJS.ReadableStream): Promise<{ port: number; regions: Record<string, number> }> {
  for await (const line of createInterface({ input: stdout })) {
    const said = JSON.parse(line) as { msg: string; port: number; regions: Record<string, number> };
    if (said.msg === 'listening') return said;
  }
  throw new Error('The inference service ended before it listened.');
}
