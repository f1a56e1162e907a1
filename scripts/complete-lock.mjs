// Run after `npm install` when `npm ci` says "Missing: ... from lock file". npm leaves a platform's optional package
// out of the lock file when the registry in use does not carry it; hosts of that platform could then never install.
// This writes the missing entries from what the depending package declares, with the hash that the registry tells of each,
// and changes nothing else.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8'));
const systems = {
  android: 'android',
  darwin: 'darwin',
  freebsd: 'freebsd',
  linux: 'linux',
  win32: 'win32',
  openharmony: 'openharmony',
};
const processors = ['arm64', 'x64', 'ppc64', 'riscv64', 's390x', 'ia32', 'wasm32', 'arm'];

let added = 0;
for (const entry of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    if (lock.packages[key]) continue;
    const words = name.split('/').at(-1);
    const os = Object.keys(systems).find((system) => words.includes(system));
    const cpu = processors.find((processor) => words.includes(processor));
    if (!cpu) throw new Error(`Cannot tell the platform of ${name}.`);
    lock.packages[key] = {
      version,
      cpu: [cpu],
      ...(entry.dev ? { dev: true } : {}),
      optional: true,
      ...(os ? { os: [os] } : {}),
      ...(words.includes('musl') ? { libc: ['musl'] } : words.includes('gnu') ? { libc: ['glibc'] } : {}),
    };
    added++;
  }
}
// Without a hash npm would install whatever it is given under that name.
let hashed = 0;
for (const [key, entry] of Object.entries(lock.packages)) {
  const name = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(key)?.[1];
  if (name === undefined || entry.link || entry.inBundle || entry.integrity) continue;
  const told = execFileSync('npm', ['view', `${name}@${entry.version}`, 'dist.integrity'], { encoding: 'utf8' }).trim();
  if (!/^sha512-[\w+/=]+$/.test(told)) throw new Error(`No hash of ${name}@${entry.version} is known (got "${told}").`);
  entry.integrity = told;
  hashed++;
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} entries added, ${hashed} hashes.`);
