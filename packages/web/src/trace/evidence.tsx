// The numbers behind a verdict.
import type { ComponentChildren } from 'preact';

/** Said elsewhere. */
const ELSEWHERE = new Set(['runner_up', 'counter_evidence']);

export function Evidence({ evidence }: { evidence: Record<string, unknown> }) {
  const facts = Object.entries(evidence ?? {}).filter(([key, value]) => !ELSEWHERE.has(key) && value !== null && !isEmpty(value));
  const against = list(evidence?.counter_evidence);
  return (
    <>
      {facts.length > 0 && (
        <dl class="evidence">
          {facts.map(([key, value]) => (
            <div key={key}>
              <dt>{key.replaceAll('_', ' ')}</dt>
              <dd>{shown(value)}</dd>
            </div>
          ))}
        </dl>
      )}
      {against.length > 0 && (
        <div class="evidence-against">
          <strong>Against it: </strong>
          {against.length === 1 ? shown(against[0]) : <ul>{against.map((each, n) => <li key={n}>{shown(each)}</li>)}</ul>}
        </div>
      )}
    </>
  );
}

function isEmpty(value: unknown): boolean {
  return value === '' || (Array.isArray(value) && value.length === 0);
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
    return <ul>{value.map((each, n) => <li key={n}>{shown(each)}</li>)}</ul>;
  }
  return Object.entries(value)
    .filter(([, each]) => each !== null)
    .map(([key, each]) => `${key.replaceAll('_', ' ')}: ${typeof each === 'object' ? JSON.stringify(each) : String(each)}`)
    .join(', ');
}
