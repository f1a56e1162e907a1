// The numbers a verdict rests on.
import type { ComponentChildren } from 'preact';
import { duration } from '../ui/format.ts';

/** Said elsewhere. */
const ELSEWHERE = new Set(['runner_up', 'counter_evidence']);

/** @param said The sentence above: what it says already is not said again. */
export function Evidence({ evidence, said }: { evidence: Record<string, unknown>; said: string }) {
  const facts = Object.entries(evidence ?? {})
    .filter(
      ([key, value]) => !ELSEWHERE.has(key) && !isEmpty(value) && !(typeof value === 'string' && said.includes(value)),
    )
    .map(([key, value]) => fact(key, value))
    // Short ones share a line.
    .sort((a, b) => Number(a.long) - Number(b.long));
  const against = list(evidence?.counter_evidence);
  return (
    <>
      {facts.length > 0 && (
        <dl class="evidence">
          {facts.map(({ name, value, long }) => (
            <div key={name} class={long ? 'long' : undefined}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
      {against.length > 0 && (
        <div class="evidence-against">
          <strong>Against it: </strong>
          {against.length === 1 ? (
            shown(against[0])
          ) : (
            <ul>
              {against.map((each, n) => (
                <li key={n}>{shown(each)}</li>
              ))}
            </ul>
          )}
        </div>
      )}
    </>
  );
}

const LONG = 60;

function fact(key: string, value: unknown): { name: string; value: ComponentChildren; long: boolean } {
  if (key.endsWith('_ms') && typeof value === 'number') {
    return { name: key.slice(0, -3).replaceAll('_', ' '), value: duration(value), long: false };
  }
  const text = key === 'path' && typeof value === 'string' ? value.replaceAll(' > ', ' › ') : shown(value);
  return { name: key.replaceAll('_', ' '), value: text, long: typeof text !== 'string' || text.length > LONG };
}

function isEmpty(value: unknown): boolean {
  return value === '' || value === null || value === undefined || (Array.isArray(value) && value.length === 0);
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : value ? [value] : [];
}

/** Anything jsonb can hold, as text. */
function shown(value: unknown): ComponentChildren {
  if (typeof value === 'number') return value.toLocaleString('en-US', { maximumFractionDigits: 3 });
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) {
    if (value.every((each) => typeof each !== 'object' || each === null)) return value.map(String).join(', ');
    return (
      <ul>
        {value.map((each, n) => (
          <li key={n}>{shown(each)}</li>
        ))}
      </ul>
    );
  }
  return Object.entries(value)
    .filter(([, each]) => each !== null)
    .map(
      ([key, each]) => `${key.replaceAll('_', ' ')}: ${typeof each === 'object' ? JSON.stringify(each) : String(each)}`,
    )
    .join(', ');
}
