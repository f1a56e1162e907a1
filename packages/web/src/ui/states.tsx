// What a place shows that has nothing to show yet: it loads, it failed, there is nothing.
import type { ComponentChildren } from 'preact';
import type { Problem } from '../state/api.ts';
import type { Resource } from '../state/resource.ts';
import { Icon } from './icon.tsx';

export function Loading({ what }: { what: string }) {
  return (
    <p class="state loading" role="status">
      <span class="spinner" aria-hidden="true" /> Loading {what} …
    </p>
  );
}

export function Failed({ problem, retry }: { problem: Problem; retry?: (() => void) | undefined }) {
  return (
    <div class="state failed" role="alert">
      <p>
        <Icon name="warning" /> {problem.message}
      </p>
      <p class="hint">{problem.hint}</p>
      <p class="hint">
        {retry && (
          <button type="button" onClick={retry}>
            Try again
          </button>
        )}
        {problem.requestId && <small> Request {problem.requestId}</small>}
      </p>
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="state empty">
      <p class="state-title">{title}</p>
      {children}
    </div>
  );
}

interface LoadedProps<T> {
  resource: Resource<T>;
  /** Completes "Loading … ". */
  what: string;
  children(value: T): ComponentChildren;
}

/** The answer, or why there is none. What is there already stays while it loads again, and when that fails. */
export function Loaded<T>({ resource, what, children }: LoadedProps<T>) {
  const { value, problem, loading, reload } = resource;
  if (value === undefined) {
    if (problem) return <Failed problem={problem} retry={reload} />;
    return loading ? <Loading what={what} /> : null;
  }
  return (
    <div class={loading ? 'loaded reloading' : 'loaded'} aria-busy={loading}>
      {problem && <Failed problem={problem} retry={reload} />}
      {children(value)}
    </div>
  );
}
