// Runs the programs of world/stacks, which fail on purpose, and stores what they exported. Run:
//   npm run world:record [-- <stack> [failure ...]]
import { recordStack } from './recording/recorder.ts';
import { readStacks } from './recording/stack.ts';
import { writeTable } from './recording/table.ts';

const [only, ...chosen] = process.argv.slice(2);
for (const stack of readStacks(only)) {
  const unknown = chosen.filter((id) => !stack.failures.some((failure) => failure.id === id));
  if (unknown.length > 0) throw new Error(`${stack.name} has no failure "${unknown.join('", "')}".`);
  const failures = stack.failures.filter(({ id }) => chosen.length === 0 || chosen.includes(id));
  const missing = await recordStack(stack, failures);
  if (missing.length === 0) continue;
  console.log(`${stack.name}: nothing was exported for ${missing.join(', ')}.`);
  process.exitCode = 1;
}
writeTable();
