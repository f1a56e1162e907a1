// Small things that look the same on every page.
import { serviceToken } from '../state/services.ts';
import { Icon, type IconName } from './icon.tsx';

/** A service's name with its colour beside it. */
export function Service({ name }: { name: string | null }) {
  if (!name) return <span class="faint">–</span>;
  return (
    <span class="service">
      <span class="dot" style={{ background: `var(${serviceToken(name)})` }} aria-hidden="true" />
      {name}
    </span>
  );
}

const GLYPHS: Record<string, IconName> = {
  completed: 'check',
  failed: 'cross',
  timeout: 'clock',
  lost: 'question',
  started: 'dots',
  running: 'dots',
  processing: 'dots',
  pending: 'ring',
  cancelled: 'dash',
};

/** Status by glyph, word and colour. */
export function Status({ status, bare = false }: { status: string; bare?: boolean }) {
  return (
    <span class={`status ${status.replace(/\W/g, '')}`}>
      <Icon name={GLYPHS[status] ?? 'dash'} />
      <span class={bare ? 'unseen' : undefined}>{status}</span>
    </span>
  );
}
